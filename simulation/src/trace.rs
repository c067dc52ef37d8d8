//! What happened, in order: a hash to compare runs by, and the last lines for people.

use std::collections::VecDeque;

/// Lines that are kept.
const KEPT_MAX: usize = 50;

/// The trace of a seed.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    count: u64,
    last: VecDeque<String>,
    is_printed: bool,
}

impl Trace {
    /// An empty one; with `is_printed` every line is printed as it comes.
    pub(crate) fn new(is_printed: bool) -> Self {
        Self { hash: 0xCBF2_9CE4_8422_2325, count: 0, last: VecDeque::with_capacity(KEPT_MAX), is_printed }
    }

    /// Adds a line.
    #[expect(clippy::print_stdout, reason = "a trace is read by a person who asked for it")]
    pub(crate) fn note(&mut self, line: String) {
        // Fowler, Noll and Vo's hash: short, and no secret depends on it.
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        self.count = self.count.wrapping_add(1);
        if self.is_printed {
            println!("{:>6} {line}", self.count);
        }
        if self.last.len() == KEPT_MAX {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// The hash of everything so far.
    pub(crate) fn hash(&self) -> u64 {
        self.hash ^ self.count
    }

    /// The last lines.
    pub(crate) fn last(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }
}
