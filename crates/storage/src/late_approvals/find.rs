//! Late approvals by attempt and time.

use domain::ids::{AttemptId, MerchantId, PaymentId};
use jiff::Timestamp;
use uuid::Uuid;

use super::{LateApproval, LateState, read};
use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[FIND_LATE_APPROVAL, LIST_LATE_APPROVALS, LATE_APPROVAL_OF_PAYMENT];

const FIND_LATE_APPROVAL: &str = concat!(
    "-- find_late_approval
SELECT ",
    columns!(),
    "
FROM late_approvals
WHERE merchant_id = $1
    AND attempt_id = $2"
);

const LIST_LATE_APPROVALS: &str = concat!(
    "-- list_late_approvals
SELECT ",
    columns!(),
    "
FROM late_approvals
WHERE merchant_id = $1
    AND ($2 IS NULL OR state = $2)
    AND (seen_at, attempt_id) < ($3, $4)
ORDER BY seen_at DESC, attempt_id DESC
LIMIT CAST($5 AS BIGINT)"
);

const LATE_APPROVAL_OF_PAYMENT: &str = "-- late_approval_of_payment
SELECT l.attempt_id
FROM late_approvals l
JOIN attempts a ON a.merchant_id = l.merchant_id AND a.id = l.attempt_id
WHERE l.merchant_id = $1
    AND a.payment_id = $2
    AND l.state <> 'given_back'";

/// Name of the step that fails while a late approval of the same debt is not given back.
pub const UNDECIDED: &str = "late_approval_of_payment";

/// Requires that no late approval of this debt is kept, waiting or on its way back: nobody pays twice while people think
/// (M17).
pub fn refuse_undecided(merchant_id: MerchantId, payment_id: PaymentId) -> Step {
    Step::refuse(LATE_APPROVAL_OF_PAYMENT, vec![merchant_id.into(), payment_id.into()])
}

impl Store {
    /// The late approval of an attempt.
    pub async fn find_late_approval(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
    ) -> Result<Option<LateApproval>, StoreError> {
        let statement = Statement::new(FIND_LATE_APPROVAL, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// Late approvals, newest first: those before the one that was seen at that moment for that attempt.
    pub async fn list_late_approvals(
        &self,
        merchant_id: MerchantId,
        state: Option<LateState>,
        before: Option<(Timestamp, Uuid)>,
        limit: i64,
    ) -> Result<Vec<LateApproval>, StoreError> {
        let (at, id) = before.map_or((i64::MAX, Uuid::max()), |(at, id)| (at.as_microsecond(), id));
        let args = vec![
            merchant_id.into(),
            Value::Text(state.map(|state| state.as_str().to_owned())),
            at.into(),
            id.into(),
            limit.into(),
        ];
        self.query(Statement::new(LIST_LATE_APPROVALS, args)).await?.iter().map(read).collect()
    }
}
