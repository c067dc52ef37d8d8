//! Reports from gateways are kept first, believed once, leased, and end once.

use domain::attempt::{Approval, Attempt, Outcome};
use domain::ids::{GatewayId, InboundReportId, MerchantId};
use recoup_storage::alerts::Alert;
use recoup_storage::inbound_reports::{
    self, Ended, InboundReport, LEASE_LOST, Named, ReportState, SEEN_BEFORE, alert_once,
};
use recoup_storage::late_approvals::{self, LateApproval, LateState};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, attempts, merchants};
use rstest::rstest;
use uuid::Uuid;

use crate::samples::{approved, assert_conflict, at, attempt, id, usd, write, write_all};

fn report(merchant_id: MerchantId, number: u128) -> InboundReport {
    InboundReport {
        merchant_id,
        id: id(number),
        gateway_id: id(9),
        received_at: at(i64::try_from(number).unwrap()),
        headers: vec![("x-nonce".into(), "“1”".into()), ("x-date".into(), "2".into())],
        host: "hooks.example.test".into(),
        body: vec![0, 159, 146, 150, b'{'],
        kind: String::new(),
        reference: String::new(),
        gateway_reference: String::new(),
        state: ReportState::Received,
        effect: String::new(),
        attempt_id: None,
        operation_id: None,
        tries: 0,
        next_try_at: Some(at(i64::try_from(number).unwrap())),
    }
}

fn fence(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn ended(state: ReportState) -> Ended {
    Ended { state, effect: "Done.".into(), attempt_id: Some(id(5)), operation_id: Some(id(6)) }
}

async fn keep(store: &Store, report: &InboundReport) {
    write(store, inbound_reports::insert(report, at(100), fence(1))).await.unwrap();
}

fn named(signature: &str) -> Named<'_> {
    Named { signature, kind: "completed", reference: "ref", gateway_reference: "ff-1" }
}

pub(crate) async fn script(store: &Store) {
    let (ours, gateway): (MerchantId, GatewayId) = (id(98_001), id(9));
    let read = async |number| store.find_inbound_report(ours, id(number)).await.unwrap();
    keep(store, &report(ours, 1)).await;
    assert_eq!(read(1).await, Some(report(ours, 1)));
    assert_eq!(store.find_inbound_report(id(98_002), id(1)).await.unwrap(), None);

    let name = |number, signature, holder| {
        inbound_reports::name(ours, gateway, id::<InboundReportId>(number), named(signature), fence(holder))
    };
    write_all(store, name(1, "s-1", 1)).await.unwrap();
    write_all(store, name(1, "s-1", 1)).await.unwrap();
    assert_conflict(write_all(store, name(1, "s-1", 2)).await, "name_inbound_report");
    keep(store, &report(ours, 2)).await;
    assert_conflict(write_all(store, name(2, "s-1", 1)).await, SEEN_BEFORE);
    write(store, inbound_reports::discard(ours, id(2), fence(2))).await.unwrap();
    assert!(read(2).await.is_some(), "only its holder forgets it");
    write(store, inbound_reports::discard(ours, id(2), fence(1))).await.unwrap();
    assert_eq!(read(2).await, None);

    write(store, inbound_reports::wait(ours, id(1), "Later.", at(50), fence(1))).await.unwrap();
    let waiting = read(1).await.unwrap();
    assert_eq!((waiting.effect.as_str(), waiting.tries, waiting.next_try_at), ("Later.", 1, Some(at(50))));
    assert_eq!((waiting.kind.as_str(), waiting.gateway_reference.as_str()), ("completed", "ff-1"));
    due(store, ours).await;
    lists(store, ours).await;
    alerts(store, ours).await;
    about(store).await;
}

async fn about(store: &Store) {
    let (ours, theirs): (MerchantId, MerchantId) = (id(98_003), id(98_004));
    let salvaging = |merchant_id, number, gateway: u128, reference: &str| {
        let decline = attempt(merchant_id, number + 50, number + 50);
        let one = Attempt {
            gateway_id: id(gateway),
            salvages: Some(decline.id),
            ..attempt(merchant_id, number, number)
        };
        let Outcome::Approved(approval) = approved() else { panic!("an approval") };
        let outcome = Outcome::Approved(Approval { reference: reference.into(), ..approval });
        [attempts::insert(&one), attempts::settle(merchant_id, one.id, &outcome, at(2), None)]
    };
    for (merchant, number, gateway, reference) in
        [(ours, 1, 9, "ff-1"), (ours, 2, 9, "ff-2"), (ours, 3, 8, "ff-1"), (theirs, 4, 9, "ff-1")]
    {
        write_all(store, salvaging(merchant, number, gateway, reference)).await.unwrap();
    }
    // An ordinary sale, whose gateway may count from one too.
    let sale = attempt(ours, 5, 5);
    let Outcome::Approved(approval) = approved() else { panic!("an approval") };
    let outcome = Outcome::Approved(Approval { reference: "ff-1".into(), ..approval });
    write_all(store, [attempts::insert(&sale), attempts::settle(ours, sale.id, &outcome, at(2), None)])
        .await
        .unwrap();
    let late = LateApproval {
        merchant_id: ours,
        attempt_id: id(6),
        order_id: id(6),
        gateway_id: id(9),
        gateway_reference: "ff-2".into(),
        amount: usd(1),
        seen_at: at(1),
        state: LateState::Waiting,
        words: String::new(),
        tries: 0,
        next_action_at: Some(at(1_000_000)),
    };
    write(store, late_approvals::insert(&late)).await.unwrap();
    let named = async |merchant, gateway, reference, limit| {
        let found =
            store.list_attempts_by_gateway_reference(merchant, gateway, reference, limit).await.unwrap();
        found.into_iter().map(|one| one.uuid().as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(
        named(ours, id(9), "ff-1", 9).await,
        [1],
        "neither a sale, nor another gateway's, nor another merchant's"
    );
    assert_eq!(named(ours, id(9), "ff-2", 9).await, [2, 6], "late approvals too");
    assert_eq!(named(ours, id(9), "ff-2", 1).await, [2]);
    assert_eq!(named(theirs, id(9), "ff-1", 9).await, [4]);
    assert_eq!(named(ours, id(9), "ff-3", 9).await, [0_u128; 0]);
    assert_eq!(named(ours, id(9), "", 9).await, [0_u128; 0], "an empty id names nothing");
}

async fn due(store: &Store, ours: MerchantId) {
    assert_eq!(store.next_due_report().await.unwrap(), Some(at(50)));
    let merchants = async |now| store.list_merchants_with_due_reports(at(now), 10).await.unwrap();
    assert_eq!((merchants(49).await, merchants(50).await), (vec![], vec![ours]));
    let claim =
        async |now, holder| store.acquire_due_reports(ours, at(now), at(90), fence(holder), 5).await.unwrap();
    assert_eq!(claim(60, 3).await.len(), 1);
    assert_eq!((claim(61, 4).await.len(), merchants(61).await), (0, vec![]), "it is leased");
    let end = |holder| inbound_reports::end(ours, id(1), &ended(ReportState::Applied), fence(holder));
    assert_conflict(write(store, end(4)).await, LEASE_LOST);
    assert_eq!(claim(91, 4).await.len(), 1, "the lease has ended");
    assert_conflict(write(store, end(3)).await, LEASE_LOST);
    write(store, end(4)).await.unwrap();
    assert_conflict(write(store, end(4)).await, LEASE_LOST);
    let done = store.find_inbound_report(ours, id(1)).await.unwrap().unwrap();
    assert_eq!((done.state, done.next_try_at, done.tries), (ReportState::Applied, None, 2));
    assert_eq!(store.list_reported_operations(ours, id(5)).await.unwrap(), [id(6)]);
    assert_eq!(store.list_reported_operations(ours, id(6)).await.unwrap(), []);
}

async fn lists(store: &Store, ours: MerchantId) {
    for number in 11..=14 {
        keep(store, &report(ours, number)).await;
        let refused = ended(ReportState::Refused);
        write(store, inbound_reports::end(ours, id(number), &refused, fence(1))).await.unwrap();
    }
    write(store, inbound_reports::trim_refused(ours, id(9), 3)).await.unwrap();
    let list = async |state, before, limit| {
        let found = store.list_inbound_reports(ours, state, before, limit).await.unwrap();
        found.into_iter().map(|one| one.id.uuid().as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 9).await, [14, 13, 12, 1]);
    assert_eq!(list(Some(ReportState::Refused), None, 2).await, [14, 13]);
    assert_eq!(list(None, Some((at(13), Uuid::from_u128(13))), 9).await, [12, 1]);
    assert_eq!(store.find_merchant_of_gateway(id(98_999)).await.unwrap(), None);
}

async fn alerts(store: &Store, ours: MerchantId) {
    write(store, merchants::insert(ours, "Shop", at(0))).await.unwrap();
    let alert = |number, attempt: Option<u128>, words: &str| Alert {
        merchant_id: ours,
        id: id(number),
        kind: "unmatched_report".into(),
        order_id: None,
        attempt_id: attempt.map(id),
        words: words.into(),
        created_at: at(1),
    };
    for (number, attempt, words) in
        [(1, None, "a"), (2, None, "a"), (3, None, "b"), (4, Some(7), "a"), (5, Some(7), "c")]
    {
        write(store, alert_once(&alert(number, attempt, words))).await.unwrap();
    }
    let open = store.list_open_alerts(ours, 10).await.unwrap();
    assert_eq!(open, [alert(1, None, "a"), alert(3, None, "b"), alert(4, Some(7), "a")]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r135_a_report_is_kept_first_believed_once_and_ends_once(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r135_of_sixteen_racing_repetitions_one_is_believed(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let ours: MerchantId = id(1);
    let racing: Vec<_> = (1..=16_u128)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                keep(&store, &report(ours, number)).await;
                let steps = inbound_reports::name(ours, id(9), id(number), named("same"), fence(1));
                write_all(&store, steps).await
            })
        })
        .collect();
    let mut won = 0;
    for one in racing {
        match one.await.unwrap() {
            Ok(()) => won += 1,
            lost => assert_conflict(lost, SEEN_BEFORE),
        }
    }
    assert_eq!(won, 1);
}
