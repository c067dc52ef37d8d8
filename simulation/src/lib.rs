#![doc = include_str!("../README.md")]

mod seed;

pub use cores::stay_on_core;
pub use faults::Counts;
pub use planted::{BUGS, Bug, Plant};
pub use seed::{Outcome, Run, Simulator};

mod play;
mod rest;
mod restored;

mod buyers;
mod customers;
mod decisions;
mod operators;
mod workers;

mod drive;
mod operations;

mod checks;
mod explain;
mod ledger;
mod targeted;

mod databases;
mod shop;
mod world;

mod backend;
mod network;
mod pause;
mod planted;

mod scheduler;

mod cores;
mod dice;
mod faults;
mod process;
mod touched;
mod trace;
