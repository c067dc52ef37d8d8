//! Our reading of an acquirer's refusal, and what it leaves behind.

use domain::attempt::{Attempt, Decline, Lapse, LapseCause, Outcome, RawDecline};
use domain::declines::{Reason, Signals, classify};
use domain::network_rules::{CardLock, card_lock_after};
use jiff::Timestamp;
use storage::alerts::{self, Alert};
use storage::{Step, cards};

use crate::Platform;

fn signals<'a>(attempt: &'a Attempt, brand: &'a str, raw: &'a RawDecline) -> Signals<'a> {
    Signals {
        network: Some(brand).filter(|brand| !brand.is_empty() && *brand != "other"),
        network_code: raw.network_code.as_deref(),
        advice_code: raw.advice_code.as_deref(),
        source: &attempt.gateway_kind,
        code: &raw.code,
        text: &raw.text,
    }
}

/// Minutes after a refusal before which nothing may be tried again, by the issuer's advice or else by its reason; none
/// when no timer leads to another attempt.
pub(crate) fn wait_minutes(attempt: &Attempt, brand: &str, raw: &RawDecline) -> Option<i64> {
    let reading = classify(&signals(attempt, brand, raw)).or_else(|| classify(&Signals::default()))?;
    reading.earliest_delay_minutes
}

/// Reads a refusal; the platform has no decline maps.
pub(crate) fn read(attempt: &Attempt, brand: &str, raw: RawDecline) -> Outcome {
    let signals = signals(attempt, brand, &raw);
    let Some(reading) = classify(&signals).or_else(|| classify(&Signals::default())) else {
        let text = "The acquirer declined with a code that means approval.".to_owned();
        let lapse = Lapse { cause: LapseCause::Refused, reason: None, code: raw.code, text };
        return Outcome::NotExecuted(lapse);
    };
    Outcome::Declined(Decline {
        text_shown: raw.text.clone(),
        raw,
        reason: reading.reason,
        class_read: reading.class,
        class: reading.class,
        map: None,
    })
}

impl Platform {
    /// What an outcome leaves behind besides its recovery: a lock on the card, or an alert about the acquirer (M4).
    pub(crate) fn left_behind(&self, attempt: &Attempt, outcome: &Outcome) -> Vec<Step> {
        match outcome {
            Outcome::Declined(decline) => card_lock(attempt, decline, self.now()),
            Outcome::NotExecuted(lapse)
                if lapse.cause == LapseCause::Refused && lapse.reason == Some(Reason::MerchantConfig) =>
            {
                vec![alerts::insert(&Alert {
                    merchant_id: attempt.merchant_id,
                    id: self.minter.mint(),
                    kind: "acquirer_refused_account".to_owned(),
                    order_id: Some(attempt.order_id),
                    attempt_id: Some(attempt.id),
                    words: format!(
                        "Route {} refused our account: {} {}. Look at its credentials.",
                        attempt.gateway_id, lapse.code, lapse.text
                    ),
                    created_at: self.now(),
                })]
            }
            Outcome::Approved(_) | Outcome::NotExecuted(_) => Vec::new(),
        }
    }
}

/// A lock on the card when the network forbids any further attempt with it.
fn card_lock(attempt: &Attempt, decline: &Decline, now: Timestamp) -> Vec<Step> {
    let lock = card_lock_after(decline, &attempt.gateway_kind, now);
    let step = |lock: CardLock| {
        let (mid, fingerprint) = (attempt.merchant_id, &attempt.card_fingerprint);
        cards::lock(mid, fingerprint, lock.reason.as_str(), attempt.id, now, lock.until)
    };
    lock.map(step).into_iter().collect()
}
