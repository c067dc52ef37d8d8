//! Subscriptions read back whole, change under a version, are held by one worker at a time; open salvages; a card's past.

use std::collections::BTreeSet;

use domain::attempt::{Attempt, Initiator, Route};
use domain::declines::{Class, Reason};
use domain::ids::{MerchantId, SubscriptionId};
use domain::payment::{Payment, PaymentState};
use domain::plan::{Cycle, Plan, Trial};
use domain::subscription::{InitialCharge, Subscription, SubscriptionStatus, Terms};
use jiff::{SignedDuration, Timestamp};
use recoup_storage::attempts::{self, CARD_NOT_FREE, CardUse, NOT_FENCEABLE, NOT_PENDABLE, OVER_CARD_BUDGET};
use recoup_storage::payments::{self, PAID_BEFORE};
use recoup_storage::subscriptions::{self, CHANGED_SINCE, SUBSCRIPTION_EXISTS, SubscriptionFilter};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, cards, orders};
use rstest::rstest;
use uuid::Uuid;

use crate::samples::{
    approved, assert_conflict, at, attempt, declined, id, not_sent, order, payment, settled, shown, usd,
    write, write_all,
};

const DAY: i64 = 86_400;

fn terms() -> Terms {
    let cycle = |delay_days, minor| Cycle { delay_days, price: usd(minor), shipping: usd(250) };
    Terms {
        product_number: 8,
        name: "Lamp “é” ' \\".into(),
        sku: String::new(),
        quantity: 2,
        currency: usd(0).currency(),
        is_shippable: true,
        plan: Plan {
            cycles: vec![cycle(7, 100), cycle(30, 9_000)],
            trial: Some(Trial::Accelerated),
            final_cycle: Some(12),
            persistent_rebill_day: true,
            fixed_billing_day: Some(31),
            ships_once: true,
        },
        price: Some(usd(1)),
        price_once: true,
        shipping: Some(usd(0)),
        interval_days: Some(9),
        final_cycle: Some(13),
        sold_at: at(-3),
    }
}

/// An active subscription, due at second 60, that began on order 500.
pub(crate) fn subscription(merchant_id: MerchantId, number: u128) -> Subscription {
    Subscription {
        id: id(number),
        merchant_id,
        customer_id: id(7),
        order_id: id(500),
        campaign_id: id(8),
        product_id: id(9),
        status: SubscriptionStatus::Active,
        stop_reason: String::new(),
        gateway_id: id(10),
        card_id: id(11),
        card_fingerprint: "fp".into(),
        terms: terms(),
        cycle: 1,
        collecting: None,
        slot: 0,
        tries: 0,
        next_bill_at: Some(at(60)),
        next_action_at: Some(at(60)),
        pause_at: None,
        initial: None,
        held: String::new(),
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(9_201);
    saved(store, ours).await;
    found(store, ours).await;
    due(store, ours).await;
    salvages(store, id(9_203)).await;
    card_use(store, id(9_204)).await;
    paid(store, id(9_205)).await;
}

async fn read(store: &Store, one: &Subscription) -> Subscription {
    store.find_subscription(one.merchant_id, one.id).await.unwrap().unwrap()
}

/// What is written is read; who has read an older version writes nothing.
async fn saved(store: &Store, ours: MerchantId) {
    let one = subscription(ours, 1);
    write(store, subscriptions::insert(&one)).await.unwrap();
    assert_conflict(write(store, subscriptions::insert(&one)).await, SUBSCRIPTION_EXISTS);
    assert_eq!(read(store, &one).await, one);
    assert_eq!(store.find_subscription(id(9_202), one.id).await.unwrap(), None);

    let changed = Subscription {
        product_id: id(19),
        status: SubscriptionStatus::RecycleBilling,
        stop_reason: "later".into(),
        gateway_id: id(20),
        card_id: id(21),
        card_fingerprint: "other".into(),
        terms: Terms { price: None, ..terms() },
        cycle: 4,
        collecting: Some(id(22)),
        slot: 10,
        tries: 3,
        next_bill_at: Some(at(90)),
        next_action_at: None,
        pause_at: Some(at(99)),
        initial: Some(InitialCharge { gateway_id: id(20), reference: "first-1".into() }),
        held: "‘wait’".into(),
        updated_at: at(5),
        ..one.clone()
    };
    write(store, subscriptions::update(&changed, None)).await.unwrap();
    assert_eq!(read(store, &one).await, Subscription { version: 2, ..changed.clone() });
    assert_conflict(write(store, subscriptions::update(&changed, None)).await, CHANGED_SINCE);
    let foreign = Subscription { merchant_id: id(9_202), version: 2, ..changed.clone() };
    assert_conflict(write(store, subscriptions::update(&foreign, None)).await, CHANGED_SINCE);
    let back = Subscription { version: 2, ..one };
    write(store, subscriptions::update(&back, None)).await.unwrap();
    assert_eq!(read(store, &back).await, Subscription { version: 3, ..back });
}

async fn found(store: &Store, ours: MerchantId) {
    let second = Subscription { created_at: at(1), next_action_at: None, ..subscription(ours, 2) };
    let third = Subscription {
        order_id: id(501),
        customer_id: id(70),
        campaign_id: id(80),
        gateway_id: id(100),
        status: SubscriptionStatus::Cancelled,
        next_action_at: None,
        created_at: at(2),
        ..subscription(ours, 3)
    };
    write_all(store, [&second, &third].map(subscriptions::insert)).await.unwrap();
    let of_order = store.list_subscriptions_of_order(ours, id(500)).await.unwrap();
    assert_eq!(of_order.iter().map(|one| one.id).collect::<Vec<_>>(), [id(1), id(2)]);

    let none = SubscriptionFilter::default;
    let list = async |filter: SubscriptionFilter, limit, offset| -> Vec<SubscriptionId> {
        let rows = store.list_subscriptions(ours, &filter, limit, offset).await.unwrap();
        rows.into_iter().map(|one| one.id).collect()
    };
    assert_eq!(list(none(), 10, 0).await, [id(3), id(2), id(1)]);
    assert_eq!(list(none(), 1, 1).await, [id(2)]);
    let only_third = [
        SubscriptionFilter { id: Some(id(3)), ..none() },
        SubscriptionFilter { order_id: Some(id(501)), ..none() },
        SubscriptionFilter { customer_id: Some(id(70)), ..none() },
        SubscriptionFilter { status: Some(SubscriptionStatus::Cancelled), ..none() },
        SubscriptionFilter { gateway_id: Some(id(100)), ..none() },
        SubscriptionFilter { campaign_id: Some(id(80)), ..none() },
    ];
    for filter in only_third {
        assert_eq!(list(filter.clone(), 10, 0).await, [id(3)], "{filter:?}");
        assert_eq!(store.count_subscriptions(ours, &filter).await.unwrap(), 1);
    }
    assert_eq!(store.count_subscriptions(ours, &none()).await.unwrap(), 3);
    assert_eq!(store.count_subscriptions(id(9_202), &none()).await.unwrap(), 0);
    assert_eq!(store.count_subscriptions_on_gateway(ours, id(10)).await.unwrap(), 2);
    assert_eq!(store.count_subscriptions_on_gateway(ours, id(100)).await.unwrap(), 0, "it has ended");
    let any = store.list_subscriptions(ours, &SubscriptionFilter::default(), 9, 0).await.unwrap();
    let campaign = any.iter().find(|one| one.status.is_billable()).unwrap().campaign_id;
    assert!(store.count_subscriptions_in_campaign(ours, campaign).await.unwrap() > 0);
    assert_eq!(store.count_subscriptions_in_campaign(ours, id(12_345)).await.unwrap(), 0);
}

async fn due(store: &Store, ours: MerchantId) {
    let fence = Uuid::from_u128;
    assert!(store.next_due_subscription().await.unwrap().is_some_and(|next| next <= at(60)));
    let has_due = async |now| {
        let merchants = store.list_merchants_with_due_subscriptions(now, 1_000).await.unwrap();
        merchants.contains(&ours)
    };
    assert!(!has_due(at(59)).await);
    assert!(has_due(at(60)).await);
    let before = store.count_due_subscriptions(at(199)).await.unwrap();
    assert!(before >= 1);

    let held = store.acquire_due_subscriptions(ours, at(60), at(90), fence(1), 5).await.unwrap();
    assert_eq!(held.iter().map(|one| one.id).collect::<Vec<_>>(), [id(1)]);
    assert!(!has_due(at(89)).await);
    assert!(store.acquire_due_subscriptions(ours, at(89), at(120), fence(2), 5).await.unwrap().is_empty());
    let one = &held[0];
    let lease = async |now, until, number| {
        store.lease_subscription(ours, one.id, now, until, fence(number)).await.unwrap()
    };
    assert_eq!(lease(at(89), at(120), 2).await, None);
    assert_conflict(write(store, subscriptions::update(one, Some(fence(2)))).await, CHANGED_SINCE);

    // Its lease is over: the next one holds it, and the first one writes nothing.
    assert_eq!(lease(at(90), at(120), 2).await.as_ref(), Some(one));
    assert_conflict(write(store, subscriptions::update(one, Some(fence(1)))).await, CHANGED_SINCE);
    let next = Subscription { next_action_at: Some(at(200)), ..one.clone() };
    write(store, subscriptions::update(&next, Some(fence(2)))).await.unwrap();
    assert_eq!(lease(at(199), at(250), 3).await, None, "not due");
    assert!(lease(at(200), at(250), 3).await.is_some(), "and the lease was given back");
    let postpone = |number| subscriptions::postpone(ours, one.id, fence(number), at(900));
    write(store, postpone(2)).await.unwrap();
    assert!(lease(at(250), at(300), 3).await.is_some(), "whoever has no lease postpones nothing");
    write(store, postpone(3)).await.unwrap();
    assert_eq!(lease(at(899), at(950), 4).await, None, "and nobody looks at it before");
    assert_eq!(store.count_due_subscriptions(at(199)).await.unwrap(), before - 1);

    // Who has no fence, a person, may write while somebody holds it; the holder then may not.
    let now = read(store, one).await;
    write(store, subscriptions::update(&now, None)).await.unwrap();
    assert_conflict(write(store, subscriptions::update(&now, Some(fence(3)))).await, CHANGED_SINCE);
}

fn open_salvage(ours: MerchantId, number: u128) -> Attempt {
    Attempt {
        route: Route::Recycle,
        initiator: Initiator::Merchant,
        slot: Some(4),
        deadline: Some(at(21 * DAY)),
        ..attempt(ours, number, number)
    }
}

async fn salvages(store: &Store, ours: MerchantId) {
    let (one, two) = (open_salvage(ours, 1), open_salvage(ours, 2));
    let ordinary = attempt(ours, 3, 3);
    write_all(store, [&one, &two, &ordinary].map(attempts::insert)).await.unwrap();
    let state = async |number: u128| {
        let found = store.find_attempt(ours, id(number)).await.unwrap().unwrap();
        (found.state.name(), found.next_check_at, found.checks)
    };
    let pend = |number: u128, fence, now| attempts::pend(ours, id(number), "ff-1", at(600), fence, now);
    write(store, pend(1, None, at(2))).await.unwrap();
    assert_eq!(state(1).await, ("pending", Some(at(600)), 0));
    let kept = store.find_attempt(ours, id(1)).await.unwrap().unwrap();
    assert_eq!((kept.slot, kept.deadline), (Some(4), Some(at(21 * DAY))));
    assert_conflict(write(store, pend(3, None, at(2))).await, NOT_PENDABLE);
    assert_eq!(store.find_fence_facts(ours, id(1)).await.unwrap().1.as_deref(), Some("ff-1"));

    write(store, attempts::poll(ours, id(1), at(3_600), None, at(601))).await.unwrap();
    assert_eq!(state(1).await, ("pending", Some(at(3_600)), 1));
    let open = store.list_open_salvages(ours, one.gateway_id, 10).await.unwrap();
    assert_eq!(open.iter().map(|one| one.id).collect::<Vec<_>>(), [id(1)]);
    assert_eq!(store.list_open_salvages(ours, id(99), 10).await.unwrap(), []);
    assert_eq!(store.count_open_salvages(ours).await.unwrap(), 1);

    // Asked to stop: at once when it is open, and as soon as it was answered while it is under way.
    write_all(store, [1, 2, 3].map(|number| attempts::ask_cancel(ours, id(number), at(700)))).await.unwrap();
    assert_eq!(state(1).await, ("pending", Some(at(700)), 1));
    assert_eq!(state(2).await, ("sending", Some(at(60)), 0));
    let asked = async |number: u128| store.find_cancel_asked(ours, id(number)).await.unwrap();
    assert_eq!((asked(1).await, asked(2).await, asked(3).await), (Some(at(700)), Some(at(700)), None));
    write(store, attempts::ask_cancel(ours, id(1), at(800))).await.unwrap();
    assert_eq!(asked(1).await, Some(at(700)), "since the first time");
    for seconds in [710, 720] {
        write(store, attempts::ask_fence(ours, id(2), at(seconds))).await.unwrap();
    }
    assert_eq!(store.find_asked(ours, id(2)).await.unwrap(), (Some(at(700)), Some(at(710))));
    assert_conflict(write(store, attempts::ask_fence(ours, id(3), at(710))).await, NOT_FENCEABLE);
    write(store, pend(2, None, at(701))).await.unwrap();
    assert_eq!(state(2).await, ("pending", Some(at(701)), 0));
    write(store, attempts::poll(ours, id(2), at(9_000), None, at(702))).await.unwrap();
    assert_eq!(state(2).await, ("pending", Some(at(702)), 1), "whoever polled did not know of it");

    // A lease keeps others out until it is over; what is settled is not opened again.
    let fence = Uuid::from_u128(5);
    let leased = store.acquire_due_attempts(ours, at(900), at(950), fence, 10).await.unwrap();
    assert_eq!(leased.len(), 3);
    assert_conflict(write(store, pend(1, None, at(949))).await, NOT_PENDABLE);
    write(store, attempts::poll(ours, id(1), at(9_999), None, at(949))).await.unwrap();
    assert_eq!(state(1).await, ("pending", Some(at(800)), 1), "nothing changed");
    write(store, pend(1, Some(fence), at(949))).await.unwrap();
    write(store, attempts::settle(ours, id(1), &approved(), at(951), None)).await.unwrap();
    assert_conflict(write(store, pend(1, None, at(2_000))).await, NOT_PENDABLE);
    write(store, attempts::ask_cancel(ours, id(1), at(2_000))).await.unwrap();
    assert_eq!(state(1).await.1, None);
}

/// Attempts of one card: in the month declined, approved, not executed, refused to the merchant, open; and old ones.
async fn card_use(store: &Store, ours: MerchantId) {
    let now = at(40 * DAY);
    let made = |number: u128, days: i64| Attempt {
        created_at: at((40 - days) * DAY),
        card_fingerprint: "used".into(),
        ..attempt(ours, number, number)
    };
    settled(store, &made(1, 31), &declined(Class::Soft)).await;
    settled(store, &made(2, 29), &declined(Class::Soft)).await;
    settled(store, &made(3, 20), &approved()).await;
    settled(store, &made(4, 10), &not_sent()).await;
    let scheduled = Attempt { initiator: Initiator::Merchant, ..made(5, 0) };
    write(store, attempts::insert(&scheduled)).await.unwrap();
    let elsewhere = Attempt { gateway_id: id(90), amount: usd(5), ..made(6, 0) };
    write(store, attempts::insert(&elsewhere)).await.unwrap();
    let other_card = Attempt { card_fingerprint: "other".into(), ..made(7, 0) };
    write(store, attempts::insert(&other_card)).await.unwrap();
    let card = cards::Card {
        merchant_id: ours,
        id: id(11),
        fingerprint: "used".into(),
        shown: shown(),
        sealed: vec![1],
    };
    write(store, cards::upsert(&card, now)).await.unwrap();

    let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
    let used = async |fingerprint: &str, gateway: u128, minor| {
        let found =
            store.find_card_use(ours, fingerprint, ago(1), ago(30), id(gateway), usd(minor), now, id(11));
        found.await.unwrap()
    };
    let expected = CardUse {
        day_count: 2,
        scheduled_count: 1,
        month_count: 3,
        oldest_of_day: Some(now),
        oldest_of_month: Some(ago(29)),
        locked: None,
        last_equal_at: Some(now),
        brand: Some("visa".into()),
    };
    assert_eq!(used("used", 9, 10_000).await, expected);
    assert_eq!(used("used", 90, 10_000).await.last_equal_at, None);
    assert_eq!(used("used", 90, 5).await.last_equal_at, Some(now));
    assert_eq!(used("nobody", 9, 10_000).await.month_count, 0);
    bill_facts(store, ours, &expected).await;
    write(store, cards::lock(ours, "used", "do_not_retry", id(2), ago(1), Some(now))).await.unwrap();
    assert_eq!(used("used", 9, 10_000).await.locked, None, "until now");
    write(store, cards::lock(ours, "used", "do_not_retry", id(2), ago(1), None)).await.unwrap();
    assert_eq!(used("used", 9, 10_000).await.locked.as_deref(), Some("do_not_retry"));

    let last = store.find_last_decline_of_card(ours, "used", ago(30)).await.unwrap().unwrap();
    assert_eq!((last.at, last.reason), (at(2), Reason::InsufficientFunds));
    assert_eq!((last.advice_code.as_deref(), last.network_code.as_deref()), (Some("24"), Some("51")));
    assert_eq!(last.payment_id, id(2));
    assert_eq!(store.find_last_decline_of_card(ours, "used", ago(1)).await.unwrap(), None);

    let fits = async |caps| {
        write_all(
            store,
            [
                cards::lock_budget(ours, "used"),
                attempts::require_card_budget(ours, "used", ago(1), ago(30), caps),
            ],
        )
        .await
    };
    fits((3, 4)).await.unwrap();
    assert_conflict(fits((2, 4)).await, OVER_CARD_BUDGET);
    assert_conflict(fits((3, 3)).await, OVER_CARD_BUDGET);
    free_card(store, &made(8, 0), now).await;
}

/// What else a bill must know, beside what was tried with its card.
async fn bill_facts(store: &Store, ours: MerchantId, expected: &CardUse) {
    let now = at(40 * DAY);
    let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
    write(store, orders::insert(&order(ours, 3), "")).await.unwrap();
    let facts = async |origin: u128, first: Option<u128>| {
        let (since, place) = ((ago(1), ago(30)), (id(9), usd(10_000)));
        let first = first.map(id);
        let found = store.find_bill_facts(ours, "used", since, place, now, id(11), Some(id(origin)), first);
        found.await.unwrap()
    };
    let known = facts(3, Some(9)).await;
    assert_eq!(
        (known.origin, known.shown, known.used),
        (Some(order(ours, 3)), Some(shown()), expected.clone())
    );
    assert_eq!(known.initial_reference.as_deref(), Some("281719471"));
    assert_eq!(facts(3, None).await.initial_reference, None);
    assert_eq!(facts(3, Some(90)).await.initial_reference, None, "made at another gateway");
    assert_eq!(facts(4, Some(9)).await.origin, None);
}

/// A locked card, and one that was charged the same amount moments ago, is not free.
async fn free_card(store: &Store, wanted: &Attempt, now: Timestamp) {
    let second = SignedDuration::from_secs(1);
    let free =
        async |attempt: &Attempt, apart| write(store, attempts::require_free_card(attempt, now, apart)).await;
    assert_conflict(free(wanted, now).await, CARD_NOT_FREE);
    let other = Attempt { card_fingerprint: "other".into(), ..wanted.clone() };
    assert_conflict(free(&other, now - second).await, CARD_NOT_FREE);
    free(&other, now).await.unwrap();
    free(&Attempt { amount: usd(6), ..other.clone() }, now - second).await.unwrap();
    free(&Attempt { gateway_id: id(91), ..other.clone() }, now - second).await.unwrap();
    let lock = |reason, until| cards::lock(wanted.merchant_id, "other", reason, id(7), now - second, until);
    write(store, lock("stop_payment", None)).await.unwrap();
    free(&other, now).await.unwrap();
}

async fn paid(store: &Store, ours: MerchantId) {
    let bill = Payment { cycle: Some((id(600), 2)), ..payment(ours, 1) };
    write(store, payments::insert(&bill, at(0))).await.unwrap();
    let twin = Payment { id: id(2), ..bill.clone() };
    assert_conflict(write(store, payments::insert(&twin, at(0))).await, payments::PAYMENT_EXISTS);
    assert_eq!(store.find_payment(ours, id(1)).await.unwrap(), Some(bill.clone()));
    write(store, payments::pay(ours, id(1), 4_000, at(1))).await.unwrap();
    let reduced = Payment { state: PaymentState::Paid, amount: usd(4_000), ..bill };
    assert_eq!(store.find_payment(ours, id(1)).await.unwrap(), Some(reduced));
    assert_conflict(write(store, payments::pay(ours, id(1), 4_000, at(2))).await, PAID_BEFORE);
    assert_conflict(write(store, payments::pay(ours, id(3), 4_000, at(2))).await, PAID_BEFORE);
}

/// Takes due subscriptions, three at a time, until there are none.
async fn take_all(store: Store, fence: u128) -> Vec<SubscriptionId> {
    let (mut taken, fence) = (Vec::new(), Uuid::from_u128(fence));
    loop {
        let lot = store.acquire_due_subscriptions(id(1), at(60), at(90), fence, 3).await.unwrap();
        assert!(lot.len() <= 3, "a worker takes no more than it asked for");
        if lot.is_empty() {
            return taken;
        }
        taken.extend(lot.iter().map(|one| one.id));
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn racing_workers_never_hold_the_same_subscription_and_leave_none(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let due = (1..=40).map(|number| subscriptions::insert(&subscription(id(1), number)));
    write_all(&store, due).await.unwrap();
    let later = Subscription { next_action_at: Some(at(61)), ..subscription(id(1), 50) };
    write(&store, subscriptions::insert(&later)).await.unwrap();
    write(&store, subscriptions::insert(&subscription(id(2), 1))).await.unwrap();
    let workers: Vec<_> = (1..=4).map(|fence| tokio::spawn(take_all(store.clone(), fence))).collect();
    let mut taken = Vec::new();
    for worker in workers {
        taken.extend(worker.await.unwrap());
    }
    assert_eq!(taken.len(), 40);
    assert_eq!(BTreeSet::from_iter(taken), (1..=40).map(id).collect());
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_racing_changes_of_one_version_one_is_made(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let one = subscription(id(1), 1);
    write(&store, subscriptions::insert(&one)).await.unwrap();
    let racing: Vec<_> = (0..16)
        .map(|cycle| {
            let (store, next) = (store.clone(), Subscription { cycle: cycle + 2, ..one.clone() });
            tokio::spawn(async move { write(&store, subscriptions::update(&next, None)).await })
        })
        .collect();
    let mut won = 0;
    for one in racing {
        match one.await.unwrap() {
            Ok(()) => won += 1,
            other => assert_conflict(other, CHANGED_SINCE),
        }
    }
    assert_eq!((won, read(&store, &one).await.version), (1, 2));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m12_of_sixteen_racing_equal_charges_of_a_card_one_is_made(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let racing: Vec<_> = (1..=16)
        .map(|number| {
            let (store, one) = (store.clone(), attempt(id(1), number, number));
            tokio::spawn(async move {
                let apart = at(1) - SignedDuration::from_secs(1_200);
                let steps = [
                    cards::lock_budget(id(1), "fp"),
                    attempts::require_free_card(&one, at(1), apart),
                    attempts::insert(&one),
                ];
                write_all(&store, steps).await
            })
        })
        .collect();
    let mut won = 0;
    for one in racing {
        match one.await.unwrap() {
            Ok(()) => won += 1,
            other => assert_conflict(other, CARD_NOT_FREE),
        }
    }
    assert_eq!(won, 1);
}
