//! A rescue: the account's acquirers are asked one after the other until one approves (M29).

pub(crate) mod budget;
mod case;
mod end;
pub(crate) mod plan;
mod request;
mod routes;

use std::sync::Arc;

use charging::{Answer, Consequence, Recorded};
use domain::attempt::{Attempt, Initiator, Lapse, LapseCause, Outcome, Route};
use domain::card::SecurityCode;
use domain::declines::Reason;
use domain::ids::MerchantId;
use domain::payment::{Payment, PaymentState};
use gateways::Gateway;
use storage::platform::{self as rows, Move, Recovery, RecoveryState};
use storage::{Step, StoreError, Transaction, attempts, cards, merchants, payments};

use crate::Platform;
use crate::decline;
use crate::evaluate::answered;
pub(crate) use case::Rescue;
use plan::Plan;
use request::charge_request;
pub(crate) use routes::Acquirer;

/// Times that a plan is made anew because the routes changed meanwhile.
const PLANS_MAX: usize = 4;

/// What came of it.
pub(crate) enum Begun {
    /// It ended; the recovery as stored.
    Answered(Box<Recovery>),
    /// Its key or its order belongs to another request.
    Elsewhere,
}

impl Platform {
    /// Runs a rescue to its answer.
    pub(crate) async fn rescue(&self, mut rescue: Rescue) -> Result<Begun, StoreError> {
        let code = self.take_code(rescue.recovery.initiator, &rescue.card);
        for _ in 0..PLANS_MAX {
            let (acquirers, version) = match self.plan(&rescue, code.is_some()).await? {
                Plan::Answer { state, status, reason } => {
                    return self.answer_at_once(rescue, state, status, reason).await;
                }
                Plan::Ask { acquirers, version } => (acquirers, version),
            };
            let payment_id = self.minter.mint();
            rescue.recovery.payment_id = Some(payment_id);
            let Some(first) = acquirers.first() else { continue };
            let why = format!(
                "A declined payment was handed over; {} is the first of {}.",
                first.words(),
                acquirers.len()
            );
            let attempt = self.first_attempt(&rescue, first, Route::First, why);
            match self.store().commit(self.intent(&rescue, &attempt, version)).await {
                Ok(_) => {
                    let recovery = self.ask_all(&rescue, code, &acquirers, attempt).await?;
                    return Ok(Begun::Answered(Box::new(recovery)));
                }
                Err(error) if error.is_conflict_in(merchants::CONFIGURATION_CHANGED) => {}
                Err(error) if error.is_conflict_in(rows::CANCELLED_BEFORE) => {
                    rescue.recovery.payment_id = None;
                    return self.refuse_cancelled(rescue).await;
                }
                Err(error) if error.is_conflict_in(rows::RECOVERY_EXISTS) => return Ok(Begun::Elsewhere),
                Err(error) if error.is_conflict_in(attempts::OVER_CARD_CAPS) => {
                    let (state, status) = (RecoveryState::Declined, answered::DECLINED);
                    return self.answer_at_once(rescue, state, status, budget::CAPPED).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict { step: merchants::CONFIGURATION_CHANGED })
    }

    /// Asks acquirers one after the other; the first attempt's intent is committed.
    pub(crate) async fn ask_all(
        &self,
        rescue: &Rescue,
        code: Option<SecurityCode>,
        acquirers: &[Acquirer],
        first: Attempt,
    ) -> Result<Recovery, StoreError> {
        let mut attempt = first;
        for (place, acquirer) in acquirers.iter().enumerate() {
            let answer = self.ask(rescue, code.clone(), acquirer, &attempt).await;
            let next = acquirers.get(place.saturating_add(1));
            let outcome = match answer {
                Answer::Approved(approval) => {
                    return self.approved(rescue, &attempt, Outcome::Approved(approval)).await;
                }
                Answer::InDoubt { doubt, gateway_reference, words } => {
                    let known = self.charging.fresh_doubt(&attempt, doubt, gateway_reference, words);
                    return self.doubtful(rescue, &attempt, &known).await;
                }
                Answer::Declined(raw) => decline::read(&attempt, &rescue.card.stored.shown.brand, raw),
                Answer::Lapsed(lapse) => Outcome::NotExecuted(lapse),
            };
            let next = match next {
                Some(next) => self.next_attempt(rescue, &attempt, &outcome, next),
                None => Err("No further acquirer is left.".to_owned()),
            };
            attempt = match next {
                Err(why) => return self.declined(rescue, &attempt, &outcome, &why).await,
                Ok(next) => match self.go_on(rescue, &attempt, &outcome, &next).await? {
                    Recorded::Now => *next,
                    Recorded::Before => return self.as_stored(rescue).await,
                },
            };
        }
        self.as_stored(rescue).await
    }

    /// Asks one acquirer once.
    async fn ask(
        &self,
        rescue: &Rescue,
        code: Option<SecurityCode>,
        acquirer: &Acquirer,
        attempt: &Attempt,
    ) -> Answer {
        match self.live(rescue.mid, acquirer).await {
            Some(gateway) => {
                let request = charge_request(rescue, code, attempt);
                self.charging.send(&gateway, attempt, &request).await
            }
            None => Answer::Lapsed(Lapse {
                cause: LapseCause::Refused,
                reason: Some(Reason::MerchantConfig),
                code: String::new(),
                text: "This acquirer cannot be used: its settings make no gateway.".to_owned(),
            }),
        }
    }

    async fn live(&self, mid: MerchantId, acquirer: &Acquirer) -> Option<Arc<dyn Gateway>> {
        match acquirer {
            Acquirer::Pretend => Some(Arc::<crate::pretend::PretendAcquirer>::clone(&self.pretend)),
            Acquirer::Configured(gateway, version) => {
                self.charging.connections.gateway(mid, *version, gateway).await.ok()
            }
        }
    }

    /// Close, then open: the outcome of one attempt and the intent of the next are one transaction.
    async fn go_on(
        &self,
        rescue: &Rescue,
        attempt: &Attempt,
        outcome: &Outcome,
        next: &Attempt,
    ) -> Result<Recorded, StoreError> {
        let mut steps = self.left_behind(attempt, outcome);
        steps.push(rows::enter_order(rescue.mid, &rescue.recovery.external_order_id));
        steps.push(self.still_asking(rescue));
        steps.extend(self.within_caps(rescue, &next.gateway_kind));
        steps.push(attempts::insert(next));
        let consequence = Consequence { steps, then: Vec::new() };
        match self.charging.record(attempt, outcome, &consequence, None).await {
            Err(error) if error.is_conflict_in(rows::CANCELLED_BEFORE) => {
                self.declined(rescue, attempt, outcome, "The merchant has cancelled the order.").await?;
                Ok(Recorded::Before)
            }
            Err(error) if error.is_conflict_in(rows::MOVED_BEFORE) => {
                self.declined(rescue, attempt, outcome, "The order had been given up.").await?;
                Ok(Recorded::Before)
            }
            Err(error) if error.is_conflict_in(attempts::OVER_CARD_CAPS) => {
                self.declined(rescue, attempt, outcome, budget::CAPPED).await?;
                Ok(Recorded::Before)
            }
            other => other,
        }
    }

    /// Nobody has ended the recovery meanwhile.
    fn still_asking(&self, rescue: &Rescue) -> Step {
        let here = rescue.asking();
        let reason = rescue.recovery.reason.as_str();
        let way = Move { from: &[here], to: here, answered: None, reason, due_at: None };
        rows::require_move(rows::move_recovery(rescue.mid, rescue.recovery.id, way, self.now()))
    }

    /// The recovery as it stands now.
    async fn as_stored(&self, rescue: &Rescue) -> Result<Recovery, StoreError> {
        let stored = self.store().find_recovery(rescue.mid, rescue.recovery.id).await?;
        stored.ok_or_else(|| StoreError::Inconsistent {
            table: "recoveries",
            column: "id",
            id: rescue.recovery.id.uuid().to_string(),
        })
    }

    /// The intent: recovery, payment and attempt in one transaction, before any byte leaves. Caps never refuse a
    /// customer's charge that is handed over, they only count it; what a merchant began must fit.
    fn intent(&self, rescue: &Rescue, attempt: &Attempt, version: i64) -> Transaction {
        let payment = Payment {
            id: attempt.payment_id,
            merchant_id: rescue.mid,
            order_id: attempt.order_id,
            amount: attempt.amount,
            state: PaymentState::Attempting,
            cycle: None,
        };
        let transaction = Transaction::new("rescue_intent")
            .with(rows::enter_order(rescue.mid, &rescue.recovery.external_order_id))
            .with(merchants::check_version(rescue.mid, version))
            .with(cards::upsert(&rescue.card.stored, attempt.created_at))
            .with(rows::insert_recovery(&rescue.recovery, &rescue.contact.email))
            .with(payments::insert(&payment, attempt.created_at));
        let [lock, caps] = self.within_caps(rescue, &attempt.gateway_kind);
        let transaction = match attempt.initiator {
            Initiator::Customer => transaction.with(lock),
            Initiator::Merchant => transaction.with(lock).with(caps),
        };
        transaction.with(attempts::insert(attempt))
    }
}
