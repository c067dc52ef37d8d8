//! Managed recoveries: steps, leases, events and copies.

use domain::attempt::Initiator;
use domain::ids::{EventId, MerchantId};
use recoup_storage::platform::{
    self, EventTold, LEASE_LOST, Managed, Move, Recovery, RecoveryState, Transmit, TryResult,
};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, attempts, merchants, payments};
use rstest::rstest;
use uuid::Uuid;

use crate::platform::recovery;
use crate::samples::{assert_conflict, at, attempt, id, payment, usd, write, write_all};

fn fence(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// An open recovery, due at second 60, that expires at second 1,000.
fn open(merchant_id: MerchantId, number: u128) -> Recovery {
    Recovery {
        state: RecoveryState::Open,
        answered: Some("SUBMITTED".into()),
        initiator: Initiator::Merchant,
        managed: Some(Managed {
            expires_at: at(1_000),
            card_id: id(11),
            card_expires: "2031-04".into(),
            steps: 0,
        }),
        due_at: Some(at(60)),
        ..recovery(merchant_id, number)
    }
}

pub(crate) async fn script(store: &Store, ours: MerchantId) {
    steps(store, ours).await;
    told(store, ours).await;
    let transmit = Transmit {
        merchant_id: ours,
        id: Uuid::from_u128(1),
        external_order_id: "sent on".into(),
        is_declined: false,
        amount: usd(1_999),
        details: r#"{"bin":"411111"}"#.into(),
        created_at: at(1),
    };
    write(store, platform::insert_transmit(&transmit)).await.unwrap();
    assert_eq!(store.list_transmits(ours, "sent on", 5).await.unwrap(), [transmit]);
    assert_eq!(store.list_transmits(ours, "other", 5).await.unwrap(), []);
}

async fn steps(store: &Store, ours: MerchantId) {
    let one = open(ours, 101);
    write(store, platform::insert_recovery(&one, "")).await.unwrap();
    assert_eq!(store.find_recovery(ours, one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(store.next_due_recovery().await.unwrap(), Some(at(60)));
    assert_eq!(store.list_merchants_with_due_recoveries(at(59), 10).await.unwrap(), []);
    assert_eq!(store.list_merchants_with_due_recoveries(at(60), 10).await.unwrap(), [ours]);
    let claim = async |secs, by| {
        let until = at(secs + 30);
        store.acquire_due_recoveries(ours, at(secs), until, fence(by), 10).await.unwrap()
    };
    assert_eq!(claim(60, 1).await.as_slice(), std::slice::from_ref(&one));
    assert_eq!(claim(61, 2).await, []);
    assert_eq!(claim(90, 2).await.as_slice(), std::slice::from_ref(&one));
    let begin = |by| platform::begin_step(ours, one.id, fence(by), at(200), "Step.", at(91));
    assert_conflict(write(store, begin(1)).await, LEASE_LOST);
    write(store, begin(2)).await.unwrap();
    assert_conflict(write(store, begin(2)).await, LEASE_LOST);
    let now = store.find_recovery(ours, one.id).await.unwrap().unwrap();
    assert_eq!((now.managed.unwrap().steps, now.due_at, now.reason.as_str()), (1, Some(at(200)), "Step."));

    write(store, platform::hurry_recoveries(ours, "order-101", at(95))).await.unwrap();
    assert_eq!(claim(95, 3).await.len(), 1);
    let postpone = |by, why| platform::postpone_recovery(ours, one.id, fence(by), at(300), why, at(96));
    write(store, postpone(2, Some("Nobody hears this."))).await.unwrap();
    write(store, postpone(3, None)).await.unwrap();
    let now = store.find_recovery(ours, one.id).await.unwrap().unwrap();
    assert_eq!((now.due_at, now.reason.as_str()), (Some(at(300)), "Step."));
    assert_eq!(claim(300, 4).await.len(), 1);

    let way = Move {
        from: &[RecoveryState::Open],
        to: RecoveryState::Expired,
        answered: None,
        reason: "Over.",
        due_at: None,
    };
    write(store, platform::move_recovery(ours, one.id, way, at(301))).await.unwrap();
    let now = store.find_recovery(ours, one.id).await.unwrap().unwrap();
    assert_eq!((now.state, now.due_at), (RecoveryState::Expired, None));
    assert_eq!(claim(9_999, 5).await, []);
}

async fn told(store: &Store, ours: MerchantId) {
    let event = |number: u128, kind, only_in| EventTold {
        id: id::<EventId>(number),
        subject_id: Uuid::from_u128(101),
        kind,
        event_data: None,
        only_in,
        at: at(400),
    };
    let tell = async |event: &EventTold<'_>| {
        write(store, platform::insert_event(ours, id(101), event)).await.unwrap();
    };
    tell(&event(1, "order.completed", Some(RecoveryState::Approved))).await;
    tell(&event(2, "order.expired", Some(RecoveryState::Expired))).await;
    tell(&event(3, "order.expired", Some(RecoveryState::Expired))).await;
    let data = Some(r#"{"amount":5}"#.to_owned());
    let refund = EventTold { event_data: data.clone(), ..event(4, "order.refunded", None) };
    tell(&EventTold { subject_id: Uuid::from_u128(7), ..refund }).await;
    let list = async || store.list_platform_events(ours, id(101)).await.unwrap();
    let kinds: Vec<_> = list().await.into_iter().map(|one| (one.kind, one.event_data)).collect();
    assert_eq!(kinds, [("order.expired".to_owned(), None), ("order.refunded".to_owned(), data)]);

    assert_eq!(store.next_due_platform_event().await.unwrap(), Some(at(400)));
    assert_eq!(store.list_merchants_with_due_platform_events(at(399), 10).await.unwrap(), []);
    assert_eq!(store.list_merchants_with_due_platform_events(at(400), 10).await.unwrap(), [ours]);
    let claim = async |secs, by| {
        let until = at(secs + 30);
        store.acquire_due_platform_events(ours, at(secs), until, fence(by), 10).await.unwrap()
    };
    assert_eq!(claim(400, 1).await, list().await);
    assert_eq!(claim(410, 2).await, []);
    let record = async |number, by, result| {
        write(store, platform::record_try(ours, id(number), fence(by), result, "HTTP 503")).await.unwrap();
    };
    let foreign = platform::record_try(ours, id(2), fence(9), TryResult::Delivered, "HTTP 200");
    assert_conflict(write(store, foreign).await, platform::TRY_LOST);
    record(2, 1, TryResult::Again(at(500))).await;
    record(4, 1, TryResult::Unaddressed).await;
    let now: Vec<_> = list().await.into_iter().map(|one| (one.state, one.tries, one.next_try_at)).collect();
    assert_eq!(now, [("waiting".to_owned(), 1, Some(at(500))), ("unaddressed".to_owned(), 0, None)]);
    write(store, platform::address_events(ours, at(450), at(401))).await.unwrap();
    assert_eq!(list().await[1].state, "unaddressed", "told before that");
    write(store, platform::address_events(ours, at(501), at(400))).await.unwrap();
    let told = list().await.remove(1);
    assert_eq!((told.state.as_str(), told.next_try_at), ("waiting", Some(at(501))));
    assert_eq!(claim(500, 2).await.len(), 1);
    record(2, 2, TryResult::Later(at(502))).await;
    assert_eq!(claim(501, 2).await.len(), 1, "the one that has an address now");
    record(4, 2, TryResult::Unaddressed).await;
    assert_eq!(claim(502, 2).await.len(), 1);
    record(2, 2, TryResult::Later(at(501))).await;
    assert_eq!(claim(501, 2).await[0].tries, 1);
    record(2, 2, TryResult::GivenUp).await;
    assert_eq!(claim(999, 3).await, []);
    assert_eq!(list().await[0].last_result, "HTTP 503");
}

/// Leases due recoveries, two at a time, until there are none.
async fn take_all(store: Store, by: u128) -> usize {
    let mut taken = 0;
    loop {
        let lot = store.acquire_due_recoveries(id(1), at(60), at(90), fence(by), 2).await.unwrap();
        if lot.is_empty() {
            return taken;
        }
        taken += lot.len();
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn racing_workers_never_hold_the_same_recovery_and_leave_none(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    write_all(&store, (1..=30).map(|number| platform::insert_recovery(&open(id(1), number), "")))
        .await
        .unwrap();
    let workers: Vec<_> = (1..=4).map(|by| tokio::spawn(take_all(store.clone(), by))).collect();
    let mut taken = 0;
    for worker in workers {
        taken += worker.await.unwrap();
    }
    assert_eq!(taken, 30);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_doctor_finds_each_planted_fault_of_managed_recoveries(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    write(&store, merchants::insert(id(1), "Shop", at(0))).await.unwrap();
    let names = async || {
        let (broken, _) = store.list_broken_recoveries().await.unwrap();
        broken.into_iter().map(|one| one.invariant).collect::<Vec<_>>()
    };
    write(&store, platform::insert_recovery(&open(id(1), 1), "")).await.unwrap();
    write(&store, payments::insert(&payment(id(1), 1), at(0))).await.unwrap();
    assert_eq!(names().await, [""; 0]);
    let late = domain::attempt::Attempt { created_at: at(1_000), ..attempt(id(1), 1, 1) };
    write(&store, attempts::insert(&late)).await.unwrap();
    assert_eq!(names().await, ["attempt_after_expiry"]);
    let unheard = Recovery { state: RecoveryState::Expired, due_at: None, ..open(id(1), 2) };
    write(&store, platform::insert_recovery(&unheard, "")).await.unwrap();
    assert_eq!(names().await, ["ended_without_event", "attempt_after_expiry"]);
}
