//! A bill with everything that its outcome needs to know.

use domain::attempt::Attempt;
use domain::ids::MerchantId;
use domain::order::{CardShown, Order};
use domain::payment::Payment;
use domain::subscription::Subscription;
use storage::StoreError;

use crate::Hub;

/// The debt of a billing cycle, its subscription, and the order that it began on.
#[derive(Debug, Clone)]
pub(crate) struct BillingCase {
    pub(crate) payment: Payment,
    pub(crate) cycle: i64,
    pub(crate) subscription: Subscription,
    pub(crate) origin: Order,
    /// The card of the attempt as it may be shown, when it was read with the plan.
    pub(crate) card: Option<CardShown>,
}

impl Hub {
    /// The bill that an attempt collects; none when it collects no bill.
    pub(crate) async fn billing_case(&self, attempt: &Attempt) -> Result<Option<BillingCase>, StoreError> {
        let merchant_id = attempt.merchant_id;
        let Some(payment) = self.store().find_payment(merchant_id, attempt.payment_id).await? else {
            return Ok(None);
        };
        let Some((id, cycle)) = payment.cycle else { return Ok(None) };
        let missing = |table| StoreError::Inconsistent { table, column: "id", id: id.to_string() };
        let found = self.store().find_subscription(merchant_id, id).await?;
        let subscription = found.ok_or_else(|| missing("subscriptions"))?;
        let origin = self.origin_of(merchant_id, &subscription).await?;
        Ok(Some(BillingCase { payment, cycle, subscription, origin, card: None }))
    }

    /// The order that a subscription began on.
    pub(crate) async fn origin_of(
        &self,
        merchant_id: MerchantId,
        subscription: &Subscription,
    ) -> Result<Order, StoreError> {
        let missing = || StoreError::Inconsistent {
            table: "orders",
            column: "id",
            id: subscription.order_id.to_string(),
        };
        self.store().find_order(merchant_id, subscription.order_id).await?.ok_or_else(missing)
    }
}
