//! Lost answers and dead processes: nothing is charged twice, nothing stays unknown.

use charging::{DecideError, Found, Verdict};
use domain::payment::PaymentState;
use gateways::OperationKind;
use gateways::fake::Act;
use rstest::rstest;
use serde_json::json;
use storage::testing::On;

use crate::app::{App, evaluate, with};

async fn payment_state(app: &App, id: &str) -> PaymentState {
    let order = domain::ids::OrderId::from_uuid(id.parse().unwrap());
    app.store.list_payments_of_order(app.mid, order).await.unwrap()[0].state
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m29_a_lost_answer_ends_the_routes_and_an_approval_is_voided(#[case] on: On) {
    let app = App::with_routes(on, 2).await;
    app.acquirer(1).script([Act::LoseAfter]);
    let answer = app.post("evaluate", &evaluate("a")).await;
    assert_eq!((answer.status, answer.text("status")), (200, "DECLINED".to_owned()));
    assert_eq!(app.acquirer(2).requests().len(), 0);
    assert_eq!(app.charged(1), 1999);
    let id = answer.text("orderId");
    assert_eq!(payment_state(&app, &id).await, PaymentState::InDoubt);

    // Until it is cleared up the same order is not charged beside it.
    let again = with(evaluate("a"), &[("/idempotencyKey", json!("other"))]);
    assert_eq!(app.post("evaluate", &again).await.text("status"), "DECLINED");
    assert_eq!(app.acquirer(1).requests().len(), 1);

    app.pass(120);
    app.sweep().await;
    assert_eq!(app.charged(1), 0);
    assert_eq!(app.acquirer(1).operated().iter().map(|one| one.0).collect::<Vec<_>>(), [OperationKind::Void]);
    assert_eq!(payment_state(&app, &id).await, PaymentState::Reversed);
    let order = app.get(&format!("orders/{id}")).await;
    assert_eq!(order.text("statusName"), "DECLINED");
    assert_eq!(app.post("evaluate", &evaluate("a")).await.text("status"), "DECLINED");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m29_a_lost_answer_to_a_charge_that_never_was_ends_declined(#[case] on: On) {
    let app = App::with_routes(on, 2).await;
    app.acquirer(1).script([Act::LoseBefore]);
    let answer = app.post("evaluate", &evaluate("a")).await;
    assert_eq!(answer.text("status"), "DECLINED");
    for _ in 0..5 {
        app.pass(1_800);
        app.sweep().await;
    }
    assert_eq!(payment_state(&app, &answer.text("orderId")).await, PaymentState::Declined);
    assert_eq!((app.acquirer(1).requests().len(), app.charged(2)), (1, 0));
    let again = with(evaluate("a"), &[("/idempotencyKey", json!("other"))]);
    assert_eq!(app.post("evaluate", &again).await.text("status"), "APPROVED");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m29_a_void_whose_answer_is_lost_is_asked_about_and_not_repeated(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.acquirer(1).script([Act::LoseAfter]);
    app.acquirer(1).script_operations([Act::LoseAfter]);
    let answer = app.post("evaluate", &evaluate("a")).await;
    app.pass(120);
    app.sweep().await;
    assert_eq!(payment_state(&app, &answer.text("orderId")).await, PaymentState::Paid);
    app.pass(120);
    app.sweep().await;
    assert_eq!(payment_state(&app, &answer.text("orderId")).await, PaymentState::Reversed);
    assert_eq!((app.acquirer(1).operated().len(), app.charged(1)), (1, 0));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_attempt_that_nobody_finishes_is_taken_up_and_an_approval_is_voided(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.gate().shut();
    let (body, token) = (evaluate("a").to_string(), app.token().await);
    let caller = tokio::spawn({
        let address = app.address;
        async move { crate::client::call(address, "POST", "/v1/evaluate", Some(&token), Some(&body)).await }
    });
    app.gate().arrival().await;
    // The process "dies" here: the driver of another one finds the attempt open long after the caller has gone.
    let listed = app.get("orders?query=a").await;
    let id = listed.json()["orders"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed.json()["orders"][0]["statusName"], json!("PROCESSING"));
    app.pass(60);
    app.sweep().await;
    assert_eq!(payment_state(&app, &id).await, PaymentState::Attempting);
    app.pass(60);
    app.sweep().await;
    assert_eq!(payment_state(&app, &id).await, PaymentState::InDoubt);
    // It comes back to life, and its acquirer approves: too late for a sale, so the rescue records it and voids.
    app.gate().let_pass(1);
    let answer = caller.await.unwrap();
    assert_eq!(answer.text("status"), "DECLINED", "{answer:?}");
    for _ in 0..3 {
        app.pass(400);
        app.sweep().await;
    }
    assert_eq!(app.charged(1), 0);
    assert_eq!(payment_state(&app, &id).await, PaymentState::Reversed);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m29_a_process_that_dies_between_the_commits_leaves_no_charge_behind(#[case] on: On) {
    let app = App::with_routes(on, 2).await;
    app.gate().shut_behind();
    let (body, token) = (evaluate("a").to_string(), app.token().await);
    let address = app.address;
    let caller = tokio::spawn(async move {
        crate::client::call(address, "POST", "/v1/evaluate", Some(&token), Some(&body)).await
    });
    // The acquirer has charged; the process that asked never reads its answer.
    app.gate().arrival().await;
    assert_eq!(app.charged(2), 1999);
    let id = app.get("orders?query=a").await.json()["orders"][0]["id"].as_str().unwrap().to_owned();
    app.pass(120);
    app.sweep().await;
    assert_eq!((app.charged(2), app.acquirer(2).requests().len()), (0, 0));
    assert_eq!(payment_state(&app, &id).await, PaymentState::Reversed);
    assert_eq!(app.get(&format!("orders/{id}")).await.text("statusName"), "DECLINED");
    caller.abort();
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_caller_who_hangs_up_does_not_cut_a_charge_in_half(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.gate().shut();
    let (body, token) = (evaluate("a").to_string(), app.token().await);
    let caller = tokio::spawn({
        let address = app.address;
        async move { crate::client::call(address, "POST", "/v1/evaluate", Some(&token), Some(&body)).await }
    });
    app.gate().arrival().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    app.gate().let_pass(1);
    app.platform.tracker().close();
    app.platform.tracker().wait().await;
    app.platform.tracker().reopen();
    let listed = app.get("orders?query=a").await.json();
    assert_eq!((&listed["orders"][0]["statusName"], app.charged(1)), (&json!("APPROVED"), 1999));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_refund_in_doubt_is_answered_504_and_counts_once(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let answer = app.post("evaluate", &evaluate("a")).await;
    let path = format!("orders/{}/refund", answer.text("orderId"));
    app.acquirer(1).script_operations([Act::LoseAfter]);
    assert_eq!(app.post(&path, &json!({"amountToRefund": "19.99"})).await.status, 504);
    assert_eq!(app.post(&path, &json!({"amountToRefund": "19.99"})).await.status, 409);
    app.pass(60);
    app.sweep().await;
    let order = app.get(&format!("orders/{}", answer.text("orderId"))).await.json();
    assert_eq!((&order["status"], &order["refundedAmount"]), (&json!(6), &json!(1999)));
    assert_eq!(app.post(&path, &json!({"amountToRefund": "19.99"})).await.text("responseCode"), "2001");
    assert_eq!((app.acquirer(1).operated().len(), app.charged(1)), (1, 0));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m18_a_person_says_what_became_of_an_acquirers_charge(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.acquirer(1).script([Act::LoseBefore]);
    let id = app.post("evaluate", &evaluate("a")).await.text("orderId");
    let order = domain::ids::OrderId::from_uuid(id.parse().unwrap());
    let attempt = app.store.list_attempts_of_order(app.mid, order).await.unwrap().pop().unwrap();
    let consequences = app.platform.consequences();
    let decide = async |verdict, note| {
        let found = Found { verdict, gateway_reference: "", note, actor: "ann" };
        app.charging.decide_attempt(app.mid, attempt.id, found, consequences.as_ref()).await
    };
    assert!(matches!(decide(Verdict::NotExecuted, " ").await, Err(DecideError::Invalid(_))));
    assert!(matches!(decide(Verdict::Approved, "seen").await, Err(DecideError::Invalid(_))), "with its id");
    assert_eq!(payment_state(&app, &id).await, PaymentState::InDoubt);
    decide(Verdict::NotExecuted, "not in the acquirer's pages").await.unwrap();
    assert_eq!(payment_state(&app, &id).await, PaymentState::Declined);
    assert!(matches!(decide(Verdict::NotExecuted, "again").await, Err(DecideError::Conflict(_))));
    let audit = app.store.list_audit(app.mid, 10).await.unwrap();
    assert!(audit.iter().any(|line| line.actor == "ann" && line.note.contains("acquirer's pages")));
    app.finish().await;
}
