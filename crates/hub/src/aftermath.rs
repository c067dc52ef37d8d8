//! What follows when the driver or a person settles an attempt of an order, after the buyer was answered (M2, M8, M17).

use std::sync::Arc;

use charging::{Consequence, Consequences, NoGateway};
use domain::attempt::{Attempt, AttemptState, Outcome, RawDecline, Route};
use domain::configuration::Configuration;
use domain::order::{Order, OrderStatus};
use domain::payment::PaymentState;
use gateways::{Gateway, OperationKind, Reply};
use storage::operations::Operation;
use storage::{StoreError, attempts, fulfilments, guards, operations, orders, payments};

use crate::checkout::read_decline;
use crate::rerun::{rerun_opened, rerun_settled, rerun_undone};
use crate::{Hub, HubError};

/// The hub's answer to "what follows".
#[derive(Debug)]
pub struct Aftermath {
    hub: Hub,
}

pub(crate) fn store_error(error: HubError) -> StoreError {
    match error {
        HubError::Store(error) => error,
        HubError::NoMerchant | HubError::Interrupted => {
            StoreError::Inconsistent { table: "merchants", column: "id", id: String::new() }
        }
    }
}

/// Whether an attempt collects a billing cycle.
fn is_bill(attempt: &Attempt) -> bool {
    match attempt.route {
        Route::Rebill | Route::Recycle => true,
        Route::First
        | Route::Repeat
        | Route::NextGateway
        | Route::Cascade
        | Route::CascadeAll
        | Route::Reimport
        | Route::Rerun => false,
    }
}

impl Aftermath {
    /// For attempts of this hub's orders.
    pub fn new(hub: Hub) -> Self {
        Self { hub }
    }

    async fn order(&self, attempt: &Attempt) -> Result<Order, StoreError> {
        let missing =
            || StoreError::Inconsistent { table: "attempts", column: "order_id", id: attempt.id.to_string() };
        self.hub.store().find_order(attempt.merchant_id, attempt.order_id).await?.ok_or_else(missing)
    }

    /// The order of an attempt; for a bill whose order was never made, the one that its subscription began on.
    async fn order_or_origin(&self, attempt: &Attempt) -> Result<Order, StoreError> {
        let found = self.hub.store().find_order(attempt.merchant_id, attempt.order_id).await?;
        match found {
            Some(order) => Ok(order),
            None => match self.hub.billing_case(attempt).await? {
                Some(case) => Ok(Order { status: OrderStatus::Declined, ..case.origin }),
                None => self.order(attempt).await,
            },
        }
    }

    async fn after_approval(&self, order: &Order, attempt: &Attempt) -> Result<Consequence, StoreError> {
        let configuration = self.hub.configuration(attempt.merchant_id).await.map_err(store_error)?;
        match order.status {
            OrderStatus::Pending => {
                let mut steps = self.hub.completed(&configuration, order, attempt);
                steps.extend(self.hub.stops_older_salvages(&configuration, order).await?);
                steps.push(guards::renew(order.merchant_id, order.id, self.hub.minter().now()));
                Ok(Consequence { steps, then: Vec::new() })
            }
            OrderStatus::Declined
            | OrderStatus::Cancelled
            | OrderStatus::Partial
            | OrderStatus::Complete
            | OrderStatus::Refunded => self.undo(order, attempt).await,
        }
    }

    /// An approval nobody may keep: the buyer was told something else (M8, M17). It is undone at once, with an alert.
    async fn undo(&self, order: &Order, attempt: &Attempt) -> Result<Consequence, StoreError> {
        let now = self.hub.minter().now();
        if attempt.amount.is_zero() {
            let declined = PaymentState::Declined;
            let words = "A check of the card was approved late: nothing was taken.";
            let steps = vec![
                payments::set_state(attempt.merchant_id, attempt.payment_id, declined, now),
                attempts::reverse(attempt.merchant_id, attempt.id, now),
                self.hub.tell(order, words),
            ];
            return Ok(Consequence { steps, then: Vec::new() });
        }
        let gateway = self.gateway_now(attempt).await?;
        let kind = match gateway.map(|one| one.capabilities().void) {
            Some(true) => OperationKind::Void,
            Some(false) | None => OperationKind::Refund,
        };
        let status = order.status.as_str();
        let why = format!("Approved late, when the order was {status}: given back in full.");
        let operation = self.hub.charging.new_operation(kind, attempt, attempt.amount, &why);
        let mut steps = vec![
            payments::set_state(attempt.merchant_id, attempt.payment_id, PaymentState::Declined, now),
            self.hub.alert(order, Some(attempt), "late_approval", why.clone()),
            self.hub.tell(order, why),
        ];
        steps.extend(operations::insert(&operation, self.hub.charging.operation_take_up_at()));
        Ok(Consequence { steps, then: vec![operation] })
    }

    fn after_decline(
        &self,
        configuration: &Configuration,
        order: &Order,
        attempt: &Attempt,
        outcome: &Outcome,
    ) -> Consequence {
        let now = self.hub.minter().now();
        let mut steps = Vec::new();
        let words = match outcome {
            Outcome::Declined(decline) => {
                steps.extend(self.hub.counted(configuration, order, attempt, decline));
                format!("Resolved: declined ({}).", decline.reason.as_str())
            }
            Outcome::NotExecuted(lapse) => format!("Resolved: nothing was charged. {}", lapse.text),
            Outcome::Approved(_) => String::new(),
        };
        match order.status {
            OrderStatus::Pending => {
                steps.extend(self.hub.declined(order, attempt, PaymentState::Declined, &words));
            }
            OrderStatus::Declined
            | OrderStatus::Cancelled
            | OrderStatus::Partial
            | OrderStatus::Complete
            | OrderStatus::Refunded => steps.push(payments::set_state(
                attempt.merchant_id,
                attempt.payment_id,
                PaymentState::Declined,
                now,
            )),
        }
        steps.push(self.hub.tell(order, words));
        Consequence { steps, then: Vec::new() }
    }

    /// The live gateway of an attempt. What this process does not know, it looks up once more: another process may have
    /// changed the configuration.
    async fn gateway_now(&self, attempt: &Attempt) -> Result<Option<Arc<dyn Gateway>>, StoreError> {
        let known = match self.hub.configuration(attempt.merchant_id).await {
            Err(HubError::NoMerchant) => return Ok(None),
            other => other.map_err(store_error)?,
        };
        if let Some(live) = self.live(&known, attempt).await? {
            return Ok(Some(live));
        }
        let fresh = self.hub.reload(attempt.merchant_id).await.map_err(store_error)?;
        self.live(&fresh, attempt).await
    }

    /// None when it is gone or its settings make no gateway; a store that does not answer is an error.
    async fn live(
        &self,
        configuration: &Configuration,
        attempt: &Attempt,
    ) -> Result<Option<Arc<dyn Gateway>>, StoreError> {
        let Some(configured) = configuration.gateway(attempt.gateway_id) else { return Ok(None) };
        let connections = &self.hub.charging.connections;
        match connections.gateway(attempt.merchant_id, configuration.version, configured).await {
            Ok(live) => Ok(Some(live)),
            Err(NoGateway::Store(error)) => Err(error),
            Err(error @ (NoGateway::Settings(_) | NoGateway::Vault(_) | NoGateway::MovableClock)) => {
                tracing::error!(gateway.id = %configured.id, error = %error, "Gateway {} cannot be used", configured.id);
                Ok(None)
            }
        }
    }
}

impl Consequences for Aftermath {
    fn settled<'a>(
        &'a self,
        attempt: &'a Attempt,
        outcome: &'a Outcome,
    ) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(async move {
            if is_bill(attempt)
                && let Some(case) = self.hub.billing_case(attempt).await?
            {
                return self.hub.bill_settled(&case, attempt, outcome).await;
            }
            let order = self.order(attempt).await?;
            if attempt.route == Route::Rerun {
                return rerun_settled(&self.hub, &order, attempt, outcome).await;
            }
            match outcome {
                Outcome::Approved(_) => self.after_approval(&order, attempt).await,
                Outcome::Declined(_) | Outcome::NotExecuted(_) => {
                    let configuration =
                        self.hub.configuration(attempt.merchant_id).await.map_err(store_error)?;
                    Ok(self.after_decline(&configuration, &order, attempt, outcome))
                }
            }
        })
    }

    fn undone<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(async move {
            if is_bill(attempt)
                && let Some(case) = self.hub.billing_case(attempt).await?
            {
                return self.hub.bill_undone(&case, attempt).await;
            }
            let order = self.order(attempt).await?;
            if attempt.route == Route::Rerun {
                return Ok(rerun_undone(&self.hub, &order, attempt));
            }
            let words = "Resolved: it was approved and undone at the gateway.";
            let (merchant_id, now) = (attempt.merchant_id, self.hub.minter().now());
            let mut steps = match order.status {
                OrderStatus::Pending => self.hub.declined(&order, attempt, PaymentState::Declined, words),
                OrderStatus::Declined
                | OrderStatus::Cancelled
                | OrderStatus::Partial
                | OrderStatus::Complete
                | OrderStatus::Refunded => {
                    vec![payments::set_state(merchant_id, attempt.payment_id, PaymentState::Reversed, now)]
                }
            };
            steps.push(self.hub.tell(&order, words));
            Ok(Consequence { steps, then: Vec::new() })
        })
    }

    fn doubted<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(async move {
            // The order stays as it is: pending when the buyer has had no answer, declined when a cascade was lost.
            let now = self.hub.minter().now();
            let state = PaymentState::InDoubt;
            let doubtful = payments::set_state(attempt.merchant_id, attempt.payment_id, state, now);
            Ok(Consequence { steps: vec![doubtful], then: Vec::new() })
        })
    }

    fn opened<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(async move {
            if attempt.route == Route::Rerun {
                return Ok(rerun_opened(&self.hub, &self.order(attempt).await?, attempt));
            }
            match self.hub.billing_case(attempt).await? {
                Some(case) => Ok(self.hub.bill_opened(&case, attempt)),
                None => Ok(Consequence::default()),
            }
        })
    }

    fn operated<'a>(
        &'a self,
        attempt: &'a Attempt,
        operation: &'a Operation,
    ) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(async move {
            let order = self.order_or_origin(attempt).await?;
            let now = self.hub.minter().now();
            let words = format!("Done: {} of {}. {}", operation.kind, operation.amount, operation.why);
            let mut steps = vec![self.hub.tell(&order, words)];
            let given_back = operation.kind != OperationKind::Capture.as_str();
            if given_back && self.is_whole(attempt, operation).await? {
                if self.completes_trial(attempt).await? {
                    // The order's first charge stands: only what this bill brought is taken back (R128, R131).
                    steps.push(fulfilments::cancel_of_payment(attempt.merchant_id, attempt.payment_id, now));
                } else if order.status == OrderStatus::Complete {
                    let (merchant_id, id) = (order.merchant_id, order.id);
                    steps.push(orders::set_status(
                        merchant_id,
                        id,
                        OrderStatus::Refunded,
                        order.is_salvaged,
                        now,
                    ));
                    steps.push(fulfilments::cancel_all(merchant_id, id, now));
                }
                let state = PaymentState::Reversed;
                steps.push(payments::set_state(attempt.merchant_id, attempt.payment_id, state, now));
            }
            Ok(Consequence { steps, then: Vec::new() })
        })
    }

    fn gateway_of<'a>(
        &'a self,
        attempt: &'a Attempt,
    ) -> Reply<'a, Result<Option<Arc<dyn Gateway>>, StoreError>> {
        Box::pin(self.gateway_now(attempt))
    }

    fn read_decline<'a>(
        &'a self,
        attempt: &'a Attempt,
        raw: RawDecline,
    ) -> Reply<'a, Result<Outcome, StoreError>> {
        Box::pin(async move {
            let configuration = self.hub.configuration(attempt.merchant_id).await.map_err(store_error)?;
            let outcome = read_decline(&configuration, attempt, raw);
            self.hub.as_salvaged(&configuration, attempt, outcome).await
        })
    }
}

impl Aftermath {
    /// Whether an attempt collects a trial's completion, which is booked on the original order.
    async fn completes_trial(&self, attempt: &Attempt) -> Result<bool, StoreError> {
        if !is_bill(attempt) {
            return Ok(false);
        }
        let case = self.hub.billing_case(attempt).await?;
        Ok(case.is_some_and(|case| case.payment.order_id == case.subscription.order_id))
    }

    /// Whether everything that was taken is given back with this operation.
    async fn is_whole(&self, attempt: &Attempt, operation: &Operation) -> Result<bool, StoreError> {
        let AttemptState::Approved { approval, .. } = &attempt.state else { return Ok(false) };
        let all = self.hub.store().list_operations_of_order(attempt.merchant_id, attempt.order_id).await?;
        let given_back = all
            .iter()
            .filter(|one| one.attempt_id == attempt.id && one.id != operation.id && one.state == "done")
            .filter(|one| one.kind != OperationKind::Capture.as_str())
            .fold(operation.amount.minor(), |sum, one| sum.saturating_add(one.amount.minor()));
        Ok(given_back >= approval.amount.minor())
    }
}
