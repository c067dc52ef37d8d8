#![doc = include_str!("../README.md")]

pub mod apply;
pub mod auth;
pub mod crm;
pub mod v1;
pub mod webhooks;
