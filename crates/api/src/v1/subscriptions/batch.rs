//! Changes many subscriptions alike, each judged on its own (R44).

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::configuration::Configuration;
use domain::ids::{MerchantId, SubscriptionId};
use domain::placement::{Place, may_stand, refusal};
use hub::{Hub, PersonError, SubscriptionChange};
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::subscriptions::SubscriptionSearch;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Problem};

use super::acting::MaybeKey;
use super::change::{SettableStatus, gateway_number};
use super::reactivate::check_note;
use super::shown::SubscriptionStatus;
use crate::v1::auth::{Caller, Operate};
use crate::v1::errors;
use crate::v1::idempotency::{Ended, once};
use crate::v1::values::{Instant, Reference};

/// Most subscriptions of one request.
const BATCH_MAX: usize = 1_000;

/// Which subscriptions, where they are not named one by one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchFilter {
    /// Only this status.
    #[serde(default)]
    status: Option<SubscriptionStatus>,
    /// Only those that rest on this gateway.
    #[serde(default)]
    gateway: Option<Reference>,
    /// Only this campaign's, by number.
    #[serde(default)]
    campaign: Option<i64>,
}

/// Which subscriptions, and what changes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchChange {
    /// The subscriptions, by id; or give `filter`.
    #[serde(default)]
    #[schema(max_items = 1000)]
    ids: Option<Vec<String>>,
    /// All that it finds, at most 1,000; or give `ids`.
    #[serde(default)]
    filter: Option<BatchFilter>,
    /// The gateway that they rest on: an ordinary one. The whole request is refused for a gateway that only salvages.
    #[serde(default)]
    gateway: Option<Reference>,
    /// When they are billed next; in the future.
    #[serde(default)]
    next_bill_at: Option<Instant>,
    /// Into recycle billing again, or out of it.
    #[serde(default)]
    status: Option<SettableStatus>,
    /// Why; goes into the audit log.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// What became of one subscription.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BatchVerdict {
    /// The subscription, as it was named.
    id: String,
    /// `changed`, `not_found`, `invalid`, `wrong_state`, or `failed` when it may be asked for again.
    verdict: String,
    /// Why it was not changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// What became of all.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BatchChanged {
    /// How many were changed.
    changed: usize,
    /// How many were not.
    refused: usize,
    /// One by one, in the order in which they were named or found.
    items: Vec<BatchVerdict>,
}

/// Changes gateway, next bill or status of many subscriptions. Each is judged on its own; the others go on. Needs the
/// scope `operate`.
#[utoipa::path(post, path = "/v1/subscriptions/batch-change", tag = "subscriptions",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body replays the answer.")),
    request_body = BatchChange,
    responses((status = 200, description = "What became of each.", body = BatchChanged)))]
async fn batch_change(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: MaybeKey,
    Json(body): Json<BatchChange>,
) -> Result<Response, Problem> {
    check_note(&body.note)?;
    let merchant_id = caller.merchant_id;
    let text = serde_json::to_string(&body).map_err(Problem::internal)?;
    let text = format!("POST /v1/subscriptions/batch-change\n{text}");
    let fingerprint = hub.vault().body_fingerprint(text.as_bytes());
    let worker = hub.clone();
    let work = async move {
        match run(&worker, &caller, &body).await {
            Ok(changed) => Ended::done(StatusCode::OK, &changed),
            Err(problem) => Ended::Refused(problem),
        }
    };
    match key.0 {
        Some(key) => once(hub, merchant_id, key, fingerprint, work).await,
        None => match hub.spawn(work).await.map_err(Problem::internal)? {
            Ended::Done(status, body) => {
                Ok((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
            }
            Ended::Refused(problem) | Ended::Unknown(problem) => Err(problem),
        },
    }
}

async fn run(hub: &Hub, caller: &Caller<Operate>, body: &BatchChange) -> Result<BatchChanged, Problem> {
    let merchant_id = caller.merchant_id;
    let configuration = hub.configuration(merchant_id).await.map_err(errors::hub)?;
    let change = SubscriptionChange {
        next_bill_at: body.next_bill_at.map(|at| at.0),
        gateway: body.gateway.as_ref().map(|to| gateway_number(&configuration, to)),
        status: body.status.map(domain::subscription::SubscriptionStatus::from),
        ..SubscriptionChange::default()
    };
    check(hub, &configuration, body, &change)?;
    let ids = match (&body.ids, &body.filter) {
        (Some(ids), _) => ids.clone(),
        (None, Some(filter)) => found(hub, merchant_id, &configuration, filter).await?,
        (None, None) => Vec::new(),
    };
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        let (verdict, why) = judged(hub, caller, &id, &change, &body.note).await;
        items.push(BatchVerdict { id, verdict: verdict.to_owned(), why });
    }
    let changed = items.iter().filter(|item| item.verdict == CHANGED).count();
    Ok(BatchChanged { changed, refused: items.len().saturating_sub(changed), items })
}

const CHANGED: &str = "changed";

async fn judged(
    hub: &Hub,
    caller: &Caller<Operate>,
    id: &str,
    change: &SubscriptionChange,
    note: &str,
) -> (&'static str, Option<String>) {
    let missing = || ("not_found", Some("There is no subscription with this id.".to_owned()));
    let Ok(id) = id.parse::<SubscriptionId>() else { return missing() };
    match hub.change_subscription(caller.merchant_id, id, change, &caller.actor, note).await {
        Ok(_) => (CHANGED, None),
        Err(PersonError::NotFound(_)) => missing(),
        Err(error @ PersonError::Invalid(_)) => ("invalid", Some(error.to_string())),
        Err(PersonError::Conflict(words)) => ("wrong_state", Some(words)),
        Err(error @ PersonError::Hub(_)) => {
            tracing::error!(subscription.id = %id, error = %error, "A subscription of a batch was not changed");
            ("failed", Some("Something failed on our side; ask again.".to_owned()))
        }
    }
}

/// What is wrong with the request as a whole: nothing is changed then (R44).
fn check(
    hub: &Hub,
    configuration: &Configuration,
    body: &BatchChange,
    change: &SubscriptionChange,
) -> Result<(), Problem> {
    let mut wrong: Vec<(&str, String)> = Vec::new();
    if body.ids.is_some() == body.filter.is_some() {
        wrong.push(("ids", "give either ids or filter".to_owned()));
    }
    if body.ids.as_ref().is_some_and(|ids| ids.len() > BATCH_MAX) {
        wrong.push(("ids", format!("has at most {BATCH_MAX} subscriptions")));
    }
    if *change == SubscriptionChange::default() {
        wrong.push(("gateway", "give gateway, next_bill_at or status".to_owned()));
    }
    if change.status.is_some() && change.next_bill_at.is_some() {
        wrong.push(("status", "sets the date of the next bill itself; leave next_bill_at out".to_owned()));
    }
    if change.next_bill_at.is_some_and(|at| at <= hub.minter().now()) {
        wrong.push(("next_bill_at", "the next bill lies in the future".to_owned()));
    }
    match change.gateway.map(|number| configuration.gateway_numbered(number)) {
        Some(None) => wrong.push(("gateway", "there is no such gateway".to_owned())),
        Some(Some(gateway)) if !may_stand(&gateway.capabilities, Place::Subscription) => {
            wrong.push(("gateway", refusal(gateway, Place::Subscription)));
        }
        Some(Some(_)) | None => {}
    }
    if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(wrong)) }
}

/// What a filter finds, at most 1,000.
async fn found(
    hub: &Hub,
    merchant_id: MerchantId,
    configuration: &Configuration,
    filter: &BatchFilter,
) -> Result<Vec<String>, Problem> {
    let number = filter.gateway.as_ref().map(|to| gateway_number(configuration, to));
    let gateway = number.map(|number| configuration.gateway_numbered(number).map(|one| one.id));
    let campaign = filter
        .campaign
        .map(|number| configuration.campaigns.iter().find(|one| one.number == number).map(|one| one.id));
    let mut wrong = Vec::new();
    if gateway == Some(None) {
        wrong.push(("filter.gateway", "there is no such gateway".to_owned()));
    }
    if campaign == Some(None) {
        wrong.push(("filter.campaign", "there is no such campaign".to_owned()));
    }
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let search = SubscriptionSearch {
        status: filter.status.map(domain::subscription::SubscriptionStatus::from),
        gateway_id: gateway.flatten(),
        campaign_id: campaign.flatten(),
        ..SubscriptionSearch::default()
    };
    let limit = i64::try_from(BATCH_MAX.saturating_add(1)).unwrap_or(i64::MAX);
    let found = hub.store().search_subscriptions(merchant_id, &search, limit, 0).await;
    let found = found.map_err(errors::store)?;
    if found.len() > BATCH_MAX {
        let words = format!("finds more than {BATCH_MAX} subscriptions; choose fewer");
        return Err(Problem::invalid([("filter", words)]));
    }
    Ok(found.iter().map(|one| one.id.to_string()).collect())
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(batch_change))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![
        json!({"ids": ["sub_01kaj4c2m0f6ys0d1k7n3q9z2w"], "gateway": 2, "note": "Gateway 1 is being closed."}),
        json!({"filter": {"status": "recycle_failed", "gateway": 1}, "status": "recycle_billing"}),
    ]
}
