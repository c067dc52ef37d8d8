//! Deadlines, the response table for trials, and billing after a salvage (R16–R18, R100–R107, R128–R133).

use domain::configuration::Billing;
use domain::order::OrderStatus;
use domain::plan::Trial;
use domain::subscription::SubscriptionStatus;
use gateways::StoredCredential;
use gateways::fake::{Act, Ending};
use jiff::SignedDuration;
use rstest::rstest;
use storage::testing::On;

use crate::shop::{DAY, PRICE, Shop, kept, monthly, trial};
use crate::support::{SOFT, VISA};

async fn expiry_days(shop: &Shop, days: i64) {
    let set = |gateway: &mut domain::configuration::Gateway| {
        gateway.settings.insert("expiry_days".to_owned(), days.to_string());
    };
    shop.app.edit_gateway(shop.salvage_id, set).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r16_a_cascade_knows_no_deadline_whatever_the_gateway_is_set_to(#[case] on: On) {
    let shop = Shop::new(on).await;
    let cascade = shop.app.cascade(1, &[shop.salvage_id], 1).await;
    shop.app.edit_gateway(shop.own, |gateway| gateway.direct_cascade = Some(cascade)).await;
    for (days, email) in [(1, "one@example.test"), (21, "two@example.test")] {
        expiry_days(&shop, days).await;
        shop.gateway.script([SOFT]);
        shop.sell_to(email).await;
    }
    let requests = shop.salvage.requests();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert_eq!(request.open_salvage, None);
        assert_eq!(request.amount, requests[0].amount);
    }
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r17_r18_a_hand_over_gets_the_days_of_today_and_keeps_them(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    expiry_days(&shop, 3).await;
    let (_, one) = shop.handed_over().await;
    let deadline = shop.now() + SignedDuration::from_hours(3 * 24);
    let given = |place: usize| shop.salvage.requests()[place].open_salvage.clone().unwrap().deadline;
    assert_eq!(given(0), deadline);
    expiry_days(&shop, 5).await;
    shop.bill(3 * DAY - 1).await;
    assert_eq!(shop.attempts(&one).await[1].deadline, Some(deadline));
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleBilling);
    shop.ends(Ending::Completed).await;
    assert_eq!(shop.again(&one).await.cycle, 2);
    shop.hand_over(&one).await;
    assert_eq!(given(1), shop.now() + SignedDuration::from_hours(5 * 24));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r128_r131_r133_a_failed_trial_completion_spares_the_order_and_ends_the_subscription(#[case] on: On) {
    let shop = Shop::selling(on, Billing::Recurring, trial(Trial::Standard)).await;
    shop.hand_over_at_once().await;
    let (view, one) = shop.handed_over().await;
    assert_eq!(shop.app.fresh(&view).await.order.status, OrderStatus::Complete);
    shop.ends(Ending::Failed("EXPIRED", "No recovery")).await;
    let failed = shop.again(&one).await;
    assert_eq!((failed.status, failed.cycle), (SubscriptionStatus::RecycleFailed, 1));
    let fresh = shop.app.fresh(&view).await;
    assert_eq!((fresh.order.status, fresh.order.is_salvaged), (OrderStatus::Complete, false));
    assert_eq!((kept(&shop.gateway), kept(&shop.salvage)), (100, 0));
    assert_eq!(shop.shipped(&view.order).await, 1);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r132_a_recovered_trial_completion_stays_on_the_order_and_goes_on(#[case] on: On) {
    let shop = Shop::selling(on, Billing::Recurring, trial(Trial::Accelerated)).await;
    shop.hand_over_at_once().await;
    let (view, one) = shop.handed_over().await;
    shop.ends(Ending::Completed).await;
    let paid = shop.again(&one).await;
    assert_eq!((paid.status, paid.cycle), (SubscriptionStatus::Active, 2));
    let fresh = shop.app.fresh(&view).await;
    assert_eq!((fresh.order.status, fresh.payments.len()), (OrderStatus::Complete, 2));
    assert_eq!((shop.rebills().await.len(), shop.shipped(&view.order).await), (0, 2));
    assert_eq!(shop.told(&view.order).await.last().unwrap(), "recurring_order");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_completion_stays_where_it_began_when_the_product_changes(#[case] on: On) {
    let shop = Shop::selling(on, Billing::Recurring, trial(Trial::Standard)).await;
    let mut campaign = shop.app.hub.reload(shop.app.merchant).await.unwrap().campaigns[0].clone();
    campaign.products.push(shop.product(8, Billing::Recurring, monthly()));
    shop.app.change(vec![recoup_hub::Change::Campaign(campaign)]).await;
    let (view, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    shop.app.hub.change_product(shop.app.merchant, one.id, 8, "ann", "").await.unwrap();
    let paid = shop.due(&one).await;
    assert_eq!((paid.cycle, paid.terms.product_number), (2, 8));
    assert_eq!(shop.app.fresh(&view).await.payments.len(), 2);
    shop.due(&one).await;
    assert_eq!(shop.rebills().await.len(), 1);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r100_r101_r102_r103_r104_r105_r106_r107_m30_after_a_salvaged_sale_the_rebill_goes_home_with_the_stored_number(
    #[case] on: On,
) {
    let shop = Shop::handing_over(on).await;
    let cascade = shop.app.cascade(1, &[shop.salvage_id], 1).await;
    shop.app.edit_gateway(shop.own, |gateway| gateway.direct_cascade = Some(cascade)).await;
    shop.gateway.script([SOFT]);
    let (_, one) = shop.sell().await;
    assert_eq!((one.gateway_id, one.initial.clone()), (shop.own, None));
    let paid = shop.due(&one).await;
    let request = shop.gateway.requests().pop().unwrap();
    assert_eq!(request.card.number.expose(), VISA);
    assert!(request.card.security_code.is_none());
    assert_eq!(request.stored_credential, StoredCredential::Rebill { initial_reference: None });
    assert!(request.salvaged.is_none());

    // R106: the id of that approval is the initial one from now on.
    let initial = paid.initial.unwrap();
    assert_eq!((initial.gateway_id, initial.reference.as_str()), (shop.own, "fake-2"));
    shop.due(&one).await;
    let request = shop.gateway.requests().pop().unwrap();
    let initial_reference = Some("fake-2".to_owned());
    assert_eq!(request.stored_credential, StoredCredential::Rebill { initial_reference });

    // R104: its decline is recycled like any other.
    shop.hand_over(&one).await;
    let request = shop.salvage.requests().pop().unwrap();
    assert_eq!((request.card.number.expose(), request.card.security_code.is_some()), (VISA, false));
    assert_eq!(request.stored_credential, StoredCredential::Rebill { initial_reference: None });
    shop.ends(Ending::Completed).await;
    let paid = shop.again(&one).await;
    assert_eq!((paid.gateway_id, paid.initial.unwrap().reference.as_str()), (shop.own, "fake-2"));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m30_on_another_gateway_the_first_approval_there_becomes_the_initial_one(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.due(&one).await;
    let (_, other) = shop.app.gateway(3, "third").await;
    let change =
        recoup_hub::SubscriptionChange { gateway: Some(3), ..recoup_hub::SubscriptionChange::default() };
    shop.app.hub.change_subscription(shop.app.merchant, one.id, &change, "ann", "").await.unwrap();
    shop.due(&one).await;
    shop.due(&one).await;
    let sent: Vec<StoredCredential> =
        other.requests().into_iter().map(|request| request.stored_credential).collect();
    let rebill = |reference: Option<&str>| StoredCredential::Rebill {
        initial_reference: reference.map(str::to_owned),
    };
    assert_eq!(sent, [rebill(None), rebill(Some("fake-1"))]);
    assert_eq!((kept(&shop.gateway), kept(&other)), (2 * PRICE, 2 * PRICE));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m14_a_partial_approval_of_a_bill_is_voided_and_recycled(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([Act::ApproveOnly(1_000)]);
    let declined = shop.due(&one).await;
    assert_eq!((declined.status, declined.slot), (SubscriptionStatus::RecycleBilling, 1));
    assert_eq!(kept(&shop.gateway), PRICE);
    assert_eq!(shop.due(&one).await.cycle, 2);
    shop.end().await;
}
