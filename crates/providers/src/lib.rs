#![doc = include_str!("../README.md")]

mod catalogue;

mod address;
mod patience;
mod scrub;
mod spans;

mod flexfactor;
mod nmi;

pub use catalogue::{Catalogue, providers};
