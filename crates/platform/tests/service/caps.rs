//! A card has only so many attempts, counted where the intent is committed.

use gateways::fake::Act;
use rstest::rstest;
use serde_json::Value;
use storage::testing::On;

use crate::app::{App, evaluate, managed, with};
use crate::client::call;

const SOFT: Act = Act::Decline("202", "Insufficient funds");

/// A merchant's own charge, answered at once.
fn sync(order: &str) -> Value {
    with(managed(order, 1), &[("/expiryDateUtc", Value::Null)])
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_charges_of_a_merchant_stay_within_the_cards_limit(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.acquirer(1).script(vec![SOFT; 40]);
    let token = app.token().await;
    let calls: Vec<_> = (0..24)
        .map(|number| {
            let (body, token) = (sync(&format!("o{number}")).to_string(), token.clone());
            let address = app.address;
            tokio::spawn(
                async move { call(address, "POST", "/v1/evaluate", Some(&token), Some(&body)).await },
            )
        })
        .collect();
    for one in calls {
        assert_eq!(one.await.unwrap().text("status"), "DECLINED");
    }
    assert_eq!(app.acquirer(1).requests().len(), 15);
    // A customer's own charge is counted, but not refused; its second acquirer would be.
    app.add_route(2).await;
    assert_eq!(app.post("evaluate", &evaluate("cit")).await.text("status"), "DECLINED");
    assert_eq!((app.acquirer(1).requests().len(), app.acquirer(2).requests().len()), (16, 0));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_step_without_room_in_the_budget_is_passed_over(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.acquirer(1).script(vec![SOFT; 15]);
    for number in 0..15 {
        app.post("evaluate", &sync(&format!("o{number}"))).await;
    }
    let id = app.post("evaluate", &managed("a", 21)).await.text("orderId");
    app.live_days(20).await;
    assert_eq!(app.acquirer(1).requests().len(), 15);
    let reason = app.get(&format!("orders/{id}")).await.text("reason");
    assert!(reason.contains("as many attempts"), "{reason}");
    app.live_days(1).await;
    assert_eq!(app.status_name(&id).await, "EXPIRED");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_pretend_acquirer_has_no_networks_limits(#[case] on: On) {
    let app = App::sandbox(on).await;
    for number in 0..20 {
        assert_eq!(app.post("evaluate", &sync(&format!("o{number}"))).await.text("status"), "APPROVED");
    }
    app.finish().await;
}
