//! One rerun from the question to the answer.

use std::sync::Arc;

use charging::NoGateway;
use domain::attempt::Attempt;
use domain::configuration::Configuration;
use domain::ids::{AttemptId, MerchantId, OrderId};
use domain::placement::Problem;
use domain::rerun::{RerunTarget, decide_target};
use jiff::{SignedDuration, Timestamp};
use storage::{Step, StoreError, attempts, merchants, orders};

use super::judge::Planned;
use super::{Rerun, RerunAnswer, Skip, SkipKind, agreement};
use crate::people::PersonError;
use crate::stored_charge::StoredCharge;
use crate::{Hub, HubError};

/// How often an order is judged again after something changed under it.
const TRIES_MAX: usize = 4;
/// Most characters of a note.
const NOTE_CHARS_MAX: usize = 500;

/// What a rerun of a run brings along.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extra<'a> {
    /// Steps that commit with the intent.
    pub(super) steps: &'a [Step],
    /// The lost hand-over that it is made in place of, with the same deadline (M20).
    pub(super) lost: Option<AttemptId>,
}

/// What a try came to.
enum Try {
    Done(Box<Attempt>),
    Left(Skip),
    Again,
}

/// The target of a request; refused as a whole when it names what cannot be (R40).
pub(super) fn target_of(configuration: &Configuration, rerun: &Rerun) -> Result<RerunTarget, PersonError> {
    let wrong = |field: &str, words: String| PersonError::Invalid(vec![Problem::new(field, words)]);
    if rerun.note.chars().count() > NOTE_CHARS_MAX {
        return Err(wrong("note", "has at most 500 characters".to_owned()));
    }
    let field = if rerun.gateway_profile.is_some() { "gateway_profile" } else { "gateway" };
    decide_target(configuration, rerun.gateway, rerun.gateway_profile).map_err(|words| wrong(field, words))
}

impl Hub {
    /// Tries a declined new sale again. The charge finishes also when the caller hangs up. `actor` is who asks, for the
    /// audit log. [`PersonError::Invalid`] when the request itself is wrong, whatever the order.
    pub async fn rerun_order(
        &self,
        merchant_id: MerchantId,
        id: OrderId,
        rerun: &Rerun,
        actor: &str,
    ) -> Result<RerunAnswer, PersonError> {
        let configuration = self.configuration(merchant_id).await?;
        if target_of(&configuration, rerun).is_err() {
            // Another process may have just added what is named.
            target_of(&*self.reload(merchant_id).await?, rerun)?;
        }
        if self.store().find_order(merchant_id, id).await?.is_none() {
            return Err(PersonError::NotFound("order"));
        }
        let answer = self.rerun_with(merchant_id, id, rerun, actor, Extra::default()).await?;
        Ok(answer)
    }

    /// [`Self::rerun_order`] with what a run brings along.
    pub(super) async fn rerun_with(
        &self,
        merchant_id: MerchantId,
        id: OrderId,
        rerun: &Rerun,
        actor: &str,
        extra: Extra<'_>,
    ) -> Result<RerunAnswer, HubError> {
        let mut open =
            Skip::new(SkipKind::AttemptOpen, "Another attempt of it was faster; look at it again.");
        for _ in 0..TRIES_MAX {
            match Box::pin(self.try_rerun(merchant_id, id, rerun, actor, extra)).await {
                Ok(Try::Done(attempt)) => {
                    let view = self.find_order_view(merchant_id, id).await?.ok_or(HubError::Interrupted)?;
                    let stored = view.attempts.iter().find(|one| one.id == attempt.id).cloned();
                    let attempt = stored.map_or(attempt, Box::new);
                    return Ok(RerunAnswer::Attempted { view: Box::new(view), attempt });
                }
                Ok(Try::Left(skip)) => return Ok(RerunAnswer::Skipped(skip)),
                Ok(Try::Again) => {
                    self.reload(merchant_id).await?;
                }
                Err(HubError::Store(error)) if error.is_conflict_in(attempts::OVER_CARD_BUDGET) => {
                    "The card's attempts reached their cap meanwhile.".clone_into(&mut open.words);
                    open.kind = SkipKind::NotEligible;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(RerunAnswer::Skipped(open))
    }

    async fn try_rerun(
        &self,
        merchant_id: MerchantId,
        id: OrderId,
        rerun: &Rerun,
        actor: &str,
        extra: Extra<'_>,
    ) -> Result<Try, HubError> {
        let configuration = self.configuration(merchant_id).await?;
        let Some(view) = self.find_order_view(merchant_id, id).await? else {
            return Ok(Try::Left(Skip::new(SkipKind::NotFound, "There is no order with this id.")));
        };
        let target = match target_of(&configuration, rerun) {
            Ok(target) => target,
            Err(error) => return Ok(Try::Left(Skip::new(SkipKind::NoGateway, error.to_string()))),
        };
        let planned = match self.judge(&configuration, &view, target, rerun, true).await? {
            Ok(planned) => planned,
            Err(skip) => return Ok(Try::Left(skip)),
        };
        let deadline = match extra.lost {
            Some(lost) => self.deadline_again(&planned, lost),
            None => self.deadline_of(&configuration, &planned).await?,
        };
        let deadline = match deadline {
            Ok(deadline) => deadline,
            Err(skip) => return Ok(Try::Left(skip)),
        };
        let attempt = self.rerun_attempt(&configuration, &planned, deadline);
        let over = if rerun.override_bought_since { ", although bought since" } else { "" };
        let what = format!("reran order {id} at gateway {}{over}", planned.gateway.number);
        let mut steps = extra.steps.to_vec();
        steps.push(self.audited(merchant_id, actor, &what, &rerun.note));
        let hub = self.clone();
        // A task of its own: a caller who hangs up does not stop it between the intent and the outcome.
        let task = self.tracker.spawn(async move {
            let _mark = hub.running.mark(id);
            hub.send_rerun(&configuration, planned, attempt, steps).await
        });
        match task.await.map_err(|_| HubError::Interrupted)? {
            Ok(attempt) => Ok(Try::Done(Box::new(attempt))),
            Err(HubError::Store(error)) if is_changed(&error) => Ok(Try::Again),
            Err(error) => Err(error),
        }
    }

    /// Until when a salvage gateway may work on it: so many 24-hour days from now (R17, Q28). It keeps this deadline
    /// whatever is configured later (R18).
    async fn deadline_of(
        &self,
        configuration: &Configuration,
        planned: &Planned,
    ) -> Result<Result<Option<Timestamp>, Skip>, HubError> {
        let connections = &self.charging.connections;
        let merchant_id = configuration.merchant_id;
        let live = connections.gateway(merchant_id, configuration.version, &planned.gateway).await;
        let live = match live {
            Ok(live) => live,
            Err(NoGateway::Store(error)) => return Err(error.into()),
            Err(error @ (NoGateway::Settings(_) | NoGateway::Vault(_) | NoGateway::MovableClock)) => {
                let words = format!("Gateway {} cannot be used: {error}.", planned.gateway.number);
                return Ok(Err(Skip::new(SkipKind::NoGateway, words)));
            }
        };
        let days = live.salvage_days().filter(|_| planned.gateway.capabilities.is_salvage_only());
        let after = |days: i64| {
            let days = SignedDuration::from_hours(days.saturating_mul(24));
            self.minter().now().saturating_add(days).unwrap_or(Timestamp::MAX)
        };
        Ok(Ok(days.map(after)))
    }

    /// The deadline of the hand-over that got lost (M20), while nothing else was tried since.
    fn deadline_again(&self, planned: &Planned, lost: AttemptId) -> Result<Option<Timestamp>, Skip> {
        if planned.before.id != lost {
            return Err(Skip::new(SkipKind::WrongState, "It was tried again since it got lost."));
        }
        let deadline = planned.before.deadline.filter(|deadline| *deadline > self.minter().now());
        let over = || Skip::new(SkipKind::WrongState, "The time of the lost hand-over is over.");
        deadline.map(Some).ok_or_else(over)
    }

    /// The intent, then the charge with the stored card and without a security code (R122).
    async fn send_rerun(
        &self,
        configuration: &Arc<Configuration>,
        planned: Planned,
        attempt: Attempt,
        steps: Vec<Step>,
    ) -> Result<Attempt, HubError> {
        let intent = self.rerun_intent(configuration, &planned, &attempt, steps);
        self.store().commit(intent).await?;
        tracing::info!(
            attempt.id = %attempt.id,
            order.id = %attempt.order_id,
            gateway.id = %attempt.gateway_id,
            "Rerunning order {}: {}",
            attempt.order_id,
            attempt.why
        );
        let order = &planned.order;
        let charge = StoredCharge {
            contact: order.contact.clone(),
            order_reference: order.id.base32(),
            credential: agreement::credential_of(configuration, order),
            terms: agreement::terms_of(configuration, order),
        };
        // Should the order be cancelled while the gateway is asked, what it took is given back (M17).
        self.charge_stored(configuration, &attempt, charge).await?;
        Ok(attempt)
    }
}

/// Whether the order must be judged again: nothing was sent.
fn is_changed(error: &StoreError) -> bool {
    [
        merchants::CONFIGURATION_CHANGED,
        orders::NO_LONGER_DECLINED,
        attempts::LIVE_ATTEMPT_EXISTS,
        attempts::CARD_NOT_FREE,
    ]
    .iter()
    .any(|name| error.is_conflict_in(name))
}
