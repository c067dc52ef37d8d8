//! Whether another acquirer may be asked after a refusal.

use domain::attempt::{Attempt, AttemptState, LapseCause, Outcome, Route};
use domain::declines::{Reason, SalvageRoute, salvage_route};
use jiff::{SignedDuration, Timestamp};
use storage::StoreError;

use crate::Platform;
use crate::rescue::{Acquirer, Rescue};

/// Attempts with one card in 30 days, below the networks' limits of 20 and 35.
const ATTEMPTS_IN_30_DAYS_MAX: i64 = 15;
/// Attempts with one Mastercard in 24 hours, below the network's limit of 10.
const MASTERCARD_ATTEMPTS_IN_24_HOURS_MAX: i64 = 8;

impl Platform {
    /// The first attempt of a rescue.
    pub(crate) fn first_attempt(&self, rescue: &Rescue, acquirer: &Acquirer, count: usize) -> Attempt {
        let why =
            format!("A declined payment was handed over; {} is the first of {count}.", acquirer.words());
        Attempt {
            id: self.minter.mint(),
            merchant_id: rescue.mid,
            payment_id: rescue.recovery.payment_id.unwrap_or_else(|| self.minter.mint()),
            order_id: crate::order_of(rescue.recovery.id),
            purpose: rescue.asked.purpose,
            initiator: rescue.asked.initiator,
            route: Route::First,
            gateway_id: acquirer.id(),
            gateway_kind: acquirer.kind().to_owned(),
            amount: rescue.asked.amount,
            card_id: rescue.card.stored.id,
            card_fingerprint: rescue.card.stored.fingerprint.clone(),
            salvages: None,
            why,
            created_at: self.now(),
            state: AttemptState::Sending,
            checks: 0,
            next_check_at: Some(self.charging.take_up_at(self.settings.rescue_budget_secs)),
            needs_person: false,
        }
    }

    /// The attempt at the next acquirer; or in words why there is none.
    pub(crate) async fn next_attempt(
        &self,
        rescue: &Rescue,
        before: &Attempt,
        outcome: &Outcome,
        next: &Acquirer,
    ) -> Result<Result<Box<Attempt>, String>, StoreError> {
        let (route, because) = match goes_on(outcome) {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        let used = self.now().duration_since(rescue.began_at).as_secs();
        if used >= self.settings.rescue_budget_secs {
            return Ok(Err(format!("The rescue has taken {used} s; no further acquirer is asked.")));
        }
        if let Some(why) = self.cap(rescue, before).await? {
            return Ok(Err(why));
        }
        Ok(Ok(Box::new(Attempt {
            id: self.minter.mint(),
            route,
            gateway_id: next.id(),
            gateway_kind: next.kind().to_owned(),
            salvages: route.is_cascade().then_some(before.id),
            why: format!("{because}; {} is next.", next.words()),
            created_at: self.now(),
            next_check_at: Some(self.charging.take_up_at(self.settings.rescue_budget_secs)),
            ..before.clone()
        })))
    }

    /// A hard cap of the card's budget; the attempt that just ended is counted already.
    async fn cap(&self, rescue: &Rescue, attempt: &Attempt) -> Result<Option<String>, StoreError> {
        let now = self.now();
        let ago = |hours| now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN);
        let fingerprint = &attempt.card_fingerprint;
        let (day, month) =
            self.store().count_attempts_of_card(rescue.mid, fingerprint, ago(24), ago(30 * 24)).await?;
        let is_mastercard = rescue.card.stored.shown.brand == "mastercard";
        let full =
            month >= ATTEMPTS_IN_30_DAYS_MAX || (is_mastercard && day >= MASTERCARD_ATTEMPTS_IN_24_HOURS_MAX);
        Ok(full.then(|| "The card has had as many attempts as its network allows.".to_owned()))
    }
}

/// After a soft decline, a request that never left, or an acquirer that refused our account, the next one is asked.
fn goes_on(outcome: &Outcome) -> Result<(Route, String), String> {
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
