//! Attempts: one row each, never deleted, outcome written once.

macro_rules! columns {
    () => {
        "merchant_id, id, payment_id, order_id, purpose, initiator, route, gateway_id, gateway_kind, amount_minor,
         currency, card_id, card_fingerprint, salvages, why, created_at, state, doubt, doubt_since, gateway_reference,
         auth_code, avs, cvv, text, approved_minor, code, network_code, advice_code, reason, class_read, class, map_id,
         text_shown, lapse, settled_at, reversed_at, checks, next_check_at, fence_unknown_at, needs_person, slot,
         deadline_at"
    };
}

pub(crate) mod budget;
pub(crate) mod doubt;
pub(crate) mod due;
pub(crate) mod figures;
pub(crate) mod find;
pub(crate) mod history;
pub(crate) mod insert;
pub(crate) mod salvage;
pub(crate) mod search;
pub(crate) mod settle;

mod row;

pub use budget::{OVER_CARD_CAPS, require_card_caps};
pub use doubt::{InDoubt, doubt, wait};
pub use figures::AttemptCount;
pub use history::{
    CARD_NOT_FREE, CardUse, LastDecline, OVER_CARD_BUDGET, require_card_budget, require_free_card,
};
pub use insert::{LIVE_ATTEMPT_EXISTS, insert};
pub use salvage::{NOT_FENCEABLE, NOT_PENDABLE, ask_cancel, ask_fence, pend, poll};
pub use search::{AttemptSearch, Standing};
pub use settle::{SETTLED_BEFORE, reverse, settle};
