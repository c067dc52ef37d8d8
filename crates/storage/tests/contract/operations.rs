//! Captures, voids and refunds read back and end once.

use domain::attempt::{Attempt, Purpose};
use domain::declines::Class;
use domain::ids::MerchantId;
use jiff::Timestamp;
use recoup_storage::operations::{
    self, LIVE_OPERATION_EXISTS, MORE_THAN_TAKEN, NOT_APPROVED, Operation, Settled,
};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, StoreError, attempts};
use rstest::rstest;
use uuid::Uuid;

use crate::attempts::in_doubt;
use crate::samples::{
    approved, assert_conflict, at, attempt, declined, id, refund, settled, write, write_all,
};

/// An end in this state, with everything a gateway may say.
pub(crate) fn ended(state: &'static str) -> Settled {
    Settled {
        state,
        gateway_reference: Some("r-1".into()),
        code: Some("100".into()),
        text: Some("Done — “ok”".into()),
    }
}

async fn begin(store: &Store, operation: &Operation) -> Result<(), StoreError> {
    write_all(store, operations::insert(operation, at(40))).await
}

async fn end(store: &Store, operation: &Operation, state: &'static str) -> Result<(), StoreError> {
    write(store, operations::settle(operation.merchant_id, operation.id, &ended(state), at(20), None)).await
}

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(3_001);
    settled(store, &attempt(ours, 1, 1), &approved()).await;
    one_refund(store, ours).await;
    sums(store, ours).await;
    limits(store, ours).await;
    holds(store, ours).await;
    undoing(store, ours).await;
    due(store, ours).await;
}

/// What an attempt in doubt took is given back once: a void, and a refund only when that was refused.
async fn undoing(store: &Store, ours: MerchantId) {
    write(store, attempts::insert(&attempt(ours, 5, 5))).await.unwrap();
    let undo = async |operation: &Operation| {
        write_all(store, operations::undo(operation, at(40))).await.map(|()| operation.clone())
    };
    let of = |number, kind: &str, minor| Operation { kind: kind.into(), ..refund(ours, number, 5, minor) };
    assert_conflict(undo(&of(50, "void", 1_000)).await.map(|_| ()), operations::NOT_IN_DOUBT);
    write(store, attempts::doubt(ours, id(5), &in_doubt(at(12)), None)).await.unwrap();
    assert_conflict(undo(&of(50, "void", 1_000_000)).await.map(|_| ()), operations::UNDOING_EXISTS);
    let void = undo(&of(50, "void", 1_000)).await.unwrap();
    assert_eq!(store.find_operation(ours, void.id).await.unwrap(), Some(void.clone()));
    assert_conflict(undo(&of(51, "refund", 1_000)).await.map(|_| ()), operations::UNDOING_EXISTS);
    end(store, &void, "refused").await.unwrap();
    let first = undo(&of(51, "refund", 1_000)).await.unwrap();
    end(store, &first, "not_executed").await.unwrap();
    let second = undo(&of(52, "refund", 1_000)).await.unwrap();
    end(store, &second, "refused").await.unwrap();
    assert_conflict(undo(&of(53, "refund", 1_000)).await.map(|_| ()), operations::UNDOING_EXISTS);
    write(store, attempts::settle(ours, id(5), &declined(Class::Soft), at(20), None)).await.unwrap();
    assert_conflict(undo(&of(53, "refund", 1_000)).await.map(|_| ()), operations::NOT_IN_DOUBT);
}

/// In doubt until then; without a time a person is called.
fn doubtful(text: &str, checks: i64, next_check_at: Option<Timestamp>) -> operations::Doubtful {
    let needs_person = next_check_at.is_none();
    operations::Doubtful { text: text.to_owned(), checks, next_check_at, needs_person, not_sent: false }
}

async fn one_refund(store: &Store, ours: MerchantId) {
    let refund = refund(ours, 10, 1, 4_000);
    begin(store, &refund).await.unwrap();
    let read = async || store.find_operation(ours, refund.id).await.unwrap().unwrap();
    assert_eq!(read().await, refund);
    let unclear = operations::doubt(ours, refund.id, &doubtful("no answer", 3, None), at(12), None);
    write(store, unclear).await.unwrap();
    let doubted = Operation {
        state: "in_doubt".into(),
        text: Some("no answer".into()),
        checks: 3,
        needs_person: true,
        ..refund.clone()
    };
    assert_eq!(read().await, doubted);
    end(store, &refund, "done").await.unwrap();
    let done = Operation {
        state: "done".into(),
        gateway_reference: Some("r-1".into()),
        code: Some("100".into()),
        text: Some("Done — “ok”".into()),
        needs_person: false,
        ..doubted
    };
    assert_eq!(read().await, done);
    assert_conflict(end(store, &refund, "refused").await, "settle_operation");
    let late = operations::doubt(ours, refund.id, &doubtful("", 4, Some(at(50))), at(21), None);
    assert_conflict(write(store, late).await, "doubt_operation");
    assert_eq!(store.list_operations_of_order(ours, id(1)).await.unwrap(), [done]);
    assert_eq!(store.find_operation(id(3_002), refund.id).await.unwrap(), None);
    let unchanged = store.find_attempt(ours, id(1)).await.unwrap().unwrap();
    assert_eq!(unchanged.checks, 0, "an operation is no question about the attempt");
}

/// What is done counts, what is under way or in doubt does not.
async fn sums(store: &Store, ours: MerchantId) {
    settled(store, &attempt(ours, 6, 6), &approved()).await;
    let (first, second) = (refund(ours, 60, 6, 4_000), refund(ours, 61, 6, 6_000));
    let come_to = async |minor| {
        let steps = vec![operations::lock_attempt(ours, id(6)), operations::given_back(ours, id(6), minor)];
        write_all(store, steps).await
    };
    come_to(0).await.unwrap();
    begin(store, &first).await.unwrap();
    come_to(0).await.unwrap();
    end(store, &first, "done").await.unwrap();
    begin(store, &second).await.unwrap();
    assert_conflict(come_to(0).await, operations::GIVEN_BACK_SINCE);
    assert_conflict(come_to(10_000).await, operations::GIVEN_BACK_SINCE);
    come_to(4_000).await.unwrap();
    end(store, &second, "refused").await.unwrap();
    write(store, attempts::reverse(ours, id(6), at(30))).await.unwrap();
    come_to(4_000).await.unwrap();
}

async fn limits(store: &Store, ours: MerchantId) {
    let second = refund(ours, 11, 1, 6_000);
    begin(store, &second).await.unwrap();
    assert_conflict(begin(store, &refund(ours, 12, 1, 1)).await, LIVE_OPERATION_EXISTS);
    end(store, &second, "refused").await.unwrap();
    assert_conflict(begin(store, &refund(ours, 12, 1, 6_001)).await, MORE_THAN_TAKEN);
    assert_eq!(store.find_operation(ours, id(12)).await.unwrap(), None);
    begin(store, &refund(ours, 12, 1, 6_000)).await.unwrap();

    settled(store, &attempt(ours, 2, 2), &declined(Class::Soft)).await;
    assert_conflict(begin(store, &refund(ours, 13, 2, 1)).await, NOT_APPROVED);
}

/// A hold is captured at most in full, and refunded at most what was captured.
async fn holds(store: &Store, ours: MerchantId) {
    settled(store, &Attempt { purpose: Purpose::Hold, ..attempt(ours, 3, 3) }, &approved()).await;
    let capture = |number, minor| Operation { kind: "capture".into(), ..refund(ours, number, 3, minor) };
    assert_conflict(begin(store, &capture(20, 10_001)).await, MORE_THAN_TAKEN);
    assert_conflict(begin(store, &refund(ours, 21, 3, 1)).await, MORE_THAN_TAKEN);
    begin(store, &capture(20, 6_000)).await.unwrap();
    end(store, &capture(20, 6_000), "done").await.unwrap();
    assert_conflict(begin(store, &capture(22, 4_001)).await, MORE_THAN_TAKEN);
    assert_conflict(begin(store, &refund(ours, 21, 3, 6_001)).await, MORE_THAN_TAKEN);
    begin(store, &refund(ours, 21, 3, 6_000)).await.unwrap();
}

async fn due(store: &Store, ours: MerchantId) {
    let mut early = refund(id(3_003), 1, 1, 1);
    settled(store, &attempt(early.merchant_id, 1, 1), &approved()).await;
    write_all(store, operations::insert(&early, at(30))).await.unwrap();
    early.checks = 1;
    early.state = "in_doubt".into();
    early.text = Some("no answer".into());
    let ask =
        operations::doubt(early.merchant_id, early.id, &doubtful("no answer", 1, Some(at(35))), at(31), None);
    write(store, ask).await.unwrap();

    let with_due = async |secs| store.list_merchants_with_due_operations(at(secs), 10).await.unwrap();
    assert_eq!(with_due(34).await, []);
    assert_eq!(with_due(40).await, [early.merchant_id, ours]);
    assert_eq!(store.next_due_operation().await.unwrap(), Some(at(35)));
    let lease = async |secs: i64, until, fence| {
        let fence = Uuid::from_u128(fence);
        store.acquire_due_operations(early.merchant_id, at(secs), at(until), fence, 10).await.unwrap()
    };
    assert_eq!(lease(35, 65, 1).await, [early.clone()]);
    assert_eq!(lease(64, 94, 2).await, []);
    assert_eq!(lease(65, 95, 2).await, [early.clone()]);
    let hold = |fence| operations::hold(early.merchant_id, early.id, Uuid::from_u128(fence), at(125), at(70));
    assert_conflict(write(store, hold(1)).await, operations::LEASE_LOST);
    write(store, hold(2)).await.unwrap();
    assert_eq!(lease(95, 200, 3).await, [], "it is held for longer");
    let sent = store.find_operation(early.merchant_id, early.id).await.unwrap().unwrap();
    assert_eq!((sent.created_at, sent.sent_at), (early.created_at, at(70)));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_operations_have_intent_and_doubt_of_their_own_and_end_once(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}
