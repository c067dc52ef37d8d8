//! What was given back of an attempt, in the transaction that builds on it.

use domain::ids::{AttemptId, MerchantId};

use super::insert::LOCK_ATTEMPT;
use crate::statement::Step;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[GIVEN_BACK];

const GIVEN_BACK: &str = "-- given_back
SELECT checks
FROM attempts
WHERE merchant_id = $1
    AND id = $2
    AND $3 = (
        SELECT COALESCE(SUM(amount_minor), 0)
        FROM operations
        WHERE merchant_id = $1
            AND attempt_id = $2
            AND kind IN ('void', 'refund')
            AND state = 'done')";

/// Name of the step that fails when another void or refund of the attempt was done meanwhile.
pub const GIVEN_BACK_SINCE: &str = "given_back";

/// Locks an attempt that is approved and not undone, so that what is given back of it is counted by one after the other;
/// nothing when it is not. Comes before what changes its operations, as in [`super::insert()`].
pub fn lock_attempt(merchant_id: MerchantId, attempt_id: AttemptId) -> Step {
    Step::any(LOCK_ATTEMPT, vec![merchant_id.into(), attempt_id.into()])
}

/// Voids and refunds of the attempt that are done come to exactly `minor`, what this transaction does included: whether
/// that is the whole (M16) was decided on the truth. Conflict in [`GIVEN_BACK_SINCE`] when it was not: decide again.
pub fn given_back(merchant_id: MerchantId, attempt_id: AttemptId, minor: i64) -> Step {
    Step::require(GIVEN_BACK, vec![merchant_id.into(), attempt_id.into(), minor.into()])
}
