//! Alerts (what a person must look at) and the audit log (who changed what, and why).

use domain::ids::{AlertId, AttemptId, AuditId, MerchantId, OrderId};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[INSERT_ALERT, LIST_OPEN_ALERTS, CLOSE_ALERT, LIST_ALERT_WORDS, INSERT_AUDIT, LIST_AUDIT];

/// Something a person must look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id.
    pub id: AlertId,
    /// Its kind, e.g. `late_approval`.
    pub kind: String,
    /// The order it is about.
    pub order_id: Option<OrderId>,
    /// The attempt it is about.
    pub attempt_id: Option<AttemptId>,
    /// What happened and what to do.
    pub words: String,
    /// When.
    pub created_at: Timestamp,
}

const INSERT_ALERT: &str = "-- insert_alert
INSERT INTO alerts (merchant_id, id, kind, order_id, attempt_id, words, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Raises an alert.
pub fn insert(alert: &Alert) -> Step {
    Step::one(
        INSERT_ALERT,
        vec![
            alert.merchant_id.into(),
            alert.id.into(),
            Value::from(&alert.kind),
            Value::id(alert.order_id),
            Value::id(alert.attempt_id),
            Value::from(&alert.words),
            alert.created_at.into(),
        ],
    )
}

const LIST_OPEN_ALERTS: &str = "-- list_open_alerts
SELECT merchant_id, id, kind, order_id, attempt_id, words, created_at
FROM alerts
WHERE merchant_id = $1
    AND closed_at IS NULL
ORDER BY created_at, id
LIMIT CAST($2 AS BIGINT)";

const CLOSE_ALERT: &str = "-- close_alert
UPDATE alerts
SET closed_at = $3
WHERE merchant_id = $1
    AND id = $2
    AND closed_at IS NULL";

/// Name of the step that fails when there is no such open alert.
pub const NOT_OPEN: &str = "close_alert";

/// A person has seen to it. Conflict when there is no such alert, or it is closed already.
pub fn close(merchant_id: MerchantId, id: AlertId, at: Timestamp) -> Step {
    Step::one(CLOSE_ALERT, vec![merchant_id.into(), id.into(), at.into()])
}

const LIST_ALERT_WORDS: &str = "-- list_alert_words
SELECT words
FROM alerts
WHERE merchant_id = $1
    AND kind = $2
ORDER BY created_at DESC, id DESC
LIMIT CAST($3 AS BIGINT)";

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done.
    pub what: String,
    /// Why, in the actor's words.
    pub note: String,
}

const INSERT_AUDIT: &str = "-- insert_audit
INSERT INTO audit (merchant_id, id, at, actor, what, note)
VALUES ($1, $2, $3, $4, $5, $6)";

/// Records who did what, and why.
pub fn audit(line: &Audit) -> Step {
    Step::one(
        INSERT_AUDIT,
        vec![
            line.merchant_id.into(),
            line.id.into(),
            line.at.into(),
            Value::from(&line.actor),
            Value::from(&line.what),
            Value::from(&line.note),
        ],
    )
}

const LIST_AUDIT: &str = "-- list_audit
SELECT merchant_id, id, at, actor, what, note
FROM audit
WHERE merchant_id = $1
ORDER BY at DESC, id DESC
LIMIT CAST($2 AS BIGINT)";

impl Store {
    /// What alerts of a kind say, open and closed, the newest first.
    pub async fn list_alert_words(
        &self,
        merchant_id: MerchantId,
        kind: &str,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        let args = vec![merchant_id.into(), kind.into(), limit.into()];
        self.query(Statement::new(LIST_ALERT_WORDS, args))
            .await?
            .iter()
            .map(|row| row.text("words"))
            .collect()
    }

    /// Alerts that nobody has closed, oldest first.
    pub async fn list_open_alerts(
        &self,
        merchant_id: MerchantId,
        limit: i64,
    ) -> Result<Vec<Alert>, StoreError> {
        let rows =
            self.query(Statement::new(LIST_OPEN_ALERTS, vec![merchant_id.into(), limit.into()])).await?;
        let read = |row: &crate::Row| {
            Ok(Alert {
                merchant_id: row.id("merchant_id")?,
                id: row.id("id")?,
                kind: row.text("kind")?,
                order_id: row.opt_id("order_id")?,
                attempt_id: row.opt_id("attempt_id")?,
                words: row.text("words")?,
                created_at: row.at("created_at")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// The audit log, newest first.
    pub async fn list_audit(&self, merchant_id: MerchantId, limit: i64) -> Result<Vec<Audit>, StoreError> {
        let rows = self.query(Statement::new(LIST_AUDIT, vec![merchant_id.into(), limit.into()])).await?;
        let read = |row: &crate::Row| {
            Ok(Audit {
                merchant_id: row.id("merchant_id")?,
                id: row.id("id")?,
                at: row.at("at")?,
                actor: row.text("actor")?,
                what: row.text("what")?,
                note: row.text("note")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
