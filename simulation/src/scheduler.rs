//! Every call of the two ports stops here until exactly one goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::dice::Dice;
use crate::faults::{Counts, Rates};
use crate::process::Process;
use crate::trace::Trace;

/// Turns of the runtime without any news after which nothing moves by itself any more.
const CALM_TURNS: u32 = 3;
/// After this read a password is looked at, in another thread.
const BEFORE_HASHING: &str = "find_api_user";
/// Whoever only waits goes on once in so many turns.
const WAITERS_ONE_IN: u64 = 24;

/// Where a call stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A read of the store.
    Read,
    /// A transaction.
    Commit,
    /// A request that is about to leave.
    Send,
    /// An answer that is about to arrive.
    Answer,
    /// A caller who waits for another process's charge.
    Wait,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Commit => "commit",
            Self::Send => "send",
            Self::Answer => "answer",
            Self::Wait => "wait",
        }
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It acts and is answered.
    Act,
    /// It fails before acting, and the caller knows.
    Fail,
    /// It fails before acting, and the caller cannot know.
    Drop,
    /// It acts, and its answer is lost.
    Lose,
    /// It acts, and its process crashes.
    CrashAfter,
    /// Its process is dead.
    Dead,
}

#[derive(Debug)]
struct Waiting {
    process: Arc<Process>,
    kind: Kind,
    what: String,
    go: oneshot::Sender<Verdict>,
}

#[derive(Debug)]
struct State {
    waiting: Vec<Waiting>,
    trace: Trace,
    counts: Counts,
    rates: Rates,
    arrivals: u64,
    /// Transactions and requests that were let go on.
    acts: u64,
    in_flight: u32,
    is_free: bool,
    /// Whether another thread may be looking at a password.
    is_hashing: bool,
}

/// The scheduler of a seed.
#[derive(Debug)]
pub(crate) struct Scheduler {
    state: Mutex<State>,
    landed: Notify,
    dice: Dice,
}

/// Held while a call is with a database, whose answer comes from another thread.
pub(crate) struct Flight<'a>(&'a Scheduler);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.with(|state| {
            state.in_flight = state.in_flight.saturating_sub(1);
            state.arrivals = state.arrivals.wrapping_add(1);
        });
        self.0.landed.notify_one();
    }
}

impl Scheduler {
    /// A scheduler that lets everything pass until [`Scheduler::hold`].
    pub(crate) fn new(seed: u64, is_printed: bool) -> Self {
        let state = State {
            waiting: Vec::new(),
            trace: Trace::new(is_printed),
            counts: Counts::default(),
            rates: Rates::default(),
            arrivals: 0,
            acts: 0,
            in_flight: 0,
            is_free: true,
            is_hashing: false,
        };
        Self { state: Mutex::new(state), landed: Notify::new(), dice: Dice::new(seed ^ 0xC0FF_EE00) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.lock())
    }

    /// From now on calls stop, and so often something goes wrong.
    pub(crate) fn hold(&self, rates: Rates) {
        self.with(|state| (state.is_free, state.rates) = (false, rates));
    }

    /// From now on everything passes.
    pub(crate) fn free(&self) {
        self.with(|state| state.is_free = true);
    }

    /// Adds a line to the trace.
    pub(crate) fn note(&self, line: String) {
        self.with(|state| state.trace.note(line));
    }

    /// Counts something.
    pub(crate) fn count(&self, add: impl FnOnce(&mut Counts)) {
        self.with(|state| add(&mut state.counts));
    }

    /// What was counted.
    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// How many calls were more than a look.
    pub(crate) fn acts(&self) -> u64 {
        self.lock().acts
    }

    /// The hash of the trace, and its last lines.
    pub(crate) fn trace(&self) -> (u64, Vec<String>) {
        let state = self.lock();
        (state.trace.hash(), state.trace.last())
    }

    /// Chance of this scheduler.
    pub(crate) fn dice(&self) -> &Dice {
        &self.dice
    }

    /// How often something goes wrong now.
    pub(crate) fn rates(&self) -> Rates {
        self.lock().rates
    }

    /// Stops until the scheduler says what becomes of this call.
    pub(crate) async fn stop(&self, process: &Arc<Process>, kind: Kind, what: &str) -> Verdict {
        if process.is_dead() {
            return Verdict::Dead;
        }
        let going = self.with(|state| {
            if state.is_free {
                return None;
            }
            let (go, going) = oneshot::channel();
            let (process, what) = (Arc::clone(process), what.to_owned());
            state.waiting.push(Waiting { process, kind, what, go });
            state.arrivals = state.arrivals.wrapping_add(1);
            Some(going)
        });
        match going {
            None => Verdict::Act,
            Some(going) => going.await.unwrap_or(Verdict::Dead),
        }
    }

    /// Marks a call as being with a database.
    pub(crate) fn fly(&self) -> Flight<'_> {
        self.with(|state| state.in_flight = state.in_flight.saturating_add(1));
        Flight(self)
    }

    /// Waits until nothing moves by itself any more: every actor waits here or has ended.
    pub(crate) async fn settle(&self) {
        self.calm().await;
        if self.with(|state| std::mem::take(&mut state.is_hashing)) {
            // The only thread for such work does it in order: what was begun before this has ended after it.
            let _ = tokio::task::spawn_blocking(|| {}).await;
            self.calm().await;
        }
    }

    async fn calm(&self) {
        let (mut calm, mut seen) = (0, self.lock().arrivals);
        while calm < CALM_TURNS {
            tokio::task::yield_now().await;
            let (arrivals, in_flight) = self.with(|state| (state.arrivals, state.in_flight));
            if in_flight > 0 {
                self.landed.notified().await;
                calm = 0;
            } else if arrivals == seen {
                calm += 1;
            } else {
                (seen, calm) = (arrivals, 0);
            }
        }
    }

    /// Whether any call waits here.
    pub(crate) fn has_waiting(&self) -> bool {
        self.lock().waiting.iter().any(|one| !one.go.is_closed())
    }

    /// Whether everybody waits for somebody else's charge.
    pub(crate) fn is_only_waiting(&self) -> bool {
        let state = self.lock();
        let mut waiting = state.waiting.iter().filter(|one| !one.go.is_closed()).peekable();
        waiting.peek().is_some() && waiting.all(|one| one.kind == Kind::Wait)
    }

    /// Lets one waiting call go on, or fail, when any waits.
    pub(crate) fn release(&self) {
        let mut state = self.lock();
        state.waiting.retain(|one| !one.go.is_closed());
        if state.waiting.is_empty() {
            return;
        }
        let mut place = self.dice.place(state.waiting.len());
        let waits = |one: &Waiting| one.kind == Kind::Wait;
        if state.waiting.get(place).is_some_and(waits) && !self.dice.one_in(WAITERS_ONE_IN) {
            place = state.waiting.iter().position(|one| !waits(one)).unwrap_or(place);
        }
        let one = state.waiting.remove(place);
        let verdict = self.verdict(&mut state, &one);
        let line = format!("{} {} {}{}", one.process.name, one.kind.name(), one.what, words(verdict));
        state.trace.note(line);
        state.is_hashing |= one.what == BEFORE_HASHING;
        state.counts.calls = state.counts.calls.wrapping_add(1);
        state.acts = state.acts.wrapping_add(u64::from(matches!(one.kind, Kind::Commit | Kind::Send)));
        if verdict == Verdict::Dead {
            one.process.crash();
            let waiting = std::mem::take(&mut state.waiting);
            let (dead, alive) = waiting.into_iter().partition(|other| other.process.is_dead());
            state.waiting = alive;
            let dead: Vec<Waiting> = dead;
            for other in dead {
                let _ = other.go.send(Verdict::Dead);
            }
        }
        // A caller who has gone is not waited for.
        let _ = one.go.send(verdict);
    }

    fn verdict(&self, state: &mut State, one: &Waiting) -> Verdict {
        let (rates, counts) = (state.rates, &mut state.counts);
        let roll = self.dice.below(10_000);
        let crash = rates.crash;
        if roll < crash {
            let before = one.kind == Kind::Read || self.dice.one_in(2);
            *(if before { &mut counts.crashed_before } else { &mut counts.crashed_after }) += 1;
            return if before { Verdict::Dead } else { Verdict::CrashAfter };
        }
        let roll = (roll - crash) / 10;
        match one.kind {
            Kind::Read | Kind::Commit if roll < rates.fail => {
                counts.store_failed += 1;
                Verdict::Fail
            }
            Kind::Commit if roll < rates.fail + rates.lose => {
                counts.store_lost += 1;
                Verdict::Lose
            }
            Kind::Send if roll < rates.fail * 4 => {
                if self.dice.one_in(2) {
                    counts.not_sent += 1;
                    return Verdict::Fail;
                }
                counts.dropped += 1;
                Verdict::Drop
            }
            Kind::Answer if roll < rates.lose * 5 => {
                counts.answer_lost += 1;
                Verdict::Lose
            }
            Kind::Read | Kind::Commit | Kind::Send | Kind::Answer | Kind::Wait => Verdict::Act,
        }
    }
}

fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Act => "",
        Verdict::Fail => ": fails",
        Verdict::Drop => ": is dropped",
        Verdict::Lose => ": acts, answer lost",
        Verdict::CrashAfter => ": acts, CRASH",
        Verdict::Dead => ": CRASH",
    }
}
