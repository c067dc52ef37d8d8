//! Prices of bills at their edges: reduced to nothing, held once reduced, and agreed for one bill only.

use domain::Money;
use domain::configuration::Billing;
use domain::plan::Plan;
use domain::recycle::Reduction;
use domain::subscription::SubscriptionStatus;
use gateways::fake::Ending;
use recoup_hub::{PersonError, SubscriptionChange};
use rstest::rstest;
use storage::testing::On;

use crate::shop::{PRICE, Shop, kept, monthly, usd};
use crate::support::SOFT;

#[rstest]
#[case::flat_sqlite(On::Sqlite, Reduction::Flat, 1_500, None)]
#[case::flat_postgres(On::Postgres, Reduction::Flat, 1_500, None)]
#[case::other_money_sqlite(On::Sqlite, Reduction::Percent, 50, Money::parse("1", "JPY").ok())]
#[case::other_money_postgres(On::Postgres, Reduction::Percent, 50, Money::parse("1", "JPY").ok())]
#[tokio::test(flavor = "multi_thread")]
async fn r89_reductions_that_leave_nothing_end_the_bill_and_nothing_is_asked_for(
    #[case] on: On,
    #[case] reduction: Reduction,
    #[case] off: i64,
    #[case] minimum: Option<Money>,
) {
    let shop = Shop::new(on).await;
    shop.recycle(|profile| {
        profile.reduction = reduction;
        profile.minimum_price = minimum;
        profile.slots.iter_mut().take(2).for_each(|slot| slot.reduction = off);
    })
    .await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT, SOFT]);
    shop.due(&one).await;
    assert_eq!(shop.due(&one).await.slot, 2);
    let failed = shop.due(&one).await;
    assert_eq!((failed.status, failed.cycle), (SubscriptionStatus::RecycleFailed, 1));
    assert_eq!(failed.stop_reason, "The reductions leave nothing to bill.");
    assert_eq!(shop.gateway.requests().len(), 3, "no card check in place of a charge");
    assert_eq!((kept(&shop.gateway), shop.rebills().await.len()), (PRICE, 0));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r89_a_bill_of_nothing_is_not_handed_over_either(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.recycle(|profile| {
        profile.reduction = Reduction::Flat;
        profile.slots.iter_mut().take(3).for_each(|slot| slot.skip = true);
        profile.slots[3].reduction = PRICE;
    })
    .await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    assert_eq!(shop.due(&one).await.status, SubscriptionStatus::RecycleFailed);
    assert_eq!(shop.salvage.requests().len(), 0);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_price_for_the_next_bill_only_is_refused_while_a_bill_is_open(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let once =
        SubscriptionChange { price: Some(usd(1_000)), price_once: true, ..SubscriptionChange::default() };
    let refused = hub.change_subscription(merchant, one.id, &once, "ann", "").await;
    assert!(matches!(refused, Err(PersonError::Conflict(_))), "{refused:?}");
    shop.ends(Ending::Completed).await;
    assert_eq!(shop.again(&one).await.cycle, 2);
    hub.change_subscription(merchant, one.id, &once, "ann", "").await.unwrap();
    assert_eq!(shop.due(&one).await.cycle, 3);
    assert_eq!(shop.due(&one).await.cycle, 4);
    let asked: Vec<i64> =
        shop.gateway.requests().iter().skip(2).map(|request| request.amount.minor()).collect();
    assert_eq!(asked, [1_000, PRICE], "the next bill, and no other");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn q26_a_held_price_below_the_shipping_never_bills_more_than_was_approved(#[case] on: On) {
    let plan = Plan::every(30, usd(1_000), usd(1_500));
    let shop = Shop::selling(on, Billing::Recurring, plan).await;
    shop.recycle(|profile| {
        profile.reduction = Reduction::Flat;
        profile.hold_recycle_price = true;
        profile.slots[0].reduction = 1_800;
    })
    .await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    let reduced = shop.due(&one).await;
    assert_eq!((reduced.cycle, reduced.terms.amount_of(3).unwrap()), (2, usd(700)));
    assert_eq!(shop.due(&one).await.cycle, 3);
    let asked: Vec<i64> = shop.gateway.requests().iter().map(|request| request.amount.minor()).collect();
    assert_eq!(asked, [2_500, 2_500, 700, 700]);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m30_the_first_charge_of_instalments_is_sent_as_the_first_of_an_agreement(#[case] on: On) {
    let plan = Plan { final_cycle: Some(3), ships_once: true, ..monthly() };
    let shop = Shop::selling(on, Billing::MultiPay, plan).await;
    let (_, one) = shop.sell().await;
    let first = shop.gateway.requests().remove(0);
    assert_eq!(first.stored_credential, gateways::StoredCredential::FirstRecurring);
    assert_eq!(shop.due(&one).await.cycle, 2);
    shop.end().await;
}
