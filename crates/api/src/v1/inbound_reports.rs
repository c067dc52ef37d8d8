//! Reports that came in from gateways: what each told, and what came of it.

use axum::extract::State;
use domain::ids::{InboundReportId, OrderId};
use hub::Hub;
use serde::{Deserialize, Serialize};
use storage::inbound_reports as s;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem, Query};

use super::auth::{Caller, Read};
use super::errors;
use super::page::{Cursor, LIMIT, Limit, Page};
use super::values::{Instant, words};

/// Words in the names of headers whose values are not shown: a shown signature could be sent again.
const HIDDEN: [&str; 6] = ["auth", "cookie", "token", "secret", "key", "signature"];
/// What stands for a value that is not shown.
const MASK: &str = "•••";

words!(
    /// What became of a report.
    ReportState of s::ReportState {
        /// Kept, and still to be worked on.
        Received,
        /// It had an effect.
        Applied,
        /// Understood; nothing had to change.
        Ignored,
        /// It is about nothing that is known here.
        Unmatched,
        /// Not believed: its signature is wrong, or nothing can be read.
        Refused,
    }
);

/// A report of a gateway.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct InboundReport {
    /// Its id.
    id: String,
    /// The gateway that it came in for.
    gateway_id: String,
    /// When it came in.
    received_at: Instant,
    /// What it tells, e.g. `completed`, `refunded`, `charged_back`; empty until it is believed.
    kind: String,
    /// Our reference that it names.
    reference: String,
    /// The gateway's id that it names.
    gateway_reference: String,
    /// What became of it.
    state: ReportState,
    /// What came of it, in one sentence.
    effect: String,
    /// The attempt that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt_id: Option<String>,
    /// The refund that it tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_id: Option<String>,
    /// How often it was worked on.
    tries: i64,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_at: Option<Instant>,
}

/// A report with what was sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct InboundReportDetail {
    /// The report.
    #[serde(flatten)]
    report: InboundReport,
    /// The host that its signature is checked for.
    host: String,
    /// Its headers, in order; what could be sent again by somebody else is not shown.
    headers: Vec<Header>,
    /// Its body as text.
    body: String,
}

/// A header of a report.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Header {
    /// Its name, in lower case.
    name: String,
    /// Its value.
    value: String,
}

impl From<&s::InboundReport> for InboundReport {
    fn from(report: &s::InboundReport) -> Self {
        Self {
            id: report.id.to_string(),
            gateway_id: report.gateway_id.to_string(),
            received_at: report.received_at.into(),
            kind: report.kind.clone(),
            reference: report.reference.clone(),
            gateway_reference: report.gateway_reference.clone(),
            state: report.state.into(),
            effect: report.effect.clone(),
            attempt_id: report.attempt_id.map(|id| id.to_string()),
            operation_id: report.operation_id.map(|id| id.to_string()),
            tries: report.tries,
            next_try_at: report.next_try_at.map(Instant::from),
        }
    }
}

impl From<&s::InboundReport> for InboundReportDetail {
    fn from(report: &s::InboundReport) -> Self {
        let shown = |(name, value): &(String, String)| {
            let is_hidden = HIDDEN.iter().any(|word| name.contains(word));
            let value = if is_hidden { MASK.to_owned() } else { domain::card::mask_card_numbers(value) };
            Header { name: name.clone(), value }
        };
        Self {
            report: report.into(),
            host: report.host.clone(),
            headers: report.headers.iter().map(shown).collect(),
            body: domain::card::mask_card_numbers(&String::from_utf8_lossy(&report.body)),
        }
    }
}

/// Which reports.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only this state.
    #[serde(default)]
    state: Option<ReportState>,
    /// Most of them on a page, 1 to 200; 50 when left out.
    #[serde(default)]
    #[param(inline)]
    limit: Option<Limit>,
    /// Where the last page ended: its `next_cursor`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists reports from gateways, newest first.
#[utoipa::path(get, path = "/v1/inbound-reports", tag = "operations", params(Filter),
    responses((status = 200, description = "A page of reports.", body = inline(Page<InboundReport>))))]
async fn list(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<InboundReport>>, Problem> {
    let limit = filter.limit.map_or(LIMIT, |limit| limit.0);
    let state = filter.state.map(s::ReportState::from);
    let before = filter.cursor.map(|cursor| (cursor.created_at, cursor.id.uuid()));
    let found =
        hub.store().list_inbound_reports(caller.merchant_id, state, before, limit.saturating_add(1)).await;
    let found = found.map_err(errors::store)?;
    let place = |report: &s::InboundReport| (report.received_at, report.id.uuid());
    Ok(Json(paged(&found, limit, place)))
}

/// Shows a report with what was sent.
#[utoipa::path(get, path = "/v1/inbound-reports/{id}", tag = "operations",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The report.", body = InboundReportDetail)))]
async fn get(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Path(id): Path<String>,
) -> Result<Json<InboundReportDetail>, Problem> {
    let id: InboundReportId = id.parse().map_err(|_| Problem::not_found())?;
    let found = hub.store().find_inbound_report(caller.merchant_id, id).await.map_err(errors::store)?;
    found.map(|report| Json((&report).into())).ok_or_else(Problem::not_found)
}

/// A page out of one row more than it has; `place` says where a row stands in the list.
pub(crate) fn paged<'a, S, T: From<&'a S>>(
    found: &'a [S],
    limit: i64,
    place: impl Fn(&S) -> (jiff::Timestamp, uuid::Uuid),
) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let last = limit.checked_sub(1).and_then(|last| found.get(last)).filter(|_| found.len() > limit);
    let next_cursor = last.map(|row| {
        let (created_at, id) = place(row);
        Cursor { created_at, id: OrderId::from_uuid(id) }.text()
    });
    Page { items: found.iter().take(limit).map(T::from).collect(), next_cursor }
}

/// Its routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}
