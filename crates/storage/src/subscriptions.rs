//! Subscriptions: one row each, changed under a version.

macro_rules! columns {
    () => {
        "merchant_id, id, customer_id, order_id, campaign_id, product_id, status, stop_reason, gateway_id, card_id,
         card_fingerprint, cycle, collecting, slot, tries, next_bill_at, next_action_at, pause_at, initial_gateway_id,
         initial_reference, held, details, version, created_at, updated_at"
    };
}

pub(crate) mod due;
pub(crate) mod find;
pub(crate) mod save;
pub(crate) mod search;

mod row;
mod terms;

pub use due::postpone;
pub use find::SubscriptionFilter;
pub use save::{CHANGED_SINCE, SUBSCRIPTION_EXISTS, insert, update};
pub use search::SubscriptionSearch;
