//! Attempts read back in every state, and are found by order, payment, card and due time.

use domain::attempt::{Attempt, AttemptState, Doubt, Initiator, Lapse, LapseCause, Outcome, Purpose, Route};
use domain::declines::{Class, Reason};
use domain::ids::MerchantId;
use jiff::Timestamp;
use recoup_storage::attempts::{self, InDoubt, SETTLED_BEFORE};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Step, Store, merchants};
use rstest::rstest;
use uuid::Uuid;

use crate::samples::{approved, assert_conflict, at, attempt, declined, id, not_sent, settled, usd, write};

/// An answer that was lost, at this moment.
pub(crate) fn in_doubt(since: Timestamp) -> InDoubt {
    InDoubt {
        doubt: Doubt::LostAnswer,
        since,
        gateway_reference: None,
        text: None,
        checks: 1,
        next_check_at: Some(at(70)),
        fence_unknown_at: None,
        needs_person: false,
    }
}

fn doubt(attempt: &Attempt, known: &InDoubt) -> Step {
    attempts::doubt(attempt.merchant_id, attempt.id, known, None)
}

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(2_001);
    intents(store, ours).await;
    outcomes(store, ours).await;
    doubts(store, ours).await;
    found(store, ours).await;
    due(store, ours).await;
    counted(store, ours).await;
}

/// Every attempt is counted once.
async fn counted(store: &Store, ours: MerchantId) {
    let counts = store.count_attempts_by_route(ours).await.unwrap();
    assert!(counts.len() > 3, "{counts:?}");
    assert!(counts.iter().all(|one| one.count > 0));
    assert_eq!(store.count_attempts_by_route(id(404)).await.unwrap(), []);
}

async fn read(store: &Store, attempt: &Attempt) -> Attempt {
    store.find_attempt(attempt.merchant_id, attempt.id).await.unwrap().unwrap()
}

/// Every word of every enum, every field.
async fn intents(store: &Store, ours: MerchantId) {
    let routes = Route::ALL.iter().zip(1_u128..);
    for (route, number) in routes {
        let is_even = number % 2 == 0;
        let intent = Attempt {
            purpose: if is_even { Purpose::Hold } else { Purpose::Collect },
            initiator: if is_even { Initiator::Merchant } else { Initiator::Customer },
            route: *route,
            salvages: is_even.then(|| id(5)),
            amount: usd(i64::MAX),
            why: "“Nächstes” 'gateway'".into(),
            next_check_at: is_even.then(|| at(99_999)),
            needs_person: is_even,
            ..attempt(ours, number, number)
        };
        write(store, attempts::insert(&intent)).await.unwrap();
        assert_eq!(read(store, &intent).await, intent);
    }
    assert_eq!(store.find_attempt(id(2_002), id(1)).await.unwrap(), None);
    let other: MerchantId = id(7_777);
    write(store, merchants::insert(other, "Other", at(0))).await.unwrap();
    write(store, attempts::insert(&Attempt { next_check_at: None, ..attempt(other, 901, 901) }))
        .await
        .unwrap();
    assert!(store.is_attempt_known(id(901)).await.unwrap());
    assert!(!store.is_attempt_known(id(987_654)).await.unwrap());
}

async fn outcomes(store: &Store, ours: MerchantId) {
    let refused = Outcome::NotExecuted(Lapse {
        cause: LapseCause::Refused,
        reason: Reason::parse("merchant_config"),
        code: "300".into(),
        text: "Authentication Failed".into(),
    });
    let outcomes = [approved(), declined(Class::Soft), declined(Class::Hard), not_sent(), refused];
    for (outcome, number) in outcomes.into_iter().zip(20..) {
        let intent = attempt(ours, number, number);
        settled(store, &intent, &outcome).await;
        let state = AttemptState::Sending.settle(outcome.clone(), at(2)).unwrap();
        let wanted = Attempt { state, next_check_at: None, ..intent.clone() };
        assert_eq!(read(store, &intent).await, wanted);
        let again = attempts::settle(ours, intent.id, &outcome, at(3), None);
        assert_conflict(write(store, again).await, SETTLED_BEFORE);
        assert_conflict(write(store, doubt(&intent, &in_doubt(at(3)))).await, "doubt_attempt");
        assert_conflict(write(store, attempts::wait(ours, intent.id, at(9))).await, "wait_attempt");
        assert_eq!(read(store, &intent).await, wanted);
    }
    write(store, attempts::reverse(ours, id(20), at(8))).await.unwrap();
    assert_conflict(write(store, attempts::reverse(ours, id(20), at(9))).await, "reverse_attempt");
    assert_conflict(write(store, attempts::reverse(ours, id(21), at(9))).await, "reverse_attempt");
    let undone = store.find_attempt(ours, id(20)).await.unwrap().unwrap();
    assert!(matches!(undone.state, AttemptState::Approved { reversed_at: Some(when), .. } if when == at(8)));
}

/// The first doubt and the first "unknown" of a fence stay; the rest is as last known.
async fn doubts(store: &Store, ours: MerchantId) {
    let intent = attempt(ours, 30, 30);
    write(store, attempts::insert(&intent)).await.unwrap();
    write(store, attempts::wait(ours, intent.id, at(65))).await.unwrap();
    assert_eq!(read(store, &intent).await, Attempt { next_check_at: Some(at(65)), ..intent.clone() });

    let first = InDoubt { fence_unknown_at: Some(at(40)), ..in_doubt(at(30)) };
    write(store, doubt(&intent, &first)).await.unwrap();
    let second = InDoubt {
        doubt: Doubt::Unclear,
        gateway_reference: Some("g-1".into()),
        text: Some("unclear".into()),
        checks: 2,
        next_check_at: None,
        fence_unknown_at: Some(at(50)),
        needs_person: true,
        ..in_doubt(at(45))
    };
    write(store, doubt(&intent, &second)).await.unwrap();
    let wanted = Attempt {
        state: AttemptState::InDoubt { doubt: Doubt::LostAnswer, since: at(30) },
        checks: 2,
        next_check_at: None,
        needs_person: true,
        ..intent.clone()
    };
    assert_eq!(read(store, &intent).await, wanted);
    let facts = store.find_fence_facts(ours, intent.id).await.unwrap();
    assert_eq!(facts, (Some(at(40)), Some("g-1".into())));
    assert_eq!(store.find_fence_facts(ours, id(999)).await.unwrap(), (None, None));
    assert_eq!(store.list_attempts_in_doubt(ours, 10).await.unwrap(), [wanted]);

    write(store, attempts::settle(ours, intent.id, &declined(Class::Soft), at(60), None)).await.unwrap();
    assert!(!read(store, &intent).await.needs_person);
    assert_eq!(store.list_attempts_in_doubt(ours, 10).await.unwrap(), []);
    for (one, number) in Doubt::ALL.into_iter().zip(31..) {
        let intent = attempt(ours, number, number);
        write(store, attempts::insert(&intent)).await.unwrap();
        write(store, doubt(&intent, &InDoubt { doubt: one, ..in_doubt(at(1)) })).await.unwrap();
        let state = AttemptState::InDoubt { doubt: one, since: at(1) };
        assert_eq!(read(store, &intent).await.state, state);
    }
}

async fn found(store: &Store, ours: MerchantId) {
    let of_card = |number, payment, secs| Attempt {
        card_fingerprint: "counted".into(),
        order_id: id(40),
        created_at: at(secs),
        next_check_at: None,
        ..attempt(ours, number, payment)
    };
    settled(store, &of_card(42, 40, 10), &declined(Class::Soft)).await;
    settled(store, &of_card(41, 40, 20), &not_sent()).await;
    settled(store, &of_card(43, 44, 30), &approved()).await;

    let ids = |list: Vec<Attempt>| list.iter().map(|one| one.id.uuid().as_u128()).collect::<Vec<_>>();
    assert_eq!(ids(store.list_attempts_of_order(ours, id(40)).await.unwrap()), [42, 41, 43]);
    assert_eq!(ids(store.list_attempts_of_payment(ours, id(40)).await.unwrap()), [42, 41]);
    // What provably never reached the issuer is not counted.
    let count = async |day, month| store.count_attempts_of_card(ours, "counted", day, month).await.unwrap();
    assert_eq!(count(at(0), at(0)).await, (2, 2));
    assert_eq!(count(at(30), at(10)).await, (1, 2));
    assert_eq!(count(at(31), at(31)).await, (0, 0));
    assert_eq!(store.count_attempts_of_card(ours, "never", at(0), at(0)).await.unwrap(), (0, 0));

    let room =
        async |caps| write(store, attempts::require_card_caps(ours, "counted", at(30), at(0), caps)).await;
    assert!(room((2, 3)).await.is_ok());
    for full in [(1, 3), (2, 2)] {
        assert!(room(full).await.unwrap_err().is_conflict_in(attempts::OVER_CARD_CAPS), "{full:?}");
    }
    let gateway = attempt(ours, 43, 44).gateway_id;
    let open = store.find_open_attempt_at(ours, gateway).await.unwrap();
    assert!(open.is_some_and(|id| id.uuid().as_u128() != 43), "{open:?}");
    assert_eq!(store.find_open_attempt_at(ours, id(4_711)).await.unwrap(), None);
    let charged = store.list_net_charged("nmi").await.unwrap();
    assert!(charged.contains(&(id(43), attempt(ours, 43, 44).amount.minor())), "{charged:?}");
    assert_eq!(store.list_net_charged("nobody").await.unwrap(), []);
}

async fn due(store: &Store, ours: MerchantId) {
    let (early, late): (MerchantId, MerchantId) = (id(2_003), id(2_004));
    let due = |merchant_id, secs| Attempt { next_check_at: Some(at(secs)), ..attempt(merchant_id, 1, 1) };
    write(store, attempts::insert(&due(late, 5))).await.unwrap();
    write(store, attempts::insert(&due(early, 4))).await.unwrap();
    let with_due = async |secs| store.list_merchants_with_due_attempts(at(secs), 10).await.unwrap();
    assert_eq!(with_due(3).await, []);
    assert_eq!(with_due(5).await, [early, late]);
    assert_eq!(with_due(70).await, [early, late, ours]);
    assert_eq!(store.next_due_attempt().await.unwrap(), Some(at(4)));
    let leased = store.acquire_due_attempts(early, at(4), at(34), Uuid::from_u128(1), 10).await.unwrap();
    assert_eq!(leased, [due(early, 4)]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn attempts_read_back_in_every_state(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_open_salvage_reads_back_and_an_empty_database_has_nothing_due(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    assert_eq!(store.next_due_attempt().await.unwrap(), None);
    assert_eq!(store.next_due_operation().await.unwrap(), None);

    let ours: MerchantId = id(1);
    let open = Attempt { deadline: Some(at(900)), ..attempt(ours, 1, 1) };
    write(&store, attempts::insert(&open)).await.unwrap();
    write(&store, attempts::pend(ours, id(1), "salvage-1", at(600), None, at(2))).await.unwrap();
    let state = store.find_attempt(ours, id(1)).await.unwrap().unwrap().state;
    assert_eq!(state, AttemptState::Pending { reference: "salvage-1".into(), since: at(1) });
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_outcome_with_a_nul_in_its_words_is_kept_readable(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let Outcome::NotExecuted(lapse) = not_sent() else { panic!("not sent is not executed") };
    let odd = Outcome::NotExecuted(Lapse { text: "a\0b".into(), ..lapse });
    settled(&store, &attempt(id(1), 1, 1), &odd).await;
    let state = store.find_attempt(id(1), id(1)).await.unwrap().unwrap().state;
    assert!(matches!(state, AttemptState::NotExecuted { lapse, .. } if lapse.text == "a\u{FFFD}b"));
}
