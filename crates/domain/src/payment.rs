//! Payments: one debt that the merchant wants to collect.

use crate::attempt::words;
use crate::ids::{MerchantId, OrderId, PaymentId, SubscriptionId};
use crate::money::Money;

/// Where a debt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentState {
    /// An attempt is under way.
    Attempting,
    /// An attempt may have collected it; nobody knows yet.
    InDoubt,
    /// Collected.
    Paid,
    /// The last attempt did not collect it.
    Declined,
    /// Collected, then given back in full.
    Reversed,
}

words!(PaymentState {
    Attempting = "attempting",
    InDoubt = "in_doubt",
    Paid = "paid",
    Declined = "declined",
    Reversed = "reversed",
});

/// One debt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// The tenant.
    pub merchant_id: MerchantId,
    /// The order it belongs to.
    pub order_id: OrderId,
    /// What is owed.
    pub amount: Money,
    /// Where it stands.
    pub state: PaymentState,
    /// The subscription and the cycle that it pays for; none for a checkout.
    pub cycle: Option<(SubscriptionId, i64)>,
}
