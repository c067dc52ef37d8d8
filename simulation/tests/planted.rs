//! Every planted bug is found by its invariant (M36).
#![cfg(test)]

use recoup_simulation::{BUGS, Bug, Simulator};

/// Seeds that are played until a bug is found; most are found by the first.
const SEEDS_MAX: u64 = 40;

fn is_found(bug: &Bug) -> bool {
    let simulator = Simulator::new().unwrap();
    match simulator.find(*bug, bug.first_seed..bug.first_seed + SEEDS_MAX) {
        Ok((seed, line)) => {
            eprintln!("{}: seed {seed}, {line}", bug.name);
            true
        }
        Err(others) => {
            eprintln!("{}: not found as {}; {others:?}", bug.name, bug.found_as);
            false
        }
    }
}

fn missed(part: usize) -> Vec<&'static str> {
    let bugs = BUGS.iter().enumerate().filter(|(place, _)| place % 8 == part);
    bugs.filter(|(_, bug)| !is_found(bug)).map(|(_, bug)| bug.name).collect()
}

#[rstest::rstest]
#[case(0)]
#[case(1)]
#[case(2)]
#[case(3)]
#[case(4)]
#[case(5)]
#[case(6)]
#[case(7)]
fn m36_every_planted_bug_is_found(#[case] part: usize) {
    assert_eq!(missed(part), Vec::<&str>::new());
}
