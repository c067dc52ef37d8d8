//! Cascades through profiles.

use domain::declines::Reason;
use gateways::Rejection;
use gateways::fake::Act;
use hub::Change;
use rstest::rstest;
use storage::testing::On;

use crate::app::{TestApp, success};
use crate::form::{OTHER_VISA, call, sale, sale_without_ip};
use crate::setup::{
    FAKE, FAKE_SALVAGE, cascade_id, cascade_profile, gateway, gateway_profile, member, profile_id, save,
    to_profile, usd,
};

/// A soft decline.
pub(crate) const SOFT: Act = Act::Decline("05", "Do not honor");
/// A hard one.
pub(crate) const HARD: Act = Act::Decline("43", "Stolen card");
/// A soft one for lack of money.
pub(crate) const NO_FUNDS: Act = Act::Decline("51", "Insufficient funds");

/// Campaign 1 at gateway 1, whose direct cascade is profile 1 with these members; ordinary gateway 2, salvage gateway 9.
pub(crate) async fn app(on: On, members: &[i64]) -> TestApp {
    let app = TestApp::new(on).await.with_gateways(&[1, 2]).await.with_salvage(9).await.with_campaign().await;
    let mut direct = gateway(1, FAKE);
    direct.direct_cascade = Some(cascade_id(1));
    app.change(vec![Change::CascadeProfile(cascade_profile(1, members)), save(direct)]).await;
    app
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r50_r51_r56_r57_r59_a_soft_declined_initial_sale_is_saved_within_the_call(#[case] on: On) {
    let app = app(on, &[9]).await;
    app.script(1, [SOFT]);
    let order = app.approved(&sale()).await;
    let id = order["orderId"].as_str().unwrap();
    assert_eq!((order["amountPaid"].as_str(), order["isSalvaged"].as_i64()), (Some("34.99"), Some(1)));
    assert_eq!((app.taken(1), app.taken(9)), (0, 3_499));
    let request = &app.requests(9)[0];
    assert_eq!(request.contact.ip_address, "203.0.113.9");
    assert_eq!(request.salvaged.as_ref().unwrap().raw.text, "Do not honor");
    assert!(app.view(id).await.attempts.iter().all(|attempt| !attempt.state.is_open()));
    let stored = app.order(id).await;
    assert_eq!(stored["fulfillments"][0]["fulfillmentStatus"], "HOLD");
    assert_eq!(app.events(id).await, ["new_sale"]);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r52_a_hard_decline_does_not_cascade(#[case] on: On) {
    let app = app(on, &[9]).await;
    app.script(1, [HARD]);
    let (id, text) = app.declined(&sale()).await;
    assert_eq!((text.as_str(), app.asked(9)), ("Stolen card", 0));
    assert_eq!(app.transactions(&id).await, [(1, "HARD_DECLINE".to_owned())]);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r53_r54_without_an_ip_address_the_sale_is_billed_and_its_decline_stands(#[case] on: On) {
    let app = app(on, &[9]).await;
    for blank in ["", "  ", "not an address", "1.2.3.400"] {
        app.script(1, [SOFT]);
        let (id, text) = app.declined(&sale().with("ipAddress", blank).with("custom1", blank)).await;
        assert_eq!(text, "Do not honor");
        let order = app.order(&id).await;
        let note = order["cascadeNote"].as_str().unwrap();
        assert!(note.contains("no ipAddress"), "{note}");
        assert_eq!(app.transactions(&id).await, [(1, "SOFT_DECLINE".to_owned())]);
    }
    assert_eq!(app.asked(9), 0);
    app.approved(&sale_without_ip()).await;
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r55_an_ip_address_of_the_earlier_lead_counts(#[case] on: On) {
    let app = app(on, &[9]).await;
    let lead = call()
        .with("campaignId", 1)
        .with("firstName", "Ada")
        .with("lastName", "Lovelace")
        .with("phoneNumber", "5185550100")
        .with("ipAddress", "2001:db8::9");
    let lead = success(&app.call("/leads/import/", &lead).await);
    assert_eq!(lead["orderStatus"], "PARTIAL");
    app.script(1, [SOFT]);
    let id = lead["orderId"].as_str().unwrap();
    let order = app.approved(&sale_without_ip().with("orderId", id.to_ascii_uppercase())).await;
    assert_eq!((order["orderId"].as_str(), order["ipAddress"].as_str()), (Some(id), Some("2001:db8::9")));
    assert_eq!(order["items"][0]["merchantId"], 9);
    assert_eq!(app.requests(9)[0].contact.ip_address, "2001:db8::9");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r58_r60_whatever_is_no_approval_is_a_decline(#[case] on: On) {
    let app = app(on, &[9]).await;
    let rejection = Rejection { reason: Reason::InvalidRequest, code: "400".into(), text: "No.".into() };
    // The hard one last: it locks the card.
    for act in [SOFT, Act::Reject(rejection), Act::FailBefore, Act::LoseBefore, HARD] {
        app.script(1, [SOFT]);
        app.script(9, [act.clone()]);
        let (id, text) =
            app.declined(&sale().with("emailAddress", format!("{}@example.com", app.asked(9)))).await;
        assert_eq!(text, "Do not honor", "{act:?}");
        let order = app.order(&id).await;
        assert_eq!(
            (order["orderStatus"].as_str(), order["fulfillments"].as_array().map(Vec::len)),
            (Some("DECLINED"), Some(0))
        );
        assert_eq!(app.events(&id).await, ["decline"], "{act:?}");
    }
    assert_eq!((app.asked(9), app.taken(9)), (5, 0));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r61_the_order_keeps_both_transactions_and_names_the_gateway_that_took_it(#[case] on: On) {
    let app = app(on, &[9]).await;
    app.script(1, [SOFT]);
    let order = app.approved(&sale()).await;
    assert_eq!(order["items"][0]["merchantId"], 9);
    let id = order["orderId"].as_str().unwrap();
    let expected = [(1, "SOFT_DECLINE".to_owned()), (9, "SUCCESS".to_owned())];
    assert_eq!(app.transactions(id).await, expected);
    let rows = app.order(id).await["transactions"].clone();
    assert_eq!(rows[1]["salvagedTransactionId"], rows[0]["transactionId"]);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r68_without_a_profile_a_soft_decline_stays_one(#[case] on: On) {
    let app = app(on, &[9]).await;
    app.change(vec![save(gateway(1, FAKE))]).await;
    app.script(1, [SOFT]);
    let (id, _) = app.declined(&sale()).await;
    assert_eq!(app.asked(9), 0);
    assert!(app.order(&id).await["cascadeNote"].as_str().unwrap().contains("No cascade profile applies"));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r70_r71_r77_a_single_transaction_sale_goes_to_ordinary_gateways_only(#[case] on: On) {
    let app = app(on, &[9, 2]).await;
    app.change_campaign(|campaign| campaign.single_transaction = true).await;
    app.script(1, [SOFT, SOFT]);
    let order = app.approved(&sale()).await;
    assert_eq!((order["items"][0]["merchantId"].as_i64(), app.asked(9)), (Some(2), 0));

    let mut takes_all = gateway(9, FAKE_SALVAGE);
    takes_all.cascade_all = true;
    app.change(vec![save(takes_all)]).await;
    let (id, _) = app.declined(&sale().with("cardNumber", OTHER_VISA)).await;
    assert_eq!((app.asked(9), app.asked(2)), (0, 1));
    assert!(app.order(&id).await["cascadeNote"].as_str().unwrap().contains("Single Transaction"));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r74_r75_m6_a_decline_of_the_salvage_gateway_ends_the_sale_with_the_first_text(#[case] on: On) {
    let app = app(on, &[9, 2]).await;
    let mut profile = cascade_profile(1, &[9, 2]);
    profile.max_steps = 5;
    app.change(vec![Change::CascadeProfile(profile)]).await;
    app.script(1, [SOFT]);
    app.script(9, [Act::Decline("x", "Salvage says no")]);
    let (id, text) = app.declined(&sale()).await;
    assert_eq!((text.as_str(), app.asked(9), app.asked(2)), ("Do not honor", 1, 0));
    let rows = app.order(&id).await["transactions"].clone();
    assert_eq!(rows[0]["responseText"], "Do not honor");
    assert_eq!(rows[1]["responseText"], "Salvage says no");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r76_it_is_reached_only_when_the_algorithm_selects_it(#[case] on: On) {
    let app = app(on, &[2, 9]).await;
    app.script(1, [SOFT, SOFT]);
    app.script(2, [SOFT]);
    // One step is allowed: gateway 2 takes it, and its decline ends the sale.
    let (_, text) = app.declined(&sale()).await;
    assert_eq!((text.as_str(), app.asked(2), app.asked(9)), ("Do not honor", 1, 0));
    let mut profile = cascade_profile(1, &[2, 9]);
    profile.max_steps = 2;
    app.change(vec![Change::CascadeProfile(profile)]).await;
    app.script(2, [SOFT]);
    let order = app.approved(&sale().with("cardNumber", OTHER_VISA)).await;
    assert_eq!((order["items"][0]["merchantId"].as_i64(), app.asked(2), app.asked(9)), (Some(9), 2, 1));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r24_r77_an_unusable_salvage_gateway_is_passed_over(#[case] on: On) {
    let app = app(on, &[9, 2]).await;
    app.script(1, [SOFT, SOFT]);
    let order = app.approved(&sale_without_ip()).await;
    assert_eq!(order["items"][0]["merchantId"], 2);
    let mut disabled = gateway(9, FAKE_SALVAGE);
    disabled.enabled = false;
    app.change(vec![save(disabled)]).await;
    let order = app.approved(&sale().with("cardNumber", OTHER_VISA)).await;
    assert_eq!((order["items"][0]["merchantId"].as_i64(), app.asked(9)), (Some(2), 0));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r78_insufficient_funds_do_not_cascade_through_a_profile(#[case] on: On) {
    let app = app(on, &[9, 2]).await;
    app.script(1, [NO_FUNDS]);
    let (_, text) = app.declined(&sale()).await;
    assert_eq!((text.as_str(), app.asked(9), app.asked(2)), ("Insufficient funds", 0, 0));
    app.ends_well().await;
}

/// Campaign 1 through gateway profile 1 (gateways 1 and 2), whose cascade is profile 2 with these members.
async fn routed(on: On, members: &[i64]) -> TestApp {
    let app = app(on, &[2]).await;
    let mut profile = gateway_profile(1, &[1, 2]);
    profile.cascade = Some(cascade_id(2));
    app.change(vec![Change::CascadeProfile(cascade_profile(2, members)), Change::GatewayProfile(profile)])
        .await;
    app.change_campaign(|campaign| campaign.products[0].target = to_profile(1)).await;
    app
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r31_the_cascade_of_the_routing_profile_goes_before_the_gateways_own(#[case] on: On) {
    let app = routed(on, &[9]).await;
    app.script(1, [SOFT, SOFT]);
    // Gateway 1's own cascade names gateway 2; the profile that routed the sale names 9 (Q12).
    let order = app.approved(&sale()).await;
    assert_eq!(order["items"][0]["merchantId"], 9);
    app.change(vec![Change::GatewayProfile(gateway_profile(1, &[1, 2]))]).await;
    let order = app.approved(&sale().with("cardNumber", OTHER_VISA)).await;
    assert_eq!(order["items"][0]["merchantId"], 2);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r80_a_cascade_counts_for_its_own_cap_and_the_first_decline_for_the_profile(#[case] on: On) {
    let app = routed(on, &[9]).await;
    let mut salvage = gateway(9, FAKE_SALVAGE);
    salvage.monthly_cap = Some(usd(5_000));
    let mut profile = gateway_profile(1, &[1, 2]);
    profile.members[0] = member(1);
    profile.members[0].max_total_declines = Some(2);
    profile.cascade = Some(cascade_id(2));
    app.change(vec![save(salvage), Change::GatewayProfile(profile)]).await;
    app.script(1, [SOFT, SOFT]);
    let order = app.approved(&sale()).await;
    assert_eq!(order["items"][0]["merchantId"], 9);
    let volumes = app.hub.store().list_volumes(app.merchant_id, 202_611).await.unwrap();
    assert_eq!(volumes, [(crate::setup::gateway_id(9), None, 3_499)]);

    // 34.99 of its 50.00 are used up: the second cascade does not fit any more.
    let (id, _) = app.declined(&sale().with("cardNumber", OTHER_VISA)).await;
    assert!(app.order(&id).await["cascadeNote"].as_str().unwrap().contains("monthly cap"));
    // Two declines in a row, the saved one among them, have disabled gateway 1 in the profile.
    let standings = app.hub.store().list_profile_members(app.merchant_id).await.unwrap();
    let standing = standings.iter().find(|one| one.profile_id == profile_id(1)).unwrap();
    assert_eq!((standing.declines, standing.disabled_at.is_some()), (2, true));
    let order = app.approved(&sale().with("emailAddress", "third@example.com")).await;
    assert_eq!((order["items"][0]["merchantId"].as_i64(), app.asked(1)), (Some(2), 2));
    app.ends_well().await;
}
