//! An attempt in doubt whose money is being given back (M14): its operations say what it comes to, not another inquiry.

use std::sync::Arc;

use domain::attempt::Attempt;
use domain::doubt::{Step, next_ask};
use gateways::{Gateway, OperationKind};
use storage::StoreError;
use uuid::Uuid;

use super::{Facts, Resolution};
use crate::Charging;
use crate::consequences::Consequences;
use crate::operate::undo::Undoing;

impl Charging {
    /// What is known of an attempt that is being given back; none when nothing of the kind was begun.
    pub(super) async fn follow_undoing(
        &self,
        attempt: &Attempt,
        facts: &Facts,
        gateway: &Arc<dyn Gateway>,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Option<Resolution>, StoreError> {
        // Its intent keeps the gateway's id: without one nothing was begun.
        if facts.gateway_reference.is_none() || !attempt.state.is_open() {
            return Ok(None);
        }
        let followed = match self.undoing(attempt, OperationKind::Void).await? {
            Undoing::Next(_) => return Ok(None),
            Undoing::Done(operation) => {
                let outcome = self.undone_outcome(attempt, &operation, consequences).await?;
                self.end(attempt, outcome, consequences, fence).await?
            }
            Undoing::UnderWay => {
                let words = "Less was approved than was asked for, and for a day nobody could confirm that it was given back.";
                self.later_or_person(attempt, facts, words, consequences, fence).await?
            }
            // A person may have given it back at the gateway, where that shows.
            Undoing::Refused => match self.next_step(attempt, facts, gateway).await {
                step @ Step::Decline(_) => {
                    self.follow(attempt, facts, gateway, step, consequences, fence).await?
                }
                Step::Approve(_)
                | Step::ApproveReversed(_)
                | Step::CancelHold(_)
                | Step::Lapse(..)
                | Step::Fence
                | Step::AskAt(_)
                | Step::Person(_) => {
                    let words =
                        "Less was approved than was asked for, and the gateway refused to give it back.";
                    self.person(attempt, facts, consequences, fence, words).await?
                }
            },
        };
        Ok(Some(followed))
    }

    /// Asked again later; after a day of doubt by a person.
    pub(super) async fn later_or_person(
        &self,
        attempt: &Attempt,
        facts: &Facts,
        words: &str,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        if self.is_old_doubt(attempt) {
            return self.person(attempt, facts, consequences, fence, words).await;
        }
        let at = next_ask(&Self::case(attempt, facts, false), self.minter.now());
        self.wait(attempt, facts, at, None, consequences, fence).await
    }
}
