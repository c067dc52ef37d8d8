//! Subscriptions: billed, recycled, handed over, settled, and changed by people.
#![cfg(test)]

#[expect(dead_code, reason = "the support of all tests of the hub; this suite uses a part")]
#[path = "../support/mod.rs"]
mod support;

#[path = "../support/subscriptions.rs"]
mod shop;

mod cancelling;
mod cycles;
mod doubt;
mod hooks;
mod house;
mod lost;
mod people;
mod prices;
mod processes;
mod recycle;
mod results;
mod reviewed;
mod rules;
mod wishes;
