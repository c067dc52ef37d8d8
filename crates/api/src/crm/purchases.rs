//! `/purchase/query/`: searches subscriptions, which that API calls purchases.

use axum::extract::State;
use domain::configuration::Configuration;
use domain::subscription::SubscriptionStatus;
use hub::HubError;
use storage::subscriptions::SubscriptionSearch;

use super::Crm;
use super::account::AccountTime;
use super::answer::Answer;
use super::call::Call;
use super::page::{self, Page};
use super::purchase_object::{Purchase, word};
use super::reader::Reader;

const NAMES: [&str; 9] = [
    "orderId",
    "purchaseId",
    "customerId",
    "status",
    "campaignId",
    "emailAddress",
    "startDate",
    "endDate",
    "dateRangeType",
];
const TEXT_CHARS_MAX: usize = 255;

/// Newest first. `startDate` and `endDate` choose by the day that a purchase began.
pub(crate) async fn query(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| NAMES.contains(&name) || page::NAMES.contains(&name));
    answer(&crm, &call).await.unwrap_or_else(Answer::from)
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let configuration = crm.hub.configuration(call.merchant_id).await?;
    let mut reader = Reader::new(&call.pairs);
    let page = Page::read(&mut reader);
    let search = read_search(&mut reader, &configuration);
    let problems = reader.into_problems();
    if !problems.is_empty() {
        return Ok(Answer::refused(&problems));
    }
    let Some(search) = search else { return Ok(page.answer(0, &[], "purchases")) };
    let store = crm.hub.store();
    let found = store.search_subscriptions(call.merchant_id, &search, page.rows(), page.offset()).await?;
    let total = store.count_found_subscriptions(call.merchant_id, &search).await?;
    let mut rows = Vec::with_capacity(found.len());
    for subscription in found {
        rows.push(Purchase::load(crm, subscription).await?.object(&configuration));
    }
    Ok(page.answer(total, &rows, "purchases"))
}

/// The search; none when nothing can match it.
fn read_search(reader: &mut Reader<'_>, configuration: &Configuration) -> Option<SubscriptionSearch> {
    let email = reader.text("emailAddress", TEXT_CHARS_MAX);
    let (created_from, created_before) = reader.days(&AccountTime::of(&configuration.account));
    let number = reader.number("campaignId");
    let campaign =
        number.map(|number| configuration.campaigns.iter().find(|campaign| campaign.number == number));
    let search = SubscriptionSearch {
        id: reader.id("purchaseId", "a purchase"),
        order_id: reader.order_id("orderId"),
        customer_id: reader.id("customerId", "a customer"),
        status: read_status(reader),
        campaign_id: campaign.flatten().map(|campaign| campaign.id),
        email: Some(email).filter(|email| !email.is_empty()),
        created_from,
        created_before,
        ..SubscriptionSearch::default()
    };
    (campaign != Some(None)).then_some(search)
}

/// `status` in any case, with blanks or underscores.
fn read_status(reader: &mut Reader<'_>) -> Option<SubscriptionStatus> {
    let text = reader.raw("status");
    if text.is_empty() {
        return None;
    }
    let status = SubscriptionStatus::parse(&text.to_ascii_lowercase().replace(' ', "_"));
    if status.is_none() {
        let words: Vec<String> = SubscriptionStatus::ALL.iter().map(|one| word(*one)).collect();
        reader.refuse("status", format!("is one of {}", words.join(", ")));
    }
    status
}
