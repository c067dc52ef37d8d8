//! Waiting for a charge of another caller, in whatever process it runs (M3).

use std::pin::Pin;
use std::time::Duration;

use domain::attempt::{Attempt, AttemptState};
use domain::ids::{MerchantId, OrderId};
use storage::StoreError;

use crate::Charging;

/// Looks per second.
const LOOKS_PER_SEC: i64 = 4;
/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How a caller waits for a moment: real time passes, unless a simulation says what passes instead.
pub trait Pause: std::fmt::Debug + Send + Sync {
    /// Waits so long.
    fn wait(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Real time.
#[derive(Debug)]
pub(crate) struct RealTime;

impl Pause for RealTime {
    #[expect(clippy::disallowed_methods, reason = "no due time can wake a caller who waits for an answer")]
    fn wait(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(time))
    }
}

impl Charging {
    /// Waits until no attempt of the order is being sent any more, at most `secs_max`. An attempt whose process must have
    /// died is not waited for: its answer comes from the driver. Tells whether there was anything to wait for.
    pub async fn wait_while_sending(
        &self,
        merchant_id: MerchantId,
        order_id: OrderId,
        secs_max: i64,
    ) -> Result<bool, StoreError> {
        let mut waited = false;
        for _ in 0..secs_max.saturating_mul(LOOKS_PER_SEC) {
            let attempts = self.store.list_attempts_of_order(merchant_id, order_id).await?;
            if !attempts.iter().any(|one| self.is_under_way(one)) {
                break;
            }
            waited = true;
            self.pause.wait(LOOK_EVERY).await;
        }
        Ok(waited)
    }

    fn is_under_way(&self, attempt: &Attempt) -> bool {
        attempt.state == AttemptState::Sending
            && attempt.next_check_at.is_some_and(|taken_up_at| taken_up_at > self.minter.now())
    }
}
