//! The checkout: attempts one after the other until the sale is approved, declined or in doubt (M1–M9).

use std::sync::Arc;
use std::time::Duration;

use charging::{Answer, Consequence, Recorded, reference_of};
use domain::attempt::{Approval, Attempt, AttemptState, Decline, Doubt, Lapse, LapseCause, Outcome, Route};
use domain::cascade::{Case, Plan, decide_cascade};
use domain::decline_map::apply_maps;
use domain::declines::{Signals, classify};
use domain::doubt::Finding;
use domain::ids::GatewayId;
use domain::order::OrderStatus;
use domain::payment::PaymentState;
use gateways::{CardData, ChargeRequest, Gateway, Salvaged, StoredCredential};
use jiff::{SignedDuration, Timestamp};
use storage::{Transaction, attempts, cards, orders, payments};

use crate::import::Prepared;
use crate::view::OrderView;
use crate::{Hub, HubError};

/// Most attempts of one checkout, whatever the configuration says.
const ATTEMPTS_MAX: usize = 8;
/// Our default caps on a card's attempts (declines.md section 5.6).
const DAY_CAP: i64 = 8;
const MONTH_CAP: i64 = 15;

/// One checkout under way.
pub(crate) struct Checkout {
    hub: Hub,
    prepared: Prepared,
    started_at: Timestamp,
    attempts: Vec<Attempt>,
    next_ordinary: Vec<GatewayId>,
    repeated: bool,
    steps_done: i64,
    note: String,
}

enum Next {
    Attempt(Box<Attempt>),
    Done,
}

/// Our reading of a refusal under a merchant's maps.
pub(crate) fn read_decline(
    configuration: &domain::configuration::Configuration,
    attempt: &Attempt,
    raw: domain::attempt::RawDecline,
) -> Outcome {
    let signals = Signals {
        network: None,
        network_code: raw.network_code.as_deref(),
        advice_code: raw.advice_code.as_deref(),
        source: &attempt.gateway_kind,
        code: &raw.code,
        text: &raw.text,
    };
    let unknown =
        Signals { network: None, network_code: None, advice_code: None, source: "", code: "", text: "" };
    let Some(reading) = classify(&signals).or_else(|| classify(&unknown)) else {
        let text = "The gateway declined with a code that means approval.".to_owned();
        let lapse = Lapse { cause: LapseCause::Refused, reason: None, code: raw.code, text };
        return Outcome::NotExecuted(lapse);
    };
    let maps = &configuration.decline_maps;
    let kind = &attempt.gateway_kind;
    let mapped = apply_maps(&reading, &raw.text, maps, attempt.gateway_id, kind, false);
    Outcome::Declined(Decline {
        text_shown: mapped.text.unwrap_or_else(|| raw.text.clone()),
        raw,
        reason: reading.reason,
        class_read: reading.class,
        class: mapped.class,
        map: mapped.map,
    })
}

impl Checkout {
    pub(crate) fn new(hub: Hub, prepared: Prepared, first: Attempt) -> Self {
        Self {
            started_at: hub.minter().now(),
            next_ordinary: prepared.choice.next.clone(),
            hub,
            prepared,
            attempts: vec![first],
            repeated: false,
            steps_done: 0,
            note: String::new(),
        }
    }

    /// Runs to the end and answers the order as it stands then.
    pub(crate) async fn run(mut self) -> Result<OrderView, HubError> {
        while let Some(attempt) = self.attempts.last().cloned() {
            let answer = match self.gateway(attempt.gateway_id).await {
                Ok(gateway) => {
                    let request = self.request(&attempt);
                    self.hub.charging.send(&gateway, &attempt, &request).await
                }
                Err(lapse) => Answer::Lapsed(lapse),
            };
            match self.after(&attempt, answer).await? {
                Next::Attempt(next) if self.attempts.len() < ATTEMPTS_MAX => self.attempts.push(*next),
                Next::Attempt(_) | Next::Done => break,
            }
        }
        Ok(OrderView {
            order: self.prepared.order,
            payments: vec![self.prepared.payment],
            attempts: self.attempts,
        })
    }

    async fn gateway(&self, id: GatewayId) -> Result<Arc<dyn Gateway>, Lapse> {
        let configuration = &self.prepared.configuration;
        let unusable = |text: String| Lapse {
            cause: LapseCause::Refused,
            reason: Some(domain::declines::Reason::MerchantConfig),
            code: String::new(),
            text,
        };
        let configured =
            configuration.gateway(id).ok_or_else(|| unusable("The gateway no longer exists.".to_owned()))?;
        let connections = &self.hub.charging.connections;
        let live = connections.gateway(configuration.merchant_id, configuration.version, configured).await;
        live.map_err(|error| unusable(format!("Gateway {} cannot be used: {error}.", configured.number)))
    }

    fn request(&self, attempt: &Attempt) -> ChargeRequest {
        let (order, card) = (&self.prepared.order, &self.prepared.draft.card);
        let salvaged = attempt.salvages.and_then(|id| self.attempts.iter().find(|one| one.id == id));
        let salvage_only = self
            .prepared
            .configuration
            .gateway(attempt.gateway_id)
            .is_some_and(|gateway| gateway.capabilities.is_salvage_only());
        ChargeRequest {
            reference: reference_of(attempt),
            idempotency_key: attempt.id.uuid(),
            purpose: attempt.purpose,
            initiator: attempt.initiator,
            amount: attempt.amount,
            card: CardData {
                number: card.number.clone(),
                expiry: card.expiry,
                security_code: card.security_code.clone(),
            },
            contact: order.contact.clone(),
            order_reference: order.id.base32(),
            stored_credential: if self.prepared.draft.recurring {
                StoredCredential::FirstRecurring
            } else {
                StoredCredential::None
            },
            salvaged: salvaged.filter(|_| salvage_only).and_then(salvaged_of),
            at: attempt.created_at,
        }
    }

    async fn after(&mut self, attempt: &Attempt, answer: Answer) -> Result<Next, HubError> {
        let elsewhere = answer.may_go_elsewhere();
        match answer {
            Answer::Approved(approval) => self.approved(attempt, approval).await,
            Answer::Declined(raw) => match read_decline(&self.prepared.configuration, attempt, raw) {
                Outcome::Declined(decline) => self.declined(attempt, decline).await,
                Outcome::NotExecuted(lapse) => self.lapsed(attempt, lapse, false).await,
                Outcome::Approved(approval) => self.approved(attempt, approval).await,
            },
            Answer::Lapsed(lapse) => self.lapsed(attempt, lapse, elsewhere).await,
            Answer::InDoubt { doubt, gateway_reference, words } => {
                self.in_doubt(attempt, doubt, gateway_reference, words).await
            }
        }
    }

    async fn approved(&mut self, attempt: &Attempt, approval: Approval) -> Result<Next, HubError> {
        let steps = self.hub.completed(&self.prepared.configuration, &self.prepared.order, attempt);
        let outcome = Outcome::Approved(approval);
        match self.settle(attempt, outcome.clone(), steps).await {
            Ok(true) => {
                self.prepared.order.status = OrderStatus::Complete;
                self.prepared.order.is_salvaged = self
                    .prepared
                    .configuration
                    .gateway(attempt.gateway_id)
                    .is_some_and(|gateway| gateway.capabilities.is_salvage_only());
                self.prepared.payment.state = PaymentState::Paid;
            }
            Ok(false) => self.approved_too_late(attempt, outcome).await?,
            Err(HubError::Store(error)) if error.is_conflict_in(orders::NOT_PENDING) => {
                // Cancelled while the gateway was asked: what it took is given back.
                let aftermath = self.hub.aftermath();
                let charging = &self.hub.charging;
                charging.resolve_by_person(attempt, outcome, Vec::new(), aftermath.as_ref()).await?;
                self.read_again().await?;
            }
            Err(error) => return Err(error),
        }
        Ok(Next::Done)
    }

    /// The attempt was settled otherwise while the gateway was asked. If not as approved, nobody would ever look for
    /// this money: an alert is committed first, then the gateway is asked to undo it.
    async fn approved_too_late(&mut self, attempt: &Attempt, outcome: Outcome) -> Result<(), HubError> {
        self.read_again().await?;
        let Outcome::Approved(approval) = outcome else { return Ok(()) };
        let stored = self.attempts.iter().find(|one| one.id == attempt.id);
        if stored.is_none_or(|one| one.state.is_live()) {
            return Ok(());
        }
        let words = format!(
            "Attempt {} was settled by somebody else, and then the gateway approved it ({}). It is being undone at the gateway; make sure that it was.",
            attempt.id, approval.reference
        );
        let order = &self.prepared.order;
        let alert = Transaction::new("approved_too_late")
            .with(self.hub.alert(order, Some(attempt), "late_approval", words.clone()))
            .with(self.hub.tell(order, words));
        self.hub.store().commit(alert).await?;
        if let Ok(gateway) = self.gateway(attempt.gateway_id).await {
            self.hub.charging.undo_untracked(&gateway, attempt, &approval).await;
        }
        Ok(())
    }

    /// What is stored, when somebody else changed the order meanwhile.
    async fn read_again(&mut self) -> Result<(), HubError> {
        let order = &self.prepared.order;
        if let Some(view) = self.hub.find_order_view(order.merchant_id, order.id).await? {
            self.attempts = view.attempts;
            self.prepared.order = view.order;
            if let Some(payment) = view.payments.into_iter().next_back() {
                self.prepared.payment = payment;
            }
        }
        Ok(())
    }

    async fn declined(&mut self, attempt: &Attempt, decline: Decline) -> Result<Next, HubError> {
        let mut steps =
            self.hub.counted(&self.prepared.configuration, &self.prepared.order, attempt, &decline);
        let said = format!(
            "Declined by gateway {}: {} ({}, {}).",
            self.number_of(attempt.gateway_id),
            decline.raw.text,
            decline.reason.as_str(),
            decline.class.as_str()
        );
        steps.push(self.hub.tell(&self.prepared.order, said));
        let next = match self.plan(attempt, &decline).await? {
            Plan::Attempt { gateway_id, route, why } => {
                self.steps_done = self.steps_done.saturating_add(1);
                Some(self.another(attempt, gateway_id, route, why, Some(attempt)))
            }
            Plan::Skip(why) => {
                if self.note.is_empty() {
                    self.note = why;
                }
                None
            }
        };
        let outcome = Outcome::Declined(decline);
        self.end_or_go_on(attempt, outcome, steps, next).await
    }

    async fn lapsed(&mut self, attempt: &Attempt, lapse: Lapse, elsewhere: bool) -> Result<Next, HubError> {
        let mut steps = Vec::new();
        let number = self.number_of(attempt.gateway_id);
        let said = format!("Gateway {number} did nothing: {}", lapse.text);
        steps.push(self.hub.tell(&self.prepared.order, said.clone()));
        let at_fault = lapse.cause == LapseCause::Refused && elsewhere;
        if at_fault || attempt.route.is_cascade() {
            steps.push(self.hub.alert(&self.prepared.order, Some(attempt), "gateway_unusable", said));
        }
        let mut next = None;
        if elsewhere && !attempt.route.is_cascade() && self.secs_left() > 0 {
            if lapse.cause == LapseCause::NotSent && !self.repeated {
                self.repeated = true;
                let why = format!("The request to gateway {number} never left; it is sent once more.");
                next = Some(self.another(attempt, attempt.gateway_id, Route::Repeat, why, None));
            } else if let Some(gateway_id) = self.take_next_ordinary() {
                let why = format!(
                    "Gateway {number} could not be asked; the profile's next gateway is {}.",
                    self.number_of(gateway_id)
                );
                next = Some(self.another(attempt, gateway_id, Route::NextGateway, why, None));
            }
        }
        self.end_or_go_on(attempt, Outcome::NotExecuted(lapse), steps, next).await
    }

    /// Settles an attempt and either opens the next one in the same transaction, or ends the sale as declined.
    async fn end_or_go_on(
        &mut self,
        attempt: &Attempt,
        outcome: Outcome,
        mut steps: Vec<storage::Step>,
        next: Option<Attempt>,
    ) -> Result<Next, HubError> {
        let base = steps.clone();
        match &next {
            Some(next) => {
                let (merchant_id, order_id) = (next.merchant_id, next.order_id);
                steps.push(orders::require_pending(merchant_id, order_id, self.hub.minter().now()));
                if next.route.is_cascade() {
                    steps.push(cards::lock_budget(next.merchant_id, &next.card_fingerprint));
                    steps.push(self.require_card_caps(next));
                }
                steps.push(attempts::insert(next));
                steps.push(self.hub.tell(&self.prepared.order, next.why.clone()));
            }
            None => steps.extend(self.ended(attempt, PaymentState::Declined)),
        }
        let settled = match self.try_settle(attempt, &outcome, steps).await {
            Err(HubError::Store(error)) if error.is_conflict_in(attempts::LIVE_ATTEMPT_EXISTS) => {
                // Somebody else opened an attempt meanwhile: this one is settled and nothing more is sent.
                self.try_settle(attempt, &outcome, base).await?
            }
            Err(HubError::Store(error)) if error.is_conflict_in(attempts::OVER_CARD_CAPS) => {
                // Other attempts with this card were faster: its budget is used up, so the sale ends here.
                "The card's attempts reached their cap meanwhile.".clone_into(&mut self.note);
                let mut steps = base;
                steps.extend(self.ended(attempt, PaymentState::Declined));
                let settled = self.try_settle(attempt, &outcome, steps).await?;
                self.set_state(attempt, outcome, settled);
                self.set_declined(settled);
                return Ok(Next::Done);
            }
            Err(HubError::Store(error)) if error.is_conflict_in(orders::NO_LONGER_PENDING) => {
                // Cancelled while the gateway was asked: this attempt is settled and nothing more is sent.
                let mut steps = base;
                steps.extend(self.ended(attempt, PaymentState::Declined));
                self.try_settle(attempt, &outcome, steps).await?;
                self.read_again().await?;
                return Ok(Next::Done);
            }
            other => other?,
        };
        self.set_state(attempt, outcome, settled);
        match next {
            Some(next) if settled => Ok(Next::Attempt(Box::new(next))),
            Some(_) => Ok(Next::Done),
            None => {
                self.set_declined(settled);
                Ok(Next::Done)
            }
        }
    }

    fn set_declined(&mut self, settled: bool) {
        if settled {
            self.prepared.order.status = OrderStatus::Declined;
            self.prepared.order.cascade_note.clone_from(&self.note);
            self.prepared.payment.state = PaymentState::Declined;
        }
    }

    /// The card's caps, checked once more under the budget's lock (M28).
    fn require_card_caps(&self, next: &Attempt) -> storage::Step {
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

    fn ago(&self, hours: i64) -> Timestamp {
        self.hub.minter().now().saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
    }

    fn is_mastercard(&self) -> bool {
        self.prepared.order.card.as_ref().is_some_and(|card| card.brand == "mastercard")
    }

    fn ended(&self, attempt: &Attempt, payment: PaymentState) -> Vec<storage::Step> {
        let mut steps = self.hub.declined(&self.prepared.order, attempt, payment, &self.note);
        let words =
            if self.note.is_empty() { "Declined.".to_owned() } else { format!("Declined. {}", self.note) };
        steps.push(self.hub.tell(&self.prepared.order, words));
        steps
    }

    async fn in_doubt(
        &mut self,
        attempt: &Attempt,
        doubt: Doubt,
        reference: Option<String>,
        words: String,
    ) -> Result<Next, HubError> {
        let known = self.hub.charging.fresh_doubt(attempt, doubt, reference, words.clone());
        let said = self.hub.tell(&self.prepared.order, format!("In doubt: {words}"));
        let merchant_id = attempt.merchant_id;
        let now = self.hub.minter().now();
        let steps = if attempt.route.is_cascade() {
            "The answer of the cascade's gateway was lost; it is being resolved.".clone_into(&mut self.note);
            let mut steps = self.ended(attempt, PaymentState::InDoubt);
            steps.push(said);
            steps
        } else {
            vec![payments::set_state(merchant_id, attempt.payment_id, PaymentState::InDoubt, now), said]
        };
        let consequence = Consequence { steps, then: Vec::new() };
        let recorded = self.hub.charging.record_doubt(attempt, &known, &consequence, None).await?;
        if recorded == Recorded::Before {
            return Ok(Next::Done);
        }
        let state = AttemptState::InDoubt { doubt, since: now };
        if let Some(last) = self.attempts.last_mut() {
            last.state = state;
        }
        self.prepared.payment.state = PaymentState::InDoubt;
        if attempt.route.is_cascade() {
            self.prepared.order.status = OrderStatus::Declined;
            return Ok(Next::Done);
        }
        self.ask_once(attempt).await
    }

    /// Asks the gateway with what is left of the time; only a positive finding settles (M2, M12).
    async fn ask_once(&mut self, attempt: &Attempt) -> Result<Next, HubError> {
        let Ok(gateway) = self.gateway(attempt.gateway_id).await else { return Ok(Next::Done) };
        let Some(left) = u64::try_from(self.secs_left()).ok().filter(|left| *left > 0) else {
            return Ok(Next::Done);
        };
        let current = self.attempts.last().cloned().unwrap_or_else(|| attempt.clone());
        let asking = self.hub.charging.inquire_once(&gateway, &current);
        #[expect(
            clippy::disallowed_methods,
            reason = "an inquiry moves no money; it may take what is left of the time"
        )]
        let Ok(found) = tokio::time::timeout(Duration::from_secs(left), asking).await else {
            return Ok(Next::Done);
        };
        match found? {
            Finding::Approved(approval) if approval.amount == attempt.amount => {
                self.approved(attempt, approval).await
            }
            Finding::OtherPayment => {
                let lapse = Lapse {
                    cause: LapseCause::Refused,
                    reason: Some(domain::declines::Reason::DuplicateTransaction),
                    code: String::new(),
                    text: "The gateway refused it as a repetition of another payment on this card."
                        .to_owned(),
                };
                self.lapsed(attempt, lapse, false).await
            }
            Finding::Approved(_)
            | Finding::Reversed(_)
            | Finding::Held(_)
            | Finding::Declined(_)
            | Finding::Processing
            | Finding::NotFound
            | Finding::Unreachable(_)
            | Finding::Contradiction(_) => Ok(Next::Done),
        }
    }

    async fn settle(
        &mut self,
        attempt: &Attempt,
        outcome: Outcome,
        steps: Vec<storage::Step>,
    ) -> Result<bool, HubError> {
        let settled = self.try_settle(attempt, &outcome, steps).await?;
        self.set_state(attempt, outcome, settled);
        Ok(settled)
    }

    async fn try_settle(
        &self,
        attempt: &Attempt,
        outcome: &Outcome,
        steps: Vec<storage::Step>,
    ) -> Result<bool, HubError> {
        let consequence = Consequence { steps, then: Vec::new() };
        let recorded = self.hub.charging.record(attempt, outcome, &consequence, None).await?;
        Ok(recorded == Recorded::Now)
    }

    fn set_state(&mut self, attempt: &Attempt, outcome: Outcome, settled: bool) {
        let now = self.hub.minter().now();
        if let (true, Some(known)) = (settled, self.attempts.iter_mut().find(|one| one.id == attempt.id)) {
            known.next_check_at = None;
            known.state = match outcome {
                Outcome::Approved(approval) => {
                    AttemptState::Approved { approval, at: now, reversed_at: None }
                }
                Outcome::Declined(decline) => AttemptState::Declined { decline, at: now },
                Outcome::NotExecuted(lapse) => AttemptState::NotExecuted { lapse, at: now },
            };
        }
    }

    async fn plan(&self, attempt: &Attempt, decline: &Decline) -> Result<Plan, HubError> {
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
        let lock_here = decline.reason.is_never().then(|| "this card may not be attempted again".to_owned());
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
            lock_bar: lock.or(lock_here).as_deref(),
            cap_bar: cap.as_deref(),
            secs_left: self.secs_left(),
            time_limits: &limits,
            standing: &standing,
        }))
    }

    /// Whose direct cascade applies: in its second step still that of the ordinary gateway whose decline began the
    /// cascade. A decline of a salvage gateway is its own.
    fn declined_by(&self, attempt: &Attempt) -> GatewayId {
        let gateway = self.prepared.configuration.gateway(attempt.gateway_id);
        if gateway.is_some_and(|gateway| gateway.capabilities.is_salvage_only()) {
            return attempt.gateway_id;
        }
        let began = self.attempts.iter().rev().find(|one| !one.route.is_cascade());
        began.map_or(attempt.gateway_id, |one| one.gateway_id)
    }

    async fn card_lock(&self, attempt: &Attempt) -> Result<Option<String>, HubError> {
        let now = self.hub.minter().now();
        let store = self.hub.store();
        let lock = store.find_card_lock(attempt.merchant_id, &attempt.card_fingerprint, now).await?;
        Ok(lock.map(|reason| format!("this card is locked ({reason})")))
    }

    /// A hard cap of the card's budget; the attempt under way is counted already (M28).
    async fn card_cap(&self, attempt: &Attempt) -> Result<Option<String>, HubError> {
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

    fn secs_left(&self) -> i64 {
        let used = self.hub.minter().now().duration_since(self.started_at).as_secs();
        self.prepared.configuration.account.checkout_budget_secs.saturating_sub(used)
    }

    fn take_next_ordinary(&mut self) -> Option<GatewayId> {
        if self.next_ordinary.is_empty() { None } else { Some(self.next_ordinary.remove(0)) }
    }

    fn number_of(&self, id: GatewayId) -> i64 {
        self.prepared.configuration.gateway(id).map_or(0, |gateway| gateway.number)
    }

    fn another(
        &self,
        before: &Attempt,
        gateway_id: GatewayId,
        route: Route,
        why: String,
        salvages: Option<&Attempt>,
    ) -> Attempt {
        let kind = self.prepared.configuration.gateway(gateway_id).map(|gateway| gateway.kind.clone());
        Attempt {
            id: self.hub.minter().mint(),
            route,
            gateway_id,
            gateway_kind: kind.unwrap_or_default(),
            salvages: salvages.map(|attempt| attempt.id),
            why,
            created_at: self.hub.minter().now(),
            state: AttemptState::Sending,
            checks: 0,
            next_check_at: Some(
                self.hub.charging.take_up_at(self.prepared.configuration.account.checkout_budget_secs),
            ),
            ..before.clone()
        }
    }
}

fn salvaged_of(attempt: &Attempt) -> Option<Salvaged> {
    match &attempt.state {
        AttemptState::Declined { decline, at } => Some(Salvaged {
            attempt: reference_of(attempt),
            source: attempt.gateway_kind.clone(),
            raw: decline.raw.clone(),
            declined_at: *at,
        }),
        AttemptState::Sending
        | AttemptState::InDoubt { .. }
        | AttemptState::Pending { .. }
        | AttemptState::Approved { .. }
        | AttemptState::NotExecuted { .. } => None,
    }
}
