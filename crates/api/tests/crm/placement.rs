//! Where a salvage gateway may stand, when a configuration is saved and when it is used.

use domain::configuration::ProductKind;
use domain::ids::CascadeProfileId;
use gateways::fake::Act;
use hub::Change;
use rstest::rstest;
use storage::testing::On;
use storage::{Transaction, configuration, merchants};

use crate::app::{TestApp, error};
use crate::form::sale;
use crate::setup::{
    FAKE, campaign, cascade_id, cascade_profile, gateway, gateway_id, gateway_profile, save, to_gateway,
    to_profile,
};

/// Gateways 1 and 2, salvage gateway 9, campaign 1 at gateway 1.
async fn app(on: On) -> TestApp {
    TestApp::new(on).await.with_gateways(&[1, 2]).await.with_salvage(9).await.with_campaign().await
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r26_r27_an_offer_or_upsell_at_a_salvage_gateway_is_not_saved(#[case] on: On) {
    let app = app(on).await;
    for (kind, words) in [(ProductKind::Offer, "campaign offer"), (ProductKind::Upsell, "campaign upsell")] {
        let mut changed = campaign(1, to_gateway(9));
        changed.products[0].kind = kind;
        let refusal = app.refusal_of(vec![Change::Campaign(changed)]).await;
        assert!(refusal.contains(words) && refusal.contains("gateway 9"), "{refusal}");
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r28_a_salvage_gateway_is_no_member_of_a_gateway_profile(#[case] on: On) {
    let app = app(on).await;
    let refusal = app.refusal_of(vec![Change::GatewayProfile(gateway_profile(1, &[1, 9]))]).await;
    assert!(refusal.contains("a member of a gateway profile"), "{refusal}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r29_r30_r31_a_cascade_profile_with_it_serves_gateways_and_gateway_profiles(#[case] on: On) {
    let app = app(on).await.with(Change::CascadeProfile(cascade_profile(1, &[9]))).await;
    let mut direct = gateway(1, FAKE);
    direct.direct_cascade = Some(cascade_id(1));
    let mut routed = gateway_profile(1, &[1, 2]);
    routed.cascade = Some(cascade_id(1));
    app.change(vec![save(direct), Change::GatewayProfile(routed)]).await;
    let saved = app.hub.configuration(app.merchant_id).await.unwrap();
    assert_eq!(saved.cascade_profiles[0].members[0].gateway_id, gateway_id(9));
    assert_eq!(saved.gateway_numbered(1).unwrap().direct_cascade, Some(cascade_id(1)));
    assert_eq!(saved.gateway_profiles[0].cascade, Some(cascade_id(1)));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r32_a_direct_cascade_points_at_a_profile_and_not_at_a_gateway(#[case] on: On) {
    let app = app(on).await;
    let mut direct = gateway(1, FAKE);
    direct.direct_cascade = Some(CascadeProfileId::from_uuid(gateway_id(9).uuid()));
    let refusal = app.refusal_of(vec![save(direct)]).await;
    assert!(refusal.contains("points at a cascade profile, not at a gateway"), "{refusal}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r41_r42_a_salvage_gateway_forced_on_an_import_is_refused_before_any_charge(#[case] on: On) {
    let app = app(on).await;
    for name in ["forceMerchantId", "preAuthBillerId"] {
        let refusal = error(&app.import(&sale().with(name, 9)).await);
        assert!(refusal.starts_with(name) && refusal.contains("never makes a first charge"), "{refusal}");
    }
    assert_eq!((app.order_count().await, app.asked(1), app.asked(9)), (0, 0, 0));
    let order = app.approved(&sale().with("forceMerchantId", 2)).await;
    assert_eq!(order["items"][0]["merchantId"], 2);
    app.ends_well().await;
}

/// Saves what no check would let pass, as an older version may have left it.
async fn save_unchecked(app: &TestApp, step: storage::Step) {
    let version = app.hub.reload(app.merchant_id).await.unwrap().version;
    let transaction = Transaction::new("unchecked")
        .with(merchants::raise_version(app.merchant_id, version, "Shop"))
        .with(step);
    app.hub.store().commit(transaction).await.unwrap();
    app.hub.reload(app.merchant_id).await.unwrap();
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r25_r47_a_misplaced_salvage_gateway_is_reported_and_never_charged_first(#[case] on: On) {
    let app = app(on).await;
    let now = app.hub.minter().now();
    let offer = configuration::save_campaign(app.merchant_id, &campaign(1, to_gateway(9)), now);
    save_unchecked(&app, offer).await;
    let (problems, _) = app.hub.check_changes(app.merchant_id, Vec::new()).await.unwrap();
    assert_eq!(problems[0].field, "campaigns[1].products[11].target");
    let (id, _) = app.declined(&sale()).await;
    assert!(app.transactions_are_none(&id).await);
    assert_eq!((app.asked(1), app.asked(2), app.asked(9)), (0, 0, 0));

    let profile = configuration::save_gateway_profile(app.merchant_id, &gateway_profile(1, &[9, 2]), now);
    save_unchecked(&app, profile).await;
    let product = configuration::save_campaign(app.merchant_id, &campaign(1, to_profile(1)), now);
    save_unchecked(&app, product).await;
    let order = app.approved(&sale()).await;
    assert_eq!(order["items"][0]["merchantId"], 2);
    assert_eq!(app.asked(9), 0);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r25_a_gateway_that_cannot_be_asked_is_not_replaced_by_a_salvage_gateway(#[case] on: On) {
    let app =
        TestApp::new(on).await.with_gateways(&[1]).await.with_cascade_all(9).await.with_campaign().await;
    app.script(1, [Act::FailBefore, Act::FailBefore]);
    let (id, _) = app.declined(&sale()).await;
    assert_eq!((app.asked(1), app.asked(9)), (2, 0));
    assert_eq!(app.order(&id).await["orderStatus"], "DECLINED");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r49_a_salvage_gateway_in_use_or_with_open_attempts_is_not_deleted(#[case] on: On) {
    let app = app(on).await.with(Change::CascadeProfile(cascade_profile(1, &[9]))).await;
    let delete = || vec![Change::DeleteGateway(gateway_id(9))];
    let refusal = app.refusal_of(delete()).await;
    assert!(refusal.contains("cascade profile 1 still names it"), "{refusal}");

    let mut direct = gateway(1, FAKE);
    direct.direct_cascade = Some(cascade_id(1));
    app.change(vec![save(direct)]).await;
    app.script(1, [Act::Decline("05", "Do not honor")]);
    app.script(9, [Act::LoseBefore]);
    app.declined(&sale()).await;
    app.change(vec![save(gateway(1, FAKE)), Change::DeleteCascadeProfile(cascade_id(1))]).await;
    let refusal = app.refusal_of(delete()).await;
    assert!(refusal.contains("still open"), "{refusal}");

    app.work_after(3_600).await;
    app.change(delete()).await;
    assert!(app.hub.configuration(app.merchant_id).await.unwrap().gateway_numbered(9).is_none());
}
