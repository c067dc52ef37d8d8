//! Asks what became of a submission, or of a capture, cancellation or refund.
//!
//! Source: <https://docs.flexfactor.io/docs/orders-id> and <https://docs.flexfactor.io/docs/orders-1>.

use std::collections::BTreeSet;

use domain::doubt::Finding;
use gateways::{
    BookedApproval, GatewayError, HttpAnswer, InquireRequest, Method, OperationFinding, OperationKind,
    OperationRequest, Standing,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::client::{Client, value};
use super::json::{get, text};
use super::order::{Order, Status};
use crate::spans;

/// Orders asked for at a time.
const PAGE_ORDERS: &str = "50";
/// Most pages of the books that are read.
const PAGES_MAX: u32 = 200;
/// The longest time that an order is worked on, and a day (R12).
const OPEN_HOURS: i64 = 22 * 24;
/// How far the service's clock may be ahead of ours.
const AHEAD_HOURS: i64 = 24;

/// What became of an attempt.
pub(crate) async fn find(client: &Client, request: &InquireRequest) -> Finding {
    match shown(client, request).await {
        Shown::One(order) => order.finding(request.amount),
        Shown::Nothing => Finding::NotFound,
        Shown::Contradicting(words) => Finding::Contradiction(words),
        Shown::Unreadable(words) => Finding::Unreachable(words),
    }
}

/// Where an open salvage stands. What contradicts itself is told like what cannot be asked: a person looks at it.
pub(crate) async fn look_up(client: &Client, request: &InquireRequest) -> Standing {
    match shown(client, request).await {
        Shown::One(order) => order.standing(request.amount),
        Shown::Nothing => Standing::Unknown,
        Shown::Contradicting(words) | Shown::Unreadable(words) => Standing::Unreachable(words),
    }
}

/// What FlexFactor shows of a submission.
enum Shown {
    One(Order),
    Nothing,
    Contradicting(String),
    Unreadable(String),
}

/// By FlexFactor's id when we have it, else by our reference.
async fn shown(client: &Client, request: &InquireRequest) -> Shown {
    let found = match request.gateway_reference.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => order(client, id).await.map(|order| order.into_iter().collect()),
        None => list(client, &request.reference).await,
    };
    let mut orders = match found {
        Ok(orders) => orders,
        Err(words) => return Shown::Unreadable(words),
    };
    if orders.len() > 1 {
        return Shown::Contradicting(format!("FlexFactor shows {} orders for one attempt", orders.len()));
    }
    match orders.pop() {
        None => Shown::Nothing,
        Some(one) if one.is_foreign(&request.reference) => {
            Shown::Contradicting(format!("the order {} belongs to another submission", one.id))
        }
        Some(one) => Shown::One(one),
    }
}

/// The order with FlexFactor's id; `None` when it does not know it.
async fn order(client: &Client, id: &str) -> Result<Option<Order>, String> {
    let answer = client.call(Method::Get, &client.at(&["orders", id], &[]), Vec::new()).await;
    let answer = answer.map_err(sentence)?;
    if answer.status == 404 {
        return Ok(None);
    }
    let mut order = Order::read(&json(&answer)?, &client.scrubber);
    if order.id.is_empty() {
        id.clone_into(&mut order.id);
    }
    Ok(Some(order))
}

/// The orders whose reference is ours. An answer that cannot exclude ours is an error, never an empty list.
async fn list(client: &Client, reference: &str) -> Result<Vec<Order>, String> {
    let query = [("query", reference), ("mid", client.mid.as_str()), ("pageSize", PAGE_ORDERS)];
    let answer =
        client.call(Method::Get, &client.at(&["orders"], &query), Vec::new()).await.map_err(sentence)?;
    if answer.status == 404 {
        return Ok(Vec::new());
    }
    let body = json(&answer)?;
    let items = ["orders", "data", "items", "results"].iter().find_map(|name| get(&body, name)?.as_array());
    let items = items.or_else(|| body.as_array()).ok_or("the list of orders has no orders")?;
    let orders: Vec<Order> = items.iter().map(|item| Order::read(item, &client.scrubber)).collect();
    if orders.iter().any(Order::is_anonymous) {
        return Err("the list of orders does not show whose they are".to_owned());
    }
    let ours: Vec<Order> = orders.into_iter().filter(|order| order.carries(reference)).collect();
    if ours.is_empty() && text(&body, "hasNextPage") == "true" {
        return Err("the list of orders has more pages than are read".to_owned());
    }
    Ok(ours)
}

/// Orders that may have been completed since a moment, and those that are still open: the books (M19). The list filters
/// by when an order was placed, and one is worked on for weeks.
pub(crate) async fn books(
    client: &Client,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<BookedApproval>, String> {
    let placed = since.saturating_sub(SignedDuration::from_hours(OPEN_HOURS)).unwrap_or(Timestamp::MIN);
    let until = now.saturating_add(SignedDuration::from_hours(AHEAD_HOURS)).unwrap_or(Timestamp::MAX);
    let mut found = spans::read(placed, until, |from, to| Box::pin(booked(client, from, to))).await?;
    // What was placed on the border of two searches is in both.
    let mut seen = BTreeSet::new();
    found.retain(|one| seen.insert(one.gateway_reference.clone()));
    Ok(found)
}

/// The orders placed between two moments; none when there are more than are read.
async fn booked(
    client: &Client,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<Vec<BookedApproval>>, String> {
    let moment = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (from, to) = (moment(from), moment(to));
    let mut found = Vec::new();
    for page in 1..=PAGES_MAX {
        let number = page.to_string();
        let query = [
            ("from", from.as_str()),
            ("to", to.as_str()),
            ("mid", client.mid.as_str()),
            ("pageSize", PAGE_ORDERS),
            ("pageNumber", number.as_str()),
        ];
        let answer =
            client.call(Method::Get, &client.at(&["orders"], &query), Vec::new()).await.map_err(sentence)?;
        let body = json(&answer)?;
        let items =
            ["orders", "data", "items", "results"].iter().find_map(|name| get(&body, name)?.as_array());
        let items = items.or_else(|| body.as_array()).ok_or("the list of orders has no orders")?;
        let orders = items.iter().map(|item| Order::read(item, &client.scrubber));
        found.extend(orders.filter_map(|order| order.booked()));
        if text(&body, "hasNextPage") != "true" {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn json(answer: &HttpAnswer) -> Result<Value, String> {
    if !(200..=299).contains(&answer.status) {
        return Err(format!("the inquiry was answered with HTTP {}", answer.status));
    }
    value(answer).ok_or_else(|| "the answer to the inquiry is not JSON".to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "it is the shape that map_err wants")]
fn sentence(error: GatewayError) -> String {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("the inquiry failed: {error}{cause}")
}

/// What became of a capture, cancellation or refund. A refund that is not shown may still have been done (M16).
pub(crate) async fn find_operation(client: &Client, request: &OperationRequest) -> OperationFinding {
    let unknown = |words: String| OperationFinding::Unknown(words);
    let order = match order(client, &request.gateway_reference).await {
        Ok(Some(order)) => order,
        Ok(None) => return unknown("FlexFactor does not know the order".to_owned()),
        Err(words) => return unknown(words),
    };
    let done = OperationFinding::Done { reference: request.gateway_reference.clone() };
    if request.kind == OperationKind::Refund && !order.fits(request.amount) {
        // An order that counts as returned does not say how much of it is.
        return unknown(format!("the order stands at {}, and not all of it is given back", order.word));
    }
    match (request.kind, order.status) {
        (OperationKind::Capture, Some(Status::Completed))
        | (OperationKind::Void, Some(Status::Cancelled))
        | (OperationKind::Refund, Some(Status::Returned)) => done,
        (OperationKind::Capture, Some(Status::CaptureRequired | Status::Cancelled))
        | (OperationKind::Void, Some(Status::CaptureRequired | Status::Completed)) => {
            OperationFinding::NotDone
        }
        _ => unknown(format!("the order stands at {}", order.word)),
    }
}
