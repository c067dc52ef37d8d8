//! Servers of the binary as their operators start and set them up, in processes of their own.
#![cfg(test)]

mod platform_webhook;
mod public_host;
mod running;
