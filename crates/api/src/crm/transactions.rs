//! `/transactions/query/`: searches attempts.

use axum::extract::State;
use domain::attempt::Attempt;
use domain::configuration::Configuration;
use domain::order::Order;
use hub::HubError;
use serde_json::Value;
use storage::orders::OrderFilter;

use super::Crm;
use super::account::AccountTime;
use super::answer::Answer;
use super::call::Call;
use super::page::{self, Page};
use super::reader::Reader;
use super::transaction_object::{RESPONSE_TYPES, response_type, transaction_object};

const NAMES: [&str; 8] = [
    "orderId",
    "merchantId",
    "responseType",
    "txnType",
    "paySource",
    "startDate",
    "endDate",
    "dateRangeType",
];
/// Orders read at once.
const ORDERS_AT_ONCE: i64 = 200;
/// Most orders that one call looks through.
const ORDERS_MAX: i64 = 5_000;

#[derive(Debug)]
struct Filter {
    orders: OrderFilter,
    gateway_number: Option<i64>,
    response_type: String,
}

/// The attempts of one order, or of the orders made within a range of days, oldest attempt of the newest order first.
/// An attempt that provably did nothing at its gateway is no transaction.
pub(crate) async fn query(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| NAMES.contains(&name) || page::NAMES.contains(&name));
    answer(&crm, &call).await.unwrap_or_else(Answer::from)
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let configuration = crm.hub.configuration(call.merchant_id).await?;
    let mut reader = Reader::new(&call.pairs);
    let page = Page::read(&mut reader);
    let is_elsewhere = ![("txnType", "SALE"), ("paySource", "CREDITCARD")]
        .iter()
        .all(|(name, only)| matches!(reader.raw(name), "") || reader.raw(name).eq_ignore_ascii_case(only));
    let filter = read_filter(&mut reader, &configuration);
    let problems = reader.into_problems();
    if !problems.is_empty() {
        return Ok(Answer::refused(&problems));
    }
    if is_elsewhere {
        return Ok(page.answer(0, &[], "records"));
    }
    let store = crm.hub.store();
    let count = store.count_orders(call.merchant_id, &filter.orders).await?;
    if count > ORDERS_MAX {
        let words = format!(
            "Choose fewer days: {count} orders are in this range, and one call looks through {ORDERS_MAX}"
        );
        return Ok(Answer::Error(words));
    }
    let mut rows = Vec::new();
    let mut offset = 0_i64;
    while offset < count {
        for order in store.list_orders(call.merchant_id, &filter.orders, ORDERS_AT_ONCE, offset).await? {
            let mut attempts = store.list_attempts_of_order(call.merchant_id, order.id).await?;
            attempts.retain(|attempt| is_wanted(&configuration, &filter, attempt));
            rows.extend(attempts.into_iter().map(|attempt| (order.clone(), attempt)));
        }
        offset = offset.saturating_add(ORDERS_AT_ONCE);
    }
    let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let mut objects = Vec::new();
    for (order, attempt) in page.cut(rows) {
        objects.extend(transactions_of(crm, &configuration, &order, &[attempt]).await?);
    }
    Ok(page.answer(total, &objects, "records"))
}

fn read_filter(reader: &mut Reader<'_>, configuration: &Configuration) -> Filter {
    let response_type = reader.raw("responseType").to_ascii_uppercase();
    if !response_type.is_empty() && !RESPONSE_TYPES.contains(&response_type.as_str()) {
        reader.refuse("responseType", format!("is one of {}", RESPONSE_TYPES.join(", ")));
    }
    let (created_from, created_before) = reader.days(&AccountTime::of(&configuration.account));
    if reader.raw("orderId").is_empty() && created_from.is_none() {
        reader.refuse("orderId", "send an orderId, or startDate and endDate");
    }
    let id = reader.order_id("orderId");
    Filter {
        orders: OrderFilter { id, created_from, created_before, ..OrderFilter::default() },
        gateway_number: reader.number("merchantId"),
        response_type,
    }
}

fn is_wanted(configuration: &Configuration, filter: &Filter, attempt: &Attempt) -> bool {
    let Some(kind) = response_type(&attempt.state) else { return false };
    let number = configuration.gateway(attempt.gateway_id).map(|gateway| gateway.number);
    (filter.response_type.is_empty() || filter.response_type == kind)
        && (filter.gateway_number.is_none() || filter.gateway_number == number)
}

/// Attempts of one order as transactions, each with the card that it was made with.
pub(crate) async fn transactions_of(
    crm: &Crm,
    configuration: &Configuration,
    order: &Order,
    attempts: &[Attempt],
) -> Result<Vec<Value>, HubError> {
    let mut rows = Vec::with_capacity(attempts.len());
    for attempt in attempts.iter().filter(|attempt| response_type(&attempt.state).is_some()) {
        let card = crm.hub.store().find_card(order.merchant_id, attempt.card_id).await?;
        let shown = card.as_ref().map(|card| &card.shown);
        rows.push(transaction_object(configuration, order, attempt, shown));
    }
    Ok(rows)
}
