//! Where a declined checkout may go on: the cascade, the card's lock and its caps (M7, M28).

use domain::attempt::{Attempt, Decline};
use domain::card::Brand;
use domain::cascade::{Case, Plan, decide_cascade};
use domain::ids::GatewayId;
use domain::network_rules::is_mastercard;
use jiff::{SignedDuration, Timestamp};
use storage::attempts;

use super::Checkout;
use crate::HubError;

/// Our default caps on a card's attempts (declines.md section 5.6).
const DAY_CAP: i64 = 8;
const MONTH_CAP: i64 = 15;

impl Checkout {
    pub(super) async fn plan(&self, attempt: &Attempt, decline: &Decline) -> Result<Plan, HubError> {
        let (configuration, order) = (&self.prepared.configuration, &self.prepared.order);
        let merchant_id = order.merchant_id;
        let routed_by = order.routed.and_then(|routed| routed.profile_id);
        let declined_by = self.declined_by(attempt);
        let direct = configuration.gateway(declined_by).and_then(|gateway| gateway.direct_cascade);
        let cascade = routed_by
            .and_then(|id| configuration.gateway_profile(id))
            .and_then(|profile| profile.cascade)
            .or(direct)
            .and_then(|id| configuration.cascade_profile(id));
        let takes_all = configuration.cascade_all_gateway().is_some();
        if cascade.is_none() && !takes_all && decline.class == domain::declines::Class::Hard {
            return Ok(Plan::Skip("The decline is hard.".to_owned()));
        }
        let known = cascade.map(|one| (one.id.uuid(), one.algorithm, one.members.as_slice()));
        let standing = self.hub.standing(configuration, known, None).await?;
        let lock = self.card_lock(attempt).await?;
        let cap = self.card_cap(attempt).await?;
        let mut limits = Vec::new();
        for gateway in configuration.gateways.iter().filter(|one| one.capabilities.cascade) {
            let version = configuration.version;
            if let Ok(live) = self.hub.charging.connections.gateway(merchant_id, version, gateway).await {
                limits.push((gateway.id, live.time_limit_secs()));
            }
        }
        let tried: Vec<GatewayId> = self.attempts.iter().map(|one| one.gateway_id).collect();
        Ok(decide_cascade(&Case {
            configuration,
            decline,
            declined_by,
            routed_by,
            amount: attempt.amount,
            has_ip_address: order.contact.has_ip_address(),
            single_transaction: self.prepared.draft.campaign.single_transaction,
            tried: &tried,
            steps_done: self.steps_done,
            card_lock: lock.as_deref(),
            cap_bar: cap.as_deref(),
            secs_left: self.secs_left(),
            time_limits: &limits,
            standing: &standing,
        }))
    }

    /// Whose direct cascade applies: in its second step still that of the ordinary gateway whose decline began the
    /// cascade. A decline of a salvage gateway is its own.
    pub(super) fn declined_by(&self, attempt: &Attempt) -> GatewayId {
        let gateway = self.prepared.configuration.gateway(attempt.gateway_id);
        if gateway.is_some_and(|gateway| gateway.capabilities.is_salvage_only()) {
            return attempt.gateway_id;
        }
        let began = self.attempts.iter().rev().find(|one| !one.route.is_cascade());
        began.map_or(attempt.gateway_id, |one| one.gateway_id)
    }

    pub(super) async fn card_lock(&self, attempt: &Attempt) -> Result<Option<String>, HubError> {
        let now = self.hub.minter().now();
        let store = self.hub.store();
        Ok(store.find_card_lock(attempt.merchant_id, &attempt.card_fingerprint, now).await?)
    }

    /// A hard cap of the card's budget; the attempt under way is counted already (M28).
    pub(super) async fn card_cap(&self, attempt: &Attempt) -> Result<Option<String>, HubError> {
        let (merchant_id, fingerprint) = (attempt.merchant_id, &attempt.card_fingerprint);
        let counted =
            self.hub.store().count_attempts_of_card(merchant_id, fingerprint, self.ago(24), self.ago(720));
        let (day, month) = counted.await?;
        if month >= MONTH_CAP {
            return Ok(Some(format!("the card has had {month} attempts in 30 days; the cap is {MONTH_CAP}")));
        }
        if self.is_mastercard() && day >= DAY_CAP {
            return Ok(Some(format!("the card has had {day} attempts in 24 hours; the cap is {DAY_CAP}")));
        }
        Ok(None)
    }

    /// The card's caps, checked once more under the budget's lock (M28).
    pub(super) fn require_card_caps(&self, next: &Attempt) -> storage::Step {
        let (day, month) = (self.ago(24), self.ago(720));
        let day_cap = if self.is_mastercard() { DAY_CAP } else { MONTH_CAP };
        attempts::require_card_caps(
            next.merchant_id,
            &next.card_fingerprint,
            day,
            month,
            (day_cap, MONTH_CAP),
        )
    }

    pub(super) fn ago(&self, hours: i64) -> Timestamp {
        self.hub.minter().now().saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
    }

    pub(super) fn is_mastercard(&self) -> bool {
        self.prepared
            .order
            .card
            .as_ref()
            .is_some_and(|card| Brand::parse(&card.brand).is_some_and(is_mastercard))
    }
}
