//! The platform black-box, over loopback HTTP, on both databases; its acquirers are scripted fakes.
#![cfg(test)]

mod app;
mod client;
mod gate;

mod accounts;
mod active_merchant;
mod cancel;
mod evaluate;
mod faults;
mod orders;
mod security_code;
mod token;
