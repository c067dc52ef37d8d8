//! What a declined bill leaves behind on its card.

use domain::attempt::{Attempt, Decline};
use jiff::{SignedDuration, Timestamp};
use storage::{Step, cards};

use crate::Hub;

/// How long a card stays barred after Mastercard's advice 03 or 21, days (declines.md section 5.6).
const ADVICE_LOCK_DAYS: i64 = 30;

impl Hub {
    /// A lock on the card when the decline forbids another attempt. A stopped payment bars that payment only (M28).
    pub(crate) fn card_locked(&self, attempt: &Attempt, decline: &Decline) -> Option<Step> {
        let by_advice = matches!(decline.raw.advice_code.as_deref(), Some("03" | "21"));
        let stops_payment = decline.reason == domain::declines::Reason::StopPayment;
        if (!decline.reason.is_never() || stops_payment) && !by_advice {
            return None;
        }
        let now = self.minter().now();
        let days = SignedDuration::from_hours(ADVICE_LOCK_DAYS.saturating_mul(24));
        let until = by_advice.then(|| now.saturating_add(days).unwrap_or(Timestamp::MAX));
        let (merchant_id, fingerprint) = (attempt.merchant_id, &attempt.card_fingerprint);
        Some(cards::lock(merchant_id, fingerprint, decline.reason.as_str(), attempt.id, now, until))
    }
}
