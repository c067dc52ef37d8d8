//! A rerun's hand-over to a salvage gateway that got lost: made once more, with the same deadline (M20).

use domain::attempt::{Attempt, AttemptState, Lapse, LapseCause};
use domain::ids::RunId;
use domain::order::{Order, OrderStatus};
use storage::runs::{self, Run, RunState};
use storage::{Step, StoreError};

use super::Rerun;
use super::batch::{KIND, settings_of};
use crate::Hub;

/// Who begins it, for the audit log.
const ACTOR: &str = "Recoup";

impl Hub {
    /// What follows when a rerun provably did nothing, in the outcome's own transaction: a run of this one order makes a
    /// lost hand-over once more, as a new attempt; a second loss waits for a person. Nothing where somebody had asked the
    /// gateway to stop, or where the attempt never was in doubt.
    pub(super) async fn after_loss(
        &self,
        order: &Order,
        attempt: &Attempt,
        lapse: &Lapse,
    ) -> Result<Vec<Step>, StoreError> {
        let now = self.minter().now();
        let was_lost =
            lapse.cause == LapseCause::Fenced && matches!(attempt.state, AttemptState::InDoubt { .. });
        let has_time = attempt.deadline.is_some_and(|deadline| deadline > now);
        if !was_lost || !has_time || order.status != OrderStatus::Declined {
            return Ok(Vec::new());
        }
        let merchant_id = attempt.merchant_id;
        if self.store().find_cancel_asked(merchant_id, attempt.id).await?.is_some() {
            return Ok(Vec::new());
        }
        let siblings = self.store().list_attempts_of_payment(merchant_id, attempt.payment_id).await?;
        if siblings.iter().any(|sibling| is_first_loss(sibling, attempt)) {
            let words = format!(
                "A rerun of order {} got lost twice on its way: {} Look at the gateway, then rerun it by hand.",
                order.id, lapse.text
            );
            return Ok(vec![self.alert(order, Some(attempt), "rerun_lost", words)]);
        }
        let rerun = Rerun {
            gateway: Some(attempt.gateway_id),
            note: "Its hand-over got lost and was fenced: made once more, with the same deadline.".to_owned(),
            ..Rerun::default()
        };
        let run = Run {
            merchant_id,
            id: self.minter().mint::<RunId>(),
            kind: KIND.to_owned(),
            state: RunState::Running,
            settings: settings_of(&rerun, Some(attempt.id)),
            actor: ACTOR.to_owned(),
            item_count: 1,
            done_count: 0,
            created_at: now,
            updated_at: now,
        };
        let mut steps = vec![runs::insert(&run)];
        steps.extend(runs::insert_items(merchant_id, run.id, &[order.id]));
        steps.push(self.tell(order, "The lost hand-over is made once more."));
        Ok(steps)
    }
}

/// Whether this is the lost hand-over that the attempt was made in place of: it has the same deadline.
fn is_first_loss(sibling: &Attempt, attempt: &Attempt) -> bool {
    let is_fenced = match &sibling.state {
        AttemptState::NotExecuted { lapse, .. } => lapse.cause == LapseCause::Fenced,
        AttemptState::Sending
        | AttemptState::InDoubt { .. }
        | AttemptState::Pending { .. }
        | AttemptState::Approved { .. }
        | AttemptState::Declined { .. } => false,
    };
    is_fenced
        && sibling.id != attempt.id
        && sibling.gateway_id == attempt.gateway_id
        && sibling.deadline == attempt.deadline
}
