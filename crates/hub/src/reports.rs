//! Reports from gateways: kept byte by byte first, believed by their signature, and then applied once (R134–R137, M32).
//!
//! | file | does |
//! |---|---|
//! | `receive` | keeps what came in, under a lease of its own |
//! | `work` | believes or refuses it, applies it, ends it; also after a crash |
//! | `apply` | which attempt it is about, and what its kind leads to |
//! | `result` | completed, expired, cancelled, capture required |
//! | `refund`, `chargeback` | money that went back |
//! | `late`, `give_back`, `keep` | approvals that came too late (M17) |
//! | `people` | chargebacks and refunds that people mark and book |

mod apply;
mod chargeback;
mod confirm;
mod give_back;
mod keep;
mod late;
mod people;
mod receive;
mod refund;
mod result;
mod sweep;
mod work;

pub use keep::LateDecision;
pub use people::ChargebackMark;
pub use receive::Received;

use domain::attempt::Attempt;
use gateways::{Report, ReportKind};
use jiff::{SignedDuration, Timestamp};
use storage::Step;
use storage::inbound_reports::{Ended, InboundReport, ReportState};

/// The kind of the alert about an approval that came too late; it is closed when the money is given back or kept.
const LATE_APPROVAL: &str = "late_approval";
/// The kind of the alert about a late approval that does not go back.
const STUCK: &str = "late_approval_stuck";

/// A believed report on its way to an effect.
struct Case<'a> {
    /// As it is kept.
    kept: &'a InboundReport,
    /// What it tells.
    report: &'a Report,
    /// The gateway that it came in for.
    gateway: &'a std::sync::Arc<dyn gateways::Gateway>,
}

/// What a report leads to.
enum Effect {
    /// It ends, with these steps in the same transaction.
    End(Ended, Vec<Step>),
    /// It cannot be applied yet, for this reason.
    Wait(String),
}

impl Effect {
    fn end(state: ReportState, attempt: Option<&Attempt>, words: impl Into<String>) -> Self {
        let ended = Ended {
            state,
            effect: words.into(),
            attempt_id: attempt.map(|attempt| attempt.id),
            operation_id: None,
        };
        Self::End(ended, Vec::new())
    }

    fn ignored(attempt: &Attempt, words: impl Into<String>) -> Self {
        Self::end(ReportState::Ignored, Some(attempt), words)
    }

    fn applied(attempt: &Attempt, words: impl Into<String>) -> Self {
        Self::end(ReportState::Applied, Some(attempt), words)
    }

    fn with(mut self, more: impl IntoIterator<Item = Step>) -> Self {
        if let Self::End(_, steps) = &mut self {
            steps.extend(more);
        }
        self
    }
}

/// The word of a kind, as it is kept and shown.
fn word(kind: &ReportKind) -> &str {
    match kind {
        ReportKind::Completed => "completed",
        ReportKind::Expired => "expired",
        ReportKind::Cancelled => "cancelled",
        ReportKind::Refunded(_) => "refunded",
        ReportKind::CaptureRequired => "capture_required",
        ReportKind::ChargedBack { .. } => "charged_back",
        ReportKind::Other(name) => name,
    }
}

fn later(from: Timestamp, secs: i64) -> Timestamp {
    from.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
}
