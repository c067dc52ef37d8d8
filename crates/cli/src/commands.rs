//! One file per command.

pub(crate) mod alerts;
pub(crate) mod apply;
pub(crate) mod bench;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod platform;
pub(crate) mod reconcile;
pub(crate) mod resolve;
pub(crate) mod sandbox;
pub(crate) mod serve;
pub(crate) mod user;
