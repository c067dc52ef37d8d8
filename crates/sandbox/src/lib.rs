#![doc = include_str!("../README.md")]

mod settings;

mod sandbox;
mod state;

mod server;
mod transact;

mod query;

mod control;

mod duplicates;
mod faults;
mod issuer;
mod vault;

mod book;
mod journal;
mod ledger;

mod action;
mod transaction;

mod amount;
mod card_number;
mod codes;
mod instant;
mod instrument;

pub use duplicates::{DuplicateMode, DuplicateRule};
pub use faults::{Fault, FaultKind, FaultTarget};
pub use issuer::{CardSpec, CardStatus, CardView, DeclineSpec, PartialApproval, TestCard, test_card_number};
pub use journal::JOURNAL_FILE;
pub use ledger::{LedgerEntry, Movement, movements};
pub use sandbox::{InvalidSpec, Sandbox};
pub use server::{router, serve};
pub use settings::{Account, Credentials, SandboxError, Settings, credentials};
