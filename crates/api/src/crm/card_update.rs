//! `/customer/cardupdate/`: another card for what a customer buys.

use axum::extract::State;
use domain::ids::{CustomerId, SubscriptionId};
use domain::placement::Problem;
use domain::subscription::Subscription;
use hub::{HubError, PersonError, RawCard};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Crm;
use super::answer::Answer;
use super::call::Call;
use super::import::read_card;
use super::purchase_change::{PURCHASE, actor, refused};
use super::purchase_object::word;
use super::reader::Reader;
use super::task::in_a_task;

const NAMES: [&str; 8] = [
    PURCHASE,
    "customerId",
    "paySourceId",
    "cardNumber",
    "cardMonth",
    "cardYear",
    "cardExpiryDate",
    "cardSecurityCode",
];

/// Puts one purchase, or every purchase of a customer that can still be billed, on another card. The security code is
/// checked for its form and thrown away (R103).
pub(crate) async fn update(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| NAMES.contains(&name));
    let hub = crm.hub.clone();
    in_a_task(&hub, async move { answer(&crm, &call).await }).await
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let mut reader = Reader::new(&call.pairs);
    let customer = reader.id::<CustomerId>("customerId", "a customer");
    let purchase = reader.id::<SubscriptionId>(PURCHASE, "a purchase");
    if ["customerId", PURCHASE].iter().all(|name| reader.raw(name).is_empty()) {
        reader.refuse("customerId", "is missing; send a customerId or a purchaseId");
    }
    if let Some(id) = purchase {
        let found = crm.hub.store().find_subscription(call.merchant_id, id).await?;
        let is_theirs = |one: &Subscription| customer.is_none_or(|customer| one.customer_id == customer);
        if !found.is_some_and(|one| is_theirs(&one)) {
            reader.refuse(PURCHASE, "there is no such purchase of this customer");
        }
    }
    let card = read_card(&mut reader);
    let mut problems = reader.into_problems();
    if !problems.is_empty() {
        problems.extend(wrong_with(crm, call, &card).await?);
        return Ok(Answer::refused(&problems));
    }
    let (merchant_id, actor) = (call.merchant_id, actor(call));
    let changed = match (purchase, customer) {
        (Some(id), _) => crm.hub.change_card(merchant_id, id, &card, &actor).await.map(|one| vec![one]),
        (None, Some(customer)) => crm.hub.change_card_of_customer(merchant_id, customer, &card, &actor).await,
        (None, None) => Ok(Vec::new()),
    };
    match changed {
        Ok(changed) => shown(crm, &changed).await,
        Err(PersonError::Invalid(problems)) => Ok(Answer::refused(&renamed(call, problems))),
        Err(error) => refused(error),
    }
}

/// What is wrong with a card, whatever else is wrong: asked about a purchase that nobody has.
async fn wrong_with(crm: &Crm, call: &Call, card: &RawCard) -> Result<Vec<Problem>, HubError> {
    let nobodys = SubscriptionId::from_uuid(Uuid::nil());
    match crm.hub.change_card(call.merchant_id, nobodys, card, "").await {
        Err(PersonError::Invalid(problems)) => Ok(renamed(call, problems)),
        Err(PersonError::Hub(error)) => Err(error),
        Ok(_) | Err(PersonError::NotFound(_) | PersonError::Conflict(_)) => Ok(Vec::new()),
    }
}

/// Under the name that the caller used.
fn renamed(call: &Call, problems: Vec<Problem>) -> Vec<Problem> {
    let sent = |name: &str| !call.pairs.get(name).is_empty();
    let is_joined = sent("cardExpiryDate") && !sent("cardMonth") && !sent("cardYear");
    let rename = |problem: Problem| match problem.field.as_str() {
        "cardMonth" | "cardYear" if is_joined => Problem { field: "cardExpiryDate".to_owned(), ..problem },
        _ => problem,
    };
    problems.into_iter().map(rename).collect()
}

async fn shown(crm: &Crm, changed: &[Subscription]) -> Result<Answer, HubError> {
    let Some(first) = changed.first() else {
        let words = "customerId: this customer has no purchase that is billed again";
        return Ok(Answer::Error(words.to_owned()));
    };
    let card = crm.hub.store().find_card(first.merchant_id, first.card_id).await?.map(|card| card.shown);
    let expires = card.as_ref().and_then(|card| card.expires.split_once('-'));
    let rows: Vec<Value> = changed
        .iter()
        .map(|one| json!({"purchaseId": one.id.base32(), "status": word(one.status)}))
        .collect();
    Ok(Answer::Success(json!({
        "customerId": first.customer_id.base32(),
        "paySource": "CREDITCARD",
        "paySourceId": first.card_id.base32(),
        "cardType": card.as_ref().map(|card| card.brand.to_ascii_uppercase()),
        "cardBin": card.as_ref().map(|card| card.bin.as_str()),
        "cardLast4": card.as_ref().map(|card| card.last_four.as_str()),
        "cardExpiryDate": expires.map(|(year, month)| format!("{month}/{year}")),
        "purchases": rows,
    })))
}
