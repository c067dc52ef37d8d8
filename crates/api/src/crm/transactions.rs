//! `/transactions/query/`: searches attempts.

use axum::extract::State;
use domain::attempt::{Attempt, AttemptState};
use domain::configuration::Configuration;
use domain::declines::Class;
use domain::ids::{GatewayId, OrderId, SubscriptionId};
use domain::order::Order;
use hub::HubError;
use serde_json::Value;
use storage::attempts::{AttemptSearch, Standing};
use storage::{Store, StoreError};

use super::Crm;
use super::account::AccountTime;
use super::answer::Answer;
use super::call::Call;
use super::page::{self, EVERYTHING, Page};
use super::reader::Reader;
use super::transaction_object::{OfBill, RESPONSE_TYPES, response_type, transaction_object};

const NAMES: [&str; 10] = [
    "orderId",
    "purchaseId",
    "merchantId",
    "responseType",
    "txnType",
    "paySource",
    "isChargedback",
    "startDate",
    "endDate",
    "dateRangeType",
];
/// Most bills of one subscription that are looked through.
const BILLS_MAX: i64 = 1_000;

#[derive(Debug)]
struct Filter {
    order_id: Option<OrderId>,
    subscription_id: Option<SubscriptionId>,
    search: AttemptSearch,
}

/// The attempts of an order, of a purchase, or made within a range of days; oldest first. An attempt that provably did
/// nothing at its gateway is no transaction.
pub(crate) async fn query(State(crm): State<Crm>, call: Call) -> Answer {
    answer(&crm, &call).await.unwrap_or_else(Answer::from)
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let merchant_id = call.merchant_id;
    let configuration = crm.hub.configuration(merchant_id).await?;
    let mut reader = Reader::new(&call.pairs);
    let page = Page::read(&mut reader);
    let is_known = |name: &str| NAMES.contains(&name) || page::NAMES.contains(&name) || name == EVERYTHING;
    let strange = call.unknown_filters(is_known);
    let is_elsewhere = ![("txnType", "SALE"), ("paySource", "CREDITCARD")]
        .iter()
        .all(|(name, only)| matches!(reader.raw(name), "") || reader.raw(name).eq_ignore_ascii_case(only));
    let filter = read_filter(&mut reader, &configuration);
    let mut problems = reader.into_problems();
    problems.extend(strange);
    if !problems.is_empty() {
        return Ok(Answer::refused(&problems));
    }
    let Some(filter) = filter.filter(|_| !is_elsewhere) else {
        return Ok(page.answer(0, &[], "records"));
    };
    let store = crm.hub.store();
    let (total, attempts) = if filter.order_id.is_none() && filter.subscription_id.is_none() {
        let total = store.count_found_attempts(merchant_id, &filter.search).await?;
        let found = store.search_attempts(merchant_id, &filter.search, page.rows(), page.offset()).await?;
        (total, found)
    } else {
        let mut found = match filter.order_id {
            Some(id) => match store.find_order(merchant_id, id).await? {
                Some(order) => attempts_shown_under(crm, &order).await?,
                None => Vec::new(),
            },
            None => Vec::new(),
        };
        if let Some(id) = filter.subscription_id {
            let bills = attempts_of_bills(crm, call, id).await?;
            let is_of = |attempt: &Attempt| bills.iter().any(|one| one.id == attempt.id);
            found = if filter.order_id.is_some() { retained(found, is_of) } else { bills };
        }
        let mut found = retained(found, |attempt| is_wanted(&filter.search, attempt));
        if let Some(wanted) = filter.search.is_charged_back {
            found = charged_back(store, found, wanted).await?;
        }
        (i64::try_from(found.len()).unwrap_or(i64::MAX), page.cut(found))
    };
    let mut rows = Vec::with_capacity(attempts.len());
    for attempt in attempts {
        rows.extend(transaction(crm, &configuration, &attempt).await?);
    }
    Ok(page.answer(total, &rows, "records"))
}

fn retained(mut attempts: Vec<Attempt>, keep: impl Fn(&Attempt) -> bool) -> Vec<Attempt> {
    attempts.retain(keep);
    attempts
}

/// Those that are marked as charged back, or those that are not.
async fn charged_back(
    store: &Store,
    attempts: Vec<Attempt>,
    wanted: bool,
) -> Result<Vec<Attempt>, StoreError> {
    let mut kept = Vec::new();
    for attempt in attempts {
        let chargeback = store.find_chargeback(attempt.merchant_id, attempt.id).await?;
        if chargeback.is_some_and(|one| one.is_marked()) == wanted {
            kept.push(attempt);
        }
    }
    Ok(kept)
}

/// The filter; none when nothing can match it.
fn read_filter(reader: &mut Reader<'_>, configuration: &Configuration) -> Option<Filter> {
    let response_type = reader.raw("responseType").to_ascii_uppercase();
    if !response_type.is_empty() && !RESPONSE_TYPES.contains(&response_type.as_str()) {
        reader.refuse("responseType", format!("is one of {}", RESPONSE_TYPES.join(", ")));
    }
    let standing = match response_type.as_str() {
        "SUCCESS" => Some(Standing::Approved),
        "SOFT_DECLINE" => Some(Standing::Soft),
        "HARD_DECLINE" => Some(Standing::Hard),
        "PENDING" => Some(Standing::Open),
        _ => None,
    };
    let (created_from, created_before) = reader.days(&AccountTime::of(&configuration.account));
    let is_named = ["orderId", "purchaseId"].iter().any(|name| !reader.raw(name).is_empty());
    if !is_named && created_from.is_none() {
        reader.refuse("orderId", "send an orderId, a purchaseId, or startDate and endDate");
    }
    let (order_id, subscription_id) = (reader.order_id("orderId"), reader.id("purchaseId", "a purchase"));
    let number = reader.number("merchantId");
    let gateway: Option<Option<GatewayId>> =
        number.map(|number| configuration.gateway_numbered(number).map(|gateway| gateway.id));
    let is_charged_back = reader.flag("isChargedback");
    let gateway_id = gateway.flatten();
    let search = AttemptSearch { gateway_id, standing, created_from, created_before, is_charged_back };
    (gateway != Some(None)).then_some(Filter { order_id, subscription_id, search })
}

fn is_wanted(search: &AttemptSearch, attempt: &Attempt) -> bool {
    let stands = match &attempt.state {
        AttemptState::Approved { .. } => Some(Standing::Approved),
        AttemptState::Declined { decline, .. } if decline.class == Class::Soft => Some(Standing::Soft),
        AttemptState::Declined { .. } => Some(Standing::Hard),
        AttemptState::Sending | AttemptState::InDoubt { .. } | AttemptState::Pending { .. } => {
            Some(Standing::Open)
        }
        AttemptState::NotExecuted { .. } => None,
    };
    stands.is_some()
        && (search.standing.is_none() || search.standing == stands)
        && search.gateway_id.is_none_or(|id| id == attempt.gateway_id)
        && search.created_from.is_none_or(|from| attempt.created_at >= from)
        && search.created_before.is_none_or(|before| attempt.created_at < before)
}

async fn attempts_of_bills(crm: &Crm, call: &Call, id: SubscriptionId) -> Result<Vec<Attempt>, StoreError> {
    let (store, merchant_id) = (crm.hub.store(), call.merchant_id);
    let mut attempts = Vec::new();
    for bill in store.list_bills(merchant_id, id, BILLS_MAX).await?.into_iter().rev() {
        attempts.extend(store.list_attempts_of_payment(merchant_id, bill.id).await?);
    }
    Ok(attempts)
}

/// The attempts that are shown under an order: its own, and those of bills of its subscriptions that are not paid, for
/// such a bill has no order of its own yet.
async fn attempts_shown_under(crm: &Crm, order: &Order) -> Result<Vec<Attempt>, StoreError> {
    let (store, merchant_id) = (crm.hub.store(), order.merchant_id);
    let mut attempts = store.list_attempts_of_order(merchant_id, order.id).await?;
    if order.subscription_id.is_some() {
        return Ok(attempts);
    }
    for subscription in store.list_subscriptions_of_order(merchant_id, order.id).await? {
        let Some(bill) = subscription.collecting else { continue };
        let of_bill = store.list_attempts_of_payment(merchant_id, bill).await?;
        attempts.extend(of_bill.into_iter().filter(|attempt| attempt.order_id != order.id));
    }
    Ok(attempts)
}

/// One attempt as a transaction; none when it is no transaction.
pub(super) async fn transaction(
    crm: &Crm,
    configuration: &Configuration,
    attempt: &Attempt,
) -> Result<Option<Value>, StoreError> {
    if response_type(&attempt.state).is_none() {
        return Ok(None);
    }
    let (store, merchant_id) = (crm.hub.store(), attempt.merchant_id);
    let cycle = store.find_payment(merchant_id, attempt.payment_id).await?.and_then(|payment| payment.cycle);
    let own = store.find_order(merchant_id, attempt.order_id).await?;
    let (bill, order) = match cycle {
        None => (None, own),
        Some((id, cycle)) => {
            let subscription = store.find_subscription(merchant_id, id).await?;
            let began_on = subscription.as_ref().map(|one| one.order_id);
            let bill = OfBill { subscription_id: id, cycle, is_rebill: began_on != Some(attempt.order_id) };
            let order = match (own, began_on) {
                (None, Some(began_on)) => store.find_order(merchant_id, began_on).await?,
                (own, _) => own,
            };
            (Some(bill), order)
        }
    };
    let Some(order) = order else { return Ok(None) };
    let card = store.find_card(merchant_id, attempt.card_id).await?;
    let shown = card.as_ref().map(|card| &card.shown);
    let chargeback = store.find_chargeback(merchant_id, attempt.id).await?;
    let chargeback = chargeback.as_ref().filter(|one| one.is_marked());
    Ok(Some(transaction_object(configuration, &order, bill.as_ref(), attempt, shown, chargeback)))
}

/// The transactions of an order, oldest first.
pub(crate) async fn transactions_of_order(
    crm: &Crm,
    configuration: &Configuration,
    order: &Order,
) -> Result<Vec<Value>, HubError> {
    let mut rows = Vec::new();
    for attempt in attempts_shown_under(crm, order).await? {
        rows.extend(transaction(crm, configuration, &attempt).await?);
    }
    Ok(rows)
}
