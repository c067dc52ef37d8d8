//! Open salvages: attempts that a gateway works on until a deadline (M20–M23).

use domain::attempt::Attempt;
use domain::ids::{AttemptId, GatewayId, MerchantId};
use jiff::Timestamp;
use uuid::Uuid;

use super::row::read;
use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    PEND_ATTEMPT,
    POLL_ATTEMPT,
    ASK_CANCEL,
    ASK_FENCE,
    FIND_CANCEL_ASKED,
    LIST_OPEN_SALVAGES,
    COUNT_OPEN_SALVAGES,
];

const PEND_ATTEMPT: &str = "-- pend_attempt
UPDATE attempts
SET state = 'pending',
    gateway_reference = $3,
    next_check_at = CASE WHEN cancel_asked_at IS NULL THEN $4 ELSE $7 END,
    needs_person = $6,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL
    AND deadline_at IS NOT NULL
    AND (lease_fence IS NULL OR lease_fence = $5 OR lease_until <= $7)";

/// Name of the step that fails when the attempt was settled before.
pub const NOT_PENDABLE: &str = "pend_attempt";

/// The gateway works on it under this id, and is asked again then; at once when we want it to stop. Conflict when it is
/// settled, or leased by somebody else.
pub fn pend(
    merchant_id: MerchantId,
    id: AttemptId,
    reference: &str,
    next_check_at: Timestamp,
    fence: Option<Uuid>,
    now: Timestamp,
) -> Step {
    let args = vec![
        merchant_id.into(),
        id.into(),
        reference.into(),
        next_check_at.into(),
        crate::Value::Id(fence),
        false.into(),
        now.into(),
    ];
    Step::one(PEND_ATTEMPT, args)
}

const POLL_ATTEMPT: &str = "-- poll_attempt
UPDATE attempts
SET checks = checks + 1,
    next_check_at = CASE WHEN cancel_asked_at IS NULL THEN $3 ELSE $5 END,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL
    AND (lease_fence IS NULL OR lease_fence = $4 OR lease_until <= $5)";

/// Still open: asked once more, and again then; at once when somebody wants it to stop since it was read.
pub fn poll(
    merchant_id: MerchantId,
    id: AttemptId,
    next_check_at: Timestamp,
    fence: Option<Uuid>,
    now: Timestamp,
) -> Step {
    let args = vec![merchant_id.into(), id.into(), next_check_at.into(), crate::Value::Id(fence), now.into()];
    Step::any(POLL_ATTEMPT, args)
}

const ASK_CANCEL: &str = "-- ask_cancel
UPDATE attempts
SET cancel_asked_at = COALESCE(cancel_asked_at, $3),
    next_check_at = CASE WHEN state = 'sending' THEN next_check_at ELSE $3 END
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL
    AND deadline_at IS NOT NULL";

/// The salvage gateway is asked to stop (M23): looked at at once, or as soon as its submission was answered. Nothing when
/// it has ended.
pub fn ask_cancel(merchant_id: MerchantId, id: AttemptId, at: Timestamp) -> Step {
    Step::any(ASK_CANCEL, vec![merchant_id.into(), id.into(), at.into()])
}

const ASK_FENCE: &str = "-- ask_fence
UPDATE attempts
SET fence_asked_at = COALESCE(fence_asked_at, $3)
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL
    AND deadline_at IS NOT NULL";

/// Name of the step that fails when there is nothing to fence any more.
pub const NOT_FENCEABLE: &str = "ask_fence";

/// The salvage gateway is about to be asked to fence a submission that it does not know (M20). Conflict when it is settled.
pub fn ask_fence(merchant_id: MerchantId, id: AttemptId, at: Timestamp) -> Step {
    Step::one(ASK_FENCE, vec![merchant_id.into(), id.into(), at.into()])
}

const FIND_CANCEL_ASKED: &str = "-- find_cancel_asked
SELECT cancel_asked_at, fence_asked_at
FROM attempts
WHERE merchant_id = $1
    AND id = $2";

const LIST_OPEN_SALVAGES: &str = concat!(
    "-- list_open_salvages
SELECT ",
    columns!(),
    "
FROM attempts
WHERE merchant_id = $1
    AND gateway_id = $2
    AND state = 'pending'
ORDER BY created_at, id
LIMIT CAST($3 AS BIGINT)"
);

const COUNT_OPEN_SALVAGES: &str = "-- count_open_salvages
SELECT CAST(COUNT(*) AS BIGINT) AS found
FROM attempts
WHERE merchant_id = $1
    AND state = 'pending'";

impl Store {
    /// When we asked the salvage gateway to stop, if we did.
    pub async fn find_cancel_asked(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.find_asked(merchant_id, id).await?.0)
    }

    /// When we asked the salvage gateway to stop, and when to fence a submission that nobody had acknowledged.
    pub async fn find_asked(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), StoreError> {
        let statement = Statement::new(FIND_CANCEL_ASKED, vec![merchant_id.into(), id.into()]);
        match self.query_one(statement).await? {
            Some(row) => Ok((row.opt_at("cancel_asked_at")?, row.opt_at("fence_asked_at")?)),
            None => Ok((None, None)),
        }
    }

    /// Open salvages at a gateway, oldest first.
    pub async fn list_open_salvages(
        &self,
        merchant_id: MerchantId,
        gateway_id: GatewayId,
        limit: i64,
    ) -> Result<Vec<Attempt>, StoreError> {
        let args = vec![merchant_id.into(), gateway_id.into(), limit.into()];
        self.query(Statement::new(LIST_OPEN_SALVAGES, args)).await?.iter().map(read).collect()
    }

    /// How many salvages are open.
    pub async fn count_open_salvages(&self, merchant_id: MerchantId) -> Result<i64, StoreError> {
        let statement = Statement::new(COUNT_OPEN_SALVAGES, vec![merchant_id.into()]);
        self.query_one(statement).await?.map_or(Ok(0), |row| row.int("found"))
    }
}
