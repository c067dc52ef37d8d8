//! Gives a late approval back: committed intent, one call, and in doubt a question before anything is sent again (M17).

use std::sync::Arc;

use charging::Consequences as _;
use domain::attempt::Attempt;
use domain::salvage::Standing;
use gateways::{Gateway, GatewayError, OperationFinding, OperationKind, OperationOutcome, OperationRequest};
use storage::alerts::Alert;
use storage::late_approvals::{self, LateApproval, LateState};
use storage::{StoreError, Transaction, inbound_reports, timeline};
use uuid::Uuid;

use super::{LATE_APPROVAL, STUCK, later};
use crate::{Hub, HubError};

/// Worked on again after so many seconds; then a person is called, and it is still worked on every [`SLOWLY_SECS`].
const AGAIN_AFTER_SECS: [i64; 5] = [60, 300, 1_800, 7_200, 43_200];
const SLOWLY_SECS: i64 = 21_600;
/// Makes the refund's key of the attempt's: the same late approval always sends the same one, and no other request has it.
const KEY_OF_REFUND: u128 = 0x6c61_7465;

/// What came of an answer.
enum Answer {
    Back(String),
    /// Provably not done.
    NotDone(String),
    /// Provably not done, and not because of the line: a person is needed.
    Refused(String),
    Unknown(String),
}

impl Hub {
    /// Works on a late approval that is leased to `fence`. Safe to run twice.
    pub(super) async fn give_back(&self, late: &LateApproval, fence: Uuid) -> Result<(), HubError> {
        let found = self.store().find_attempt(late.merchant_id, late.attempt_id).await?;
        let Some(attempt) = found else {
            return self.wait_late(late, late.state, "Its attempt is unknown.", true, fence).await;
        };
        let Some(gateway) = self.aftermath().gateway_of(&attempt).await? else {
            return self
                .wait_late(late, late.state, "Its gateway cannot be used any more.", true, fence)
                .await;
        };
        let request = refund_of(late);
        if late.state == LateState::Waiting {
            // Somebody may have given it back at the gateway meanwhile.
            if let Standing::Reversed(_) = self.stands(&gateway, &attempt).await? {
                return self.given_back(late, "It had been given back at the gateway.", fence).await;
            }
        } else {
            match gateway.inquire_operation(&request).await {
                OperationFinding::Done { reference } => {
                    return self.given_back(late, &format!("Given back under {reference}."), fence).await;
                }
                OperationFinding::NotDone => {}
                OperationFinding::Unknown(words) => {
                    return self.wait_late(late, LateState::InDoubt, &words, false, fence).await;
                }
            }
        }
        let until = self.report_lease_until();
        let intent = late_approvals::begin(late.merchant_id, late.attempt_id, fence, until);
        match self.store().commit(Transaction::new("begin_giving_back").with(intent)).await {
            Ok(_) => {}
            Err(error) if error.is_conflict_in(late_approvals::NOT_BEGUN) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        match ask(&gateway, &request, &attempt).await {
            Answer::Back(words) => self.given_back(late, &words, fence).await,
            Answer::NotDone(words) => self.wait_late(late, LateState::Waiting, &words, false, fence).await,
            Answer::Refused(words) => self.wait_late(late, LateState::Waiting, &words, true, fence).await,
            Answer::Unknown(words) => self.wait_late(late, LateState::InDoubt, &words, false, fence).await,
        }
    }

    async fn given_back(&self, late: &LateApproval, words: &str, fence: Uuid) -> Result<(), HubError> {
        let now = self.minter().now();
        let whole = format!("{} {words}", late.words);
        let line = timeline::Line {
            merchant_id: late.merchant_id,
            id: self.minter().mint(),
            order_id: late.order_id,
            at: now,
            words: format!("The late approval of {} is undone. {words}", late.amount),
        };
        let transaction = Transaction::new("given_back")
            .with(late_approvals::end(late.merchant_id, late.attempt_id, Some(fence), &whole, now))
            .with(late_approvals::close_alerts(late.merchant_id, late.attempt_id, LATE_APPROVAL, words, now))
            .with(late_approvals::close_alerts(late.merchant_id, late.attempt_id, STUCK, words, now))
            .with(timeline::insert(&line));
        match self.store().commit(transaction).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_conflict_in(late_approvals::ENDED_BEFORE) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The work on it failed: again later, and after the ladder a person is told.
    pub(super) async fn again(
        &self,
        late: &LateApproval,
        words: &str,
        fence: Uuid,
    ) -> Result<(), StoreError> {
        match self.wait_late(late, late.state, words, false, fence).await {
            Ok(()) => Ok(()),
            Err(error) => Err(crate::aftermath::store_error(error)),
        }
    }

    /// Worked on again later; a person is told when one is needed, or after the ladder.
    async fn wait_late(
        &self,
        late: &LateApproval,
        state: LateState,
        words: &str,
        needs_person: bool,
        fence: Uuid,
    ) -> Result<(), HubError> {
        let now = self.minter().now();
        let rung = usize::try_from(late.tries).ok().and_then(|place| AGAIN_AFTER_SECS.get(place).copied());
        let secs = if needs_person { SLOWLY_SECS } else { rung.unwrap_or(SLOWLY_SECS) };
        // A crash while it was sent leaves doubt, whatever came of this look.
        let state = if state == LateState::Sending { LateState::InDoubt } else { state };
        let at = later(now, secs);
        let why = late.words.lines().next().unwrap_or_default();
        let all = format!("{why}\n{words}");
        let wait = late_approvals::wait(late.merchant_id, late.attempt_id, fence, state, &all, at);
        let mut transaction = Transaction::new("late_approval_again").with(wait);
        if needs_person || rung.is_none() {
            transaction = transaction.with(inbound_reports::alert_once(&Alert {
                merchant_id: late.merchant_id,
                id: self.minter().mint(),
                kind: STUCK.to_owned(),
                order_id: Some(late.order_id),
                attempt_id: Some(late.attempt_id),
                words: format!(
                    "The late approval of {} under {} cannot be given back: {words} Look it up at the gateway.",
                    late.amount, late.gateway_reference
                ),
                created_at: now,
            }));
        }
        self.store().commit(transaction).await?;
        Ok(())
    }
}

fn refund_of(late: &LateApproval) -> OperationRequest {
    let key = Uuid::from_u128(late.attempt_id.uuid().as_u128() ^ KEY_OF_REFUND);
    OperationRequest {
        kind: OperationKind::Refund,
        reference: domain::ids::to_base32(key),
        idempotency_key: key,
        gateway_reference: late.gateway_reference.clone(),
        attempt_reference: late.attempt_id.base32(),
        amount: late.amount,
        at: late.seen_at,
    }
}

async fn ask(gateway: &Arc<dyn Gateway>, request: &OperationRequest, attempt: &Attempt) -> Answer {
    match gateway.operate(request).await {
        Ok(OperationOutcome::Done { reference, .. }) => {
            Answer::Back(format!("Given back under {reference}."))
        }
        Ok(OperationOutcome::Refused { code, text }) => {
            Answer::Refused(format!("The gateway refused the refund: {code} {text}."))
        }
        Err(GatewayError::NotSent(error)) => Answer::NotDone(format!("The refund was not sent: {error}.")),
        Err(GatewayError::Rejected(rejection)) => {
            Answer::Refused(format!("The gateway refused the refund: {} {}.", rejection.code, rejection.text))
        }
        Err(GatewayError::InDoubt(_, error)) => {
            tracing::warn!(attempt.id = %attempt.id, "The answer to a refund of attempt {} was lost", attempt.id);
            Answer::Unknown(format!("The answer to the refund was lost: {error}."))
        }
    }
}
