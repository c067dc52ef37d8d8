//! Subscriptions, their bills and attempts are found by what people know of them, and by nobody else's merchant.

use domain::attempt::{Attempt, Lapse, LapseCause, Outcome};
use domain::declines::Class;
use domain::ids::{AttemptId, MerchantId, SubscriptionId};
use domain::payment::{Payment, PaymentState};
use domain::plan::{Plan, Trial};
use domain::subscription::{InitialCharge, Subscription, SubscriptionStatus, Terms};
use jiff::Timestamp;
use recoup_storage::attempts::{self, AttemptSearch, Standing};
use recoup_storage::orders::{self, OrderFilter};
use recoup_storage::subscriptions::{self, SubscriptionSearch};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, payments};
use rstest::rstest;
use uuid::Uuid;

use crate::samples::{approved, at, attempt, declined, id, order, payment, usd, write, write_all};

/// Every field differs from every other.
fn subscription(ours: MerchantId, number: u128, secs: i64) -> Subscription {
    let plan = Plan {
        trial: Some(Trial::Accelerated),
        final_cycle: Some(9),
        fixed_billing_day: Some(31),
        ..Plan::every(30, usd(2_999), usd(500))
    };
    Subscription {
        id: id(number),
        merchant_id: ours,
        customer_id: id(number + 1),
        order_id: id(number + 2),
        campaign_id: id(number + 3),
        product_id: id(number + 4),
        status: SubscriptionStatus::Active,
        stop_reason: "’Twas \"asked\"".into(),
        gateway_id: id(number + 5),
        card_id: id(number + 6),
        card_fingerprint: "fp".into(),
        terms: Terms {
            product_number: 7,
            name: "Tea 🍵".into(),
            sku: String::new(),
            quantity: 3,
            currency: usd(1).currency(),
            is_shippable: true,
            plan,
            price: Some(usd(1_000)),
            price_once: true,
            shipping: Some(usd(0)),
            interval_days: Some(14),
            final_cycle: Some(5),
            sold_at: at(-5),
        },
        cycle: 2,
        collecting: Some(id(number + 7)),
        slot: 0,
        tries: 1,
        next_bill_at: Some(at(100)),
        next_action_at: Some(at(101)),
        pause_at: Some(at(102)),
        initial: Some(InitialCharge { gateway_id: id(number + 8), reference: "r-1".into() }),
        held: "The card's attempts reached their cap.".into(),
        version: 1,
        created_at: at(secs),
        updated_at: at(secs + 1),
    }
}

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(9_301);
    found_subscriptions(store, ours).await;
    bills(store, ours).await;
    found_attempts(store, ours).await;
    rebill_orders(store, id(9_302)).await;
}

async fn found_subscriptions(store: &Store, ours: MerchantId) {
    let (old, new, same) =
        (subscription(ours, 100, 10), subscription(ours, 200, 20), subscription(ours, 300, 20));
    let paused = Subscription { status: SubscriptionStatus::Paused, next_action_at: None, ..old.clone() };
    write_all(store, [&paused, &new, &same].map(subscriptions::insert)).await.unwrap();
    // The first order of the second one is known, and so is its e-mail address.
    write(store, orders::insert(&order(ours, 202), "")).await.unwrap();

    let every = SubscriptionSearch::default();
    let found = async |search: &SubscriptionSearch| -> Vec<SubscriptionId> {
        let rows = store.search_subscriptions(ours, search, 10, 0).await.unwrap();
        let count = store.count_found_subscriptions(ours, search).await.unwrap();
        assert_eq!(usize::try_from(count).unwrap(), rows.len());
        rows.iter().map(|row| row.id).collect()
    };
    assert_eq!(store.search_subscriptions(ours, &every, 1, 2).await.unwrap(), std::slice::from_ref(&paused));
    assert_eq!(found(&every).await, [same.id, new.id, old.id]);
    let one = |search: SubscriptionSearch| async move { found(&search).await };
    assert_eq!(one(SubscriptionSearch { id: Some(new.id), ..every.clone() }).await, [new.id]);
    assert_eq!(one(SubscriptionSearch { order_id: Some(same.order_id), ..every.clone() }).await, [same.id]);
    assert_eq!(
        one(SubscriptionSearch { customer_id: Some(old.customer_id), ..every.clone() }).await,
        [old.id]
    );
    assert_eq!(one(SubscriptionSearch { gateway_id: Some(old.gateway_id), ..every.clone() }).await, [old.id]);
    assert_eq!(
        one(SubscriptionSearch { campaign_id: Some(new.campaign_id), ..every.clone() }).await,
        [new.id]
    );
    let status = Some(SubscriptionStatus::Paused);
    assert_eq!(one(SubscriptionSearch { status, ..every.clone() }).await, [old.id]);
    let email = Some("ADA@example.COM".to_owned());
    assert_eq!(one(SubscriptionSearch { email, ..every.clone() }).await, [new.id]);
    assert_eq!(
        one(SubscriptionSearch { created_from: Some(at(20)), ..every.clone() }).await,
        [same.id, new.id]
    );
    assert_eq!(one(SubscriptionSearch { created_before: Some(at(20)), ..every.clone() }).await, [old.id]);
    let after = |one: &Subscription| SubscriptionSearch {
        after: Some((one.created_at, one.id)),
        ..SubscriptionSearch::default()
    };
    assert_eq!(found(&after(&same)).await, [new.id, old.id]);
    assert_eq!(found(&after(&new)).await, [old.id]);
    assert_eq!(found(&after(&old)).await, []);
    let foreign = store.search_subscriptions(id(9_399), &every, 10, 0).await.unwrap();
    assert_eq!((foreign, store.count_found_subscriptions(id(9_399), &every).await.unwrap()), (vec![], 0));
}

async fn bills(store: &Store, ours: MerchantId) {
    let bill = |number: u128, cycle| Payment {
        state: PaymentState::Declined,
        cycle: Some((id(200), cycle)),
        ..payment(ours, number)
    };
    let (second, third) = (bill(401, 2), bill(402, 3));
    write_all(store, [payments::insert(&third, at(1)), payments::insert(&second, at(2))]).await.unwrap();
    assert_eq!(store.list_bills(ours, id(200), 9).await.unwrap(), [third.clone(), second]);
    assert_eq!(store.list_bills(ours, id(200), 1).await.unwrap(), [third]);
    assert_eq!(store.list_bills(ours, id(300), 9).await.unwrap(), []);
    assert_eq!(store.list_bills(id(9_399), id(200), 9).await.unwrap(), []);
}

/// An id as it is minted at that moment (RFC 9562, section 5.7).
fn minted(at: Timestamp, rest: u128) -> AttemptId {
    let millis = u128::try_from(at.as_millisecond()).unwrap();
    AttemptId::from_uuid(Uuid::from_u128((millis << 80) | (7 << 76) | (2 << 62) | rest))
}

async fn found_attempts(store: &Store, ours: MerchantId) {
    let made = |number: u128, secs: i64| Attempt {
        id: minted(at(secs), number),
        created_at: at(secs),
        ..attempt(ours, number, 500 + number)
    };
    let (approval, soft, open, lapsed) = (made(1, 1_000), made(2, 2_000), made(3, 3_000), made(4, 4_000));
    let elsewhere = Attempt { gateway_id: id(77), ..made(5, 5_000) };
    for one in [&approval, &soft, &open, &lapsed, &elsewhere] {
        let debt = Payment { id: one.payment_id, order_id: one.order_id, ..payment(ours, 1) };
        write_all(store, [payments::insert(&debt, at(0)), attempts::insert(one)]).await.unwrap();
    }
    let nothing = Outcome::NotExecuted(Lapse {
        cause: LapseCause::NotSent,
        reason: None,
        code: String::new(),
        text: String::new(),
    });
    let settle = |one: &Attempt, outcome: &Outcome| attempts::settle(ours, one.id, outcome, at(9_000), None);
    write(store, settle(&approval, &approved())).await.unwrap();
    write(store, settle(&soft, &declined(Class::Soft))).await.unwrap();
    write(store, settle(&lapsed, &nothing)).await.unwrap();

    let every = AttemptSearch::default();
    let found = async |search: AttemptSearch| -> Vec<AttemptId> {
        let rows = store.search_attempts(ours, &search, 10, 0).await.unwrap();
        let count = store.count_found_attempts(ours, &search).await.unwrap();
        assert_eq!(usize::try_from(count).unwrap(), rows.len());
        rows.iter().map(|row| row.id).collect()
    };
    let all = [approval.id, soft.id, open.id, elsewhere.id];
    assert_eq!(found(every.clone()).await, all, "what did nothing is not found");
    let page = store.search_attempts(ours, &every, 2, 1).await.unwrap();
    assert_eq!(page.iter().map(|row| row.id).collect::<Vec<_>>(), [soft.id, open.id]);
    for (standing, expected) in [
        (Standing::Approved, vec![approval.id]),
        (Standing::Soft, vec![soft.id]),
        (Standing::Hard, vec![]),
        (Standing::Open, vec![open.id, elsewhere.id]),
    ] {
        assert_eq!(found(AttemptSearch { standing: Some(standing), ..every.clone() }).await, expected);
    }
    assert_eq!(found(AttemptSearch { gateway_id: Some(id(77)), ..every.clone() }).await, [elsewhere.id]);
    let (from, before) = (Some(at(2_000)), Some(at(3_000)));
    let range = AttemptSearch { created_from: from, created_before: before, ..every.clone() };
    assert_eq!(found(range).await, [soft.id]);
    assert_eq!(found(AttemptSearch { created_from: Some(at(200_000)), ..every.clone() }).await, []);
    assert_eq!(store.search_attempts(id(9_399), &every, 10, 0).await.unwrap(), []);
    assert_eq!(store.count_found_attempts(id(9_399), &every).await.unwrap(), 0);
}

async fn rebill_orders(store: &Store, ours: MerchantId) {
    let rebill = domain::order::Order { subscription_id: Some(id(200)), ..order(ours, 20) };
    write(store, orders::insert(&order(ours, 10), "")).await.unwrap();
    write(store, orders::insert(&rebill, "")).await.unwrap();
    let found = async |is_rebill| {
        let filter = OrderFilter { is_rebill, ..OrderFilter::default() };
        let count = store.count_orders(ours, &filter).await.unwrap();
        let rows = store.list_orders(ours, &filter, 10, 0).await.unwrap();
        (count, rows.iter().map(|row| row.id.uuid().as_u128()).collect::<Vec<_>>())
    };
    assert_eq!(found(Some(true)).await, (1, vec![20]));
    assert_eq!(found(Some(false)).await, (1, vec![10]));
    assert_eq!(found(None).await.0, 2);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn searches_find_the_same_on_both_databases(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}
