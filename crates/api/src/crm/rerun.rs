//! `/order/rerun/`: tries a declined new sale again (crm.md 9.2).

use axum::extract::State;
use domain::attempt::{Attempt, AttemptState};
use domain::configuration::Configuration;
use domain::order::OrderStatus;
use domain::subscription::Subscription;
use hub::{HubError, OrderView, PersonError, Rerun, RerunAnswer};
use serde_json::json;

use super::Crm;
use super::account::AccountTime;
use super::answer::Answer;
use super::call::Call;
use super::numbers::number_of;
use super::order_object::order_object;
use super::reader::Reader;
use super::task::in_a_task;

const NAMES: [&str; 3] = ["orderId", "forceBillerId", "forceLoadBalancerId"];

/// Approved: the order. Declined, or left alone: `ERROR` with a sentence. Handed to a salvage gateway, or in doubt: where
/// it stands, until when. The charge finishes also when the caller hangs up.
pub(crate) async fn rerun(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| NAMES.contains(&name));
    let hub = crm.hub.clone();
    in_a_task(&hub, answer(crm, call)).await
}

async fn answer(crm: Crm, call: Call) -> Result<Answer, HubError> {
    let merchant_id = call.merchant_id;
    let configuration = crm.hub.configuration(merchant_id).await?;
    let mut reader = Reader::new(&call.pairs);
    if reader.raw("orderId").is_empty() {
        reader.refuse("orderId", "is missing; the id that order import has returned");
    }
    let id = reader.order_id("orderId");
    let rerun = read(&mut reader, &configuration);
    let problems = reader.into_problems();
    let (Some(id), true) = (id, problems.is_empty()) else { return Ok(Answer::refused(&problems)) };
    let actor = format!("API user {}", call.pairs.get("loginId"));
    match crm.hub.rerun_order(merchant_id, id, &rerun, &actor).await {
        Ok(RerunAnswer::Skipped(skip)) => Ok(Answer::Error(skip.words)),
        Ok(RerunAnswer::Attempted { view, attempt }) => {
            let configuration = crm.hub.configuration(merchant_id).await?;
            let begun = crm.hub.store().list_subscriptions_of_order(merchant_id, id).await?;
            Ok(outcome(&configuration, &view, &attempt, &begun))
        }
        Err(PersonError::Hub(error)) => Err(error),
        Err(PersonError::NotFound(_)) => {
            Ok(Answer::Error("orderId: there is no order with this id".to_owned()))
        }
        Err(PersonError::Conflict(words)) => Ok(Answer::Error(words)),
        Err(PersonError::Invalid(problems)) => {
            let words: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            Ok(Answer::Error(words.join("; ")))
        }
    }
}

fn read(reader: &mut Reader<'_>, configuration: &Configuration) -> Rerun {
    let biller = reader.number("forceBillerId");
    let gateway = biller.and_then(|number| configuration.gateway_numbered(number)).map(|one| one.id);
    if let (Some(number), None) = (biller, gateway) {
        reader.refuse("forceBillerId", format!("there is no gateway with the number {number}"));
    }
    let balancer = reader.number("forceLoadBalancerId");
    let mut profiles = configuration.gateway_profiles.iter();
    let profile = balancer.and_then(|number| profiles.find(|one| one.number == number)).map(|one| one.id);
    if let (Some(number), None) = (balancer, profile) {
        reader.refuse("forceLoadBalancerId", format!("there is no gateway profile with the number {number}"));
    }
    Rerun { gateway, gateway_profile: profile, ..Rerun::default() }
}

fn outcome(
    configuration: &Configuration,
    view: &OrderView,
    attempt: &Attempt,
    begun: &[Subscription],
) -> Answer {
    match &attempt.state {
        AttemptState::Approved { .. } if view.order.status == OrderStatus::Complete => {
            Answer::Success(order_object(configuration, view, begun))
        }
        AttemptState::Approved { .. } => {
            let status = view.order.status.as_str();
            Answer::Error(format!("The order was {status} meanwhile; what was charged is given back."))
        }
        AttemptState::Declined { decline, .. } => Answer::Error(decline.text_shown.clone()),
        AttemptState::NotExecuted { lapse, .. } => {
            Answer::Error(format!("Nothing was charged. {}", lapse.text))
        }
        AttemptState::Pending { .. } => waiting(configuration, view, attempt, "PENDING"),
        AttemptState::Sending | AttemptState::InDoubt { .. } => {
            waiting(configuration, view, attempt, "IN_DOUBT")
        }
    }
}

fn waiting(configuration: &Configuration, view: &OrderView, attempt: &Attempt, status: &str) -> Answer {
    let time = AccountTime::of(&configuration.account);
    Answer::Success(json!({
        "orderId": view.order.id.base32(),
        "orderStatus": view.order.status.as_str().to_ascii_uppercase(),
        "salvageStatus": status,
        "merchantId": number_of(configuration, Some(attempt.gateway_id)),
        // An ordinary gateway in doubt has no deadline.
        "salvageExpires": attempt.deadline.map(|deadline| time.show(deadline)),
    }))
}
