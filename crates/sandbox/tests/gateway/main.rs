//! The sandbox, black-box over loopback HTTP.
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "the tests are a foreign client: they send as third parties do, without our transport"
)]

mod active_merchant;
mod client;
mod control;
mod duplicates;
mod faults;
mod issuers;
mod ledger;
mod persistence;
mod query;
mod rejections;
mod states;
mod third_party;
mod wire;
