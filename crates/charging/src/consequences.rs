//! What follows from an outcome, told by those who know orders and recoveries.

use std::sync::Arc;

use domain::attempt::{Attempt, Outcome};
use gateways::{Gateway, Reply};
use storage::operations::Operation;
use storage::{Step, StoreError};

/// What commits together with an outcome, and what is done right after.
#[derive(Debug, Clone, Default)]
pub struct Consequence {
    /// Steps of the same transaction.
    pub steps: Vec<Step>,
    /// Operations whose intent is among the steps, to be sent now.
    pub then: Vec<Operation>,
}

/// Tells what follows when the driver or a person settles an attempt.
pub trait Consequences: Send + Sync + std::fmt::Debug {
    /// What follows from this outcome of this open attempt.
    fn settled<'a>(
        &'a self,
        attempt: &'a Attempt,
        outcome: &'a Outcome,
    ) -> Reply<'a, Result<Consequence, StoreError>>;

    /// What follows when the attempt turns out approved and undone already.
    fn undone<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>>;

    /// What follows when an attempt is found in doubt.
    fn doubted<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>>;

    /// What follows when a salvage gateway works on the attempt until its deadline.
    fn opened<'a>(&'a self, _attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(async { Ok(Consequence::default()) })
    }

    /// What follows when an operation is done: a void or full refund has undone its attempt.
    fn operated<'a>(
        &'a self,
        attempt: &'a Attempt,
        operation: &'a Operation,
    ) -> Reply<'a, Result<Consequence, StoreError>>;

    /// The live gateway of an attempt; none when it was deleted or cannot be used. A store that does not answer is an
    /// error, not a missing gateway: the work comes again when its lease ends.
    fn gateway_of<'a>(
        &'a self,
        attempt: &'a Attempt,
    ) -> Reply<'a, Result<Option<Arc<dyn Gateway>>, StoreError>>;

    /// Our reading of a refusal, under the merchant's maps of today.
    fn read_decline<'a>(
        &'a self,
        attempt: &'a Attempt,
        raw: domain::attempt::RawDecline,
    ) -> Reply<'a, Result<Outcome, StoreError>>;
}
