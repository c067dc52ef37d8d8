//! The billing run: due subscriptions are billed, recycled, handed over and settled.

mod begin;
mod case;
mod intent;
mod lapsed;
mod locks;
mod outcome;
mod plan;
mod sweep;
mod tell;
mod won;

pub(crate) use begin::{billing_time, terms_of, zone_of};
pub use sweep::Swept;
