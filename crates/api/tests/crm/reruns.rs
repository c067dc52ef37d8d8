//! `/order/rerun/` from outside (crm.md 9.2, R38–R40, R108–R122).

use gateways::fake::{Act, Ending};
use hub::Change;
use rstest::rstest;
use serde_json::Value;
use storage::testing::On;

use crate::app::{TestApp, error, success};
use crate::cascades::{HARD, SOFT};
use crate::form::{Form, call, sale, sale_without_ip};
use crate::setup::{FAKE_SALVAGE, gateway, gateway_profile, save};

/// Ordinary gateways 1 and 2, salvage gateway 9, campaign 1 at gateway 1, and no cascade.
async fn app(on: On) -> TestApp {
    TestApp::new(on).await.with_gateways(&[1, 2]).await.with_salvage(9).await.with_campaign().await
}

fn rerun_of(id: &str) -> Form {
    call().with("orderId", id)
}

async fn rerun(app: &TestApp, form: &Form) -> Value {
    app.call("/order/rerun/", form).await
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r38_r110_r114_r121_a_salvage_gateway_is_named_and_the_answer_says_until_when_it_works(
    #[case] on: On,
) {
    let app = app(on).await;
    app.script(1, [SOFT]);
    let (id, _) = app.declined(&sale_without_ip()).await;
    app.script(9, [Act::Pend]);
    let answer = success(&rerun(&app, &rerun_of(&id).with("forceBillerId", 9)).await);
    assert_eq!(answer["orderId"], Value::from(id.clone()));
    assert_eq!((answer["orderStatus"].as_str(), answer["merchantId"].as_i64()), (Some("DECLINED"), Some(9)));
    assert_eq!(answer["salvageStatus"], "PENDING");
    let expires = answer["salvageExpires"].as_str().unwrap();
    assert!(expires.starts_with("2026-12-13 10:"), "21 days from ten in the morning in New York: {expires}");
    let order = app.order(&id).await;
    assert_eq!(
        (order["orderStatus"].as_str(), order["salvageStatus"].as_str()),
        (Some("DECLINED"), Some("PENDING"))
    );
    assert_eq!(app.transactions(&id).await, [(1, "SOFT_DECLINE".into()), (9, "PENDING".into())]);
    assert!(app.requests(9)[0].card.security_code.is_none());

    let again = error(&rerun(&app, &rerun_of(&id).with("forceBillerId", 9)).await);
    assert!(again.contains("An attempt of it is pending"), "{again}");
    assert_eq!(app.asked(9), 1);

    app.fake(9).end(&app.requests(9)[0].reference, &Ending::Completed);
    app.work_after(700).await;
    let order = app.order(&id).await;
    assert_eq!((order["orderStatus"].as_str(), order["isSalvaged"].as_i64()), (Some("COMPLETE"), Some(1)));
    assert_eq!(order["fulfillments"][0]["fulfillmentStatus"], "HOLD");
    assert_eq!(app.events(&id).await, ["decline", "new_sale"]);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_approved_rerun_answers_the_order_and_a_declined_one_its_mapped_text(#[case] on: On) {
    let app = app(on).await;
    app.script(1, [SOFT, Act::Decline("51", "Insufficient funds")]);
    let (id, _) = app.declined(&sale()).await;
    let text = error(&rerun(&app, &rerun_of(&id)).await);
    assert_eq!(text, "Insufficient funds");
    let order = success(&rerun(&app, &rerun_of(&id).with("forceBillerId", 2)).await);
    assert_eq!(
        (order["orderId"].as_str(), order["orderStatus"].as_str()),
        (Some(id.as_str()), Some("COMPLETE"))
    );
    assert_eq!((order["merchantId"].as_i64(), order["amountPaid"].as_str()), (Some(2), Some("34.99")));
    assert_eq!(order["items"][0]["merchantId"], 2);
    assert_eq!((app.taken(1), app.taken(2)), (0, 3_499));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m25_a_lost_answer_says_in_doubt(#[case] on: On) {
    let app = app(on).await;
    app.script(1, [SOFT, SOFT, Act::LoseAfter]);
    app.script(9, [Act::LosePending]);
    let (id, _) = app.declined(&sale()).await;
    let answer = success(&rerun(&app, &rerun_of(&id).with("forceBillerId", 9)).await);
    assert_eq!(
        (answer["salvageStatus"].as_str(), answer["orderStatus"].as_str()),
        (Some("IN_DOUBT"), Some("DECLINED"))
    );
    assert!(answer["salvageExpires"].is_string());
    let (other, _) = app.declined(&sale().with("emailAddress", "bob@example.com")).await;
    let answer = success(&rerun(&app, &rerun_of(&other)).await);
    assert_eq!(
        (answer["salvageStatus"].as_str(), answer["merchantId"].as_i64()),
        (Some("IN_DOUBT"), Some(1))
    );
    assert_eq!(answer["salvageExpires"], Value::Null, "an ordinary gateway answers at once or is asked");
    app.work_after(80).await;
    assert_eq!(app.order(&id).await["salvageStatus"], "PENDING");
    assert_eq!(app.order(&other).await["orderStatus"], "COMPLETE");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r39_r40_r111_r117_r119_bad_requests_are_errors_and_nothing_is_sent(#[case] on: On) {
    let app = app(on).await;
    app.change(vec![Change::GatewayProfile(gateway_profile(3, &[2]))]).await;
    app.script(1, [SOFT]);
    let (id, _) = app.declined(&sale()).await;
    let both = rerun_of(&id).with("forceBillerId", 9).with("forceLoadBalancerId", 3);
    let refused = [
        (both, "not both"),
        (call(), "orderId: is missing"),
        (rerun_of("x"), "orderId: is no"),
        (rerun_of("01kaxyz0000000000000000000"), "there is no order with this id"),
        (rerun_of(&id).with("forceBillerId", 77), "forceBillerId: there is no gateway with the number 77"),
        (rerun_of(&id).with("forceBillerId", "FF"), "forceBillerId: is no whole number"),
        (rerun_of(&id).with("forceLoadBalancerId", 9), "forceLoadBalancerId: there is no gateway profile"),
    ];
    for (form, words) in refused {
        let text = error(&rerun(&app, &form).await);
        assert!(text.contains(words), "{words}: {text}");
    }
    let mut off = gateway(9, FAKE_SALVAGE);
    off.enabled = false;
    app.change(vec![save(off)]).await;
    let text = error(&rerun(&app, &rerun_of(&id).with("forceBillerId", 9)).await);
    assert_eq!(text, "Gateway 9 is disabled.");
    assert_eq!((app.asked(1), app.asked(2), app.asked(9)), (1, 0, 0));
    let order = success(&rerun(&app, &rerun_of(&id).with("forceLoadBalancerId", 3)).await);
    assert_eq!(order["merchantId"], 2, "a profile routes to its own gateways");
    let paid = error(&rerun(&app, &rerun_of(&id)).await);
    assert_eq!(paid, "Only declined orders are rerun; this one is complete.");
    app.script(1, [HARD]);
    let (hard, _) = app.declined(&sale().with("emailAddress", "bob@example.com")).await;
    error(&rerun(&app, &rerun_of(&hard)).await);
    assert_eq!((app.asked(1), app.asked(2), app.asked(9)), (2, 1, 0));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m24_a_rerun_of_what_was_bought_since_is_an_error(#[case] on: On) {
    let app = app(on).await;
    app.script(1, [SOFT]);
    let (id, _) = app.declined(&sale()).await;
    app.work_after(3_600).await;
    app.approved(&sale()).await;
    let text = error(&rerun(&app, &rerun_of(&id).with("forceBillerId", 9)).await);
    assert!(text.starts_with("bought since"), "{text}");
    assert_eq!(app.asked(9), 0);
    app.ends_well().await;
}
