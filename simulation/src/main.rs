//! `simulate`: plays seeds on all cores and tells what was found.
#![expect(clippy::print_stdout, reason = "a tool for a terminal; its output is its purpose")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use recoup_simulation::{BUGS, Counts, Outcome, Run, Simulator, stay_on_core};

/// Plays the whole system under faults, seed by seed.
#[derive(Parser)]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first one
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// Print every call
    #[arg(long)]
    trace: bool,
    /// Plant every known bug in turn, and play seeds until it is found
    #[arg(long)]
    planted: bool,
    /// Play on a PostgreSQL server, e.g. postgres://user@host:port/postgres; it makes and removes databases there.
    /// Default: SQLite files
    #[arg(long)]
    postgres: Option<String>,
    /// Seeds played at once; default: one per core
    #[arg(long)]
    at_once: Option<usize>,
}

/// What all seeds came to.
#[derive(Default)]
struct Sum {
    payments: u64,
    rescues: u64,
    checked: u64,
    counts: Counts,
    failed: Vec<u64>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let simulator = match &arguments.postgres {
        Some(server) => Simulator::on_postgres(server)?,
        None => Simulator::new()?,
    };
    if arguments.planted {
        return Ok(plant(&simulator, &arguments));
    }
    let (next, sum) = (AtomicU64::new(arguments.first_seed), Mutex::new(Sum::default()));
    let end = arguments.first_seed.saturating_add(arguments.seeds);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for number in 0..arguments.at_once.unwrap_or(cores).max(1) {
            let (next, sum, simulator, arguments) = (&next, &sum, &simulator, &arguments);
            scope.spawn(move || {
                stay_on_core(number);
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let run = Run { seed, is_printed: arguments.trace, ..Run::default() };
                    tell(sum, &simulator.play(run));
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    print(&arguments, &sum, began.elapsed().as_secs());
    Ok(if sum.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays every planted bug until its invariant finds it.
fn plant(simulator: &Simulator, arguments: &Arguments) -> ExitCode {
    let (next, missed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let end = arguments.first_seed.saturating_add(arguments.seeds);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for number in 0..arguments.at_once.unwrap_or(cores).max(1) {
            let (next, missed) = (&next, &missed);
            scope.spawn(move || {
                stay_on_core(number);
                while let Some(bug) = BUGS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match simulator.find(*bug, arguments.first_seed..end) {
                        Ok((seed, line)) => {
                            println!("found      {} ({}): seed {seed}, {line:.100}", bug.name, bug.process);
                        }
                        Err(others) => {
                            missed.fetch_add(1, Ordering::Relaxed);
                            println!(
                                "NOT FOUND  {} ({}), by {}; {others:?}",
                                bug.name, bug.process, bug.found_as
                            );
                        }
                    }
                }
            });
        }
    });
    if missed.into_inner() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(sum: &Mutex<Sum>, outcome: &Outcome) {
    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    sum.payments += outcome.payments;
    sum.rescues += outcome.rescues;
    sum.checked += outcome.checked;
    sum.counts.add(&outcome.counts);
    if outcome.broken.is_empty() {
        return;
    }
    sum.failed.push(outcome.seed);
    println!("seed {} is broken:", outcome.seed);
    for line in &outcome.last {
        println!("    {line}");
    }
    for line in &outcome.broken {
        println!("  broken: {line}");
    }
    println!("  again: cargo xtask simulate --first-seed {} --seeds 1 --trace", outcome.seed);
}

fn print(arguments: &Arguments, sum: &Sum, secs: u64) {
    println!("seeds                            {} from {}", arguments.seeds, arguments.first_seed);
    println!("payments                         {} ({} more on the platform)", sum.payments, sum.rescues);
    for (name, count) in sum.counts.list() {
        println!("{name:<32} {count}");
    }
    println!("invariants checked               {}", sum.checked);
    println!("seeds broken                     {} {:?}", sum.failed.len(), sum.failed);
    println!("seconds                          {secs}");
}
