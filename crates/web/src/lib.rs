#![doc = include_str!("../README.md")]

pub mod problem;

pub mod form;
pub mod json;
pub mod path;
pub mod query;
mod rejection;

pub mod layers;
mod overload;
mod panics;
pub mod request_id;
mod security;
mod size;
mod trace;

pub mod client_ip;
pub mod ip_allow;

pub mod serve;
pub mod shutdown;

pub use client_ip::{ClientIp, TrustedProxies};
pub use form::Pairs;
pub use ip_allow::AllowList;
pub use json::Json;
pub use layers::{Limits, fallbacks, layers};
pub use path::Path;
pub use problem::{FieldError, Problem};
pub use query::Query;
pub use request_id::{RequestId, RequestIds};
pub use serve::serve;
pub use shutdown::{Shutdown, Tracker};
