//! Bought since: who has bought the same again is not charged for the old order too (M24).

use domain::configuration::Configuration;
use domain::order::Order;
use storage::{Step, StoreError, Transaction, attempts};

use crate::aftermath::store_error;
use crate::{Hub, HubError};

impl Hub {
    /// Whether the customer has a later pending or complete new sale with a product of this order.
    pub(super) async fn has_bought_since(&self, order: &Order) -> Result<bool, HubError> {
        let since = self.store().list_bought_since(order).await?;
        Ok(since.iter().any(|other| shares_product(order, other)))
    }

    /// Asks the salvage gateways to stop working on other declined orders of the customer with the same product: this
    /// order is paid (M24). They are asked by the driver at once; what they approve even so is given back (Q27).
    pub async fn cancel_older_salvages(&self, order: &Order) -> Result<(), HubError> {
        let configuration = self.configuration(order.merchant_id).await?;
        let steps = self.stops_older_salvages(&configuration, order).await?;
        if !steps.is_empty() {
            self.store().commit(Transaction::new("cancel_older_salvages").with_all(steps)).await?;
        }
        Ok(())
    }

    /// The steps of [`Self::cancel_older_salvages`], for the transaction that approves the order.
    pub(crate) async fn stops_older_salvages(
        &self,
        configuration: &Configuration,
        order: &Order,
    ) -> Result<Vec<Step>, StoreError> {
        // Without a gateway that keeps salvages open there is nothing to look for: most merchants' sales ask nothing.
        if !configuration.gateways.iter().any(|gateway| gateway.capabilities.asynchronous) {
            return Ok(Vec::new());
        }
        let mut steps = Vec::new();
        for other in self.store().list_with_open_rerun(order).await? {
            if shares_product(order, &other) {
                let words = format!("The customer has bought the same again with order {}.", order.id);
                steps.extend(self.stops_salvages(&other, &words).await?);
            }
        }
        Ok(steps)
    }

    /// Asks the salvage gateways to stop working on an order, e.g. because it is cancelled (M17, Q27).
    pub(crate) async fn stops_salvages(&self, order: &Order, words: &str) -> Result<Vec<Step>, StoreError> {
        let all = self.store().list_attempts_of_order(order.merchant_id, order.id).await?;
        let mut steps = Vec::new();
        for attempt in all.iter().filter(|one| one.deadline.is_some() && one.state.is_open()) {
            steps.push(attempts::ask_cancel(attempt.merchant_id, attempt.id, self.minter().now()));
            steps.push(self.tell(order, format!("{words} The salvage gateway is asked to stop.")));
        }
        Ok(steps)
    }

    /// The merchant's configuration, for those who may only fail for reasons of the store.
    pub(super) async fn known_configuration(
        &self,
        merchant_id: domain::ids::MerchantId,
    ) -> Result<std::sync::Arc<Configuration>, StoreError> {
        self.configuration(merchant_id).await.map_err(store_error)
    }
}

fn shares_product(one: &Order, other: &Order) -> bool {
    one.items.iter().any(|item| other.items.iter().any(|theirs| theirs.product_id == item.product_id))
}
