#![doc = include_str!("../README.md")]
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

pub mod clock;
pub mod ids;
pub mod money;

pub mod card;
pub mod contact;

pub mod decline_map;
pub mod declines;

pub mod attempt;
pub mod order;
pub mod payment;

pub mod calendar;
pub mod plan;
pub mod recycle;
pub mod subscription;

pub mod network_rules;
pub mod rerun;
pub mod results;

pub mod configuration;
pub mod placement;

pub mod cascade;
pub mod routing;

pub mod doubt;
pub mod salvage;

pub use clock::{Clock, Entropy, ManualClock, Minter};
pub use money::{Currency, Money};
