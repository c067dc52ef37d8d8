//! `/order/query/`: searches orders.

use axum::extract::State;
use domain::configuration::Configuration;
use domain::contact::ip_address;
use domain::order::{Order, OrderStatus};
use domain::placement::Problem;
use hub::HubError;
use serde_json::{Value, json};
use storage::orders::OrderFilter;

use super::Crm;
use super::account::AccountTime;
use super::answer::Answer;
use super::call::Call;
use super::order_object::{NEW_SALE, RECURRING, fulfilment_object, order_object};
use super::page::{self, EVERYTHING, Page};
use super::purchase_object::purchases_of;
use super::reader::Reader;
use super::transactions::transactions_of_order;

const NAMES: [&str; 10] = [
    "isDeclineSave",
    "orderId",
    "orderStatus",
    "orderType",
    "campaignId",
    "ipAddress",
    "emailAddress",
    "startDate",
    "endDate",
    "dateRangeType",
];
const TEXT_CHARS_MAX: usize = 255;

/// Newest first, with items, fulfilments and transactions.
pub(crate) async fn query(State(crm): State<Crm>, call: Call) -> Answer {
    answer(&crm, &call).await.unwrap_or_else(Answer::from)
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let configuration = crm.hub.configuration(call.merchant_id).await?;
    let mut reader = Reader::new(&call.pairs);
    let page = Page::read(&mut reader);
    let is_known = |name: &str| NAMES.contains(&name) || page::NAMES.contains(&name) || name == EVERYTHING;
    let strange = call.unknown_filters(is_known);
    let filter = read_filter(&mut reader, &configuration);
    let mut problems: Vec<Problem> = reader.into_problems();
    problems.extend(strange);
    if !problems.is_empty() {
        return Ok(Answer::refused(&problems));
    }
    let Some(filter) = filter else { return Ok(page.answer(0, &[], "orders")) };
    let store = crm.hub.store();
    let orders = store.list_orders(call.merchant_id, &filter, page.rows(), page.offset()).await?;
    let total = store.count_orders(call.merchant_id, &filter).await?;
    let mut rows = Vec::with_capacity(orders.len());
    for order in orders {
        rows.push(whole(crm, &configuration, order).await?);
    }
    Ok(page.answer(total, &rows, "orders"))
}

/// The filter; none when nothing can match it.
fn read_filter(reader: &mut Reader<'_>, configuration: &Configuration) -> Option<OrderFilter> {
    let status = reader.raw("orderStatus").to_ascii_lowercase();
    let known = OrderStatus::parse(&status);
    if known.is_none() && !status.is_empty() {
        let words: Vec<String> =
            OrderStatus::ALL.iter().map(|one| one.as_str().to_ascii_uppercase()).collect();
        reader.refuse("orderStatus", format!("is one of {}", words.join(", ")));
    }
    let is_rebill = read_type(reader);
    let address = reader.raw("ipAddress");
    let email = reader.text("emailAddress", TEXT_CHARS_MAX);
    let (created_from, created_before) = reader.days(&AccountTime::of(&configuration.account));
    let filter = OrderFilter {
        id: reader.order_id("orderId"),
        status: known,
        campaign_number: reader.number("campaignId"),
        email: Some(email).filter(|email| !email.is_empty()),
        ip_address: Some(address).filter(|text| !text.is_empty()).and_then(ip_address),
        created_from,
        created_before,
        is_rebill,
        is_salvaged: reader.flag("isDeclineSave"),
    };
    let is_no_address = !address.is_empty() && filter.ip_address.is_none();
    (!is_no_address).then_some(filter)
}

/// `orderType`: whether it asks for rebills; none when it was not sent.
fn read_type(reader: &mut Reader<'_>) -> Option<bool> {
    let kind = reader.raw("orderType");
    let is = |word: &str| kind.eq_ignore_ascii_case(word);
    if !kind.is_empty() && !is(NEW_SALE) && !is(RECURRING) {
        reader.refuse("orderType", format!("is {NEW_SALE} or {RECURRING}"));
    }
    (!kind.is_empty()).then(|| is(RECURRING))
}

/// An order with everything that belongs to it.
async fn whole(crm: &Crm, configuration: &Configuration, order: Order) -> Result<Value, HubError> {
    let view = crm.hub.view(order).await?;
    let order = &view.order;
    let shipments = crm.hub.store().list_fulfilments_of_order(order.merchant_id, order.id).await?;
    let time = AccountTime::of(&configuration.account);
    let shipments: Vec<Value> = shipments.iter().map(|one| fulfilment_object(&time, one)).collect();
    let transactions = transactions_of_order(crm, configuration, order).await?;
    let subscriptions = purchases_of(crm, order).await?;
    let mut object = order_object(configuration, &view, &subscriptions);
    if let Value::Object(fields) = &mut object {
        fields.insert("fulfillments".to_owned(), json!(shipments));
        fields.insert("transactions".to_owned(), json!(transactions));
    }
    Ok(object)
}
