//! `Idempotency-Key`: the same key and body replays the stored answer (M3).

use domain::ids::MerchantId;
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[TAKE_KEY, ANSWER_KEY, FORGET_KEY, FIND_KEY];

const TAKE_KEY: &str = "-- take_key
INSERT INTO idempotency_keys (merchant_id, key, fingerprint, created_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, key) DO NOTHING";

/// Name of the step that fails when the key was used before.
pub const KEY_USED: &str = "take_key";

/// Takes a key for a request with this fingerprint.
pub fn take(merchant_id: MerchantId, key: &str, fingerprint: &str, at: Timestamp) -> Step {
    Step::one(TAKE_KEY, vec![merchant_id.into(), key.into(), fingerprint.into(), at.into()])
}

const ANSWER_KEY: &str = "-- answer_key
UPDATE idempotency_keys
SET status = $3, body = $4
WHERE merchant_id = $1
    AND key = $2";

/// Keeps the answer.
pub fn answer(merchant_id: MerchantId, key: &str, status: i64, body: &str) -> Step {
    Step::one(ANSWER_KEY, vec![merchant_id.into(), key.into(), status.into(), body.into()])
}

const FORGET_KEY: &str = "-- forget_key
DELETE FROM idempotency_keys
WHERE merchant_id = $1
    AND key = $2
    AND status IS NULL";

/// Gives back a key whose request was refused before it did anything.
pub fn forget(merchant_id: MerchantId, key: &str) -> Step {
    Step::any(FORGET_KEY, vec![merchant_id.into(), key.into()])
}

const FIND_KEY: &str = "-- find_key
SELECT fingerprint, status, body
FROM idempotency_keys
WHERE merchant_id = $1
    AND key = $2";

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The fingerprint of its request.
    pub fingerprint: String,
    /// The stored answer: HTTP status and body; none while the first request runs.
    pub answer: Option<(i64, String)>,
}

impl Store {
    /// What is known of a key.
    pub async fn find_idempotency_key(
        &self,
        merchant_id: MerchantId,
        key: &str,
    ) -> Result<Option<Kept>, StoreError> {
        let row = self.query_one(Statement::new(FIND_KEY, vec![merchant_id.into(), key.into()])).await?;
        let read = |row: crate::Row| {
            Ok(Kept {
                fingerprint: row.text("fingerprint")?,
                answer: row.opt_int("status")?.zip(row.opt_text("body")?),
            })
        };
        row.map(read).transpose()
    }
}
