//! What follows for a managed recovery when its attempt took nothing.

use domain::attempt::{Attempt, LapseCause, Outcome};
use jiff::{SignedDuration, Timestamp};
use storage::platform::{Move, Recovery, RecoveryState};
use storage::{Step, StoreError};

use super::{close, ladder};
use crate::rescue::budget::goes_on;
use crate::{Platform, decline};

/// How soon what was not sent is sent again, hours.
const NOT_SENT_HOURS: i64 = 6;

impl Platform {
    /// A decline that forbids another attempt, or that no timer heals, ends it; after any other it waits for the next
    /// step, which is never earlier than the refusal allows. A cancelled one ends in any case.
    pub(crate) async fn after_refusal(
        &self,
        recovery: &Recovery,
        attempt: &Attempt,
        outcome: &Outcome,
        why: &str,
    ) -> Result<Vec<Step>, StoreError> {
        let mid = recovery.merchant_id;
        if self.store().find_order_fence(mid, &recovery.external_order_id).await?.is_some() {
            return Ok(self.closing_steps(recovery, RecoveryState::Cancelled, close::CANCELLED));
        }
        let after = match self.waits(attempt, outcome).await? {
            Ok(after) => after,
            Err(why) => return Ok(self.closing_steps(recovery, RecoveryState::Declined, &why)),
        };
        let Some(managed) = &recovery.managed else { return Ok(Vec::new()) };
        let now = self.now();
        let ladder = |not_before| ladder::next_at(recovery.created_at, managed.expires_at, now, not_before);
        let due_at = match after {
            After::Ladder(not_before) => ladder(not_before),
            After::Soon(at) => at.min(ladder(now)),
        };
        let here = RecoveryState::Open;
        let way = Move { from: &[here], to: here, answered: None, reason: why, due_at: Some(due_at) };
        Ok(self.moves(mid, recovery.id, way))
    }

    /// From when on it may be tried again; in words why it may not.
    async fn waits(&self, attempt: &Attempt, outcome: &Outcome) -> Result<Result<After, String>, StoreError> {
        let now = self.now();
        let later = |by: SignedDuration| now.saturating_add(by).unwrap_or(Timestamp::MAX);
        Ok(match outcome {
            Outcome::Declined(declined) => {
                if let Err(why) = goes_on(outcome) {
                    return Ok(Err(why));
                }
                let card = self.store().find_card(attempt.merchant_id, attempt.card_id).await?;
                let brand = card.map(|card| card.shown.brand).unwrap_or_default();
                match decline::wait_minutes(attempt, &brand, &declined.raw) {
                    Some(minutes) => Ok(After::Ladder(later(SignedDuration::from_mins(minutes)))),
                    None => Err(format!(
                        "After this decline ({}) only the customer can help.",
                        declined.reason.as_str()
                    )),
                }
            }
            Outcome::NotExecuted(lapse) if lapse.cause == LapseCause::NotSent => {
                Ok(After::Soon(later(SignedDuration::from_hours(NOT_SENT_HOURS))))
            }
            Outcome::Approved(_) | Outcome::NotExecuted(_) => Ok(After::Ladder(now)),
        })
    }
}

enum After {
    /// With the ladder's next step, but not before.
    Ladder(Timestamp),
    /// Then, or with the ladder's next step when that comes first.
    Soon(Timestamp),
}
