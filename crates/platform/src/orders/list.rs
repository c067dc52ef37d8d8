//! `GET /v1/orders`: a page of the account's orders.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::ids::RecoveryId;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use storage::platform::{RecoveryFilter, RecoveryPage, RecoveryState};
use uuid::Uuid;

use crate::Platform;
use crate::answer::{Refusal, envelope, json_response};
use crate::evaluate::read::is_possible_id;
use crate::orders::row::{STATUSES, row, status_of};

/// Orders on a page unless asked otherwise (<https://docs.flexfactor.io/docs/orders-1>).
const PAGE_SIZE: i64 = 10;
/// Most orders on a page.
const PAGE_SIZE_MAX: i64 = 200;
/// Highest number of a page.
const PAGE_NUMBER_MAX: i64 = 1_000_000;

struct Asked {
    filter: RecoveryFilter,
    by_amount: bool,
    descending: bool,
    size: i64,
    number: i64,
}

pub(crate) async fn endpoint(
    State(platform): State<Arc<Platform>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    list(&platform, query.as_deref().unwrap_or_default(), &headers)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

async fn list(platform: &Platform, query: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    let account = platform.authenticate(headers).await?;
    let asked = read(query, &account.merchant_id.uuid().to_string())?;
    let page = RecoveryPage {
        by_amount: asked.by_amount,
        descending: asked.descending,
        limit: asked.size,
        offset: asked.number.saturating_sub(1).saturating_mul(asked.size),
    };
    let (found, total) = platform.store().list_recoveries(account.merchant_id, &asked.filter, page).await?;
    let rows: Vec<Value> = found.iter().map(row).collect();
    Ok(json_response(StatusCode::OK, &envelope(true, answer(&asked, &rows, total, page.offset))))
}

fn answer(asked: &Asked, rows: &[Value], total: i64, offset: i64) -> Value {
    let pages = total.saturating_add(asked.size).saturating_sub(1).checked_div(asked.size).unwrap_or(0);
    let count = i64::try_from(rows.len()).unwrap_or(0);
    let names: Map<String, Value> =
        STATUSES.iter().map(|(number, name)| (number.to_string(), json!(name))).collect();
    json!({
        "firstItemOnPage": if count == 0 { 0 } else { offset.saturating_add(1) },
        "lastItemOnPage": if count == 0 { 0 } else { offset.saturating_add(count) },
        "hasNextPage": asked.number < pages,
        "hasPreviousPage": asked.number > 1 && pages > 0,
        "isFirstPage": asked.number == 1,
        "isLastPage": asked.number >= pages,
        "pageCount": pages,
        "pageNumber": asked.number,
        "pageSize": asked.size,
        "totalItemCount": total,
        "orders": rows,
        "statuses": names,
    })
}

fn read(query: &str, mid: &str) -> Result<Asked, Refusal> {
    let mut problems = Vec::new();
    let mut asked = Asked {
        filter: RecoveryFilter {
            text: None,
            id: None,
            states: None,
            from: Timestamp::UNIX_EPOCH,
            to: Timestamp::MAX,
        },
        by_amount: false,
        descending: true,
        size: PAGE_SIZE,
        number: 1,
    };
    let mut wanted: Option<Vec<i64>> = None;
    for (name, value) in url_pairs(query) {
        let value = value.trim();
        if value.is_empty() {
            continue;
        }
        let fits = match name.to_ascii_lowercase().trim_end_matches("[]") {
            "query" => {
                asked.filter.text = Some(value.to_owned());
                asked.filter.id = our_id(value);
                is_possible_id(value)
            }
            "status" => value.split(',').all(|one| {
                let number = one.trim().parse::<i64>();
                wanted.get_or_insert_default().extend(number.iter());
                number.is_ok()
            }),
            "from" => instant(value).map(|at| asked.filter.from = at).is_some(),
            "to" => instant(value).map(|at| asked.filter.to = at).is_some(),
            "mid" => value.eq_ignore_ascii_case(mid),
            "orderby" => {
                asked.by_amount = value.eq_ignore_ascii_case("amount");
                asked.by_amount || value.eq_ignore_ascii_case("createdon")
            }
            "sort" => {
                asked.descending = value.eq_ignore_ascii_case("desc");
                asked.descending || value.eq_ignore_ascii_case("asc")
            }
            "pagesize" => within(value, PAGE_SIZE_MAX).map(|size| asked.size = size).is_some(),
            "pagenumber" => within(value, PAGE_NUMBER_MAX).map(|number| asked.number = number).is_some(),
            _ => true,
        };
        if !fits {
            problems.push((known_name(&name), "The value is not valid.".to_owned()));
        }
    }
    asked.filter.states = wanted.map(|numbers| {
        RecoveryState::ALL.into_iter().filter(|state| numbers.contains(&status_of(*state).0)).collect()
    });
    if problems.is_empty() { Ok(asked) } else { Err(Refusal::Invalid(problems)) }
}

/// Our id as it is shown: the GUID, or the reference number.
fn our_id(text: &str) -> Option<RecoveryId> {
    text.parse::<Uuid>().map(RecoveryId::from_uuid).ok().or_else(|| text.to_ascii_lowercase().parse().ok())
}

fn within(text: &str, max: i64) -> Option<i64> {
    text.parse().ok().filter(|number| (1..=max).contains(number))
}

/// A UTC moment, with or without its `Z`, or a date.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let moment =
        text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0))).ok()?;
    moment.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn known_name(name: &str) -> &'static str {
    ["Query", "Status", "From", "To", "Mid", "OrderBy", "Sort", "PageSize", "PageNumber"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name.trim_end_matches("[]")))
        .unwrap_or("Query")
}

/// Decoded pairs; a name may come several times.
fn url_pairs(query: &str) -> Vec<(String, String)> {
    let uri = format!("/?{query}").parse::<axum::http::Uri>();
    let pairs =
        uri.ok().and_then(|uri| axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).ok());
    pairs.map(|axum::extract::Query(pairs)| pairs).unwrap_or_default()
}
