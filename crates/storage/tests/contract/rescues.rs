//! The platform's promises: one live recovery per order, a cancelled order stays cancelled, and faults are found.

use domain::attempt::Attempt;
use domain::ids::{MerchantId, RecoveryId};
use domain::payment::{Payment, PaymentState};
use recoup_storage::platform::{self, CANCELLED_BEFORE, RECOVERY_EXISTS, Recovery, RecoveryState};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Step, Store, StoreError, attempts, payments};
use rstest::rstest;

use crate::platform::recovery;
use crate::samples::{approved, at, attempt, id, payment, settled, write, write_all};

fn ours() -> MerchantId {
    id(1)
}

/// Commits all at once; what each met, in order.
async fn race(store: &Store, transactions: Vec<Vec<Step>>) -> Vec<Result<(), &'static str>> {
    let racing: Vec<_> = transactions
        .into_iter()
        .map(|steps| {
            let store = store.clone();
            tokio::spawn(async move { write_all(&store, steps).await })
        })
        .collect();
    let mut met = Vec::new();
    for one in racing {
        met.push(match one.await.unwrap() {
            Ok(()) => Ok(()),
            Err(StoreError::Conflict { step }) => Err(step),
            Err(error) => panic!("{error:?}"),
        });
    }
    met
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_racing_recoveries_of_an_order_one_is_live(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let steps = (1..=16).map(|number| {
        let one = Recovery { external_order_id: "same".into(), ..recovery(ours(), number) };
        vec![platform::enter_order(ours(), "same"), platform::insert_recovery(&one, "")]
    });
    let met = race(&store, steps.collect()).await;
    assert_eq!(met.iter().filter(|one| one.is_ok()).count(), 1);
    assert!(met.iter().all(|one| matches!(one, Ok(()) | Err(RECOVERY_EXISTS))), "{met:?}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m8_an_order_is_recovered_or_cancelled_first_and_never_recovered_after(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    for number in 1..=10 {
        let one = recovery(ours(), number);
        let external = one.external_order_id.clone();
        let begin = vec![platform::enter_order(ours(), &external), platform::insert_recovery(&one, "")];
        let cancel = vec![platform::fence_order(ours(), &external, at(1))];
        let met = race(&store, vec![begin.clone(), cancel]).await;
        assert!(matches!(met.as_slice(), [Ok(()) | Err(CANCELLED_BEFORE), Ok(())]), "{met:?}");
        let exists = store.find_recovery(ours(), one.id).await.unwrap().is_some();
        assert_eq!(exists, met[0].is_ok());
        assert_eq!(race(&store, vec![begin]).await, [Err(CANCELLED_BEFORE)]);
    }
}

/// A recovery with its payment and one attempt, all of one number.
async fn write_recovery(store: &Store, number: u128, state: RecoveryState, paid: PaymentState) {
    let answered = (state != RecoveryState::Processing).then(|| "X".to_owned());
    let steps = [
        platform::insert_recovery(&Recovery { state, answered, ..recovery(ours(), number) }, ""),
        payments::insert(&Payment { state: paid, ..payment(ours(), number) }, at(0)),
    ];
    write_all(store, steps).await.unwrap();
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_doctor_finds_each_planted_fault_of_recoveries(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let found = async || {
        let (broken, checks) = store.list_broken_recoveries().await.unwrap();
        assert_eq!(checks, 5);
        broken.into_iter().map(|one| (one.invariant, one.id)).collect::<Vec<_>>()
    };
    write_recovery(&store, 1, RecoveryState::Approved, PaymentState::Paid).await;
    settled(&store, &attempt(ours(), 1, 1), &approved()).await;
    write_recovery(&store, 2, RecoveryState::Processing, PaymentState::Attempting).await;
    let open: Attempt = attempt(ours(), 2, 2);
    write(&store, attempts::insert(&open)).await.unwrap();
    write_recovery(&store, 3, RecoveryState::Declined, PaymentState::Declined).await;
    assert_eq!(found().await, []);

    let fault = |name: &str, number| (name.to_owned(), id::<RecoveryId>(number).base32());
    write_recovery(&store, 11, RecoveryState::Processing, PaymentState::Attempting).await;
    let mut wanted = vec![fault("recovery_without_work", 11)];
    assert_eq!(found().await, wanted);
    write_recovery(&store, 12, RecoveryState::Approved, PaymentState::Declined).await;
    wanted.push(fault("recovered_without_paid", 12));
    assert_eq!(found().await, wanted);
    write_recovery(&store, 13, RecoveryState::Declined, PaymentState::Paid).await;
    settled(&store, &attempt(ours(), 13, 13), &approved()).await;
    wanted.push(fault("paid_without_recovered", 13));
    assert_eq!(found().await, wanted);
}
