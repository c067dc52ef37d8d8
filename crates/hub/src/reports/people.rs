//! Chargebacks that people mark and revert (R153, Q32), and refunds that people book without sending them.

use domain::attempt::{Approval, Attempt, AttemptState};
use domain::ids::{AttemptId, MerchantId};
use domain::money::Money;
use domain::placement::Problem;
use gateways::OperationKind;
use jiff::{SignedDuration, Timestamp};
use storage::chargebacks::{self, Chargeback};
use storage::operations::{self, Operation};
use storage::{StoreError, Transaction};

use crate::{Hub, PersonError};

/// Most characters of a reason code.
const REASON_CHARS_MAX: usize = 10;
/// Most characters of a note.
const NOTE_CHARS_MAX: usize = 500;
/// Most characters of a gateway's id.
const REFERENCE_CHARS_MAX: usize = 200;

/// A chargeback as a person writes it down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChargebackMark {
    /// How much; the whole approval when none.
    pub amount: Option<Money>,
    /// When the issuer did; now when none.
    pub at: Option<Timestamp>,
    /// The issuer's reason code; may be empty, at most 10 characters.
    pub reason: String,
    /// A note; may be empty, at most 500 characters.
    pub note: String,
}

impl Hub {
    /// Marks an approval as charged back. Conflict when it is marked already, or the attempt is no approval.
    pub async fn mark_chargeback(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
        mark: ChargebackMark,
        actor: &str,
    ) -> Result<Chargeback, PersonError> {
        let (attempt, approval) = self.approved_attempt(merchant_id, id).await?;
        let now = self.minter().now();
        let problems = problems_of(&mark, approval.amount, now);
        if !problems.is_empty() {
            return Err(PersonError::Invalid(problems));
        }
        let chargeback = Chargeback {
            merchant_id,
            attempt_id: attempt.id,
            order_id: self.order_shown(&attempt).await?,
            amount: mark.amount.unwrap_or(approval.amount),
            charged_back_at: mark.at.unwrap_or(now),
            reason: mark.reason.trim().to_owned(),
            note: domain::card::mask_card_numbers(&mark.note),
            source: "person".to_owned(),
            created_at: now,
            reverted_at: None,
        };
        let known = self.store().find_chargeback(merchant_id, id).await?;
        if known.is_some_and(|known| known.is_marked()) {
            return Err(PersonError::Conflict("it is marked as a chargeback already".to_owned()));
        }
        self.cancel_after_chargeback(&chargeback).await?;
        let what = format!("marked a chargeback of {} on attempt {id}", chargeback.amount);
        let transaction = Transaction::new("mark_chargeback")
            .with_all(self.marking(&chargeback).await?)
            .with(self.audited(merchant_id, actor, &what, &mark.note));
        match self.store().commit(transaction).await {
            Ok(_) => Ok(chargeback),
            Err(error) if error.is_conflict_in(chargebacks::MARKED_BEFORE) => {
                Err(PersonError::Conflict("it is marked as a chargeback already".to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the mark of a chargeback back: it was won (Q32).
    pub async fn revert_chargeback(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
        note: &str,
        actor: &str,
    ) -> Result<Chargeback, PersonError> {
        let not_marked = || PersonError::Conflict("it is not marked as a chargeback".to_owned());
        if self.store().find_attempt(merchant_id, id).await?.is_none() {
            return Err(PersonError::NotFound("attempt"));
        }
        let known = self.store().find_chargeback(merchant_id, id).await?;
        let known = known.filter(Chargeback::is_marked).ok_or_else(not_marked)?;
        let now = self.minter().now();
        let order = self.order_charged_back(&known).await?;
        let transaction = Transaction::new("revert_chargeback")
            .with(chargebacks::revert(merchant_id, id, now))
            .with(self.tell(&order, format!("The chargeback of {} was reverted.", known.amount)))
            .with(self.audited(
                merchant_id,
                actor,
                &format!("reverted the chargeback of attempt {id}"),
                note,
            ));
        match self.store().commit(transaction).await {
            Ok(_) => Ok(Chargeback { reverted_at: Some(now), ..known }),
            Err(error) if error.is_conflict_in(chargebacks::NOT_MARKED) => Err(not_marked()),
            Err(error) => Err(error.into()),
        }
    }

    /// Books money that was given back at the gateway by somebody else: all that is left when `amount` is none. Nothing is
    /// sent.
    pub async fn book_refund(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
        amount: Option<Money>,
        gateway_reference: &str,
        note: &str,
        actor: &str,
    ) -> Result<Operation, PersonError> {
        let (attempt, approval) = self.approved_attempt(merchant_id, id).await?;
        let left = self.left_of_approval(&attempt, &approval).await?;
        let amount = amount.unwrap_or(left);
        let mut problems = Vec::new();
        if amount.minor() < 1 || amount.minor() > left.minor() || amount.currency() != left.currency() {
            let words = format!("an amount of at most {left} can be booked as refunded");
            problems.push(Problem::new("amount", words));
        }
        if gateway_reference.chars().count() > REFERENCE_CHARS_MAX {
            problems.push(Problem::new("gateway_reference", "has at most 200 characters"));
        }
        if note.chars().count() > NOTE_CHARS_MAX {
            problems.push(Problem::new("note", "has at most 500 characters"));
        }
        if !problems.is_empty() {
            return Err(PersonError::Invalid(problems));
        }
        let why = if note.trim().is_empty() { "Refunded outside, and booked." } else { note };
        let mut operation = self.charging.new_operation(
            OperationKind::Refund,
            &attempt,
            amount,
            &domain::card::mask_card_numbers(why),
        );
        operation.gateway_reference = Some(gateway_reference.trim().to_owned()).filter(|id| !id.is_empty());
        let what = format!("booked an external refund of {amount} on attempt {id}");
        let steps = self.charging.booking(&operation, &attempt, self.aftermath().as_ref()).await?;
        let transaction = Transaction::new("book_refund").with_all(steps).with(self.audited(
            merchant_id,
            actor,
            &what,
            note,
        ));
        match self.store().commit(transaction).await {
            Ok(_) => {}
            Err(error) if is_overtaken(&error) => {
                let words = "another refund of this payment was faster; look at it again".to_owned();
                return Err(PersonError::Conflict(words));
            }
            Err(error) => return Err(error.into()),
        }
        let stored = self.store().find_operation(merchant_id, operation.id).await?;
        stored.ok_or(PersonError::NotFound("operation"))
    }

    async fn approved_attempt(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
    ) -> Result<(Attempt, Approval), PersonError> {
        let Some(attempt) = self.store().find_attempt(merchant_id, id).await? else {
            return Err(PersonError::NotFound("attempt"));
        };
        match &attempt.state {
            AttemptState::Approved { approval, .. } => {
                let approval = approval.clone();
                Ok((attempt, approval))
            }
            AttemptState::Sending
            | AttemptState::InDoubt { .. }
            | AttemptState::Pending { .. }
            | AttemptState::Declined { .. }
            | AttemptState::NotExecuted { .. } => Err(PersonError::Conflict(format!(
                "the attempt is {}, and only an approved one can be charged back or refunded",
                attempt.state.name()
            ))),
        }
    }
}

fn is_overtaken(error: &StoreError) -> bool {
    [operations::NOT_APPROVED, operations::MORE_THAN_TAKEN, operations::GIVEN_BACK_SINCE, "reverse_attempt"]
        .iter()
        .any(|step| error.is_conflict_in(step))
}

fn problems_of(mark: &ChargebackMark, approved: Money, now: Timestamp) -> Vec<Problem> {
    let mut problems = Vec::new();
    let fits = |amount: Money| {
        amount.currency() == approved.currency() && (1..=approved.minor()).contains(&amount.minor())
    };
    if mark.amount.is_some_and(|amount| !fits(amount)) {
        problems.push(Problem::new("amount", format!("is an amount of at most {approved}")));
    }
    // A date without a time may lie ahead in another time zone.
    let latest = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX);
    if mark.at.is_some_and(|at| at > latest) {
        problems.push(Problem::new("date", "lies ahead"));
    }
    if mark.reason.trim().chars().count() > REASON_CHARS_MAX {
        problems.push(Problem::new("reason", "has at most 10 characters"));
    }
    if mark.note.chars().count() > NOTE_CHARS_MAX {
        problems.push(Problem::new("note", "has at most 500 characters"));
    }
    problems
}
