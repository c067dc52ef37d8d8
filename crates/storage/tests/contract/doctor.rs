//! The doctor finds every planted fault, each by its own name, and nothing in a healthy database.

use domain::attempt::{Attempt, Route};
use domain::declines::Class;
use domain::ids::{MerchantId, OrderId};
use domain::order::{Order, OrderStatus};
use domain::payment::{Payment, PaymentState};
use domain::subscription::{Subscription, SubscriptionStatus};
use recoup_storage::alerts::{self, Alert};
use recoup_storage::doctor::Broken;
use recoup_storage::operations::{self, Settled};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, attempts, cards, events, orders, payments, subscriptions};
use rstest::rstest;
use uuid::Uuid;

use crate::raw::Raw;
use crate::samples::{
    Sale, at, attempt, declined, event, id, order, payment, refund, settled, write, write_all,
};
use crate::subscriptions::subscription;

const SALVAGE_KINDS: [&str; 1] = ["salvage"];

fn ours() -> MerchantId {
    id(1)
}

fn sale(number: u128) -> Sale {
    Sale::new(ours(), number)
}

async fn write_payment(store: &Store, number: u128, status: OrderStatus, state: PaymentState) {
    let steps = [
        orders::insert(&Order { status, ..order(ours(), number) }, "guard"),
        payments::insert(&Payment { state, ..payment(ours(), number) }, at(0)),
    ];
    write_all(store, steps).await.unwrap();
}

async fn write_refund(store: &Store, number: u128) {
    let one = refund(ours(), number, number, 10_000);
    write_all(store, operations::insert(&one, at(40))).await.unwrap();
}

/// A soft decline of one gateway, then a cascade to another.
async fn write_cascade(store: &Store, number: u128, kind: &str, class: Class, secs: i64) {
    settled(store, &attempt(ours(), number + 1, number), &declined(class)).await;
    let mut cascaded = sale(number);
    cascaded.attempt = Attempt {
        route: Route::Cascade,
        salvages: Some(id(number + 1)),
        gateway_kind: kind.into(),
        created_at: at(secs),
        card_fingerprint: format!("fp-{number}"),
        ..cascaded.attempt
    };
    cascaded.write(store).await;
}

async fn lock(store: &Store, number: u128, until: Option<i64>) {
    let step =
        cards::lock(ours(), &format!("fp-{number}"), "do_not_retry", id(number + 1), at(10), until.map(at));
    write(store, step).await.unwrap();
}

/// Everything that may look wrong and is not.
async fn write_healthy(store: &Store) {
    sale(100).write(store).await;
    let mut test_order = sale(110);
    test_order.order.is_test = true;
    (test_order.has_event, test_order.has_fulfilment) = (false, false);
    test_order.write(store).await;
    let mut nothing_to_ship = sale(120);
    nothing_to_ship.order.items[0].is_shippable = false;
    nothing_to_ship.has_fulfilment = false;
    nothing_to_ship.write(store).await;

    write_cascade(store, 130, "salvage", Class::Soft, 20).await;
    lock(store, 130, None).await;
    write_cascade(store, 140, "nmi", Class::Soft, 20).await;
    lock(store, 140, Some(15)).await;
    write_cascade(store, 150, "nmi", Class::Soft, 5).await;
    lock(store, 150, None).await;

    write_payment(store, 160, OrderStatus::Pending, PaymentState::Attempting).await;
    write(store, attempts::insert(&attempt(ours(), 160, 160))).await.unwrap();
    write_given_back(store).await;
    write_subscriptions(store).await;
    write_shown_to_a_person(store).await;
}

/// A paid cycle: a subscription with the number plus 5, its payment, an order of its own, and what was told.
fn cycle_of(number: u128) -> (Sale, Subscription) {
    let mut bill = sale(number);
    let subscription = Subscription { cycle: 2, ..subscription(ours(), number + 5) };
    bill.payment.cycle = Some((subscription.id, 2));
    bill.order.subscription_id = Some(subscription.id);
    bill.attempt.route = Route::Rebill;
    bill.attempt.card_fingerprint = format!("fp-{number}");
    bill.has_event = false;
    (bill, subscription)
}

async fn told(store: &Store, number: u128) {
    write(store, events::insert(&event(ours(), number, "recurring_order", id(number)))).await.unwrap();
}

/// An open salvage of a bill of a subscription.
async fn write_salvage(store: &Store, number: u128, subscription: &Subscription) {
    let debt = Payment { cycle: Some((subscription.id, 2)), ..payment(ours(), number) };
    let open = Attempt {
        route: Route::Recycle,
        gateway_kind: "salvage".into(),
        card_fingerprint: format!("fp-{number}"),
        deadline: Some(at(1_000)),
        ..attempt(ours(), number, number)
    };
    let steps =
        [subscriptions::insert(subscription), payments::insert(&debt, at(0)), attempts::insert(&open)];
    write_all(store, steps).await.unwrap();
}

async fn write_subscriptions(store: &Store) {
    let (bill, subscription) = cycle_of(200);
    write(store, subscriptions::insert(&subscription)).await.unwrap();
    bill.write(store).await;
    told(store, 200).await;

    // The completion of a trial, on the order that began it.
    sale(210).write(store).await;
    let (mut bill, mut subscription) = cycle_of(212);
    subscription.order_id = id(210);
    bill.payment.order_id = id(210);
    bill.attempt.order_id = id(210);
    let settle = attempts::settle(ours(), bill.attempt.id, &bill.outcome, at(2), None);
    let steps = [
        subscriptions::insert(&subscription),
        payments::insert(&bill.payment, at(0)),
        attempts::insert(&bill.attempt),
        settle,
    ];
    write_all(store, steps).await.unwrap();
    told(store, 212).await;

    // A salvage gateway works on one; another one was paused, and the salvage gateway was asked to stop.
    let recycling = Subscription {
        status: SubscriptionStatus::RecycleBilling,
        slot: 4,
        collecting: Some(id(220)),
        next_action_at: None,
        ..crate::subscriptions::subscription(ours(), 225)
    };
    write_salvage(store, 220, &recycling).await;
    let paused = Subscription {
        id: id(235),
        status: SubscriptionStatus::Paused,
        collecting: Some(id(230)),
        ..recycling
    };
    write_salvage(store, 230, &paused).await;
    write(store, attempts::ask_cancel(ours(), id(230), at(5))).await.unwrap();
}

/// A sale refunded in full, and one whose void is under way after a late approval.
async fn write_given_back(store: &Store) {
    sale(170).write(store).await;
    write_refund(store, 170).await;
    let done = Settled { state: "done", gateway_reference: None, code: None, text: None };
    let steps = [
        operations::settle(ours(), id(170), &done, at(20), None),
        attempts::reverse(ours(), id(170), at(20)),
        payments::set_state(ours(), id(170), PaymentState::Reversed, at(20)),
        orders::set_status(ours(), id(170), OrderStatus::Refunded, false, at(20)),
    ];
    write_all(store, steps).await.unwrap();

    sale(180).write(store).await;
    write_refund(store, 180).await;
    let steps = [
        payments::set_state(ours(), id(180), PaymentState::Declined, at(20)),
        orders::set_status(ours(), id(180), OrderStatus::Declined, false, at(20)),
    ];
    write_all(store, steps).await.unwrap();
}

/// A late approval that nobody has looked at yet, and an open attempt that waits for a person.
async fn write_shown_to_a_person(store: &Store) {
    let mut late = sale(190);
    late.order.status = OrderStatus::Declined;
    late.payment.state = PaymentState::Declined;
    late.write(store).await;
    let alert = Alert {
        merchant_id: ours(),
        id: id(190),
        kind: "late_approval".into(),
        order_id: Some(id(190)),
        attempt_id: Some(id(190)),
        words: "Decide.".into(),
        created_at: at(20),
    };
    write(store, alerts::insert(&alert)).await.unwrap();
    let waiting = Attempt { next_check_at: None, needs_person: true, ..attempt(ours(), 195, 195) };
    write(store, attempts::insert(&waiting)).await.unwrap();
}

/// Plants one fault, around a row of this number.
async fn plant(fault: &str, number: u128, store: &Store, raw: &mut Raw) {
    let mut sale = sale(number);
    match fault {
        "paid_without_approval" => {
            sale.write(store).await;
            write(store, attempts::reverse(ours(), id(number), at(5))).await.unwrap();
        }
        "approval_without_paid" => {
            sale.order.status = OrderStatus::Declined;
            sale.payment.state = PaymentState::Declined;
            sale.write(store).await;
        }
        "complete_without_paid" => {
            write_payment(store, number, OrderStatus::Complete, PaymentState::Declined).await;
        }
        "paid_without_complete" => {
            sale.order.status = OrderStatus::Declined;
            sale.write(store).await;
        }
        "sale_without_event" => {
            sale.has_event = false;
            sale.write(store).await;
        }
        "sale_without_fulfilment" => {
            sale.has_fulfilment = false;
            sale.write(store).await;
        }
        "doubt_without_work" => {
            let forgotten = Attempt { next_check_at: None, ..attempt(ours(), number, number) };
            write(store, attempts::insert(&forgotten)).await.unwrap();
        }
        "salvage_without_decline" => write_cascade(store, number, "salvage", Class::Hard, 20).await,
        "first_charge_after_never" => {
            write_cascade(store, number, "nmi", Class::Soft, 20).await;
            lock(store, number, None).await;
        }
        "rebill_without_event"
        | "rebill_without_order"
        | "cycle_without_payment"
        | "subscription_without_work"
        | "salvage_of_ended"
        | "over_card_cap" => {
            plant_in_billing(fault, number, store).await;
        }
        _ => plant_past_the_store(fault, &sale, store, raw).await,
    }
}

/// Faults of subscriptions and their bills.
async fn plant_in_billing(fault: &str, number: u128, store: &Store) {
    let (bill, paid) = cycle_of(number);
    let alone = subscription(ours(), number);
    match fault {
        "rebill_without_event" => {
            write(store, subscriptions::insert(&Subscription { cycle: 1, ..paid })).await.unwrap();
            bill.write(store).await;
        }
        "rebill_without_order" => {
            let elsewhere = Payment { order_id: id(number + 9), ..bill.payment };
            let steps = [
                subscriptions::insert(&paid),
                payments::insert(&elsewhere, at(0)),
                attempts::insert(&bill.attempt),
                attempts::settle(ours(), bill.attempt.id, &bill.outcome, at(2), None),
            ];
            write_all(store, steps).await.unwrap();
            told(store, number).await;
        }
        "cycle_without_payment" => {
            write(store, subscriptions::insert(&Subscription { cycle: 3, ..alone })).await.unwrap();
        }
        "subscription_without_work" => {
            write(store, subscriptions::insert(&Subscription { next_action_at: None, ..alone }))
                .await
                .unwrap();
        }
        "salvage_of_ended" => {
            let ended = Subscription {
                status: SubscriptionStatus::Cancelled,
                next_action_at: None,
                ..subscription(ours(), number + 5)
            };
            write_salvage(store, number, &ended).await;
        }
        _ => {
            for tried in 1..=15 {
                let earlier = Attempt {
                    card_fingerprint: format!("fp-{number}"),
                    ..attempt(ours(), number + tried, number + tried)
                };
                settled(store, &earlier, &declined(Class::Soft)).await;
            }
            let one_more = Attempt { created_at: at(20), ..bill.attempt };
            write(store, attempts::insert(&one_more)).await.unwrap();
        }
    }
}

/// Faults that the store and the schema do not let through.
async fn plant_past_the_store(fault: &str, sale: &Sale, store: &Store, raw: &mut Raw) {
    let row = sale.order.id.uuid();
    sale.write(store).await;
    match fault {
        "paid_twice" => {
            raw.run("DROP INDEX attempts_one_live", &[]).await.unwrap();
            let copy = "INSERT INTO attempts (merchant_id, id, payment_id, order_id, purpose, initiator, route,
                    gateway_id, gateway_kind, amount_minor, currency, card_id, card_fingerprint, why, created_at,
                    state, gateway_reference, approved_minor, settled_at, checks, needs_person)
                SELECT merchant_id, $2, payment_id, order_id, purpose, initiator, route, gateway_id, gateway_kind,
                    amount_minor, currency, card_id, card_fingerprint, why, created_at, state, gateway_reference,
                    approved_minor, settled_at, checks, needs_person
                FROM attempts WHERE id = $1";
            let other = Uuid::from_u128(row.as_u128() + 1);
            assert_eq!(raw.run(copy, &[row, other]).await.unwrap(), 1);
        }
        "operation_without_work" | "given_back_too_much" => {
            write_refund(store, row.as_u128()).await;
            let change = match fault {
                "operation_without_work" => "next_check_at = NULL",
                _ => "amount_minor = 10001",
            };
            let sql = format!("UPDATE operations SET {change} WHERE id = $1");
            assert_eq!(raw.run(&sql, &[row]).await.unwrap(), 1);
        }
        unknown => panic!("no such fault: {unknown}"),
    }
}

const FAULTS: [&str; 18] = [
    "paid_without_approval",
    "approval_without_paid",
    "complete_without_paid",
    "paid_without_complete",
    "sale_without_event",
    "sale_without_fulfilment",
    "doubt_without_work",
    "operation_without_work",
    "given_back_too_much",
    "salvage_without_decline",
    "first_charge_after_never",
    "rebill_without_event",
    "rebill_without_order",
    "cycle_without_payment",
    "subscription_without_work",
    "salvage_of_ended",
    "over_card_cap",
    // Last: no attempt can be written once the index is gone.
    "paid_twice",
];

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_doctor_finds_each_planted_fault_and_nothing_else(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let raw = &mut Raw::open(database.location()).await;
    let check = async || store.list_broken_invariants(&SALVAGE_KINDS).await.unwrap();
    assert_eq!(check().await, (vec![], FAULTS.len()));
    write_healthy(&store).await;
    assert_eq!(check().await, (vec![], FAULTS.len()));

    let mut known: Vec<Broken> = Vec::new();
    for (fault, number) in FAULTS.into_iter().zip((1_000..).step_by(100)) {
        plant(fault, number, &store, raw).await;
        let (found, _) = check().await;
        let new: Vec<_> = found.iter().filter(|one| !known.contains(one)).collect();
        let names: Vec<_> = new.iter().map(|one| (one.invariant.as_str(), one.id.clone())).collect();
        assert_eq!(names, [(fault, OrderId::from_uuid(Uuid::from_u128(number)).base32())]);
        assert_eq!(found.len(), known.len() + 1, "{fault}: what was found before is still found");
        known = found;
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m28_a_locked_card_may_go_to_kinds_that_only_salvage(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    write_cascade(&store, 100, "salvage", Class::Soft, 20).await;
    lock(&store, 100, None).await;
    let found = async |kinds: &[&str]| {
        let (broken, _) = store.list_broken_invariants(kinds).await.unwrap();
        broken.into_iter().map(|one| one.invariant).collect::<Vec<_>>()
    };
    assert_eq!(found(&["other", "salvage"]).await, [""; 0]);
    assert_eq!(found(&["other"]).await, ["first_charge_after_never"]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m28_a_bill_on_a_locked_card_is_found_unless_it_was_handed_over(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    for (number, kind) in [(100, "nmi"), (200, "salvage")] {
        let late = Attempt {
            route: Route::Rebill,
            gateway_kind: kind.into(),
            card_fingerprint: format!("fp-{number}"),
            created_at: at(20),
            ..attempt(ours(), number, number)
        };
        write(&store, attempts::insert(&late)).await.unwrap();
        lock(&store, number, None).await;
    }
    let (broken, _) = store.list_broken_invariants(&SALVAGE_KINDS).await.unwrap();
    let found: Vec<_> = broken.iter().map(|one| (one.invariant.as_str(), one.id.clone())).collect();
    assert_eq!(found, [("first_charge_after_never", OrderId::from_uuid(Uuid::from_u128(100)).base32())]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m28_eight_attempts_of_a_day_are_the_cap_on_mastercard_only(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    for (number, brand) in [(100, "visa"), (200, "mastercard")] {
        let card = cards::Card {
            merchant_id: ours(),
            id: id(number),
            fingerprint: format!("fp-{number}"),
            shown: domain::order::CardShown { brand: brand.into(), ..crate::samples::shown() },
            sealed: vec![1],
        };
        write(&store, cards::upsert(&card, at(0))).await.unwrap();
        let of_card = |tried: u128, secs| Attempt {
            route: Route::Rebill,
            card_id: id(number),
            card_fingerprint: format!("fp-{number}"),
            created_at: at(secs),
            ..attempt(ours(), number + tried, number + tried)
        };
        for tried in 1..=8 {
            settled(&store, &of_card(tried, 1), &declined(Class::Soft)).await;
        }
        write(&store, attempts::insert(&of_card(0, 80_000))).await.unwrap();
        write(&store, attempts::insert(&of_card(9, 90_000))).await.unwrap();
    }
    let (broken, _) = store.list_broken_invariants(&SALVAGE_KINDS).await.unwrap();
    let found: Vec<_> = broken.iter().map(|one| (one.invariant.as_str(), one.id.clone())).collect();
    assert_eq!(found, [("over_card_cap", OrderId::from_uuid(Uuid::from_u128(200)).base32())]);
}
