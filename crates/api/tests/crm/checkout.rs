//! The checkout's time, gateways that cannot be asked, items of several gateways, test cards.

use domain::declines::Reason;
use gateways::Rejection;
use gateways::fake::Act;
use hub::Change;
use rstest::rstest;
use storage::orders::OrderFilter;
use storage::testing::On;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::app::{TestApp, error};
use crate::cascades::{SOFT, app as cascading};
use crate::form::{OTHER_VISA, sale};
use crate::setup::{campaign, gateway_profile, product, to_gateway, to_profile, usd};
use crate::wire::{FORM, request};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m1_a_charge_ends_although_its_caller_hung_up(#[case] on: On) {
    let app = TestApp::new(on).await.with_gateways(&[1]).await.with_campaign().await;
    let hook = app.hook(1);
    hook.hold();
    let request = request("POST", "/order/import/", &format!("content-type: {FORM}\r\n"), &sale().encoded());
    let mut caller = TcpStream::connect(app.address).await.unwrap();
    caller.write_all(request.as_bytes()).await.unwrap();
    hook.entered().await;
    drop(caller);
    // A later call on the same server is answered, so the server has had time to notice.
    error(&app.import(&sale().with("campaignId", 7)).await);
    hook.release();
    app.hub.drain().await;
    let store = app.hub.store();
    let orders = store.list_orders(app.merchant_id, &OrderFilter::default(), 10, 0).await.unwrap();
    assert_eq!((orders.len(), app.asked(1), app.taken(1)), (1, 1, 3_499));
    let id = orders[0].id.base32();
    assert_eq!(app.order(&id).await["orderStatus"], "COMPLETE");
    assert_eq!(app.events(&id).await, ["new_sale"]);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m1_a_cascade_step_that_no_longer_fits_is_skipped_with_a_reason(#[case] on: On) {
    let app = cascading(on, &[9]).await;
    app.hook(9).limit_secs(20);
    app.hook(1).take_secs(29);
    app.script(1, [SOFT, SOFT]);
    assert_eq!(app.approved(&sale()).await["items"][0]["merchantId"], 9);
    app.hook(1).take_secs(31);
    let (id, _) = app.declined(&sale().with("cardNumber", OTHER_VISA)).await;
    let order = app.order(&id).await;
    assert!(order["cascadeNote"].as_str().unwrap().contains("left of the checkout"), "{order}");
    assert_eq!(app.asked(9), 1);
    app.ends_well().await;
}

/// Campaign 1 through a gateway profile of gateways 1 and 2, with a salvage gateway that takes all cascades.
async fn routed(on: On) -> TestApp {
    let app = TestApp::new(on).await.with_gateways(&[1, 2]).await.with_cascade_all(9).await;
    app.change(vec![
        Change::GatewayProfile(gateway_profile(1, &[1, 2])),
        Change::Campaign(campaign(1, to_profile(1))),
    ])
    .await;
    app
}

fn no_merchant() -> Act {
    let reason = Reason::MerchantConfig;
    Act::Reject(Rejection { reason, code: "410".into(), text: "Invalid merchant configuration".into() })
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m4_what_was_not_sent_is_repeated_once_then_goes_to_the_next_ordinary_gateway(#[case] on: On) {
    let app = routed(on).await;
    app.script(1, [Act::FailBefore]);
    let order = app.approved(&sale()).await;
    assert_eq!((order["items"][0]["merchantId"].as_i64(), app.asked(1)), (Some(1), 2));
    app.script(1, [Act::FailBefore, Act::FailBefore]);
    let order = app.approved(&sale().with("cardNumber", OTHER_VISA)).await;
    assert_eq!((order["items"][0]["merchantId"].as_i64(), app.asked(1)), (Some(2), 4));
    assert_eq!((app.asked(2), app.asked(9)), (1, 0));
    // What never left is no transaction.
    let id = order["orderId"].as_str().unwrap();
    assert_eq!(app.transactions(id).await, [(2, "SUCCESS".to_owned())]);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m4_refused_credentials_alert_and_with_no_other_gateway_the_order_can_come_again(#[case] on: On) {
    let app = routed(on).await;
    app.script(1, [no_merchant(), no_merchant()]);
    let order = app.approved(&sale()).await;
    assert_eq!((order["items"][0]["merchantId"].as_i64(), app.asked(1)), (Some(2), 1));
    assert_eq!(app.alerts().await, ["gateway_unusable"]);

    app.script(2, [no_merchant()]);
    let again = sale().with("cardNumber", OTHER_VISA);
    let (id, _) = app.declined(&again).await;
    assert_eq!((app.asked(9), app.order(&id).await["orderStatus"].as_str()), (0, Some("DECLINED")));
    let order = app.approved(&again.with("orderId", &id)).await;
    assert_eq!(order["orderId"], id);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m5_items_of_two_gateways_are_one_payment_on_the_first_items_gateway(#[case] on: On) {
    let app = TestApp::new(on).await.with_gateways(&[1, 2]).await;
    let mut both = campaign(1, to_gateway(1));
    both.products.push(product(12, to_gateway(2)));
    let app = app.with(Change::Campaign(both)).await;
    // Numbers may have gaps, and their order is what counts.
    let sale = sale()
        .with("product1_id", "")
        .with("product7_id", 11)
        .with("product3_id", 12)
        .with("product3_qty", 2)
        .with("product3_price", "10")
        .with("product7_shipPrice", "0")
        .with("salesTax", "1.05");
    let order = app.approved(&sale).await;
    assert_eq!(order["totalAmount"], "56.04");
    assert_eq!((order["basePrice"].as_str(), order["baseShipping"].as_str()), (Some("49.99"), Some("5.00")));
    let items = order["items"].as_array().unwrap();
    assert_eq!((items[0]["productId"].as_i64(), items[1]["productId"].as_i64()), (Some(12), Some(11)));
    assert!(items.iter().all(|item| item["merchantId"] == 2));
    assert_eq!((app.asked(1), app.taken(2)), (0, 5_604));
    assert_eq!(app.transactions(order["orderId"].as_str().unwrap()).await.len(), 1);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m5_an_amount_of_nothing_checks_the_card_and_never_cascades(#[case] on: On) {
    let app =
        TestApp::new(on).await.with_gateways(&[1]).await.with_cascade_all(9).await.with_campaign().await;
    app.change_campaign(|campaign| {
        campaign.products[0].price = usd(0);
        campaign.products[0].shipping = usd(0);
    })
    .await;
    app.script(1, [SOFT]);
    app.declined(&sale()).await;
    assert_eq!((app.requests(1)[0].amount, app.asked(9)), (usd(0), 0));
    let order = app.approved(&sale().with("cardNumber", OTHER_VISA)).await;
    assert_eq!(order["amountPaid"], "0.00");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r149_m5_a_test_card_is_approved_here_and_reaches_nobody(#[case] on: On) {
    let app =
        TestApp::new(on).await.with_gateways(&[1]).await.with_cascade_all(9).await.with_campaign().await;
    app.script(1, [SOFT]);
    let order = app.approved(&sale().with("cardNumber", "0000000000000000")).await;
    assert_eq!(order["isTest"], 1);
    let id = order["orderId"].as_str().unwrap();
    let stored = app.order(id).await;
    assert_eq!(stored["fulfillments"].as_array().unwrap().len(), 0);
    assert_eq!((app.events(id).await.len(), app.asked(1), app.asked(9)), (0, 0, 0));
    app.ends_well().await;
}
