//! Card numbers are kept as long as something may need them, and not longer (M34).

use domain::ids::MerchantId;
use jiff::{SignedDuration, Timestamp};
use storage::{Transaction, marks};

use crate::{Hub, HubError};

/// Most cards of one transaction.
const BATCH_MAX: i64 = 500;

/// Name of the mark that keeps when numbers were last erased.
const PURGED_AT: &str = "cards_purged_at";

impl Hub {
    /// [`Self::purge_cards`] once an hour.
    pub async fn purge_cards_due(&self) -> Result<usize, HubError> {
        let now = self.minter().now();
        let last = self.store().find_mark(PURGED_AT).await?;
        let last: Option<Timestamp> = last.and_then(|text| text.parse().ok());
        if last.is_some_and(|last| now.duration_since(last).as_hours() < 1) {
            return Ok(0);
        }
        let erased = self.purge_cards().await?;
        let mark = marks::set(PURGED_AT, &now.to_string());
        self.store().commit(Transaction::new("cards_purged").with(mark)).await?;
        Ok(erased)
    }

    /// Erases the numbers of all cards that no subscription and no attempt has needed for the account's
    /// `card_retention_days`: of declined and one-time orders. How many were erased; audited.
    pub async fn purge_cards(&self) -> Result<usize, HubError> {
        let mut erased = 0_usize;
        for merchant in self.store().list_merchants().await? {
            erased = erased.saturating_add(self.purge_cards_of(merchant.id).await?);
        }
        Ok(erased)
    }

    async fn purge_cards_of(&self, merchant_id: MerchantId) -> Result<usize, HubError> {
        let days = self.configuration(merchant_id).await?.account.card_retention_days;
        let age = SignedDuration::from_hours(days.saturating_mul(24));
        let before = self.minter().now().checked_sub(age).unwrap_or(Timestamp::MIN);
        let mut erased = 0_usize;
        loop {
            let batch = self.store().purge_cards(merchant_id, before, BATCH_MAX).await?.len();
            erased = erased.saturating_add(batch);
            if i64::try_from(batch).unwrap_or(0) < BATCH_MAX {
                break;
            }
        }
        if erased > 0 {
            let what = format!("erased {erased} card numbers that nothing had needed for {days} days");
            let line = self.audited(merchant_id, "retention", &what, "");
            self.store().commit(Transaction::new("purge_cards_audit").with(line)).await?;
        }
        Ok(erased)
    }
}
