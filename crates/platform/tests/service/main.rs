//! The platform black-box, over loopback HTTP, on both databases; its acquirers are scripted fakes.
#![cfg(test)]

mod app;
mod client;
mod gate;
mod receiver;

mod accounts;
mod active_merchant;
mod cancel;
mod caps;
mod copies;
mod evaluate;
mod events;
mod faults;
mod holds;
mod managed;
mod managed_cancel;
mod managed_faults;
mod orders;
mod refund_keys;
mod restored;
mod security_code;
mod token;
