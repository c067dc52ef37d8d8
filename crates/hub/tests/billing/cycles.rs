//! Billing cycles: recurring, multi-pay, trials, dates.

use domain::attempt::{Initiator, Route};
use domain::configuration::Billing;
use domain::order::OrderStatus;
use domain::plan::{Cycle, Plan, Trial};
use domain::subscription::SubscriptionStatus;
use gateways::StoredCredential;
use jiff::Timestamp;
use rstest::rstest;
use storage::testing::On;

use crate::shop::{DAY, PRICE, Shop, kept, monthly, trial, usd};
use crate::support::{SOFT, tea};

fn on_date(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_recurring_sale_is_billed_cycle_by_cycle_with_an_order_each(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (view, one) = shop.sell().await;
    assert_eq!((one.status, one.cycle, one.gateway_id), (SubscriptionStatus::Active, 1, shop.own));
    // 30 local days later, at nine o'clock in New York.
    assert_eq!(one.next_bill_at, Some(on_date("2026-12-21T14:00:00Z")));
    shop.bill(30 * DAY).await;
    assert_eq!(shop.again(&one).await, one, "not yet due: sold at seven, billed at nine");

    let second = shop.due(&one).await;
    assert_eq!((second.status, second.cycle), (SubscriptionStatus::Active, 2));
    assert_eq!((second.collecting, second.slot), (None, 0));
    assert_eq!(second.next_bill_at, Some(on_date("2027-01-20T14:00:00Z")));
    let third = shop.due(&one).await;
    assert_eq!(third.cycle, 3);
    assert_eq!(kept(&shop.gateway), 3 * PRICE);

    let rebills = shop.rebills().await;
    assert_eq!(rebills.len(), 2);
    for order in &rebills {
        assert_eq!((order.status, order.total), (OrderStatus::Complete, usd(PRICE)));
        assert_eq!((order.subscription_id, order.is_salvaged), (Some(one.id), false));
        assert_eq!(
            (order.customer_id, order.card.clone()),
            (view.order.customer_id, view.order.card.clone())
        );
        assert_eq!(shop.told(order).await, ["recurring_order"]);
        assert_eq!(shop.shipped(order).await, 1);
        let found = shop.app.hub.find_order_view(shop.app.merchant, order.id).await.unwrap().unwrap();
        let attempt = found.approved().unwrap();
        assert_eq!((attempt.route, attempt.initiator), (Route::Rebill, Initiator::Merchant));
        assert_eq!(found.payment_status(), "paid");
    }
    assert_eq!(shop.told(&view.order).await, ["new_sale", "subscription_started"]);
    assert_eq!(shop.shipped(&view.order).await, 1);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r79_an_approved_cascade_begins_the_subscription_on_the_gateway_that_declined(#[case] on: On) {
    let shop = Shop::new(on).await;
    let cascade = shop.app.cascade(1, &[shop.salvage_id], 1).await;
    shop.app.edit_gateway(shop.own, |gateway| gateway.direct_cascade = Some(cascade)).await;
    shop.gateway.script([SOFT]);
    let (view, one) = shop.sell().await;
    assert!(view.order.is_salvaged);
    assert_eq!((one.status, one.gateway_id, one.cycle), (SubscriptionStatus::Active, shop.own, 1));
    let next = shop.due(&one).await;
    assert_eq!((next.cycle, next.gateway_id), (2, shop.own));
    assert_eq!((kept(&shop.gateway), kept(&shop.salvage)), (PRICE, PRICE));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn instalments_ship_once_and_end_complete(#[case] on: On) {
    let plan = Plan { final_cycle: Some(3), ships_once: true, ..monthly() };
    let shop = Shop::selling(on, Billing::MultiPay, plan).await;
    let (_, one) = shop.sell().await;
    shop.due(&one).await;
    let last = shop.due(&one).await;
    assert_eq!((last.status, last.cycle), (SubscriptionStatus::Complete, 3));
    assert_eq!((last.next_bill_at, last.next_action_at), (None, None));
    shop.bill(60 * DAY).await;
    assert_eq!((shop.gateway.requests().len(), kept(&shop.gateway)), (3, 3 * PRICE));
    let rebills = shop.rebills().await;
    assert_eq!((shop.shipped(&rebills[0]).await, shop.shipped(&rebills[1]).await), (0, 0));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite, Trial::Standard, 1)]
#[case::postgres(On::Postgres, Trial::Standard, 1)]
#[case::sqlite_accelerated(On::Sqlite, Trial::Accelerated, 2)]
#[case::postgres_accelerated(On::Postgres, Trial::Accelerated, 2)]
#[tokio::test(flavor = "multi_thread")]
async fn r132_a_trial_is_completed_on_the_original_order(
    #[case] on: On,
    #[case] kind: Trial,
    #[case] shipments: usize,
) {
    let shop = Shop::selling(on, Billing::Recurring, trial(kind)).await;
    let (view, one) = shop.sell().await;
    assert_eq!((one.status, view.order.total), (SubscriptionStatus::Trial, usd(100)));
    assert_eq!(one.next_bill_at, Some(on_date("2026-11-28T14:00:00Z")));
    let paid = shop.due(&one).await;
    assert_eq!((paid.status, paid.cycle), (SubscriptionStatus::Active, 2));
    assert_eq!(shop.rebills().await, []);
    let fresh = shop.app.fresh(&view).await;
    assert_eq!((fresh.order.status, fresh.payments.len()), (OrderStatus::Complete, 2));
    assert_eq!(fresh.payments[1].amount, usd(PRICE));
    assert_eq!(shop.shipped(&view.order).await, shipments);
    assert_eq!(shop.told(&view.order).await, ["new_sale", "subscription_started", "recurring_order"]);
    let third = shop.due(&one).await;
    assert_eq!((third.cycle, shop.rebills().await.len()), (3, 1));
    assert_eq!(kept(&shop.gateway), 100 + 2 * PRICE);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m30_a_rebill_names_the_first_charge_of_its_gateway_and_sends_no_security_code(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.due(&one).await;
    shop.due(&one).await;
    let requests = shop.gateway.requests();
    assert_eq!(requests[0].stored_credential, StoredCredential::FirstRecurring);
    assert!(requests[0].card.security_code.is_some());
    for request in &requests[1..] {
        let initial_reference = Some("fake-1".to_owned());
        assert_eq!(request.stored_credential, StoredCredential::Rebill { initial_reference });
        assert!(request.card.security_code.is_none());
        assert_eq!(request.initiator, Initiator::Merchant);
    }
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn several_products_and_several_of_one_are_billed_each_by_its_own_plan(#[case] on: On) {
    let shop = Shop::new(on).await;
    let weekly = Plan::every(7, usd(500), usd(150));
    let products =
        vec![shop.product(7, Billing::Recurring, monthly()), shop.product(8, Billing::Recurring, weekly)];
    let campaign = shop.app.hub.reload(shop.app.merchant).await.unwrap().campaigns[0].clone();
    shop.app
        .change(vec![recoup_hub::Change::Campaign(domain::configuration::Campaign { products, ..campaign })])
        .await;
    let mut both = tea();
    let mut line = both.lines[0].clone();
    (line.product_number, line.quantity) = (8, 3);
    both.lines.push(line);
    let view = shop.app.import(both).await;
    let found = shop.of_order(&view).await;
    assert_eq!(found.len(), 2);
    let tea = found.iter().find(|one| one.terms.product_number == 8).unwrap();
    let paid = shop.due(tea).await;
    assert_eq!((paid.cycle, paid.next_bill_at), (2, Some(on_date("2026-12-05T14:00:00Z"))));
    let rebills = shop.rebills().await;
    assert_eq!(rebills[0].total, usd(3 * 500 + 150));
    assert_eq!((rebills[0].items.len(), rebills[0].items[0].quantity), (1, 3));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_persistent_rebill_day_is_kept_also_after_recycling(#[case] on: On) {
    let plan = Plan { persistent_rebill_day: true, ..monthly() };
    let shop = Shop::selling(on, Billing::Recurring, plan).await;
    let (_, one) = shop.sell().await;
    assert_eq!(one.next_bill_at, Some(on_date("2026-12-21T14:00:00Z")));
    shop.gateway.script([SOFT, SOFT]);
    shop.due(&one).await;
    shop.due(&one).await;
    let paid = shop.due(&one).await;
    assert_eq!(shop.now(), on_date("2026-12-23T14:00:00Z"));
    assert_eq!((paid.cycle, paid.next_bill_at), (2, Some(on_date("2027-01-21T14:00:00Z"))));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_next_bill_counts_from_the_payment_and_stays_at_nine_when_the_clocks_change(#[case] on: On) {
    let plan =
        Plan { cycles: vec![Cycle { delay_days: 120, price: usd(PRICE), shipping: usd(0) }], ..monthly() };
    let shop = Shop::selling(on, Billing::Recurring, plan).await;
    let (_, one) = shop.sell().await;
    // In March clocks in New York are an hour ahead of November's.
    assert_eq!(one.next_bill_at, Some(on_date("2027-03-21T13:00:00Z")));
    shop.account(|account| account.rebill_at_sale_time = true).await;
    let paid = shop.due(&one).await;
    assert_eq!(paid.next_bill_at, Some(on_date("2027-07-19T11:00:00Z")), "seven o'clock, as it was sold");
    shop.end().await;
}
