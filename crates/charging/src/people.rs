//! What people find out about attempts, captures, voids and refunds that nobody could clear up (M18).

use domain::attempt::{Approval, Attempt, AttemptState, Decline, Lapse, LapseCause, Outcome, RawDecline};
use domain::card::mask_card_numbers;
use domain::declines::{Class, Reason};
use domain::ids::{AttemptId, MerchantId, OperationId};
use domain::placement::Problem;
use storage::alerts::{Audit, audit};
use storage::operations::{self, Operation};
use storage::{Step, StoreError};
use thiserror::Error;

use crate::Charging;
use crate::consequences::Consequences;
use crate::resolve::Resolution;

/// Most characters of a note.
const NOTE_CHARS_MAX: usize = 500;

/// What a person found out about an attempt in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The gateway took the money.
    Approved,
    /// The gateway refused it.
    Declined,
    /// The gateway never did anything.
    NotExecuted,
}

/// What a person found out, how, and who it is.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// What the gateway shows.
    pub verdict: Verdict,
    /// The gateway's id of an approval.
    pub gateway_reference: &'a str,
    /// How they know, 1 to 500 characters.
    pub note: &'a str,
    /// Who, for the audit log.
    pub actor: &'a str,
}

/// Why a decision was not taken.
#[derive(Debug, Error)]
pub enum DecideError {
    /// There is no such thing.
    #[error("there is no {0} with this id")]
    NotFound(&'static str),
    /// A field is missing or wrong.
    #[error("{0}")]
    Invalid(Problem),
    /// It does not fit the state.
    #[error("{0}")]
    Conflict(String),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Charging {
    /// A person's decision about an attempt in doubt: the gateway's id (when approved) and a note are required.
    pub async fn decide_attempt(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
        found: Found<'_>,
        consequences: &dyn Consequences,
    ) -> Result<Attempt, DecideError> {
        let Some(attempt) = self.store.find_attempt(merchant_id, id).await? else {
            return Err(DecideError::NotFound("attempt"));
        };
        self.require_undecided(&attempt, found)?;
        let reference = found.gateway_reference.trim();
        let what = format!("resolved attempt {id} as {:?}, gateway reference {reference:?}", found.verdict);
        let extra = vec![self.decided(merchant_id, found.actor, what, found.note)];
        let outcome = outcome_of(&attempt, found.verdict, reference, found.note);
        match self.resolve_by_person(&attempt, outcome, extra, consequences).await? {
            Resolution::Before => Err(DecideError::Conflict(
                "the attempt is being worked on; look again in a moment".to_owned(),
            )),
            Resolution::Settled(_)
            | Resolution::Undone
            | Resolution::Waiting(_)
            | Resolution::Open(_)
            | Resolution::NeedsPerson => {
                self.store.find_attempt(merchant_id, id).await?.ok_or(DecideError::NotFound("attempt"))
            }
        }
    }

    fn require_undecided(&self, attempt: &Attempt, found: Found<'_>) -> Result<(), DecideError> {
        if !attempt.state.is_open() {
            return Err(DecideError::Conflict(format!("the attempt is {} already", attempt.state.name())));
        }
        let under_way = attempt.next_check_at.is_some_and(|at| at > self.minter.now());
        if attempt.state == AttemptState::Sending && under_way {
            let words = "the attempt is being sent; it can be resolved when its answer is overdue".to_owned();
            return Err(DecideError::Conflict(words));
        }
        let is_approved = found.verdict == Verdict::Approved;
        if let (Some(deadline), false) = (attempt.deadline, attempt.needs_person || is_approved) {
            // The salvage gateway may still approve it: only it can say that it has stopped (M21).
            return Err(DecideError::Conflict(format!(
                "a salvage gateway works on the attempt until {deadline}; cancel what it collects, and it is asked to stop"
            )));
        }
        require_note(found.note)?;
        if is_approved && found.gateway_reference.trim().is_empty() {
            return Err(invalid("gateway_reference", "give the gateway's transaction id of the approval"));
        }
        Ok(())
    }

    /// A person's finding about a capture, void or refund that nobody could clear up: done (with the gateway's id), or
    /// not done, after which it can be asked for again. A note is required, and who says so.
    pub async fn decide_operation(
        &self,
        merchant_id: MerchantId,
        id: OperationId,
        done: Option<&str>,
        (note, actor): (&str, &str),
        consequences: &dyn Consequences,
    ) -> Result<Operation, DecideError> {
        let Some(operation) = self.store.find_operation(merchant_id, id).await? else {
            return Err(DecideError::NotFound("operation"));
        };
        if !operation.needs_person {
            let state = &operation.state;
            return Err(DecideError::Conflict(format!("the {} is {state} and worked on", operation.kind)));
        }
        require_note(note)?;
        if done.is_some_and(|reference| reference.trim().is_empty()) {
            return Err(invalid("gateway_reference", "give the gateway's id of the operation"));
        }
        let what = format!("resolved operation {id} as {}", if done.is_some() { "done" } else { "not done" });
        let extra = vec![self.decided(merchant_id, actor, what, note)];
        match self.resolve_operation_by_person(&operation, done, extra, consequences).await {
            Ok(()) => {}
            Err(error) if error.is_conflict_in(operations::SETTLED_BEFORE) => {
                let words = format!("the {} is being worked on; look again in a moment", operation.kind);
                return Err(DecideError::Conflict(words));
            }
            Err(error) => return Err(error.into()),
        }
        self.store.find_operation(merchant_id, id).await?.ok_or(DecideError::NotFound("operation"))
    }

    fn decided(&self, merchant_id: MerchantId, actor: &str, what: String, note: &str) -> Step {
        audit(&Audit {
            merchant_id,
            id: self.minter.mint(),
            at: self.minter.now(),
            actor: actor.to_owned(),
            what,
            note: mask_card_numbers(note),
        })
    }
}

fn require_note(note: &str) -> Result<(), DecideError> {
    if note.trim().is_empty() || note.chars().count() > NOTE_CHARS_MAX {
        return Err(invalid("note", "say in 1 to 500 characters how you know"));
    }
    Ok(())
}

fn invalid(field: &str, message: &str) -> DecideError {
    DecideError::Invalid(Problem::new(field, message))
}

fn outcome_of(attempt: &Attempt, verdict: Verdict, reference: &str, note: &str) -> Outcome {
    let text = mask_card_numbers(note);
    match verdict {
        Verdict::Approved => Outcome::Approved(Approval {
            reference: reference.to_owned(),
            auth_code: String::new(),
            avs: String::new(),
            cvv: String::new(),
            text,
            amount: attempt.amount,
        }),
        Verdict::Declined => Outcome::Declined(Decline {
            raw: RawDecline { reference: reference.to_owned(), text, ..RawDecline::default() },
            reason: Reason::Unknown,
            class_read: Class::Soft,
            class: Class::Soft,
            map: None,
            text_shown: "Declined.".to_owned(),
        }),
        Verdict::NotExecuted => Outcome::NotExecuted(Lapse {
            cause: LapseCause::NotReceived,
            reason: None,
            code: String::new(),
            text,
        }),
    }
}
