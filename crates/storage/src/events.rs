//! Events: what happened, to be told to the merchant once.

use domain::ids::{EventId, Id, MerchantId, OrderId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_EVENT, LIST_EVENTS_OF_ORDER];

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id.
    pub id: EventId,
    /// Its kind, e.g. `new_sale`.
    pub kind: String,
    /// What it is about: an event of a kind happens once per subject.
    pub subject_id: Uuid,
    /// Its order.
    pub order_id: OrderId,
    /// JSON.
    pub body: String,
    /// When it happened.
    pub created_at: Timestamp,
}

impl Event {
    /// The UUID of a subject.
    pub fn subject<I: Id>(id: I) -> Uuid {
        id.uuid()
    }
}

const INSERT_EVENT: &str = "-- insert_event
INSERT INTO events (merchant_id, id, kind, subject_id, order_id, body, created_at, next_try_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT (merchant_id, subject_id, kind) DO NOTHING";

/// Something happened; conflict when it was told of this subject before.
pub fn insert(event: &Event) -> Step {
    Step::one(
        INSERT_EVENT,
        vec![
            event.merchant_id.into(),
            event.id.into(),
            Value::from(&event.kind),
            event.subject_id.into(),
            event.order_id.into(),
            Value::from(&event.body),
            event.created_at.into(),
        ],
    )
}

const LIST_EVENTS_OF_ORDER: &str = "-- list_events_of_order
SELECT merchant_id, id, kind, subject_id, order_id, body, created_at
FROM events
WHERE merchant_id = $1
    AND order_id = $2
ORDER BY created_at, id";

impl Store {
    /// All events of an order, oldest first.
    pub async fn list_events_of_order(
        &self,
        merchant_id: MerchantId,
        order_id: OrderId,
    ) -> Result<Vec<Event>, StoreError> {
        let statement = Statement::new(LIST_EVENTS_OF_ORDER, vec![merchant_id.into(), order_id.into()]);
        let rows = self.query(statement).await?;
        let read = |row: &crate::Row| {
            let subject: EventId = row.id("subject_id")?;
            Ok(Event {
                merchant_id: row.id("merchant_id")?,
                id: row.id("id")?,
                kind: row.text("kind")?,
                subject_id: subject.uuid(),
                order_id: row.id("order_id")?,
                body: row.text("body")?,
                created_at: row.at("created_at")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
