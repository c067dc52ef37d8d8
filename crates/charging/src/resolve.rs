//! Working on doubt: ask the gateway, fence, or leave it to a person (M2, M8, M12–M14).

use std::sync::Arc;

use domain::attempt::{Attempt, AttemptState, Doubt, Lapse, LapseCause, Outcome};
use domain::doubt::{Case, Finding, Step, decide_doubt, decide_fence, next_ask};
use gateways::{Gateway, InquireRequest};
use jiff::{SignedDuration, Timestamp};
use storage::StoreError;
use storage::attempts::InDoubt;
use uuid::Uuid;

use crate::Charging;
use crate::consequences::Consequences;
use crate::record::Recorded;
use crate::send::{Answer, reference_of};

/// How often an attempt that waits for a person is still asked about.
const SLOWLY: SignedDuration = SignedDuration::from_hours(6);

/// What came of working on an attempt in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// It is settled now.
    Settled(Outcome),
    /// It was approved and undone.
    Undone,
    /// Still in doubt; asked again then.
    Waiting(Timestamp),
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
        let Some(gateway) = consequences.gateway_of(attempt).await else {
            return self
                .person(attempt, &facts, consequences, fence, "Its gateway cannot be used any more.")
                .await;
        };
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
        match decide_doubt(&case, finding, self.minter.now()) {
            Step::Approve(approval) if approval.amount.minor() < attempt.amount.minor() => {
                Step::CancelHold(approval)
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
                    self.undo_partial(gateway, attempt, &approval).await
                } else {
                    self.cancel_hold(gateway, attempt, &approval).await
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
                        other => match decide_doubt(&case, other, self.minter.now()) {
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

    async fn after_undo(
        &self,
        attempt: &Attempt,
        facts: &Facts,
        answer: Answer,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        match answer {
            Answer::Approved(approval) => {
                self.end(attempt, Outcome::Approved(approval), consequences, fence).await
            }
            Answer::Declined(raw) => {
                let outcome = consequences.read_decline(attempt, raw).await?;
                self.end(attempt, outcome, consequences, fence).await
            }
            Answer::Lapsed(lapse) => {
                self.end(attempt, Outcome::NotExecuted(lapse), consequences, fence).await
            }
            Answer::InDoubt { .. } => {
                let case = Self::case(attempt, facts, false);
                let at = next_ask(&case, self.minter.now());
                self.wait(attempt, facts, at, None, consequences, fence).await
            }
        }
    }

    async fn end(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        let consequence = consequences.settled(attempt, &outcome).await?;
        let recorded = self.record(attempt, &outcome, &consequence, fence).await?;
        if recorded == Recorded::Before {
            return Ok(Resolution::Before);
        }
        self.run_operations(attempt, &consequence.then, consequences).await?;
        Ok(Resolution::Settled(outcome))
    }

    async fn wait(
        &self,
        attempt: &Attempt,
        facts: &Facts,
        at: Timestamp,
        unknown_at: Option<Timestamp>,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        let known = InDoubt {
            doubt: facts.doubt,
            since: self.minter.now(),
            gateway_reference: None,
            text: None,
            checks: attempt.checks.saturating_add(1),
            next_check_at: Some(at),
            fence_unknown_at: unknown_at,
            needs_person: attempt.needs_person,
        };
        let consequence = consequences.doubted(attempt).await?;
        match self.record_doubt(attempt, &known, &consequence, fence).await? {
            Recorded::Now => Ok(Resolution::Waiting(at)),
            Recorded::Before => Ok(Resolution::Before),
        }
    }

    async fn person(
        &self,
        attempt: &Attempt,
        facts: &Facts,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
        words: &str,
    ) -> Result<Resolution, StoreError> {
        let known = InDoubt {
            doubt: facts.doubt,
            since: self.minter.now(),
            gateway_reference: None,
            text: Some(words.to_owned()),
            checks: attempt.checks.saturating_add(1),
            // Still asked now and then: what stood in the way may pass.
            next_check_at: Some(self.minter.now().saturating_add(SLOWLY).unwrap_or(Timestamp::MAX)),
            fence_unknown_at: None,
            needs_person: true,
        };
        let mut consequence = consequences.doubted(attempt).await?;
        if !attempt.needs_person {
            consequence.steps.push(storage::alerts::insert(&storage::alerts::Alert {
                merchant_id: attempt.merchant_id,
                id: self.minter.mint(),
                kind: "attempt_needs_person".to_owned(),
                order_id: Some(attempt.order_id),
                attempt_id: Some(attempt.id),
                words: format!("{words} Look it up at the gateway, then resolve attempt {}.", attempt.id),
                created_at: self.minter.now(),
            }));
        }
        match self.record_doubt(attempt, &known, &consequence, fence).await? {
            Recorded::Now => Ok(Resolution::NeedsPerson),
            Recorded::Before => Ok(Resolution::Before),
        }
    }

    /// A person's decision about an open attempt (M18). The caller has checked role, reference and note, and audits.
    pub async fn resolve_by_person(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        extra: Vec<storage::Step>,
        consequences: &dyn Consequences,
    ) -> Result<Resolution, StoreError> {
        let mut consequence = consequences.settled(attempt, &outcome).await?;
        consequence.steps.extend(extra);
        match self.record(attempt, &outcome, &consequence, None).await? {
            Recorded::Before => Ok(Resolution::Before),
            Recorded::Now => {
                self.run_operations(attempt, &consequence.then, consequences).await?;
                Ok(Resolution::Settled(outcome))
            }
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
