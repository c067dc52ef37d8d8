//! What the calls that change a purchase have in common: finding it, and saying what was wrong in the CRM's words.

use domain::ids::SubscriptionId;
use domain::placement::Problem;
use domain::subscription::Subscription;
use hub::{HubError, PersonError};

use super::Crm;
use super::answer::Answer;
use super::call::Call;
use super::purchase_object::Purchase;
use super::reader::Reader;

/// The parameter that names the purchase.
pub(crate) const PURCHASE: &str = "purchaseId";

/// Who made the call, for histories.
pub(crate) fn actor(call: &Call) -> String {
    format!("API user {}", call.pairs.get("loginId"))
}

/// The purchase that `purchaseId` names; what is wrong with it is kept.
pub(crate) async fn find(
    crm: &Crm,
    call: &Call,
    reader: &mut Reader<'_>,
) -> Result<Option<Subscription>, HubError> {
    if reader.raw(PURCHASE).is_empty() {
        reader.refuse(PURCHASE, "is missing; the id of a purchase");
    }
    let Some(id) = reader.id::<SubscriptionId>(PURCHASE, "a purchase") else { return Ok(None) };
    let found = crm.hub.store().find_subscription(call.merchant_id, id).await?;
    if found.is_none() {
        reader.refuse(PURCHASE, "there is no purchase with this id");
    }
    Ok(found)
}

/// The purchase as it now is.
pub(crate) async fn changed(crm: &Crm, subscription: Subscription) -> Result<Answer, HubError> {
    let configuration = crm.hub.configuration(subscription.merchant_id).await?;
    let purchase = Purchase::load(crm, subscription).await?;
    Ok(Answer::Success(purchase.object(&configuration)))
}

/// Why the hub did not do it. Its names of fields are told as parameters of these calls.
pub(crate) fn refused(error: PersonError) -> Result<Answer, HubError> {
    match error {
        PersonError::NotFound(_) => {
            Ok(Answer::refused(&[Problem::new(PURCHASE, "there is no purchase with this id")]))
        }
        PersonError::Invalid(problems) => {
            Ok(Answer::refused(&problems.into_iter().map(named).collect::<Vec<_>>()))
        }
        PersonError::Conflict(words) => Ok(Answer::Error(capital(&words))),
        PersonError::Hub(error) => Err(error),
    }
}

/// A problem under the parameter's name.
pub(crate) fn named(problem: Problem) -> Problem {
    let field = match problem.field.as_str() {
        "shipping" => "shippingPrice",
        "next_bill_at" => "nextBillDate",
        "interval_days" => "billingIntervalDays",
        "final_cycle" => "finalBillingCycle",
        "gateway" => "newMerchantId",
        "reason" => "cancelReason",
        "amount" => "refundAmount",
        other => other,
    };
    Problem { field: field.to_owned(), message: problem.message }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), letters.as_str()))
}
