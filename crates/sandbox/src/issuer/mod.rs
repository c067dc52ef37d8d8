//! The pretend issuers: who owns a card, what is on it, and how it answers.

mod card;
mod issuers;
mod test_cards;

pub use card::{CardSpec, CardStatus, CardView, DeclineSpec, PartialApproval};
pub(crate) use issuers::{Issuers, Refusal, Verdict};
pub use test_cards::{TestCard, test_card_number};
