//! What gateways reported: kept byte by byte before anything else is done with it (M32).

macro_rules! columns {
    () => {
        "merchant_id, id, gateway_id, received_at, headers, host, body, kind, reference, gateway_reference, state, effect,
         attempt_id, operation_id, tries, next_try_at"
    };
}

pub(crate) mod about;
pub(crate) mod alert;
pub(crate) mod due;
pub(crate) mod end;
pub(crate) mod find;
pub(crate) mod insert;

pub use alert::alert_once;
pub use end::{Ended, LEASE_LOST, discard, end, trim_refused, wait};
pub use insert::{Named, SEEN_BEFORE, insert, name};

use domain::ids::{AttemptId, GatewayId, InboundReportId, MerchantId, OperationId};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::value::Row;

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportState {
    /// Kept, and still to be worked on.
    Received,
    /// It had an effect.
    Applied,
    /// Understood; nothing had to change.
    Ignored,
    /// It is about nothing that is known here.
    Unmatched,
    /// Not believed: its signature is wrong, or nothing can be read.
    Refused,
}

impl ReportState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Received, Self::Applied, Self::Ignored, Self::Unmatched, Self::Refused];

    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Unmatched => "unmatched",
            Self::Refused => "refused",
        }
    }

    /// The state with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A report as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct InboundReport {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id.
    pub id: InboundReportId,
    /// The gateway that it came in for.
    pub gateway_id: GatewayId,
    /// When it came in.
    pub received_at: Timestamp,
    /// Its headers: names in lower case, values as received.
    pub headers: Vec<(String, String)>,
    /// The host that its signature is checked for.
    pub host: String,
    /// Its body, byte by byte.
    pub body: Vec<u8>,
    /// What it tells, e.g. `completed`; empty until it is read.
    pub kind: String,
    /// Our reference that it names; empty until it is read.
    pub reference: String,
    /// The gateway's id; empty until it is read.
    pub gateway_reference: String,
    /// What became of it.
    pub state: ReportState,
    /// What came of it, in one sentence; empty until something did.
    pub effect: String,
    /// The attempt that it is about.
    pub attempt_id: Option<AttemptId>,
    /// The refund that it tells of.
    pub operation_id: Option<OperationId>,
    /// How often it was tried to apply it.
    pub tries: i64,
    /// When it is tried again.
    pub next_try_at: Option<Timestamp>,
}

impl std::fmt::Debug for InboundReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (id, state, bytes) = (self.id, self.state.as_str(), self.body.len());
        write!(f, "{id} ({} {state}, {bytes} bytes: {})", self.kind, self.effect)
    }
}

/// A report from its row; a row that fits no report is named in the error.
fn read(row: &Row) -> Result<InboundReport, StoreError> {
    let id: InboundReportId = row.id("id")?;
    read_columns(row, id).map_err(|error| match error {
        StoreError::Inconsistent { column, .. } => {
            StoreError::Inconsistent { table: "inbound_reports", column, id: id.to_string() }
        }
        other => other,
    })
}

fn read_columns(row: &Row, id: InboundReportId) -> Result<InboundReport, StoreError> {
    let odd = |column| StoreError::Inconsistent { table: "inbound_reports", column, id: String::new() };
    Ok(InboundReport {
        merchant_id: row.id("merchant_id")?,
        id,
        gateway_id: row.id("gateway_id")?,
        received_at: row.at("received_at")?,
        headers: serde_json::from_str(&row.text("headers")?).map_err(|_| odd("headers"))?,
        host: row.text("host")?,
        body: row.opt_bytes("body")?.ok_or_else(|| odd("body"))?,
        kind: row.text("kind")?,
        reference: row.text("reference")?,
        gateway_reference: row.text("gateway_reference")?,
        state: row.word("state", ReportState::parse)?,
        effect: row.text("effect")?,
        attempt_id: row.opt_id("attempt_id")?,
        operation_id: row.opt_id("operation_id")?,
        tries: row.int("tries")?,
        next_try_at: row.opt_at("next_try_at")?,
    })
}
