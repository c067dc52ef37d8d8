//! A person's decision about a late approval: keep it, or give it back now (M17, Q29).

use charging::Consequences as _;
use domain::attempt::{Approval, Attempt, AttemptState, Outcome, Route};
use domain::ids::{AttemptId, MerchantId};
use domain::order::OrderStatus;
use domain::payment::PaymentState;
use domain::placement::Problem;
use storage::late_approvals::{self, LateApproval, LateState};
use storage::{Transaction, attempts, orders, payments, subscriptions};

use super::{LATE_APPROVAL, STUCK};
use crate::{Hub, PersonError};

/// Most characters of a note.
const NOTE_CHARS_MAX: usize = 500;

/// What a person wants of a late approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LateDecision {
    /// The money stays, and the order, or the billing cycle, is paid with it.
    Keep,
    /// It is given back now.
    GiveBack,
}

impl Hub {
    /// Carries a person's decision out. A note is required. What is given back is worked on by the next sweep; what is
    /// kept pays its declined order, or its billing cycle, under an attempt of its own.
    pub async fn resolve_late_approval(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
        decision: LateDecision,
        note: &str,
        actor: &str,
    ) -> Result<LateApproval, PersonError> {
        let Some(late) = self.store().find_late_approval(merchant_id, id).await? else {
            return Err(PersonError::NotFound("late approval"));
        };
        if note.trim().is_empty() || note.chars().count() > NOTE_CHARS_MAX {
            let words = "say in 1 to 500 characters why";
            return Err(PersonError::Invalid(vec![Problem::new("note", words)]));
        }
        if matches!(late.state, LateState::GivenBack | LateState::Kept) {
            return Err(PersonError::Conflict(format!(
                "the late approval is {} already",
                late.state.as_str()
            )));
        }
        match decision {
            LateDecision::Keep => self.keep_late(&late, note, actor).await?,
            LateDecision::GiveBack => {
                let what = format!("late approval of attempt {id}: give back now");
                let transaction = Transaction::new("hurry_late_approval")
                    .with(late_approvals::hurry(merchant_id, id, self.minter().now()))
                    .with(self.audited(merchant_id, actor, &what, note));
                self.store().commit(transaction).await?;
            }
        }
        let fresh = self.store().find_late_approval(merchant_id, id).await?;
        fresh.ok_or(PersonError::NotFound("late approval"))
    }

    async fn keep_late(&self, late: &LateApproval, note: &str, actor: &str) -> Result<(), PersonError> {
        let attempt = self.keepable(late).await?;
        let now = self.minter().now();
        let case = self.billing_case(&attempt).await?;
        let mut kept = Attempt {
            id: self.minter().mint(),
            deadline: None,
            why: format!("The late approval of attempt {} was kept by {actor}.", attempt.id),
            created_at: now,
            state: AttemptState::Sending,
            checks: 0,
            next_check_at: Some(now),
            needs_person: false,
            ..attempt.clone()
        };
        let approval = Approval {
            reference: late.gateway_reference.clone(),
            auth_code: String::new(),
            avs: String::new(),
            cvv: String::new(),
            text: "Approved late, and kept.".to_owned(),
            amount: late.amount,
        };
        let outcome = Outcome::Approved(approval.clone());
        let effects = if let Some(case) = &case {
            let configuration = self.configuration(late.merchant_id).await?;
            let card = self.store().find_card(late.merchant_id, kept.card_id).await?;
            let shown = card.map(|card| card.shown);
            let paid = self.bill_kept(&configuration, case, &kept, &approval, shown);
            paid.map_err(PersonError::Conflict)?
        } else {
            // Booked as a rerun that was approved: the same effects on the same declined order.
            kept.route = Route::Rerun;
            kept.slot = None;
            self.aftermath().settled(&kept, &outcome).await?.steps
        };
        let words = format!("Kept by {actor}.");
        let all = format!("{} {words}", late.words);
        let transaction = Transaction::new("keep_late_approval")
            .with(late_approvals::keep(late.merchant_id, late.attempt_id, &all, now))
            .with(attempts::insert(&kept))
            .with(attempts::settle(late.merchant_id, kept.id, &outcome, now, None))
            .with_all(effects)
            .with(late_approvals::close_alerts(late.merchant_id, late.attempt_id, LATE_APPROVAL, &words, now))
            .with(late_approvals::close_alerts(late.merchant_id, late.attempt_id, STUCK, &words, now))
            .with(self.audited(
                late.merchant_id,
                actor,
                &format!("late approval of attempt {}: keep", late.attempt_id),
                note,
            ));
        match self.store().commit(transaction).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_conflict_in(late_approvals::NOT_WAITING) => {
                Err(conflict("its refund has begun; look again in a moment"))
            }
            Err(error)
                if error.is_conflict_in(attempts::LIVE_ATTEMPT_EXISTS)
                    || error.is_conflict_in(orders::NOT_DECLINED) =>
            {
                Err(conflict("the order has just changed; look at it again"))
            }
            Err(error)
                if error.is_conflict_in(subscriptions::CHANGED_SINCE)
                    || error.is_conflict_in(payments::PAID_BEFORE) =>
            {
                Err(conflict("the subscription has just changed; look at it again"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The attempt of a late approval that can be kept.
    async fn keepable(&self, late: &LateApproval) -> Result<Attempt, PersonError> {
        if late.state != LateState::Waiting {
            return Err(conflict("its refund has begun"));
        }
        let attempt = self.store().find_attempt(late.merchant_id, late.attempt_id).await?;
        let attempt = attempt.ok_or(PersonError::NotFound("attempt"))?;
        let payment = self.store().find_payment(late.merchant_id, attempt.payment_id).await?;
        let payment = payment.ok_or(PersonError::NotFound("payment"))?;
        if payment.state == PaymentState::Paid {
            return Err(conflict("the payment is paid already; give it back"));
        }
        if late.amount != attempt.amount {
            return Err(conflict("another amount was taken than was asked for; give it back"));
        }
        if payment.cycle.is_some() {
            // What becomes of a bill is for its subscription to say.
            return Ok(attempt);
        }
        let order = self.store().find_order(late.merchant_id, late.order_id).await?;
        let order = order.ok_or(PersonError::NotFound("order"))?;
        if order.status != OrderStatus::Declined {
            let words = format!("the order is {}; give it back", order.status.as_str());
            return Err(PersonError::Conflict(words));
        }
        Ok(attempt)
    }
}

fn conflict(words: &str) -> PersonError {
    PersonError::Conflict(words.to_owned())
}
