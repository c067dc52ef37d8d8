//! The same import again: at once, later, and after a decline.

use std::collections::BTreeSet;
use std::sync::Arc;

use gateways::fake::Act;
use rstest::rstest;
use serde_json::Value;
use storage::testing::On;
use tokio::task::JoinSet;

use crate::app::{TestApp, error, success};
use crate::cascades::SOFT;
use crate::form::{Form, OTHER_VISA, call, sale};
use crate::wire::post;

async fn app(on: On) -> TestApp {
    TestApp::new(on).await.with_gateways(&[1]).await.with_campaign().await
}

/// Sends all at once and waits for all answers.
async fn at_once(app: &TestApp, forms: impl IntoIterator<Item = Form>) -> Vec<Value> {
    let mut calls = JoinSet::new();
    for form in forms {
        let address = app.address;
        calls.spawn(async move { post(address, "/order/import/", &form.encoded()).await });
    }
    calls.join_all().await
}

fn id_of(answer: &Value) -> String {
    success(answer)["orderId"].as_str().unwrap().to_owned()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_the_same_import_at_once_and_later_is_one_order(#[case] on: On) {
    let app = app(on).await;
    let hook = app.hook(1);
    hook.hold();
    let address = app.address;
    let first = tokio::spawn(async move { post(address, "/order/import/", &sale().encoded()).await });
    hook.entered().await;
    let others = tokio::spawn({
        let forms: Vec<Form> = (0..8).map(|_| sale()).collect();
        let calls: Vec<_> = forms
            .into_iter()
            .map(|form| tokio::spawn(async move { post(address, "/order/import/", &form.encoded()).await }))
            .collect();
        async move {
            let mut answers = Vec::new();
            for call in calls {
                answers.push(call.await.unwrap());
            }
            answers
        }
    });
    hook.release();
    let id = id_of(&first.await.unwrap());
    for answer in others.await.unwrap() {
        assert_eq!(success(&answer)["orderStatus"], "COMPLETE");
        assert_eq!(id_of(&answer), id);
    }
    app.clock.advance(500);
    assert_eq!(id_of(&app.import(&sale()).await), id);
    assert_eq!(id_of(&app.import(&sale().with("orderId", &id)).await), id);
    assert_eq!((app.asked(1), app.taken(1), app.order_count().await), (1, 3_499, 1));

    // Ten minutes later it is another sale; with another card or amount it always is.
    app.clock.advance(200);
    assert_ne!(id_of(&app.import(&sale()).await), id);
    assert_ne!(id_of(&app.import(&sale().with("cardNumber", OTHER_VISA)).await), id);
    assert_ne!(id_of(&app.import(&sale().with("product1_price", "30")).await), id);
    assert_eq!((app.asked(1), app.order_count().await), (4, 4));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_a_hundred_different_imports_at_once_are_a_hundred_orders(#[case] on: On) {
    let app = app(on).await;
    let forms = (0..100).map(|number| sale().with("emailAddress", format!("buyer{number}@example.com")));
    let answers = at_once(&app, forms).await;
    let ids: BTreeSet<String> = answers.iter().map(id_of).collect();
    assert_eq!((ids.len(), app.asked(1), app.taken(1)), (100, 100, 349_900));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_the_same_lead_submitted_twenty_times_at_once_is_charged_once(#[case] on: On) {
    let app = app(on).await;
    let lead = call()
        .with("campaignId", 1)
        .with("firstName", "Ada")
        .with("lastName", "Lovelace")
        .with("emailAddress", "ada@example.com");
    let id = id_of(&app.call("/leads/import/", &lead).await);
    let answers = at_once(&app, (0..20).map(|_| sale().with("orderId", &id))).await;
    assert!(answers.iter().all(|answer| id_of(answer) == id));
    assert_eq!((app.asked(1), app.taken(1), app.order_count().await), (1, 3_499, 1));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_a_declined_order_comes_again_as_the_same_payment(#[case] on: On) {
    let app = app(on).await;
    app.script(1, [SOFT, SOFT, Act::Approve]);
    let (id, _) = app.declined(&sale()).await;
    let again = sale().with("orderId", &id);
    let (second, _) = app.declined(&again.clone().with("cardNumber", OTHER_VISA)).await;
    assert_eq!(second, id);
    let order = app.approved(&again).await;
    assert_eq!(order["orderId"], id);
    let view = app.view(&id).await;
    assert_eq!((view.payments.len(), view.attempts.len(), app.taken(1)), (1, 3, 3_499));
    let expected = ["SOFT_DECLINE", "SOFT_DECLINE", "SUCCESS"].map(|kind| (1, kind.to_owned()));
    assert_eq!(app.transactions(&id).await, expected);
    let rows = app.order(&id).await["transactions"].clone();
    assert_eq!((rows[0]["cardLast4"].as_str(), rows[1]["cardLast4"].as_str()), (Some("1111"), Some("1881")));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_a_paid_order_named_with_another_card_or_amount_is_an_error(#[case] on: On) {
    let app = app(on).await;
    let id = id_of(&app.import(&sale()).await);
    for other in [sale().with("cardNumber", OTHER_VISA), sale().with("product1_price", "30")] {
        let refusal = error(&app.import(&other.with("orderId", &id)).await);
        assert!(refusal.contains("complete already"), "{refusal}");
    }
    assert_eq!((app.asked(1), app.order_count().await), (1, 1));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_a_declined_sale_sent_again_without_its_id_is_a_new_order(#[case] on: On) {
    let app = Arc::new(app(on).await);
    app.script(1, [SOFT]);
    let (id, _) = app.declined(&sale()).await;
    assert_ne!(id_of(&app.import(&sale()).await), id);
    assert_eq!(app.taken(1), 3_499);
}
