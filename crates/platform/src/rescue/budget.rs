//! The attempts of a rescue: the first one, and whether another acquirer may be asked after a refusal.

use domain::attempt::{Attempt, AttemptState, LapseCause, Outcome, Route};
use domain::card::Brand;
use domain::declines::{Reason, SalvageRoute, salvage_route};
use domain::network_rules::is_mastercard;
use jiff::{SignedDuration, Timestamp};
use storage::{Step, attempts, cards};

use crate::Platform;
use crate::pretend;
use crate::rescue::{Acquirer, Rescue};

/// Attempts with one card in 30 days, below the networks' limits of 20 and 35.
const ATTEMPTS_IN_30_DAYS_MAX: i64 = 15;
/// Attempts with one Mastercard in 24 hours, below the network's limit of 10.
const MASTERCARD_ATTEMPTS_IN_24_HOURS_MAX: i64 = 8;

/// Why a card is not charged any more for now.
pub(crate) const CAPPED: &str = "The card has had as many attempts as its network allows.";

impl Platform {
    /// The first attempt of a rescue, or of a managed recovery's step.
    pub(crate) fn first_attempt(
        &self,
        rescue: &Rescue,
        acquirer: &Acquirer,
        route: Route,
        why: String,
    ) -> Attempt {
        Attempt {
            id: self.minter.mint(),
            merchant_id: rescue.mid,
            payment_id: rescue.recovery.payment_id.unwrap_or_else(|| self.minter.mint()),
            order_id: crate::order_of(rescue.recovery.id),
            purpose: rescue.recovery.purpose,
            initiator: rescue.recovery.initiator,
            route,
            gateway_id: acquirer.id(),
            gateway_kind: acquirer.kind().to_owned(),
            amount: rescue.recovery.amount,
            card_id: rescue.card.stored.id,
            card_fingerprint: rescue.card.stored.fingerprint.clone(),
            salvages: None,
            slot: None,
            deadline: None,
            why,
            created_at: self.now(),
            state: AttemptState::Sending,
            checks: 0,
            next_check_at: Some(self.charging.take_up_at(self.settings.rescue_budget_secs)),
            needs_person: false,
        }
    }

    /// The attempt at the next acquirer; or in words why there is none.
    pub(crate) fn next_attempt(
        &self,
        rescue: &Rescue,
        before: &Attempt,
        outcome: &Outcome,
        next: &Acquirer,
    ) -> Result<Box<Attempt>, String> {
        let (route, because) = goes_on(outcome)?;
        if rescue.is_managed() && matches!(outcome, Outcome::Declined(_)) {
            return Err(format!("{because}; the next attempt comes with the next step."));
        }
        let used = self.now().duration_since(rescue.began_at).as_secs();
        if used >= self.settings.rescue_budget_secs {
            return Err(format!("The rescue has taken {used} s; no further acquirer is asked."));
        }
        Ok(Box::new(Attempt {
            id: self.minter.mint(),
            route,
            gateway_id: next.id(),
            gateway_kind: next.kind().to_owned(),
            salvages: route.is_cascade().then_some(before.id),
            why: format!("{because}; {} is next.", next.words()),
            created_at: self.now(),
            next_check_at: Some(self.charging.take_up_at(self.settings.rescue_budget_secs)),
            ..before.clone()
        }))
    }

    /// Part of an intent: locks the card's budget, then requires room in it. The sandbox's pretend acquirer asks no
    /// network.
    pub(crate) fn within_caps(&self, rescue: &Rescue, gateway_kind: &str) -> [Step; 2] {
        let is_pretended = gateway_kind == pretend::KIND;
        let now = self.now();
        let ago = |hours| now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN);
        let fingerprint = &rescue.card.stored.fingerprint;
        let is_mastercard = Brand::parse(&rescue.card.stored.shown.brand).is_some_and(is_mastercard);
        let day_max = if is_mastercard { MASTERCARD_ATTEMPTS_IN_24_HOURS_MAX } else { i64::MAX };
        let caps = if is_pretended { (i64::MAX, i64::MAX) } else { (day_max, ATTEMPTS_IN_30_DAYS_MAX) };
        [
            cards::lock_budget(rescue.mid, fingerprint),
            attempts::require_card_caps(rescue.mid, fingerprint, ago(24), ago(30 * 24), caps),
        ]
    }
}

/// After a soft decline, a request that never left, or an acquirer that refused our account, the next one is asked.
pub(crate) fn goes_on(outcome: &Outcome) -> Result<(Route, String), String> {
    match outcome {
        Outcome::Approved(_) => Err("It is approved.".to_owned()),
        Outcome::Declined(decline) => match salvage_route(decline.reason, decline.class) {
            SalvageRoute::Any => Ok((Route::Cascade, format!("Soft decline ({})", decline.reason.as_str()))),
            SalvageRoute::SalvageGatewayOnly => {
                Err("The network forbids another attempt with this card.".to_owned())
            }
            SalvageRoute::None { why } => Err(format!("No further acquirer is asked: {why}.")),
        },
        Outcome::NotExecuted(lapse) if lapse.cause == LapseCause::NotSent => {
            Ok((Route::NextGateway, "The request was not sent".to_owned()))
        }
        Outcome::NotExecuted(lapse)
            if lapse.cause == LapseCause::Refused && lapse.reason == Some(Reason::MerchantConfig) =>
        {
            Ok((Route::NextGateway, "The acquirer refused our account".to_owned()))
        }
        Outcome::NotExecuted(lapse) => Err(format!("The acquirer did not work on it: {}", lapse.text)),
    }
}
