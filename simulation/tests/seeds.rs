//! Seeds are played and found sound, and a seed that is played again does the same.
#![cfg(test)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use recoup_simulation::{Counts, Run, Simulator};
use rstest::rstest;
use storage::testing::{On, server};

/// Seeds of the short run; `cargo xtask simulate` plays thousands.
const SEEDS: u64 = 24;

/// What a play of seeds came to.
#[derive(Default)]
struct Sum {
    payments: u64,
    checked: u64,
    counts: Counts,
    broken: Vec<String>,
}

fn simulator(on: On) -> Simulator {
    match on {
        On::Sqlite => Simulator::new(),
        On::Postgres => Simulator::on_postgres(&server()),
    }
    .unwrap()
}

fn play(on: On, seeds: u64) -> Sum {
    let simulator = simulator(on);
    let (next, sum) = (AtomicU64::new(1), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > seeds {
                        return;
                    }
                    let outcome = simulator.play(Run { seed, ..Run::default() });
                    let mut sum = sum.lock().unwrap();
                    sum.payments += outcome.payments;
                    sum.checked += outcome.checked;
                    sum.counts.add(&outcome.counts);
                    sum.broken.extend(outcome.broken.iter().map(|line| format!("seed {seed}: {line}")));
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

/// Every play of M36 happens in the short run, and nothing is broken by it. A database is put back to an earlier copy on
/// SQLite only.
#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
fn m36_the_short_run_plays_what_can_go_wrong_and_breaks_nothing(#[case] on: On) {
    let sum = play(on, SEEDS);
    assert_eq!(
        sum.broken,
        Vec::<String>::new(),
        "again: cargo xtask simulate --first-seed N --seeds 1 --trace"
    );
    assert!(sum.payments > 80 * SEEDS, "{} payments", sum.payments);
    assert!(sum.checked > 500 * SEEDS, "{} invariants", sum.checked);
    let never = sum.counts.list().into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name);
    let expected: &[&str] = if on == On::Postgres { &["databases put back to a copy"] } else { &[] };
    assert_eq!(never.collect::<Vec<_>>(), expected);
}

#[test]
fn a_seed_that_is_played_again_does_the_same() {
    let simulator = Simulator::new().unwrap();
    let hash = || simulator.play(Run { seed: 5, ..Run::default() }).hash;
    assert_eq!(hash(), hash());
    assert_ne!(hash(), simulator.play(Run { seed: 6, ..Run::default() }).hash);
}
