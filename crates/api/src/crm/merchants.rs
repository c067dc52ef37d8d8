//! `/merchant/query/`: gateways, which that API calls merchants or billers.

use axum::extract::State;
use domain::configuration::{Configuration, Gateway};
use hub::HubError;
use serde_json::{Value, json};

use super::Crm;
use super::answer::Answer;
use super::call::Call;
use super::order_object::flag;
use super::page::{self, Page};
use super::reader::Reader;

/// All gateways by number, or the one named by `billerId` (or `merchantId`). Never their credentials (R22).
pub(crate) async fn query(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| matches!(name, "billerId" | "merchantId") || page::NAMES.contains(&name));
    answer(&crm, &call).await.unwrap_or_else(Answer::from)
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let mut reader = Reader::new(&call.pairs);
    let page = Page::read(&mut reader);
    let wanted = [reader.number("billerId"), reader.number("merchantId")];
    let problems = reader.into_problems();
    if !problems.is_empty() {
        return Ok(Answer::refused(&problems));
    }
    let configuration = crm.hub.configuration(call.merchant_id).await?;
    let is_wanted = |gateway: &&Gateway| wanted.iter().flatten().all(|number| *number == gateway.number);
    let mut found: Vec<&Gateway> = configuration.gateways.iter().filter(is_wanted).collect();
    found.sort_by_key(|gateway| gateway.number);
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let rows: Vec<Value> = page.cut(found).into_iter().map(|gateway| row(&configuration, gateway)).collect();
    Ok(page.answer(total, &rows, "merchants"))
}

fn row(configuration: &Configuration, gateway: &Gateway) -> Value {
    json!({
        "billerId": gateway.number,
        "merchantId": gateway.number,
        "title": gateway.title,
        "gatewayName": gateway.kind,
        "enabled": flag(gateway.enabled),
        "monthlyCap": gateway.monthly_cap.map(domain::Money::decimal),
        "recycleProfileId": configuration.recycle_profile_of(gateway.id).map(|profile| profile.number),
        "isSalvage": flag(gateway.capabilities.is_salvage_only()),
    })
}
