//! A salvage gateway that takes every soft decline.

use domain::configuration::Account;
use hub::Change;
use rstest::rstest;
use storage::testing::On;

use crate::app::TestApp;
use crate::cascades::{HARD, NO_FUNDS, SOFT};
use crate::form::{OTHER_VISA, sale, sale_without_ip};
use crate::setup::{
    FAKE, FAKE_SALVAGE, campaign, cascade_id, cascade_profile, gateway, gateway_profile, save, to_gateway,
    to_profile,
};

/// Campaign 1 at gateway 1, campaign 2 through a gateway profile; the cascades of both name ordinary gateway 2.
async fn app(on: On) -> TestApp {
    let app =
        TestApp::new(on).await.with_gateways(&[1, 2]).await.with_cascade_all(9).await.with_campaign().await;
    let mut direct = gateway(1, FAKE);
    direct.direct_cascade = Some(cascade_id(1));
    let mut profile = gateway_profile(1, &[1]);
    profile.cascade = Some(cascade_id(1));
    app.change(vec![
        Change::CascadeProfile(cascade_profile(1, &[2])),
        save(direct),
        Change::GatewayProfile(profile),
        Change::Campaign(campaign(2, to_profile(1))),
    ])
    .await;
    app
}

/// Turns the option off, or disables the gateway.
async fn change_salvage(app: &TestApp, enabled: bool, cascade_all: bool) {
    let mut salvage = gateway(9, FAKE_SALVAGE);
    (salvage.enabled, salvage.cascade_all) = (enabled, cascade_all);
    app.change(vec![save(salvage)]).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r62_every_soft_decline_goes_there_without_any_profile(#[case] on: On) {
    let app =
        TestApp::new(on).await.with_gateways(&[1, 2]).await.with_cascade_all(9).await.with_campaign().await;
    app.change(vec![Change::Campaign(campaign(2, to_gateway(2)))]).await;
    app.script(1, [SOFT]);
    app.script(2, [SOFT]);
    let second = sale().with("campaignId", 2).with("product1_id", 21);
    for sale in [sale(), second] {
        let order = app.approved(&sale).await;
        assert_eq!(order["items"][0]["merchantId"], 9);
    }
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r52_a_hard_decline_does_not_go_there(#[case] on: On) {
    let app = app(on).await;
    app.script(1, [HARD]);
    app.declined(&sale()).await;
    assert_eq!((app.asked(9), app.asked(2)), (0, 0));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r63_r64_r65_r69_profiles_are_not_consulted_until_it_is_turned_off(#[case] on: On) {
    let app = app(on).await;
    let sales = [sale(), sale().with("campaignId", 2).with("product1_id", 21)];
    app.script(1, [SOFT, SOFT]);
    for sale in &sales {
        assert_eq!(app.approved(sale).await["items"][0]["merchantId"], 9);
    }
    assert_eq!(app.asked(2), 0);
    change_salvage(&app, true, false).await;
    app.script(1, [SOFT, SOFT]);
    for sale in &sales {
        let order = app.approved(&sale.clone().with("cardNumber", OTHER_VISA)).await;
        assert_eq!(order["items"][0]["merchantId"], 2);
    }
    assert_eq!(app.asked(9), 2);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r66_r67_m7_without_an_ip_address_nothing_cascades_and_the_reason_is_kept(#[case] on: On) {
    let app = app(on).await;
    app.script(1, [SOFT]);
    let (id, _) = app.declined(&sale_without_ip()).await;
    assert_eq!((app.asked(9), app.asked(2)), (0, 0));
    let order = app.order(&id).await;
    let note = order["cascadeNote"].as_str().unwrap();
    assert!(note.contains("no ipAddress") && note.contains("no profile is used"), "{note}");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m7_r24_only_a_disabled_gateway_restores_the_profiles(#[case] on: On) {
    let app = app(on).await;
    change_salvage(&app, false, true).await;
    app.script(1, [SOFT]);
    let order = app.approved(&sale()).await;
    assert_eq!((order["items"][0]["merchantId"].as_i64(), app.asked(9)), (Some(2), 0));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r78_insufficient_funds_go_there_unless_the_account_says_otherwise(#[case] on: On) {
    let app = app(on).await;
    app.script(1, [NO_FUNDS, NO_FUNDS]);
    assert_eq!(app.approved(&sale()).await["items"][0]["merchantId"], 9);
    let account = Account {
        title: "Shop".to_owned(),
        cascade_all_takes_insufficient_funds: false,
        ..Account::default()
    };
    app.change(vec![Change::Account(account)]).await;
    app.declined(&sale().with("cardNumber", OTHER_VISA)).await;
    assert_eq!((app.asked(9), app.asked(2)), (1, 0));
    app.ends_well().await;
}
