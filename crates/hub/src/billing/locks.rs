//! What a decline leaves behind on its card.

use domain::attempt::{Attempt, Decline};
use domain::network_rules::card_lock_after;
use storage::{Step, cards};

use crate::Hub;

impl Hub {
    /// A lock on the card when the decline forbids another attempt. A stopped payment bars that payment, which its attempts
    /// show, and not the card (M28).
    pub(crate) fn card_locked(&self, attempt: &Attempt, decline: &Decline) -> Option<Step> {
        let now = self.minter().now();
        let lock = card_lock_after(decline, &attempt.gateway_kind, now)?;
        let (merchant_id, fingerprint) = (attempt.merchant_id, &attempt.card_fingerprint);
        Some(cards::lock(merchant_id, fingerprint, lock.reason.as_str(), attempt.id, now, lock.until))
    }
}
