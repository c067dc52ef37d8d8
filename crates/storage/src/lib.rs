#![doc = include_str!("../README.md")]

mod backend;
mod batch;
mod error;
mod migrations;
mod postgres;
mod sqlite;
mod statement;
mod value;

mod store;

pub mod alerts;
pub mod attempts;
pub mod cards;
pub mod chargebacks;
pub mod configuration;
pub mod doctor;
pub mod events;
pub mod fulfilments;
pub mod guards;
pub mod idempotency;
pub mod inbound_reports;
pub mod late_approvals;
pub mod marks;
pub mod merchants;
pub mod operations;
pub mod orders;
pub mod payments;
pub mod platform;
pub mod runs;
pub mod standing;
pub mod subscriptions;
pub mod timeline;
pub mod users;

pub mod contract;
pub mod testing;

pub use backend::{Backend, Dialect};
pub use error::StoreError;
pub use statement::{Expect, Statement, Step, Transaction};
pub use store::{Location, Store};
pub use value::{Row, Value};
