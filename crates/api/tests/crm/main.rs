//! The CRM-compatible API from outside: over loopback HTTP, on both databases, against scripted gateways.
#![cfg(test)]

mod app;
mod clock;
mod form;
mod gateway;
mod log;
mod setup;
mod wire;

mod cascade_all;
mod cascades;
mod chargebacks;
mod checkout;
mod declines;
mod doubt;
mod envelope;
mod leads;
mod m33;
mod order_cancel;
mod order_money;
mod placement;
mod purchase_changes;
mod purchases;
mod queries;
mod repeats;
mod reruns;
mod users;
