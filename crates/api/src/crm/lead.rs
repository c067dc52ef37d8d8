//! `/leads/import/`: a checkout that has begun, as a PARTIAL order.

use axum::extract::State;
use domain::placement::Problem;
use hub::{HubError, Lead, LeadAnswer};

use super::answer::Answer;
use super::call::Call;
use super::order_object::order_object;
use super::reader::Reader;
use super::{Crm, buyer, own_fields};

fn is_known(name: &str) -> bool {
    matches!(name, "campaignId" | "orderId" | "customerId")
        || buyer::NAMES.contains(&name)
        || own_fields::NAMES.contains(&name)
}

/// Makes a partial order, or renews the one named by `orderId`.
pub(crate) async fn import(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(is_known);
    answer(&crm, &call).await.unwrap_or_else(Answer::from)
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let (mut lead, problems) = read(call);
    if !problems.is_empty() {
        return Ok(Answer::refused(&problems));
    }
    if Reader::new(&call.pairs).flag("billShipSame") == Some(true) {
        // Perhaps only the lead that is renewed knows the billing address.
        lead.contact = crm.hub.ship_to_billing(call.merchant_id, lead.order_id, lead.contact).await?;
    }
    match crm.hub.import_lead(call.merchant_id, lead).await? {
        LeadAnswer::Refused(problems) => Ok(Answer::refused(&problems)),
        LeadAnswer::Order(view) => {
            let configuration = crm.hub.configuration(call.merchant_id).await?;
            Ok(Answer::Success(order_object(&configuration, &view, &[])))
        }
    }
}

fn read(call: &Call) -> (Lead, Vec<Problem>) {
    let mut reader = Reader::new(&call.pairs);
    if reader.raw("campaignId").is_empty() {
        reader.refuse("campaignId", "is missing; the number of a campaign");
    }
    let lead = Lead {
        order_id: reader.order_id("orderId"),
        campaign_number: reader.number("campaignId").unwrap_or_default(),
        contact: buyer::read(&mut reader),
        extra: own_fields::read(&mut reader),
    };
    (lead, reader.into_problems())
}
