//! Late approvals, chargebacks and refunds that somebody else made: recorded once, ended once.

use domain::ids::MerchantId;
use recoup_storage::chargebacks::{self, Chargeback, MARKED_BEFORE, NOT_MARKED};
use recoup_storage::late_approvals::{
    self, ENDED_BEFORE, LateApproval, LateState, NOT_BEGUN, NOT_WAITING, RECORDED_BEFORE,
};
use recoup_storage::operations::{self, BOOKED_BEFORE, MORE_THAN_TAKEN, NOT_APPROVED, Operation};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, alerts, attempts};
use rstest::rstest;
use uuid::Uuid;

use crate::samples::{
    approved, assert_conflict, at, attempt, event, id, refund, settled, usd, write, write_all,
};

fn late(merchant_id: MerchantId, number: u128, due: i64) -> LateApproval {
    LateApproval {
        merchant_id,
        attempt_id: id(number),
        order_id: id(number),
        gateway_id: id(9),
        gateway_reference: "ff-1".into(),
        amount: usd(10_000),
        seen_at: at(i64::try_from(number).unwrap()),
        state: LateState::Waiting,
        words: "Approved late.".into(),
        tries: 0,
        next_action_at: Some(at(due)),
    }
}

fn fence(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(98_101);
    given_back(store, ours).await;
    kept(store, ours).await;
    charged_back(store, ours).await;
    booked(store, ours).await;
}

async fn given_back(store: &Store, ours: MerchantId) {
    write(store, late_approvals::insert(&late(ours, 1, 30))).await.unwrap();
    // No attempt of this debt came late.
    write(store, late_approvals::refuse_undecided(ours, id(404))).await.unwrap();
    assert_conflict(write(store, late_approvals::insert(&late(ours, 1, 5))).await, RECORDED_BEFORE);
    let read = async || store.find_late_approval(ours, id(1)).await.unwrap().unwrap();
    assert_eq!(read().await, late(ours, 1, 30));
    assert_eq!(store.next_due_late_approval().await.unwrap(), Some(at(30)));
    let merchants = async |now| store.list_merchants_with_due_late_approvals(at(now), 10).await.unwrap();
    assert_eq!((merchants(29).await, merchants(30).await), (vec![], vec![ours]));
    write(store, late_approvals::hurry(ours, id(1), at(20))).await.unwrap();
    let claim = async |now, holder| {
        store.acquire_due_late_approvals(ours, at(now), at(now + 10), fence(holder), 5).await.unwrap().len()
    };
    assert_eq!((claim(21, 1).await, claim(22, 2).await), (1, 0));
    let begin = |holder| late_approvals::begin(ours, id(1), fence(holder), at(40));
    assert_conflict(write(store, begin(2)).await, NOT_BEGUN);
    write(store, begin(1)).await.unwrap();
    assert_eq!(read().await.state, LateState::Sending);
    assert_conflict(write(store, late_approvals::keep(ours, id(1), "", at(50))).await, NOT_WAITING);
    assert_eq!((claim(39, 2).await, claim(41, 2).await), (0, 1), "the lease was kept for the call");
    let wait = |holder| late_approvals::wait(ours, id(1), fence(holder), LateState::InDoubt, "Lost.", at(60));
    write(store, wait(1)).await.unwrap();
    assert_eq!(read().await.state, LateState::Sending, "the lease is somebody else's");
    write(store, wait(2)).await.unwrap();
    assert_eq!((read().await.state, read().await.tries), (LateState::InDoubt, 1));
    let end = late_approvals::end(ours, id(1), None, "Given back.", at(61));
    write(store, end.clone()).await.unwrap();
    assert_conflict(write(store, end).await, ENDED_BEFORE);
    assert_eq!((read().await.state, read().await.next_action_at), (LateState::GivenBack, None));
}

async fn kept(store: &Store, ours: MerchantId) {
    write(store, late_approvals::insert(&late(ours, 2, 30))).await.unwrap();
    let alert = alerts::Alert {
        merchant_id: ours,
        id: id(1),
        kind: "late_approval".into(),
        order_id: None,
        attempt_id: Some(id(2)),
        words: "Look.".into(),
        created_at: at(1),
    };
    write(store, alerts::insert(&alert)).await.unwrap();
    let kept = alert.clone();
    let close = |kind| late_approvals::close_alerts(ours, id(2), kind, "Kept.", at(3));
    write(store, close("other")).await.unwrap();
    assert_eq!(store.list_open_alerts(ours, 9).await.unwrap(), [alert]);
    let keep = || late_approvals::keep(ours, id(2), "Kept.", at(2));
    write_all(store, [keep(), close("late_approval")]).await.unwrap();
    assert_eq!(store.list_open_alerts(ours, 9).await.unwrap(), []);
    let other = alerts::Alert { id: id(9_001), kind: "reconciliation".to_owned(), ..kept };
    write(store, alerts::insert(&other)).await.unwrap();
    write(store, alerts::close(ours, other.id, at(4))).await.unwrap();
    assert_conflict(write(store, alerts::close(ours, other.id, at(5))).await, alerts::NOT_OPEN);
    assert_eq!(store.list_open_alerts(ours, 9).await.unwrap(), []);
    assert_eq!(store.list_alert_words(ours, "reconciliation", 5).await.unwrap(), [other.words]);
    assert_conflict(write(store, keep()).await, NOT_WAITING);
    let list = async |state, before| {
        let found = store.list_late_approvals(ours, state, before, 9).await.unwrap();
        found.into_iter().map(|one| one.attempt_id.uuid().as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None).await, [2, 1]);
    assert_eq!(list(Some(LateState::GivenBack), None).await, [1]);
    assert_eq!(list(None, Some((at(2), Uuid::from_u128(2)))).await, [1]);
}

async fn charged_back(store: &Store, ours: MerchantId) {
    let chargeback = Chargeback {
        merchant_id: ours,
        attempt_id: id(3),
        order_id: id(3),
        amount: usd(10_000),
        charged_back_at: at(7),
        reason: "10.4".into(),
        note: "“fraud”".into(),
        source: "report".into(),
        created_at: at(8),
        reverted_at: None,
    };
    let other = Chargeback { attempt_id: id(4), created_at: at(9), ..chargeback.clone() };
    write_all(store, [chargebacks::mark(&chargeback), chargebacks::mark(&other)]).await.unwrap();
    assert_conflict(write(store, chargebacks::mark(&chargeback)).await, MARKED_BEFORE);
    let read = async || store.find_chargeback(ours, id(3)).await.unwrap().unwrap();
    assert_eq!(read().await, chargeback);
    let revert = || chargebacks::revert(ours, id(3), at(10));
    write(store, revert()).await.unwrap();
    assert_conflict(write(store, revert()).await, NOT_MARKED);
    assert_eq!(read().await.reverted_at, Some(at(10)));
    let again = Chargeback { reason: String::new(), ..chargeback.clone() };
    write(store, chargebacks::mark(&again)).await.unwrap();
    assert_eq!(store.list_chargebacks_of_order(ours, id(3)).await.unwrap(), [again.clone(), other.clone()]);
    assert_eq!(store.list_chargebacks(ours, None, 1).await.unwrap(), [other]);
    let before = Some((at(9), Uuid::from_u128(4)));
    assert_eq!(store.list_chargebacks(ours, before, 9).await.unwrap(), [again]);
    for number in [1, 2] {
        write(store, chargebacks::tell(&event(ours, number, "chargeback", id(3)))).await.unwrap();
    }
    let told = store.list_events_of_order(ours, id(3)).await.unwrap();
    assert_eq!(told.len(), 1, "it is told once");
}

async fn booked(store: &Store, ours: MerchantId) {
    settled(store, &attempt(ours, 5, 5), &approved()).await;
    let refund =
        |number, minor| Operation { gateway_reference: Some("r".into()), ..refund(ours, number, 5, minor) };
    let book = async |operation: &Operation| write_all(store, operations::book(operation, at(9))).await;
    book(&refund(50, 4_000)).await.unwrap();
    assert_conflict(book(&refund(50, 4_000)).await, BOOKED_BEFORE);
    assert_conflict(book(&refund(51, 6_001)).await, MORE_THAN_TAKEN);
    let found = store.find_operation(ours, id(50)).await.unwrap().unwrap();
    let wanted = Operation { state: "done".into(), created_at: at(9), sent_at: at(9), ..refund(50, 4_000) };
    assert_eq!(found, wanted);
    book(&refund(51, 6_000)).await.unwrap();
    write(store, attempts::reverse(ours, id(5), at(10))).await.unwrap();
    assert_conflict(book(&refund(52, 1)).await, NOT_APPROVED);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m17_late_approvals_chargebacks_and_external_refunds_are_recorded_once(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}
