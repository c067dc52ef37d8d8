//! The native API and `apply`, black-box over loopback HTTP, on both databases.
#![cfg(test)]

extern crate recoup_api as api;

mod support;

mod activation;
mod applying;
mod configuring;
mod doubt;
mod idempotency;
mod keys;
mod orders;
mod placement;
mod plans;
mod publishing;
mod recycling;
mod reruns;
mod signing_key;
mod subscriptions;
mod tenants;
mod webhooks;
