//! What people and the API do with subscriptions: pause, cancel, reactivate, change, bill now, another card.
//!
//! Every action reads, decides and commits under the version that was read; when somebody else was faster, it is decided
//! anew. What a salvage gateway works on is asked to stop where the action says so (M23).

mod bill_now;
mod cancel;
mod card;
mod change;
mod edit;
mod pause;
mod product;
mod reactivate;
mod trial;

pub use change::SubscriptionChange;

/// Most characters of a reason or note.
pub(crate) const REASON_CHARS_MAX: usize = 500;
