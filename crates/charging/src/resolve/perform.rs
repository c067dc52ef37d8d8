//! An attempt without a buyer who waits: one call, and the outcome with everything that follows.

use std::sync::Arc;

use domain::attempt::{Attempt, Outcome};
use gateways::{ChargeRequest, Gateway};
use storage::StoreError;

use super::Resolution;
use crate::Charging;
use crate::consequences::Consequences;
use crate::record::Recorded;
use crate::send::Answer;

impl Charging {
    /// Sends an attempt whose intent is committed and records what came of it. A salvage with a deadline stays open when
    /// its gateway takes it on.
    pub async fn perform(
        &self,
        gateway: &Arc<dyn Gateway>,
        attempt: &Attempt,
        request: &ChargeRequest,
        consequences: &dyn Consequences,
    ) -> Result<Resolution, StoreError> {
        if attempt.deadline.is_some() {
            return self.submit_salvage(gateway, attempt, request, consequences).await;
        }
        let outcome = match self.send(gateway, attempt, request).await {
            Answer::Approved(approval) => Outcome::Approved(approval),
            Answer::Declined(raw) => consequences.read_decline(attempt, raw).await?,
            Answer::Lapsed(lapse) => Outcome::NotExecuted(lapse),
            Answer::InDoubt { doubt, gateway_reference, words } => {
                let known = self.fresh_doubt(attempt, doubt, gateway_reference, words);
                let at = known.next_check_at.unwrap_or_else(|| self.minter.now());
                let consequence = consequences.doubted(attempt).await?;
                return match self.record_doubt(attempt, &known, &consequence, None).await? {
                    Recorded::Now => Ok(Resolution::Waiting(at)),
                    Recorded::Before => Ok(Resolution::Before),
                };
            }
        };
        self.end(attempt, outcome, consequences, None).await
    }
}
