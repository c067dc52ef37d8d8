//! Refunds that are asked for again: these calls have no key by which a repetition could be known.

use std::collections::HashSet;

use domain::ids::{AttemptId, MerchantId, OrderId};
use domain::money::Money;
use hub::HubError;
use jiff::SignedDuration;
use storage::operations::Operation;

use super::Crm;

/// The same refund asked for again within this time is the same refund.
const WITHIN_MINUTES: i64 = 10;

/// The parts of one refund follow each other within this time: one call to a gateway.
const PART_SECS_MAX: i64 = 60;

/// Refunds of an order that were begun a short while ago, the oldest first: done, or with an outcome still to come.
pub(super) async fn recent_refunds(
    crm: &Crm,
    merchant_id: MerchantId,
    order_id: OrderId,
) -> Result<Vec<Operation>, HubError> {
    let since = crm.hub.minter().now() - SignedDuration::from_mins(WITHIN_MINUTES);
    let mut all = crm.hub.store().list_operations_of_order(merchant_id, order_id).await?;
    all.retain(|one| one.kind == "refund" && may_have_acted(one) && one.created_at > since);
    Ok(all)
}

/// The gateway gave it back, or may have.
pub(super) fn may_have_acted(operation: &Operation) -> bool {
    matches!(operation.state.as_str(), "sending" | "in_doubt" | "done")
}

/// Whether one of them gave this much of an attempt back.
pub(super) fn is_repeated(recent: &[Operation], attempt: AttemptId, amount: Money) -> bool {
    recent.iter().any(|one| one.attempt_id == attempt && one.amount == amount)
}

/// Whether they gave this much of an order back: one of them, or the latest together, spread over its approvals.
pub(super) fn is_repeated_over(recent: &[Operation], amount: Money) -> bool {
    let (mut of, mut sum, mut later) = (HashSet::new(), 0_i64, None);
    let is_part = |one: &&Operation| {
        let follows = later.is_none_or(|at| one.created_at.duration_until(at).as_secs() <= PART_SECS_MAX);
        later = Some(one.created_at);
        follows && of.insert(one.attempt_id)
    };
    let is_spread = recent.iter().rev().take_while(is_part).any(|one| {
        sum = sum.saturating_add(one.amount.minor());
        sum == amount.minor()
    });
    is_spread || recent.iter().any(|one| one.amount == amount)
}
