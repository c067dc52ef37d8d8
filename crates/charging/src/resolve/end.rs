//! How a look at an attempt in doubt ends: settled, asked again later, or left to a person.

use domain::attempt::{Attempt, Outcome};
use jiff::{SignedDuration, Timestamp};
use storage::StoreError;
use storage::attempts::InDoubt;
use uuid::Uuid;

use super::{Facts, Resolution};
use crate::Charging;
use crate::consequences::Consequences;
use crate::record::Recorded;
use crate::send::Answer;

/// How often what follows from an outcome is decided anew when something it reads has changed.
const DECIDED_ANEW_MAX: u8 = 5;
/// How often an attempt that waits for a person is still asked about.
const SLOWLY: SignedDuration = SignedDuration::from_hours(6);

impl Charging {
    pub(super) async fn after_undo(
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
            Answer::InDoubt { words, .. } => {
                self.later_or_person(attempt, facts, &words, consequences, fence).await
            }
        }
    }

    pub(crate) async fn end(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        self.end_with(attempt, outcome, Vec::new(), consequences, fence).await
    }

    /// Settles an attempt with what follows from it. What follows was decided from rows that may change meanwhile (a
    /// customer pauses, a person edits): then it is decided anew.
    async fn end_with(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        extra: Vec<storage::Step>,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Resolution, StoreError> {
        let mut tries = 0;
        loop {
            let mut consequence = consequences.settled(attempt, &outcome).await?;
            consequence.steps.extend(extra.iter().cloned());
            match self.record(attempt, &outcome, &consequence, fence).await {
                Ok(Recorded::Now) => {
                    self.run_operations(attempt, &consequence.then, consequences).await?;
                    return Ok(Resolution::Settled(outcome));
                }
                Ok(Recorded::Before) => return Ok(Resolution::Before),
                Err(StoreError::Conflict { .. }) if tries < DECIDED_ANEW_MAX => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) async fn wait(
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

    pub(super) async fn person(
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
        // What is being given back, or was, is not kept: the person has seen an older state of it.
        if matches!(outcome, Outcome::Approved(_)) && self.is_given_back(attempt).await? {
            return Ok(Resolution::Before);
        }
        self.end_with(attempt, outcome, extra, consequences, None).await
    }
}
