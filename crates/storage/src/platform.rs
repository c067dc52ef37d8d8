//! The platform's rows: accounts, card tokens, the merchant's order ids, recoveries and what is told about them.

macro_rules! columns {
    () => {
        "merchant_id, id, external_order_id, idempotency_key, fingerprint, state, answered, reason, amount_minor,
         currency, purpose, initiator, payment_id, refunded_minor, details, created_at, expires_at, card_id,
         card_expires, steps, charged_back_at, due_at"
    };
}

macro_rules! event_columns {
    () => {
        "merchant_id, id, recovery_id, kind, external_order_id, event_data, created_at, state, tries, last_result,
         next_try_at"
    };
}

pub(crate) mod accounts;
pub(crate) mod due;
pub(crate) mod event_tries;
pub(crate) mod events;
pub(crate) mod external_orders;
pub(crate) mod find;
pub(crate) mod invariants;
pub(crate) mod list;
pub(crate) mod recoveries;
pub(crate) mod tokens;
pub(crate) mod transmits;

mod recovery;

pub use accounts::{ACCOUNT_EXISTS, PlatformAccount, insert_account, set_capture_window, set_webhook_url};
pub use due::{LEASE_LOST, begin_step, hurry_recoveries, postpone_recovery};
pub use event_tries::{TRY_LOST, TryResult, address_events, record_try};
pub use events::{EventTold, PlatformEvent, insert_event};
pub use external_orders::{CANCELLED_BEFORE, enter_order, fence_order};
pub use list::{RecoveryFilter, RecoveryPage};
pub use recoveries::{
    CHARGED_BACK_BEFORE, MOVED_BEFORE, Move, RECOVERY_EXISTS, charge_back_recovery, insert_recovery,
    move_recovery, refund_recovery, require_move,
};
pub use recovery::{Managed, Recovery, RecoveryState};
pub use tokens::{CardToken, insert_card_token};
pub use transmits::{Transmit, insert_transmit};
