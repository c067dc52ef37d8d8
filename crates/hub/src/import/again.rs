//! The same import again: at once, while the first is charged here or elsewhere, and later (M3).

use domain::configuration::Configuration;
use domain::ids::OrderId;
use domain::order::{Order, OrderStatus};
use jiff::{SignedDuration, Timestamp};
use storage::{StoreError, attempts, guards, late_approvals, merchants, orders, payments};

use super::{ImportAnswer, Prepared, SAME_IMPORT_SECS, Try, refused};
use crate::draft::{Draft, is_submittable};
use crate::view::OrderView;
use crate::{Hub, HubError};

impl Hub {
    /// A known order, once a charge of it that is under way has ended; and whether one was.
    pub(super) async fn known_order(
        &self,
        configuration: &Configuration,
        id: OrderId,
    ) -> Result<Option<(Order, bool)>, StoreError> {
        let merchant_id = configuration.merchant_id;
        let here = self.running.wait(id).await;
        let Some(order) = self.store().find_order(merchant_id, id).await? else { return Ok(None) };
        if order.status != OrderStatus::Pending {
            return Ok(Some((order, here)));
        }
        // Perhaps another process is charging it: that takes as long as a checkout may take. It may also have ended since
        // the order was read.
        let secs = configuration.account.checkout_budget_secs;
        let elsewhere = self.charging.wait_while_sending(merchant_id, id, secs).await?;
        let order = self.store().find_order(merchant_id, id).await?;
        Ok(order.map(|order| {
            let ended = order.status != OrderStatus::Pending;
            (order, here || elsewhere || ended)
        }))
    }

    /// What an import of a known order answers without another attempt: the stored order for the same card and amount
    /// while it is paid, being paid, or was just waited for; an error for anything else that is no longer open. None
    /// when the order may be charged.
    pub(super) async fn answer_again(
        &self,
        known: &Order,
        waited: bool,
        draft: &Draft,
    ) -> Result<Option<ImportAnswer>, HubError> {
        if is_submittable(known.status) && !waited {
            return Ok(None);
        }
        let view = self.view(known.clone()).await?;
        let answers = match known.status {
            OrderStatus::Complete | OrderStatus::Pending => true,
            OrderStatus::Declined => waited,
            OrderStatus::Partial | OrderStatus::Refunded | OrderStatus::Cancelled => false,
        };
        if answers && self.is_same_sale(&view, draft) {
            return Ok(Some(ImportAnswer::Order(Box::new(view))));
        }
        if is_submittable(known.status) {
            return Ok(None);
        }
        let status = known.status.as_str();
        let words = format!("this order is {status} already; send a new order without an orderId");
        Ok(Some(refused("orderId", words)))
    }

    /// The same amount and the same card, which is known by its keyed fingerprint.
    fn is_same_sale(&self, view: &OrderView, draft: &Draft) -> bool {
        let (order, card) = (&view.order, &draft.card);
        let same_card = match view.attempts.last() {
            Some(attempt) => {
                attempt.card_fingerprint == self.vault().fingerprint(order.merchant_id, &card.number)
            }
            // Only a test card is never attempted.
            None => order.card.as_ref() == Some(&card.shown()),
        };
        order.total == draft.total && same_card
    }

    /// What to do when the intent met a conflict: another import of the same sale was faster, or the configuration
    /// changed.
    pub(super) async fn after_conflict(
        &self,
        error: StoreError,
        prepared: &Prepared,
    ) -> Result<Try, HubError> {
        let merchant_id = prepared.order.merchant_id;
        if error.is_conflict_in(merchants::CONFIGURATION_CHANGED) {
            return Ok(Try::Again);
        }
        if error.is_conflict_in(late_approvals::UNDECIDED) {
            return Ok(Try::Answer(refused(
                "orderId",
                "an earlier attempt of this order was approved late; it can be charged again when that is given back",
            )));
        }
        let now = self.minter().now();
        let since = now.saturating_sub(SignedDuration::from_secs(SAME_IMPORT_SECS)).unwrap_or(Timestamp::MIN);
        let other = if error.is_conflict_in(guards::SAME_IMPORT) {
            self.store().find_guard(merchant_id, &prepared.guard_key, since).await?
        } else if error.is_conflict_in(attempts::LIVE_ATTEMPT_EXISTS)
            || error.is_conflict_in(orders::NOT_SUBMITTABLE)
            || error.is_conflict_in(orders::ORDER_EXISTS)
            || error.is_conflict_in(payments::PAYMENT_EXISTS)
        {
            Some(prepared.order.id)
        } else {
            return Err(error.into());
        };
        let Some(other) = other else { return Ok(Try::Again) };
        let Some((order, waited)) = self.known_order(&prepared.configuration, other).await? else {
            return Ok(Try::Again);
        };
        let view = self.view(order).await?;
        if !waited && view.order.status == OrderStatus::Declined && view.salvage_status() == "in_doubt" {
            return Ok(Try::Answer(refused(
                "orderId",
                "an earlier attempt of this order is still in doubt; it can be charged again when that is resolved",
            )));
        }
        if prepared.known.is_none() {
            return Ok(Try::Answer(ImportAnswer::Order(Box::new(view))));
        }
        // Whoever was faster has charged this order: both are answered alike, also when it was declined.
        match self.answer_again(&view.order, true, &prepared.draft).await? {
            Some(answer) => Ok(Try::Answer(answer)),
            None => Ok(Try::Again),
        }
    }
}
