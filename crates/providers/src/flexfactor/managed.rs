//! What an open salvage adds to an evaluation: until when, and for which agreement.
//!
//! Source: <https://docs.flexfactor.io/docs/standard-integration-for-mit> (managed), the `subscription` object of
//! <https://docs.flexfactor.io/docs/payload-examples> (price in cents) and of the vendor's sample client
//! <https://github.com/FlexCharge/FlexCharge.NodeJs.SampleClient> (all members are strings), read 2026-11-21.

use gateways::{OpenSalvage, SubscriptionTerms};
use serde_json::{Map, Value, json};

/// The members that go into the body beside those of every evaluation.
pub(crate) fn members(open: &OpenSalvage) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("expiryDateUtc".to_owned(), json!(open.deadline.to_string()));
    if let Some(terms) = &open.subscription {
        members.insert("isRecurring".to_owned(), json!(true));
        members.insert("subscription".to_owned(), subscription(terms));
    }
    members
}

fn subscription(terms: &SubscriptionTerms) -> Value {
    let mut subscription = json!({
        "subscriptionId": terms.reference,
        "interval": interval(terms.interval_days),
        "price": terms.price.minor().to_string(),
        "currency": terms.price.currency().code(),
        "paymentNumber": terms.payment_number.to_string(),
    });
    if let (Some(total), Some(members)) = (terms.payments_total, subscription.as_object_mut()) {
        members.insert("totalPayments".to_owned(), json!(total.to_string()));
    }
    subscription
}

/// A word for the time between two charges. Only `monthly` is documented, as an example; the others are ours.
fn interval(days: i64) -> String {
    match days {
        1 => "daily".to_owned(),
        7 => "weekly".to_owned(),
        28..=31 => "monthly".to_owned(),
        365 | 366 => "yearly".to_owned(),
        days => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, "daily")]
    #[case(7, "weekly")]
    #[case(14, "14 days")]
    #[case(28, "monthly")]
    #[case(30, "monthly")]
    #[case(31, "monthly")]
    #[case(90, "90 days")]
    #[case(365, "yearly")]
    fn intervals_have_words(#[case] days: i64, #[case] word: &str) {
        assert_eq!(interval(days), word);
    }
}
