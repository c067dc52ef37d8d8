//! What a salvage gateway's result changes: the response table (R90–R95, R125–R133).
//!
//! | sale | success | failure |
//! |---|---|---|
//! | new sale | order COMPLETE, shipped | order DECLINED |
//! | recurring | next cycle, shipped, the gateway it rests on | `RECYCLE_FAILED` |
//! | trial completion | as recurring, on the original order | `RECYCLE_FAILED`, order untouched |

use crate::attempt::words;
use crate::subscription::{SubscriptionEvent, Terms};

/// What was to be collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SaleKind {
    /// A checkout.
    NewSale,
    /// A billing cycle with an order of its own.
    Recurring,
    /// The end of a trial, booked on the original order (Q24).
    TrialCompletion,
}

words!(SaleKind { NewSale = "new_sale", Recurring = "recurring", TrialCompletion = "trial_completion" });

impl SaleKind {
    /// What the bill of this cycle is: cycle 1 is the checkout.
    pub fn of_cycle(terms: &Terms, cycle: i64) -> Self {
        match cycle {
            ..=1 => Self::NewSale,
            _ if terms.is_trial_completion(cycle) => Self::TrialCompletion,
            _ => Self::Recurring,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SalvageResult {
    /// Collected.
    Success,
    /// Not collected.
    Failure,
}

words!(SalvageResult { Success = "success", Failure = "failure" });

/// What happens to the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderChange {
    /// It is COMPLETE.
    Complete,
    /// It is DECLINED.
    Decline,
    /// A new one is made, COMPLETE: a rebill's order is created on approval (M25).
    Create,
    /// None.
    Keep,
}

/// What happens to the subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubscriptionChange {
    /// Those of its recurring products begin, resting on the gateway that declined (R79).
    Begin,
    /// This event; [`SubscriptionEvent::Paid`] stands for the final one too where the cycle is the last.
    Event(SubscriptionEvent),
    /// None.
    Keep,
}

/// The gateway of the next scheduled bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NextGateway {
    /// The one that the subscription rests on, which declined before the salvage; never the salvage gateway (R93, M26).
    RestsOn,
    /// There is no next bill.
    None,
}

/// A row of the response table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response {
    /// The order.
    pub order: OrderChange,
    /// The subscription.
    pub subscription: SubscriptionChange,
    /// Fulfilments are made, for what this cycle ships ([`Terms::ships_on`]).
    pub fulfil: bool,
    /// The cycle counts as paid: one on.
    pub next_cycle: bool,
    /// Where the next bill goes.
    pub next_gateway: NextGateway,
}

/// What this result of this kind of sale changes.
pub fn respond(kind: SaleKind, result: SalvageResult) -> Response {
    let failed = Response {
        order: OrderChange::Keep,
        subscription: SubscriptionChange::Event(SubscriptionEvent::Fail),
        fulfil: false,
        next_cycle: false,
        next_gateway: NextGateway::None,
    };
    let paid = Response {
        order: OrderChange::Create,
        subscription: SubscriptionChange::Event(SubscriptionEvent::Paid),
        fulfil: true,
        next_cycle: true,
        next_gateway: NextGateway::RestsOn,
    };
    match (kind, result) {
        (SaleKind::NewSale, SalvageResult::Success) => {
            let subscription = SubscriptionChange::Begin;
            Response { order: OrderChange::Complete, subscription, next_cycle: false, ..paid }
        }
        (SaleKind::NewSale, SalvageResult::Failure) => {
            Response { order: OrderChange::Decline, subscription: SubscriptionChange::Keep, ..failed }
        }
        (SaleKind::Recurring, SalvageResult::Success) => paid,
        // The order was paid at the sale and stays COMPLETE either way (R131).
        (SaleKind::TrialCompletion, SalvageResult::Success) => Response { order: OrderChange::Keep, ..paid },
        (SaleKind::Recurring | SaleKind::TrialCompletion, SalvageResult::Failure) => failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};
    use crate::plan::{Plan, Trial};
    use jiff::Timestamp;

    const PAID: SubscriptionChange = SubscriptionChange::Event(SubscriptionEvent::Paid);
    const FAILED: SubscriptionChange = SubscriptionChange::Event(SubscriptionEvent::Fail);

    #[test]
    fn r125_r126_a_new_sale_that_succeeds_completes_the_order_and_ships() {
        let row = respond(SaleKind::NewSale, SalvageResult::Success);
        assert_eq!((row.order, row.fulfil), (OrderChange::Complete, true));
        assert_eq!(row.subscription, SubscriptionChange::Begin);
        assert!(!row.next_cycle, "cycle 1 is the checkout itself");
    }

    #[test]
    fn r127_a_new_sale_that_fails_declines_the_order_and_touches_nothing_else() {
        let row = respond(SaleKind::NewSale, SalvageResult::Failure);
        assert_eq!((row.order, row.subscription), (OrderChange::Decline, SubscriptionChange::Keep));
        assert!(!row.fulfil && !row.next_cycle);
    }

    #[test]
    fn r129_a_rebill_that_succeeds_ships_moves_on_and_goes_back_to_the_gateway_that_declined() {
        let row = respond(SaleKind::Recurring, SalvageResult::Success);
        assert_eq!((row.order, row.subscription), (OrderChange::Create, PAID));
        assert!(row.fulfil && row.next_cycle);
        assert_eq!(row.next_gateway, NextGateway::RestsOn);
    }

    #[test]
    fn r130_a_rebill_that_fails_ends_as_recycle_failed() {
        let row = respond(SaleKind::Recurring, SalvageResult::Failure);
        assert_eq!((row.order, row.subscription), (OrderChange::Keep, FAILED));
        assert!(!row.fulfil && !row.next_cycle);
        assert_eq!(row.next_gateway, NextGateway::None);
    }

    #[test]
    fn r128_r131_r133_a_failed_trial_completion_spares_the_order_and_ends_the_subscription() {
        let row = respond(SaleKind::TrialCompletion, SalvageResult::Failure);
        assert_eq!((row.order, row.subscription), (OrderChange::Keep, FAILED));
    }

    #[test]
    fn r132_a_paid_trial_completion_keeps_the_order_and_moves_on_to_the_next_cycle() {
        let row = respond(SaleKind::TrialCompletion, SalvageResult::Success);
        assert_eq!((row.order, row.subscription), (OrderChange::Keep, PAID));
        assert!(row.next_cycle && row.fulfil);
    }

    #[test]
    fn the_second_cycle_of_a_trial_completes_it_and_every_later_one_is_recurring() {
        let plan = Plan::every(30, Money::zero(Currency::USD), Money::zero(Currency::USD));
        let mut terms = Terms {
            product_number: 1,
            name: String::new(),
            sku: String::new(),
            quantity: 1,
            currency: Currency::USD,
            is_shippable: false,
            plan,
            price: None,
            price_once: false,
            shipping: None,
            interval_days: None,
            final_cycle: None,
            sold_at: Timestamp::UNIX_EPOCH,
        };
        let kinds = |terms: &Terms| [1, 2, 3].map(|cycle| SaleKind::of_cycle(terms, cycle));
        assert_eq!(kinds(&terms), [SaleKind::NewSale, SaleKind::Recurring, SaleKind::Recurring]);
        terms.plan.trial = Some(Trial::Accelerated);
        assert_eq!(kinds(&terms), [SaleKind::NewSale, SaleKind::TrialCompletion, SaleKind::Recurring]);
    }
}
