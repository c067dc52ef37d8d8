//! Working on doubt: ask the gateway, fence, or leave it to a person (M2, M8, M12–M14).

mod end;
mod perform;
mod salvage;
mod undoing;

use std::sync::Arc;

use domain::attempt::{Approval, Attempt, AttemptState, Doubt, Lapse, LapseCause, Outcome};
use domain::doubt::{Case, Finding, Step, decide_doubt, decide_fence, next_ask};
use gateways::{Gateway, InquireRequest};
use jiff::Timestamp;
use storage::StoreError;
use uuid::Uuid;

use crate::Charging;
use crate::consequences::Consequences;
use crate::record::Recorded;
use crate::send::{partial_decline, reference_of};

/// What came of working on an attempt in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// It is settled now.
    Settled(Outcome),
    /// It was approved and undone.
    Undone,
    /// Still in doubt; asked again then.
    Waiting(Timestamp),
    /// A salvage gateway works on it; looked at again then.
    Open(Timestamp),
    /// A person must decide.
    NeedsPerson,
    /// Somebody else settled it.
    Before,
}

/// Facts that go with an attempt in doubt.
struct Facts {
    doubt: Doubt,
    fence_unknown_at: Option<Timestamp>,
    gateway_reference: Option<String>,
    siblings: Vec<String>,
    last_four: String,
}

impl Charging {
    /// Works on an open attempt once. Safe to run twice.
    pub async fn resolve(
        &self,
        attempt: &Attempt,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        let facts = self.facts(attempt).await?;
        let Some(gateway) = consequences.gateway_of(attempt).await? else {
            return self
                .person(attempt, &facts, consequences, fence, "Its gateway cannot be used any more.")
                .await;
        };
        if let Some(known) = self.follow_undoing(attempt, &facts, &gateway, consequences, fence).await? {
            return Ok(known);
        }
        if attempt.deadline.is_some() {
            return self.resolve_salvage(attempt, &gateway, consequences, fence).await;
        }
        let step = self.next_step(attempt, &facts, &gateway).await;
        self.follow(attempt, &facts, &gateway, step, consequences, fence).await
    }

    /// Asks once and settles only by a positive finding: what is left of a checkout's time allows no more (M2).
    pub async fn inquire_once(
        &self,
        gateway: &Arc<dyn Gateway>,
        attempt: &Attempt,
    ) -> Result<Finding, StoreError> {
        let facts = self.facts(attempt).await?;
        Ok(gateway.inquire(&inquiry(attempt, &facts)).await)
    }

    async fn facts(&self, attempt: &Attempt) -> Result<Facts, StoreError> {
        let (fence_unknown_at, gateway_reference) =
            self.store.find_fence_facts(attempt.merchant_id, attempt.id).await?;
        let siblings = self.store.list_attempts_of_payment(attempt.merchant_id, attempt.payment_id).await?;
        let card = self.store.find_card(attempt.merchant_id, attempt.card_id).await?;
        Ok(Facts {
            doubt: match &attempt.state {
                AttemptState::InDoubt { doubt, .. } => *doubt,
                AttemptState::Sending
                | AttemptState::Pending { .. }
                | AttemptState::Approved { .. }
                | AttemptState::Declined { .. }
                | AttemptState::NotExecuted { .. } => Doubt::Crash,
            },
            fence_unknown_at,
            gateway_reference,
            siblings: siblings.iter().map(reference_of).collect(),
            last_four: card.map(|card| card.shown.last_four).unwrap_or_default(),
        })
    }

    fn case(attempt: &Attempt, facts: &Facts, can_fence: bool) -> Case {
        Case {
            doubt: facts.doubt,
            sent_at: attempt.created_at,
            checks: attempt.checks,
            can_fence,
            fence_unknown_at: facts.fence_unknown_at,
        }
    }

    async fn next_step(&self, attempt: &Attempt, facts: &Facts, gateway: &Arc<dyn Gateway>) -> Step {
        let case = Self::case(attempt, facts, gateway.capabilities().fence);
        let finding = gateway.inquire(&inquiry(attempt, facts)).await;
        tracing::info!(attempt.id = %attempt.id, finding = finding_name(&finding), "Asked about attempt {}", attempt.id);
        self.decide(attempt, &case, finding)
    }

    /// What a finding leads to. Less than was asked for is never kept: it is voided, and when that is done it was a lack
    /// of funds (M14).
    fn decide(&self, attempt: &Attempt, case: &Case, finding: Finding) -> Step {
        let partial = |approval: &Approval| approval.amount.minor() < attempt.amount.minor();
        match decide_doubt(case, finding, self.minter.now()) {
            Step::Approve(approval) if partial(&approval) => Step::CancelHold(approval),
            Step::ApproveReversed(approval) if partial(&approval) => {
                Step::Decline(partial_decline(&approval))
            }
            other => other,
        }
    }

    async fn follow(
        &self,
        attempt: &Attempt,
        facts: &Facts,
        gateway: &Arc<dyn Gateway>,
        step: Step,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        match step {
            Step::Approve(approval) => {
                self.end(attempt, Outcome::Approved(approval), consequences, fence).await
            }
            Step::ApproveReversed(approval) => {
                let outcome = Outcome::Approved(approval);
                let consequence = consequences.undone(attempt).await?;
                match self.record_undone(attempt, &outcome, &consequence, fence).await? {
                    Recorded::Now => Ok(Resolution::Undone),
                    Recorded::Before => Ok(Resolution::Before),
                }
            }
            Step::Decline(raw) => {
                let outcome = consequences.read_decline(attempt, raw).await?;
                self.end(attempt, outcome, consequences, fence).await
            }
            Step::Lapse(cause, text) => {
                let lapse = Lapse { cause, reason: None, code: String::new(), text };
                self.end(attempt, Outcome::NotExecuted(lapse), consequences, fence).await
            }
            Step::CancelHold(approval) => {
                let partial = approval.amount.minor() < attempt.amount.minor();
                let answer = if partial {
                    self.undo_partial(gateway, attempt, &approval, fence).await
                } else {
                    self.cancel_hold(gateway, attempt, &approval, fence).await
                };
                self.after_undo(attempt, facts, answer, consequences, fence).await
            }
            Step::Fence => {
                let answer = gateway.fence(&inquiry(attempt, facts)).await;
                let case = Self::case(attempt, facts, true);
                let mut step = decide_fence(&case, answer, self.minter.now());
                if matches!(step, Step::Lapse(LapseCause::Fenced, _)) {
                    // A charge that was under way may have won against the fence: the gateway is asked once more.
                    let again = gateway.inquire(&inquiry(attempt, facts)).await;
                    step = match again {
                        Finding::NotFound => step,
                        other => match self.decide(attempt, &case, other) {
                            Step::Fence => Step::AskAt(next_ask(&case, self.minter.now())),
                            decided => decided,
                        },
                    };
                }
                let unknown_at = (answer == domain::doubt::FenceAnswer::Unknown).then(|| self.minter.now());
                Box::pin(self.follow_fenced(attempt, facts, gateway, step, unknown_at, consequences, fence))
                    .await
            }
            Step::AskAt(at) => self.wait(attempt, facts, at, None, consequences, fence).await,
            Step::Person(words) => self.person(attempt, facts, consequences, fence, &words).await,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one decision's parts, passed on once")]
    async fn follow_fenced(
        &self,
        attempt: &Attempt,
        facts: &Facts,
        gateway: &Arc<dyn Gateway>,
        step: Step,
        unknown_at: Option<Timestamp>,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        match step {
            Step::AskAt(at) => self.wait(attempt, facts, at, unknown_at, consequences, fence).await,
            other => self.follow(attempt, facts, gateway, other, consequences, fence).await,
        }
    }
}

fn inquiry(attempt: &Attempt, facts: &Facts) -> InquireRequest {
    InquireRequest {
        reference: reference_of(attempt),
        gateway_reference: facts.gateway_reference.clone(),
        purpose: attempt.purpose,
        amount: attempt.amount,
        card_last_four: facts.last_four.clone(),
        doubt: facts.doubt,
        sent_at: attempt.created_at,
        siblings: facts.siblings.clone(),
    }
}

fn finding_name(finding: &Finding) -> &'static str {
    match finding {
        Finding::Approved(_) => "approved",
        Finding::Reversed(_) => "reversed",
        Finding::Held(_) => "held",
        Finding::Declined(_) => "declined",
        Finding::Processing => "processing",
        Finding::NotFound => "not_found",
        Finding::OtherPayment => "other_payment",
        Finding::Unreachable(_) => "unreachable",
        Finding::Contradiction(_) => "contradiction",
    }
}
