//! A quarter of a year: rebills, re-attempts, hand-overs, webhooks, expiries, reruns and a chargeback.

use anyhow::{Context, Result, ensure};
use domain::attempt::AttemptState;
use domain::order::OrderStatus;
use gateways::{HttpRequest, Method, Transport};
use jiff::SignedDuration;
use storage::orders::OrderFilter;

use super::members::members;
use super::setup::Stage;
use super::storefront::{LOGIN_FIELDS, post};

/// Days that are played.
const DAYS: i64 = 92;
/// Looks for due work a day.
const STEPS_A_DAY: i64 = 4;
/// Members join over so many orders an hour on the first evening.
const MINUTES_APART: i64 = 2;
/// The day before the first rebill: cards turn.
const TURN_DAY: i64 = 5;
/// Declined sales are rerun at the salvage gateway.
const RERUN_DAY: i64 = 2;
/// The issuer takes back the money of a recovered sale.
const CHARGEBACK_DAY: i64 = 45;
/// Most declined sales that are rerun.
const RERUNS_MAX: i64 = 20;

/// Plays it.
pub(super) async fn play(stage: &Stage) -> Result<()> {
    let club = members();
    for member in &club {
        stage.clock.advance(SignedDuration::from_mins(MINUTES_APART));
        member.join(stage).await?;
        stage.work().await?;
    }
    for day in 1..=DAYS {
        if day == TURN_DAY {
            for member in &club {
                member.turn(stage)?;
            }
        }
        if day == RERUN_DAY {
            rerun_declined(stage).await?;
        }
        if day == CHARGEBACK_DAY {
            charge_back(stage).await?;
        }
        for member in &club {
            if member.act(stage, day).await? {
                stage.work().await?;
            }
        }
        for _ in 0..STEPS_A_DAY {
            stage.clock.advance(SignedDuration::from_hours(24 / STEPS_A_DAY));
            stage.work().await.with_context(|| format!("day {day} of the quarter was not worked on"))?;
        }
    }
    Ok(())
}

/// Declined sales are rerun at the salvage gateway through the CRM-compatible API; those that may not are refused with a
/// reason, which is an answer like any other.
async fn rerun_declined(stage: &Stage) -> Result<()> {
    let filter = OrderFilter { status: Some(OrderStatus::Declined), ..OrderFilter::default() };
    for order in stage.hub.store().list_orders(stage.merchant, &filter, RERUNS_MAX, 0).await? {
        let id = order.id.base32();
        let mut fields = LOGIN_FIELDS.to_vec();
        fields.extend([("orderId", id.as_str()), ("forceBillerId", "2")]);
        let answer = post(stage, "/order/rerun/", &fields).await?;
        ensure!(answer.get("result").is_some(), "a rerun is answered");
        stage.work().await?;
    }
    Ok(())
}

/// The issuer takes back the money of the first recovered sale: the platform reports it, the hub marks it.
async fn charge_back(stage: &Stage) -> Result<()> {
    let store = stage.hub.store();
    let orders = store.list_orders(stage.merchant, &OrderFilter::default(), 1_000, 0).await?;
    let Some(order) = orders.iter().rev().find(|order| order.is_salvaged) else { return Ok(()) };
    let attempts = store.list_attempts_of_order(stage.merchant, order.id).await?;
    let reference = attempts.iter().find_map(|attempt| match &attempt.state {
        AttemptState::Approved { approval, .. } => Some(approval.reference.clone()),
        AttemptState::Sending
        | AttemptState::InDoubt { .. }
        | AttemptState::Pending { .. }
        | AttemptState::Declined { .. }
        | AttemptState::NotExecuted { .. } => None,
    });
    let reference = reference.context("a recovered sale is approved")?;
    let token = stage.platform_token().await?;
    let request = HttpRequest {
        method: Method::Post,
        url: format!("{}/sandbox/orders/{reference}/chargeback", stage.platform_url),
        headers: vec![
            ("authorization", format!("Bearer {token}")),
            ("content-type", "application/json".to_owned()),
        ],
        body: b"{}".to_vec(),
    };
    let answer = stage.shop.send(request).await.context("the platform did not answer")?;
    ensure!(answer.status == 200, "the platform answered with status {}", answer.status);
    stage.work().await
}
