//! Which declines are eligible, and what decline maps do.

use domain::decline_map::MapScope;
use domain::declines::Class;
use gateways::fake::Act;
use rstest::rstest;
use storage::testing::On;

use crate::app::TestApp;
use crate::cascades::{HARD, SOFT};
use crate::form::{OTHER_VISA, sale};
use crate::setup::{FAKE, campaign, decline_map, gateway_id, to_gateway};

/// A hard decline that a map may make soft.
const EXPIRED: Act = Act::Decline("54", "Expired card (54), try again later");

async fn app(on: On) -> TestApp {
    TestApp::new(on).await.with_gateways(&[1, 2]).await.with_cascade_all(9).await.with_campaign().await
}

fn of_kind() -> MapScope {
    MapScope::Kind(FAKE.to_owned())
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r140_r141_r142_r146_r147_a_map_makes_just_its_message_eligible(#[case] on: On) {
    let app = app(on).await;
    app.script(1, [EXPIRED]);
    app.declined(&sale()).await;
    assert_eq!(app.asked(9), 0);
    let app = app.with(decline_map(1, of_kind(), "EXPIRED card", Class::Soft)).await;
    app.script(1, [EXPIRED, Act::Decline("14", "Invalid card number")]);
    let order = app.approved(&sale().with("cardNumber", OTHER_VISA)).await;
    assert_eq!(order["items"][0]["merchantId"], 9);
    let id = order["orderId"].as_str().unwrap();
    let expected = [(1, "SOFT_DECLINE".to_owned()), (9, "SUCCESS".to_owned())];
    assert_eq!(app.transactions(id).await, expected);
    let view = app.view(id).await;
    let domain::attempt::AttemptState::Declined { decline, .. } = &view.attempts[0].state else {
        panic!("the first attempt is declined")
    };
    assert_eq!((decline.class_read, decline.class), (Class::Hard, Class::Soft));
    assert!(decline.map.is_some());
    app.declined(&sale().with("cardNumber", "4242424242424242")).await;
    assert_eq!(app.asked(9), 1);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r143_a_map_for_one_gateway_leaves_the_others_alone(#[case] on: On) {
    let app =
        app(on).await.with(decline_map(1, MapScope::Gateway(gateway_id(2)), "Expired", Class::Soft)).await;
    app.change(vec![hub::Change::Campaign(campaign(2, to_gateway(2)))]).await;
    app.script(1, [EXPIRED]);
    app.script(2, [EXPIRED]);
    app.declined(&sale()).await;
    assert_eq!(app.asked(9), 0);
    app.approved(&sale().with("campaignId", 2).with("product1_id", 21)).await;
    assert_eq!(app.asked(9), 1);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r145_a_map_to_hard_makes_a_decline_ineligible(#[case] on: On) {
    let app = app(on).await.with(decline_map(1, of_kind(), "Do not honor", Class::Hard)).await;
    app.script(1, [SOFT]);
    let (id, _) = app.declined(&sale()).await;
    assert_eq!((app.asked(9), app.transactions(&id).await), (0, vec![(1, "HARD_DECLINE".to_owned())]));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m27_no_map_turns_a_stolen_card_and_some_go_to_a_salvage_gateway_only(#[case] on: On) {
    let app = app(on).await;
    let map = decline_map(1, of_kind(), "Stolen card", Class::Soft);
    let saved = app.hub.configure(app.merchant_id, vec![map], "a test", "").await.unwrap();
    assert_eq!(saved.warnings.len(), 1, "{saved:?}");
    app.script(1, [HARD]);
    let (id, _) = app.declined(&sale()).await;
    assert_eq!((app.asked(9), app.transactions(&id).await), (0, vec![(1, "HARD_DECLINE".to_owned())]));

    // The network forbids the merchant another attempt after this one; a map may still hand it to the salvage gateway.
    let number = Act::Decline("14", "Invalid card number");
    let app = app.with(decline_map(2, of_kind(), "Invalid card number", Class::Soft)).await;
    app.script(1, [number]);
    let order = app.approved(&sale().with("cardNumber", OTHER_VISA)).await;
    assert_eq!((order["items"][0]["merchantId"].as_i64(), app.asked(2)), (Some(9), 0));
    app.ends_well().await;
}
