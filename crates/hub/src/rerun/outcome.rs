//! What follows when a rerun ends, is taken on, or is in doubt: at once or after days (R115, R116, R125–R127, M17).

use charging::Consequence;
use domain::attempt::{Attempt, Decline, Outcome};
use domain::configuration::Configuration;
use domain::order::{Order, OrderStatus};
use domain::payment::PaymentState;
use gateways::OperationKind;
use storage::{Step, StoreError, operations, orders, payments};

use crate::Hub;

/// What follows from the outcome of an attempt whose route is a rerun.
pub(crate) async fn rerun_settled(
    hub: &Hub,
    order: &Order,
    attempt: &Attempt,
    outcome: &Outcome,
) -> Result<Consequence, StoreError> {
    let configuration = hub.known_configuration(attempt.merchant_id).await?;
    match outcome {
        Outcome::Approved(_) => approved(hub, &configuration, order, attempt).await,
        Outcome::Declined(decline) => Ok(declined(hub, &configuration, order, attempt, decline)),
        Outcome::NotExecuted(lapse) => {
            let mut steps = ended(hub, order, attempt);
            steps.push(hub.tell(order, format!("The rerun charged nothing. {}", lapse.text)));
            steps.extend(hub.after_loss(order, attempt, lapse).await?);
            Ok(Consequence { steps, then: Vec::new() })
        }
    }
}

/// What follows when a salvage gateway has taken it on; the order stays declined (Q1).
pub(crate) fn rerun_opened(hub: &Hub, order: &Order, attempt: &Attempt) -> Consequence {
    let now = hub.minter().now();
    let until = attempt.deadline.map_or_else(String::new, |deadline| format!(" until {deadline}"));
    let open = payments::set_state(attempt.merchant_id, attempt.payment_id, PaymentState::Attempting, now);
    let said = hub.tell(order, format!("The salvage gateway works on it{until}."));
    Consequence { steps: vec![open, said], then: Vec::new() }
}

/// What follows when it was approved and undone at the gateway already.
pub(crate) fn rerun_undone(hub: &Hub, order: &Order, attempt: &Attempt) -> Consequence {
    let now = hub.minter().now();
    let words = "The rerun was approved and undone at the gateway.";
    let undone = payments::set_state(attempt.merchant_id, attempt.payment_id, PaymentState::Reversed, now);
    Consequence { steps: vec![undone, hub.tell(order, words)], then: Vec::new() }
}

async fn approved(
    hub: &Hub,
    configuration: &Configuration,
    order: &Order,
    attempt: &Attempt,
) -> Result<Consequence, StoreError> {
    match order.status {
        OrderStatus::Declined => {}
        OrderStatus::Partial
        | OrderStatus::Pending
        | OrderStatus::Complete
        | OrderStatus::Refunded
        | OrderStatus::Cancelled => {
            let status = order.status.as_str();
            return Ok(undo(hub, configuration, order, attempt, &format!("the order was {status}")));
        }
    }
    if hub.store().find_cancel_asked(attempt.merchant_id, attempt.id).await?.is_some() {
        let why = "we had asked the salvage gateway to stop";
        return Ok(undo(hub, configuration, order, attempt, why));
    }
    // The same effects as a checkout's, from the other status; and a profile's counters only where it holds the gateway.
    let known = as_routed(configuration, order, attempt);
    let mut steps = hub.completed(configuration, &known, attempt);
    let salvaged =
        configuration.gateway(attempt.gateway_id).is_some_and(|one| one.capabilities.is_salvage_only());
    let paid = orders::complete_declined(order.merchant_id, order.id, salvaged, hub.minter().now());
    steps.retain(|step| ![orders::NOT_PENDING, orders::NOT_DECLINED].contains(&step.statement.name()));
    steps.insert(0, paid);
    steps.extend(hub.stops_older_salvages(configuration, order).await?);
    Ok(Consequence { steps, then: Vec::new() })
}

/// An approval that nobody may keep is given back at once, with an alert (M17, Q27).
fn undo(
    hub: &Hub,
    configuration: &Configuration,
    order: &Order,
    attempt: &Attempt,
    what: &str,
) -> Consequence {
    let can_void = configuration.gateway(attempt.gateway_id).is_some_and(|one| one.capabilities.void);
    let kind = if can_void { OperationKind::Void } else { OperationKind::Refund };
    let why = format!("A rerun was approved when {what}: given back in full.");
    let operation = hub.charging.new_operation(kind, attempt, attempt.amount, &why);
    let mut steps = ended(hub, order, attempt);
    steps.push(hub.alert(order, Some(attempt), "late_approval", why.clone()));
    steps.push(hub.tell(order, why));
    steps.extend(operations::insert(&operation, hub.charging.operation_take_up_at()));
    Consequence { steps, then: vec![operation] }
}

fn declined(
    hub: &Hub,
    configuration: &Configuration,
    order: &Order,
    attempt: &Attempt,
    decline: &Decline,
) -> Consequence {
    let words = format!(
        "Rerun declined: {} ({}, {}).",
        decline.raw.text,
        decline.reason.as_str(),
        decline.class.as_str()
    );
    let mut steps = hub.counted(configuration, &as_routed(configuration, order, attempt), attempt, decline);
    match order.status {
        OrderStatus::Declined => {
            steps.extend(hub.declined(order, attempt, PaymentState::Declined, &decline.text_shown));
        }
        OrderStatus::Partial
        | OrderStatus::Pending
        | OrderStatus::Complete
        | OrderStatus::Refunded
        | OrderStatus::Cancelled => steps.extend(ended(hub, order, attempt)),
    }
    steps.push(hub.tell(order, words));
    Consequence { steps, then: Vec::new() }
}

/// The debt is not collected by this attempt.
fn ended(hub: &Hub, order: &Order, attempt: &Attempt) -> Vec<Step> {
    let now = hub.minter().now();
    vec![payments::set_state(order.merchant_id, attempt.payment_id, PaymentState::Declined, now)]
}

/// The order with its routing profile only where that profile holds the attempt's gateway: a salvage gateway's approvals
/// and refusals count in no profile (R80).
fn as_routed(configuration: &Configuration, order: &Order, attempt: &Attempt) -> Order {
    let mut known = order.clone();
    if let Some(routed) = &mut known.routed {
        let profile = routed.profile_id.and_then(|id| configuration.gateway_profile(id));
        let holds = |id| profile.is_some_and(|one| one.members.iter().any(|member| member.gateway_id == id));
        if !holds(attempt.gateway_id) {
            routed.profile_id = None;
        }
    }
    known
}
