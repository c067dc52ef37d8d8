//! What merchants are told: a row per event, which is also its delivery.

use domain::ids::{EventId, MerchantId, RecoveryId};
use jiff::Timestamp;
use uuid::Uuid;

use super::recovery::RecoveryState;
use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::Row;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_PLATFORM_EVENT, LIST_EVENTS_OF_RECOVERY];

/// An event and how far its delivery has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformEvent {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id.
    pub id: EventId,
    /// The recovery that it is about.
    pub recovery_id: RecoveryId,
    /// Its name, e.g. `order.completed`.
    pub kind: String,
    /// The merchant's order id.
    pub external_order_id: String,
    /// JSON; none for most kinds.
    pub event_data: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
    /// `waiting`, `delivered`, `given_up` or `unaddressed`.
    pub state: String,
    /// How often it was sent.
    pub tries: i64,
    /// What came of the last try, in words.
    pub last_result: String,
    /// When it is sent next.
    pub next_try_at: Option<Timestamp>,
}

/// A new event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTold<'a> {
    /// Its id.
    pub id: EventId,
    /// What it happened to: the recovery, or a refund. An event of a kind happens once per subject.
    pub subject_id: Uuid,
    /// Its name.
    pub kind: &'a str,
    /// JSON.
    pub event_data: Option<String>,
    /// Only when the recovery is in this state.
    pub only_in: Option<RecoveryState>,
    /// When it happened.
    pub at: Timestamp,
}

const INSERT_PLATFORM_EVENT: &str = "-- insert_platform_event
INSERT INTO platform_events (merchant_id, id, recovery_id, subject_id, kind, external_order_id, event_data,
    created_at, state, tries, last_result, next_try_at)
SELECT merchant_id, $3, id, $4, $5, external_order_id, $6, $7, 'waiting', 0, '', $7
FROM recoveries
WHERE merchant_id = $1
    AND id = $2
    AND (CAST($8 AS TEXT) IS NULL OR state = $8)
ON CONFLICT (merchant_id, subject_id, kind) DO NOTHING";

/// Tells what happened to a recovery, in the transaction that changed it: nothing when it is not in that state, or when
/// it was told before.
pub fn insert_event(merchant_id: MerchantId, recovery_id: RecoveryId, event: &EventTold<'_>) -> Step {
    let args = vec![
        merchant_id.into(),
        recovery_id.into(),
        event.id.into(),
        event.subject_id.into(),
        event.kind.into(),
        event.event_data.clone().into(),
        event.at.into(),
        event.only_in.map(|state| state.as_str().to_owned()).into(),
    ];
    Step::any(INSERT_PLATFORM_EVENT, args)
}

const LIST_EVENTS_OF_RECOVERY: &str = concat!(
    "-- list_platform_events_of_recovery
SELECT ",
    event_columns!(),
    "
FROM platform_events
WHERE merchant_id = $1
    AND recovery_id = $2
ORDER BY created_at, id"
);

impl Store {
    /// What was told about a recovery, oldest first.
    pub async fn list_platform_events(
        &self,
        merchant_id: MerchantId,
        recovery_id: RecoveryId,
    ) -> Result<Vec<PlatformEvent>, StoreError> {
        let args = vec![merchant_id.into(), recovery_id.into()];
        self.query(Statement::new(LIST_EVENTS_OF_RECOVERY, args)).await?.iter().map(read).collect()
    }
}

pub(super) fn read(row: &Row) -> Result<PlatformEvent, StoreError> {
    Ok(PlatformEvent {
        merchant_id: row.id("merchant_id")?,
        id: row.id("id")?,
        recovery_id: row.id("recovery_id")?,
        kind: row.text("kind")?,
        external_order_id: row.text("external_order_id")?,
        event_data: row.opt_text("event_data")?,
        created_at: row.at("created_at")?,
        state: row.text("state")?,
        tries: row.int("tries")?,
        last_result: row.text("last_result")?,
        next_try_at: row.opt_at("next_try_at")?,
    })
}
