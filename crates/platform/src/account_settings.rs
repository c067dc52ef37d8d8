//! What may be changed about an account.

use domain::ids::MerchantId;
use domain::placement::Problem;
use jiff::SignedDuration;
use storage::platform as rows;
use storage::{Step, StoreError, Transaction};

use crate::webhooks::Receiver;
use crate::{AccountError, Platform};

/// How long a hold may wait for its capture, seconds.
const CAPTURE_WINDOW_SECS: std::ops::RangeInclusive<i64> = 300..=2_592_000;
/// Events that found no address are sent when there is one within this time: as long as any event is tried.
const UNADDRESSED_HOURS: i64 = 72;

impl Platform {
    /// Sets where an account's events go; none: nowhere. Only this machine is reached without TLS. Events of the last three
    /// days that found no address are sent there too.
    pub async fn set_webhook_url(&self, mid: MerchantId, url: Option<&str>) -> Result<(), AccountError> {
        let receiver = url.map(Receiver::parse).transpose();
        let receiver = receiver.map_err(|problem| AccountError::Invalid(vec![problem]))?;
        let step = rows::set_webhook_url(mid, receiver.as_ref().map(|one| one.url.as_str()));
        let now = self.now();
        let since = now - SignedDuration::from_hours(UNADDRESSED_HOURS);
        let told_late = receiver.map(|_| rows::address_events(mid, now, since));
        self.change_account("set_webhook_url", [step].into_iter().chain(told_late)).await
    }

    /// Sets after how many seconds an account's uncaptured holds are voided: 5 minutes to 30 days.
    pub async fn set_capture_window(&self, mid: MerchantId, secs: i64) -> Result<(), AccountError> {
        if !CAPTURE_WINDOW_SECS.contains(&secs) {
            let words = "is 300 to 2592000 seconds".to_owned();
            return Err(AccountError::Invalid(vec![Problem::new("capture_window_secs", words)]));
        }
        self.change_account("set_capture_window", [rows::set_capture_window(mid, secs)]).await
    }

    async fn change_account(
        &self,
        name: &'static str,
        steps: impl IntoIterator<Item = Step>,
    ) -> Result<(), AccountError> {
        match self.store().commit(Transaction::new(name).with_all(steps)).await {
            Ok(_) => Ok(()),
            Err(StoreError::Conflict { .. }) => Err(AccountError::Unknown),
            Err(error) => Err(error.into()),
        }
    }
}
