//! Open salvages at their gateway: handed over once, adopted, polled, closed (M20–M23).

use std::sync::Arc;

use domain::attempt::{Approval, Attempt, AttemptState, Doubt, Outcome};
use domain::salvage::{SalvageCase, SalvageStep, Standing, decide_close, decide_salvage, next_poll};
use gateways::{ChargeOutcome, ChargeRequest, Gateway};
use jiff::Timestamp;
use storage::alerts::{self, Alert};
use storage::attempts::{self, InDoubt};
use storage::{StoreError, Transaction};
use uuid::Uuid;

use super::{Facts, Resolution, inquiry};
use crate::Charging;
use crate::consequences::Consequences;
use crate::record::Recorded;
use crate::send::{Answer, answer_of};

/// How often what follows is decided anew when something it reads has changed.
const DECIDED_ANEW_MAX: u8 = 5;

impl Charging {
    /// Hands an attempt over to a salvage gateway: its intent is committed, with a deadline. Never repeated: a lost
    /// answer is looked up.
    pub async fn submit_salvage(
        &self,
        gateway: &Arc<dyn Gateway>,
        attempt: &Attempt,
        request: &ChargeRequest,
        consequences: &dyn Consequences,
    ) -> Result<Resolution, StoreError> {
        let facts = self.facts(attempt).await?;
        match self.charge_in_time(gateway, attempt, request).await {
            Ok(ChargeOutcome::Approved(approval)) => {
                self.salvaged(attempt, &facts, gateway, approval, consequences, None).await
            }
            Ok(ChargeOutcome::Held(approval)) => {
                let answer = self.capture_or_cancel(gateway, attempt, approval, None).await;
                self.after_undo(attempt, &facts, answer, consequences, None).await
            }
            Ok(ChargeOutcome::Pending(reference)) => {
                self.keep_open(attempt, &reference, consequences, None).await
            }
            // It says no at once, and may still work on it: cancelled and read again before it counts (M22).
            Ok(ChargeOutcome::Declined(raw)) => {
                let reference = Some(raw.reference.clone()).filter(|reference| !reference.is_empty());
                let facts = Facts { gateway_reference: reference, ..facts };
                let answer = gateway.fence(&inquiry(attempt, &facts)).await;
                let confirmed = answer == domain::doubt::FenceAnswer::Confirmed;
                match gateway.look_up(&inquiry(attempt, &facts)).await {
                    standing @ (Standing::Failed(_) | Standing::Cancelled | Standing::Unknown)
                        if confirmed || standing == Standing::Cancelled =>
                    {
                        let outcome = consequences.read_decline(attempt, raw).await?;
                        self.end(attempt, outcome, consequences, None).await
                    }
                    Standing::Failed(raw) => {
                        let outcome = consequences.read_decline(attempt, raw).await?;
                        self.end(attempt, outcome, consequences, None).await
                    }
                    // It keeps the gateway's id: cancelled later, it has failed and is not handed over again.
                    Standing::Unreachable(words) => {
                        let reference = facts.gateway_reference;
                        self.doubt_salvage(attempt, Doubt::Unclear, reference, &words, consequences).await
                    }
                    Standing::Unknown | Standing::Working(_) => {
                        let words = "It was declined at once, and the cancellation is not confirmed yet.";
                        let reference = facts.gateway_reference;
                        self.doubt_salvage(attempt, Doubt::Unclear, reference, words, consequences).await
                    }
                    other => self.apply_standing(attempt, &facts, gateway, other, consequences, None).await,
                }
            }
            Err(error) => match answer_of(error) {
                Answer::Lapsed(lapse) => {
                    self.end(attempt, Outcome::NotExecuted(lapse), consequences, None).await
                }
                Answer::InDoubt { doubt, gateway_reference, words } => {
                    self.doubt_salvage(attempt, doubt, gateway_reference, &words, consequences).await
                }
                Answer::Approved(_) | Answer::Declined(_) => Ok(Resolution::Before),
            },
        }
    }

    /// Works on an open salvage once: polled, adopted or closed.
    pub(super) async fn resolve_salvage(
        &self,
        attempt: &Attempt,
        gateway: &Arc<dyn Gateway>,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        let facts = self.facts(attempt).await?;
        let standing = gateway.look_up(&inquiry(attempt, &facts)).await;
        tracing::info!(attempt.id = %attempt.id, "Looked up the open salvage {}", attempt.id);
        self.apply_standing(attempt, &facts, gateway, standing, consequences, fence).await
    }

    /// Applies what the gateway reported about an open salvage: the same as when it had been asked.
    pub async fn apply_report(
        &self,
        attempt: &Attempt,
        standing: Standing,
        consequences: &dyn Consequences,
    ) -> Result<Resolution, StoreError> {
        let Some(gateway) = consequences.gateway_of(attempt).await? else {
            return Ok(Resolution::Before);
        };
        let facts = self.facts(attempt).await?;
        self.apply_standing(attempt, &facts, &gateway, standing, consequences, None).await
    }

    /// Asks the salvage gateway to stop, because the customer acted (M23), and looks at what came of it.
    pub async fn cancel_salvage(
        &self,
        attempt: &Attempt,
        consequences: &dyn Consequences,
    ) -> Result<Resolution, StoreError> {
        let ask = attempts::ask_cancel(attempt.merchant_id, attempt.id, self.minter.now());
        self.store.commit(Transaction::new("ask_cancel").with(ask)).await?;
        let Some(fresh) = self.store.find_attempt(attempt.merchant_id, attempt.id).await? else {
            return Ok(Resolution::Before);
        };
        match (&fresh.state, fresh.next_check_at) {
            // Its submission is under way: stopped when it was answered, not before it has arrived.
            (AttemptState::Sending, Some(at)) => return Ok(Resolution::Waiting(at)),
            (AttemptState::Sending, None)
            | (AttemptState::InDoubt { .. } | AttemptState::Pending { .. }, _) => {}
            (
                AttemptState::Approved { .. }
                | AttemptState::Declined { .. }
                | AttemptState::NotExecuted { .. },
                _,
            ) => return Ok(Resolution::Before),
        }
        let attempt = &fresh;
        self.resolve(attempt, consequences, None).await
    }

    async fn salvage_case(&self, attempt: &Attempt, facts: &Facts) -> Result<SalvageCase, StoreError> {
        let (cancel_asked, fence_asked) = self.store.find_asked(attempt.merchant_id, attempt.id).await?;
        Ok(SalvageCase {
            acknowledged: facts.gateway_reference.is_some(),
            sent_at: attempt.created_at,
            deadline: attempt.deadline.unwrap_or(attempt.created_at),
            cancel_asked: cancel_asked.is_some(),
            unknown_at: facts.fence_unknown_at,
            fence_asked: fence_asked.is_some(),
        })
    }

    async fn apply_standing(
        &self,
        attempt: &Attempt,
        facts: &Facts,
        gateway: &Arc<dyn Gateway>,
        standing: Standing,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        let case = self.salvage_case(attempt, facts).await?;
        let mut step = decide_salvage(&case, standing, self.minter.now());
        let mut unknown_at = None;
        if step == SalvageStep::Close {
            if !case.acknowledged && !case.fence_asked {
                // Kept first: after a crash, or when nobody can read what came of it, "cancelled" was our doing (M23).
                match self.ask_fence(attempt).await? {
                    Recorded::Now => {}
                    Recorded::Before => return Ok(Resolution::Before),
                }
            }
            let answer = gateway.fence(&inquiry(attempt, facts)).await;
            let after = gateway.look_up(&inquiry(attempt, facts)).await;
            unknown_at = (answer == domain::doubt::FenceAnswer::Unknown).then(|| self.minter.now());
            step = decide_close(&case, answer, after, self.minter.now());
        }
        match step {
            SalvageStep::Approve(approval) => {
                self.salvaged(attempt, facts, gateway, approval, consequences, fence).await
            }
            SalvageStep::ApproveReversed(approval) => {
                let outcome = Outcome::Approved(approval);
                let consequence = consequences.undone(attempt).await?;
                match self.record_undone(attempt, &outcome, &consequence, fence).await? {
                    Recorded::Now => Ok(Resolution::Undone),
                    Recorded::Before => Ok(Resolution::Before),
                }
            }
            SalvageStep::Capture(approval) => {
                let answer = self.capture_or_cancel(gateway, attempt, approval, fence).await;
                self.after_undo(attempt, facts, answer, consequences, fence).await
            }
            SalvageStep::CancelHold(approval) => {
                let answer = self.cancel_hold(gateway, attempt, &approval, fence).await;
                self.after_undo(attempt, facts, answer, consequences, fence).await
            }
            SalvageStep::Fail(raw) => {
                let outcome = consequences.read_decline(attempt, raw).await?;
                self.end(attempt, outcome, consequences, fence).await
            }
            SalvageStep::Lapse(why, text) => {
                let lapse = domain::attempt::Lapse { cause: why, reason: None, code: String::new(), text };
                self.end(attempt, Outcome::NotExecuted(lapse), consequences, fence).await
            }
            SalvageStep::Keep(_, at) if matches!(attempt.state, AttemptState::Pending { .. }) => {
                self.poll_again(attempt, at, fence).await
            }
            // The submission's answer was lost, and the gateway has it: it is adopted (M20).
            SalvageStep::Keep(reference, _) => self.keep_open(attempt, &reference, consequences, fence).await,
            SalvageStep::Close => self.poll_again(attempt, next_poll(&case, self.minter.now()), fence).await,
            SalvageStep::AskAt(at) if matches!(attempt.state, AttemptState::Pending { .. }) => {
                let closing = case.cancel_asked || self.minter.now() >= case.deadline;
                if closing {
                    self.not_closed(attempt, facts, at, unknown_at, consequences, fence).await
                } else {
                    self.poll_again(attempt, at, fence).await
                }
            }
            SalvageStep::AskAt(at) => self.wait(attempt, facts, at, unknown_at, consequences, fence).await,
            SalvageStep::Person(words) => self.person(attempt, facts, consequences, fence, &words).await,
        }
    }

    /// Keeps that the gateway is asked to fence a submission that nobody has acknowledged.
    async fn ask_fence(&self, attempt: &Attempt) -> Result<Recorded, StoreError> {
        let ask = attempts::ask_fence(attempt.merchant_id, attempt.id, self.minter.now());
        match self.store.commit(Transaction::new("ask_fence").with(ask)).await {
            Ok(_) => Ok(Recorded::Now),
            Err(error) if error.is_conflict_in(attempts::NOT_FENCEABLE) => Ok(Recorded::Before),
            Err(error) => Err(error),
        }
    }

    /// Approved: exactly what was asked, or it is undone (M14).
    async fn salvaged(
        &self,
        attempt: &Attempt,
        facts: &Facts,
        gateway: &Arc<dyn Gateway>,
        approval: Approval,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        if approval.amount.minor() < attempt.amount.minor() {
            let answer = self.undo_partial(gateway, attempt, &approval, fence).await;
            return self.after_undo(attempt, facts, answer, consequences, fence).await;
        }
        self.end(attempt, Outcome::Approved(approval), consequences, fence).await
    }

    /// The gateway works on it: the attempt is pending, and what that means for its debt commits with it.
    async fn keep_open(
        &self,
        attempt: &Attempt,
        reference: &str,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        let case = SalvageCase {
            acknowledged: true,
            sent_at: attempt.created_at,
            deadline: attempt.deadline.unwrap_or(attempt.created_at),
            cancel_asked: false,
            unknown_at: None,
            fence_asked: false,
        };
        let now = self.minter.now();
        let at = next_poll(&case, now);
        let mut tries = 0;
        loop {
            let consequence = consequences.opened(attempt).await?;
            let transaction = Transaction::new("open_salvage")
                .with(attempts::pend(attempt.merchant_id, attempt.id, reference, at, fence, now))
                .with_all(consequence.steps);
            match self.store.commit(transaction).await {
                Ok(_) => return Ok(Resolution::Open(at)),
                Err(error) if error.is_conflict_in(attempts::NOT_PENDABLE) => return Ok(Resolution::Before),
                // Somebody changed what it follows for while the gateway answered: decided anew.
                Err(StoreError::Conflict { .. }) if tries < DECIDED_ANEW_MAX => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// It should have ended and has not: it stays live, in doubt, and somebody is told at once (M21).
    async fn not_closed(
        &self,
        attempt: &Attempt,
        facts: &Facts,
        at: Timestamp,
        unknown_at: Option<Timestamp>,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        let words = format!(
            "The salvage gateway has not confirmed that it stopped; nothing else is tried until it has. It is asked again on {at}."
        );
        let mut consequence = consequences.doubted(attempt).await?;
        consequence.steps.push(alerts::insert(&Alert {
            merchant_id: attempt.merchant_id,
            id: self.minter.mint(),
            kind: "salvage_not_closed".to_owned(),
            order_id: Some(attempt.order_id),
            attempt_id: Some(attempt.id),
            words: words.clone(),
            created_at: self.minter.now(),
        }));
        let known = InDoubt {
            doubt: Doubt::Unclear,
            since: self.minter.now(),
            gateway_reference: facts.gateway_reference.clone(),
            text: Some(words),
            checks: attempt.checks.saturating_add(1),
            next_check_at: Some(at),
            fence_unknown_at: unknown_at,
            needs_person: attempt.needs_person,
        };
        match self.record_doubt(attempt, &known, &consequence, fence).await? {
            Recorded::Now => Ok(Resolution::Waiting(at)),
            Recorded::Before => Ok(Resolution::Before),
        }
    }

    async fn poll_again(
        &self,
        attempt: &Attempt,
        at: Timestamp,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        let poll = attempts::poll(attempt.merchant_id, attempt.id, at, fence, self.minter.now());
        self.store.commit(Transaction::new("poll_salvage").with(poll)).await?;
        Ok(Resolution::Open(at))
    }

    async fn doubt_salvage(
        &self,
        attempt: &Attempt,
        doubt: Doubt,
        reference: Option<String>,
        words: &str,
        consequences: &dyn Consequences,
    ) -> Result<Resolution, StoreError> {
        let known: InDoubt = self.fresh_doubt(attempt, doubt, reference, words.to_owned());
        let at = known.next_check_at.unwrap_or_else(|| self.minter.now());
        let consequence = consequences.doubted(attempt).await?;
        match self.record_doubt(attempt, &known, &consequence, None).await? {
            Recorded::Now => Ok(Resolution::Waiting(at)),
            Recorded::Before => Ok(Resolution::Before),
        }
    }
}
