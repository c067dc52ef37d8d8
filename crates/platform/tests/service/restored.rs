//! Work that stands still after a restored backup, and work that fails each time.

use domain::ids::AttemptId;
use rstest::rstest;
use serde_json::json;
use storage::testing::On;
use storage::{Step, Transaction, marks};
use uuid::Uuid;

use crate::app::{App, evaluate, managed, with};

impl App {
    async fn keep(&self, step: Step) {
        self.store.commit(Transaction::new("test").with(step)).await.unwrap();
    }

    async fn alert_kinds(&self) -> Vec<String> {
        let all = self.store.list_open_alerts(self.mid, 20).await.unwrap();
        all.into_iter().map(|alert| alert.kind).collect()
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m31_after_a_restored_backup_nothing_is_charged_or_voided_before_the_hold_is_lifted(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.platform.set_capture_window(app.mid, 300).await.unwrap();
    let body = with(evaluate("held"), &[("/transactionType", json!("Authorization"))]);
    let hold = app.post("evaluate", &body).await.text("orderId");
    let open = app.post("evaluate", &managed("open", 21)).await.text("orderId");
    app.keep(marks::set("charging_held", "it may be a restored backup")).await;
    app.live_days(2).await;
    assert_eq!(app.status_name(&open).await, "PROCESSING");
    assert_eq!(app.status_name(&hold).await, "CAPTUREREQUIRED");
    assert_eq!((app.acquirer(1).requests().len(), app.acquirer(1).operated().len()), (1, 0));

    app.keep(marks::clear("charging_held")).await;
    app.sweep().await;
    assert_eq!(app.status_name(&open).await, "APPROVED");
    assert_eq!(app.status_name(&hold).await, "CANCELLED");
    assert_eq!((app.acquirer(1).requests().len(), app.acquirer(1).operated().len()), (2, 1));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m31_the_acquirers_books_are_compared_and_what_is_unknown_keeps_the_hold(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let open = app.post("evaluate", &managed("open", 21)).await.text("orderId");
    // Charged after the backup was made: the acquirer knows it under a reference of ours, and we do not.
    let stranger = AttemptId::from_uuid(Uuid::from_u128(0x99));
    app.acquirer(1).book(&stranger.base32(), 500);
    app.keep(marks::set("charging_held", "it may be a restored backup")).await;
    let found = app.charging.reconcile_due().await.unwrap().expect("it is due at once");
    assert_eq!((found.unknown, found.contradicting, found.unasked.len()), (1, 0, 0), "{found:?}");
    assert_eq!(app.alert_kinds().await, ["reconciliation"]);
    app.live_days(1).await;
    assert_eq!(app.status_name(&open).await, "PROCESSING", "still held");
    assert!(app.charging.lift_hold("ann", "given back by hand").await.unwrap());
    app.sweep().await;
    assert_eq!(app.status_name(&open).await, "APPROVED");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m29_a_recovery_that_fails_each_time_is_shown_to_a_person_and_holds_up_no_other(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let broken = app.post("evaluate", &managed("broken", 21)).await.text("orderId");
    let payments = "-- forget_payments\nDELETE FROM payments WHERE merchant_id = $1";
    app.keep(Step::any(payments, vec![app.mid.into()])).await;
    let whole = app.post("evaluate", &managed("whole", 21)).await.text("orderId");
    app.sweep().await;
    assert_eq!(app.status_name(&whole).await, "APPROVED");
    assert_eq!(app.alert_kinds().await, Vec::<String>::new(), "once is no reason to call anybody");
    app.live_days(2).await;
    assert_eq!(app.status_name(&broken).await, "PROCESSING");
    assert_eq!(app.alert_kinds().await, ["work_stuck"], "one alert");
    assert_eq!(app.acquirer(1).requests().len(), 1);
    app.store.close().await;
}
