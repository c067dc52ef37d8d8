//! At a salvage gateway: nothing is instant, the order stays declined until the result, which has all effects once.

use domain::attempt::{AttemptState, Initiator, Route};
use domain::configuration::{Billing, CampaignProduct, ProductKind, Target};
use domain::order::OrderStatus;
use domain::{Currency, Money};
use gateways::StoredCredential;
use gateways::fake::{Act, Ending};
use jiff::SignedDuration;
use recoup_hub::SkipKind;
use rstest::rstest;
use storage::testing::On;

use crate::support::{SOFT, TestHub, tea};
use crate::{Shop, kept, now};

/// A day in seconds.
const DAY: i64 = 86_400;

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r17_r37_r38_r113_r114_r121_r122_a_declined_sale_waits_at_the_salvage_gateway(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let (view, attempt) = shop.open(&view).await;
    assert_eq!(view.order.status, OrderStatus::Declined, "it stays declined meanwhile (Q1)");
    assert_eq!(view.payment_status(), "attempting");
    assert!(matches!(attempt.state, AttemptState::Pending { .. }));
    assert_eq!((attempt.route, attempt.initiator), (Route::Rerun, Initiator::Merchant));
    assert_eq!(attempt.salvages, Some(view.attempts[0].id));
    assert_eq!(attempt.amount, view.attempts[0].amount, "the amount that was declined (Q40)");
    let days = attempt.deadline.unwrap().duration_since(attempt.created_at);
    assert_eq!(days, SignedDuration::from_hours(21 * 24));
    let request = &shop.salvage.1.requests()[0];
    assert!(request.card.security_code.is_none());
    assert_eq!(request.contact.ip_address, "203.0.113.9", "sent when present");
    assert_eq!(request.salvaged.as_ref().unwrap().attempt, view.attempts[0].id.base32());
    assert_eq!(request.open_salvage.as_ref().unwrap().deadline, attempt.deadline.unwrap());
    assert_eq!(request.open_salvage.as_ref().unwrap().subscription, None, "nothing recurring (M25)");
    assert_eq!((shop.events(&view).await, shop.fulfilments(&view).await), (vec!["decline".to_owned()], 0));
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r108_r110_r115_r125_r126_a_success_completes_the_order_with_every_effect_once(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let (_, attempt) = shop.open(&view).await;
    shop.salvage.1.end(&attempt.id.base32(), &Ending::Completed);
    shop.app.pass(3 * DAY).await;
    let fresh = shop.app.fresh(&view).await;
    assert_eq!((fresh.order.status, fresh.order.is_salvaged), (OrderStatus::Complete, true));
    assert_eq!((fresh.payment_status(), fresh.salvage_status()), ("paid", "none"));
    assert_eq!(fresh.gateway_id(), Some(shop.salvage.0), "the gateway that took it (Q6)");
    assert_eq!(shop.events(&view).await, ["decline", "new_sale"]);
    assert_eq!((shop.fulfilments(&view).await, kept(&shop.salvage.1)), (1, 2_999));
    assert_eq!(fresh.order.updated_at, now(&shop.app), "dated by the result (Q4)");
    assert_eq!(shop.salvage.1.requests().len(), 1, "one submission");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r116_r127_m25_a_failure_leaves_it_declined_and_carries_the_class_of_what_it_salvaged(
    #[case] on: On,
) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let (_, attempt) = shop.open(&view).await;
    shop.salvage.1.end(&attempt.id.base32(), &Ending::Failed("", "Stolen card"));
    shop.app.pass(DAY).await;
    let fresh = shop.app.fresh(&view).await;
    assert_eq!(fresh.order.status, OrderStatus::Declined);
    let AttemptState::Declined { decline, .. } = &fresh.attempts[1].state else { panic!("not declined") };
    assert_eq!(decline.class, domain::declines::Class::Soft);
    assert_eq!(shop.events(&view).await, ["decline", "decline"], "once per result");
    let (again, second) = shop.open(&view).await;
    assert_eq!(
        second.salvages,
        Some(again.attempts[0].id),
        "again as a new attempt (Q30), of the same decline"
    );
    assert_ne!(second.id, attempt.id);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r18_a_change_of_days_leaves_the_deadline_of_what_is_open_alone(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let (_, attempt) = shop.open(&view).await;
    let days = |days: &'static str| {
        shop.app.edit_gateway(shop.salvage.0, move |gateway| {
            gateway.settings.insert("expiry_days".to_owned(), days.to_owned());
        })
    };
    days("3").await;
    let fresh = shop.app.fresh(&view).await;
    assert_eq!(fresh.attempts[1].deadline, attempt.deadline);
    shop.app.pass(20 * DAY).await;
    assert_eq!(shop.app.fresh(&view).await.salvage_status(), "pending");
    shop.app.pass(DAY).await;
    let fresh = shop.app.fresh(&view).await;
    assert_eq!((fresh.salvage_status(), fresh.order.status), ("none", OrderStatus::Declined));
    let (_, second) = shop.open(&view).await;
    let until = second.deadline.unwrap().duration_since(second.created_at);
    assert_eq!(until, SignedDuration::from_hours(3 * 24));
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r112_m25_a_recurring_sale_tells_its_terms_and_its_subscription_rests_on_the_routed_gateway(
    #[case] on: On,
) {
    let app = TestHub::new(on).await;
    let first = app.gateway(1, "first").await;
    let salvage = app.salvage(2, "salvage").await;
    let usd = |minor| Money::new(minor, Currency::USD);
    app.campaign_of(vec![CampaignProduct {
        id: app.hub.minter().mint(),
        number: 7,
        name: "Tea".to_owned(),
        sku: "TEA".to_owned(),
        kind: ProductKind::Offer,
        billing: Billing::Recurring,
        plan: CampaignProduct::default_plan(Billing::Recurring, usd(2_999), usd(0)),
        price: usd(2_999),
        shipping: usd(0),
        is_shippable: true,
        target: Target::Gateway(first.0),
    }])
    .await;
    let shop = Shop { app, first, salvage };
    let view = shop.declined(SOFT).await;
    let (_, attempt) = shop.open(&view).await;
    let request = &shop.salvage.1.requests()[0];
    let terms = request.open_salvage.clone().unwrap().subscription.unwrap();
    assert_eq!((terms.interval_days, terms.price, terms.payment_number), (30, usd(2_999), 1));
    assert_eq!(request.stored_credential, StoredCredential::Rebill { initial_reference: None });
    let subscriptions = async || {
        let store = shop.app.hub.store();
        store.list_subscriptions_of_order(shop.app.merchant, view.order.id).await.unwrap()
    };
    assert_eq!(subscriptions().await, []);
    shop.salvage.1.end(&attempt.id.base32(), &Ending::Completed);
    shop.app.pass(DAY).await;
    let begun = subscriptions().await;
    assert_eq!(begun.iter().map(|one| one.gateway_id).collect::<Vec<_>>(), [shop.first.0]);
    assert_eq!(begun[0].created_at, now(&shop.app), "cycle 1 is dated by the result (Q4)");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m25_a_lost_answer_is_in_doubt_then_adopted_or_fenced(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    shop.salvage.1.script([Act::LosePending]);
    let (doubtful, attempt) = shop.attempted(&view, &shop.at_salvage()).await;
    assert_eq!((doubtful.salvage_status(), doubtful.payment_status()), ("in_doubt", "in_doubt"));
    assert_eq!(doubtful.order.status, OrderStatus::Declined);
    assert_eq!(shop.skipped(&view, &Shop::at_own()).await.kind, SkipKind::AttemptOpen);
    shop.app.pass(80).await;
    let adopted = shop.app.fresh(&view).await;
    assert_eq!((adopted.salvage_status(), adopted.payment_status()), ("pending", "attempting"));
    shop.salvage.1.end(&attempt.id.base32(), &Ending::Failed("", "Do not honor"));
    shop.app.pass(DAY).await;

    shop.salvage.1.script([Act::LoseBefore]);
    let (lost, _) = shop.attempted(&view, &shop.at_salvage()).await;
    assert_eq!(lost.salvage_status(), "in_doubt");
    shop.app.pass(80).await;
    let fenced = shop.app.fresh(&view).await;
    assert!(matches!(fenced.attempts[2].state, AttemptState::NotExecuted { .. }));
    assert_eq!((fenced.payment_status(), fenced.order.status), ("declined", OrderStatus::Declined));
    assert_eq!(shop.events(&view).await, ["decline", "decline"], "nothing was declined the second time");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r73_single_transaction_does_not_bar_a_rerun(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let configuration = shop.app.hub.reload(shop.app.merchant).await.unwrap();
    let mut campaign = configuration.campaign_numbered(1).unwrap().clone();
    campaign.single_transaction = true;
    shop.app.change(vec![recoup_hub::Change::Campaign(campaign)]).await;
    shop.open(&view).await;
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m22_an_approval_at_once_is_a_success(#[case] on: On) {
    let shop = Shop::new(on).await;
    let mut without_ip = tea();
    without_ip.contact.ip_address.clear();
    shop.first.1.script([SOFT]);
    let view = shop.app.import(without_ip).await;
    let (paid, attempt) = shop.attempted(&view, &shop.at_salvage()).await;
    assert!(matches!(attempt.state, AttemptState::Approved { .. }), "no IP address is needed (R121)");
    assert_eq!((paid.order.status, kept(&shop.salvage.1)), (OrderStatus::Complete, 2_999));
    shop.app.end().await;
}
