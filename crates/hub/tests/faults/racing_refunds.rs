//! Two refunds that are done at the same moment: whether they were the whole is decided on both.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use domain::attempt::AttemptState;
use domain::money::{Currency, Money};
use domain::order::OrderStatus;
use domain::payment::PaymentState;
use gateways::fake::Act;
use recoup_hub::{OrderView, PersonError};
use rstest::rstest;
use storage::testing::On;
use storage::{Backend, Dialect, Row, Statement, StoreError, Transaction};

use crate::support::{TestHub, tea};

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A database in which something else is done just before the first transaction of this name.
#[derive(Clone)]
struct Meanwhile {
    inner: Arc<dyn Backend>,
    name: &'static str,
    other: Arc<Mutex<Option<Pending<'static, ()>>>>,
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "something before {}", self.name)
    }
}

impl Backend for Meanwhile {
    fn commit(&self, transaction: Transaction) -> Pending<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let other = (transaction.name == self.name).then(|| self.other.lock().unwrap().take());
            if let Some(other) = other.flatten() {
                other.await;
            }
            self.inner.commit(transaction).await
        })
    }

    fn query(&self, statement: Statement) -> Pending<'_, Result<Vec<Row>, StoreError>> {
        self.inner.query(statement)
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn close(&self) -> Pending<'_, ()> {
        self.inner.close()
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

async fn is_undone(app: &TestHub, view: &OrderView) -> bool {
    let view = app.fresh(view).await;
    let undone = matches!(view.attempts[0].state, AttemptState::Approved { reversed_at: Some(_), .. });
    assert_eq!(undone, view.order.status == OrderStatus::Refunded);
    assert_eq!(undone, view.payments[0].state == PaymentState::Reversed);
    undone
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_our_refund_that_is_done_while_an_external_one_is_booked_completes_the_whole(#[case] on: On) {
    let (app, _gateway) = crate::one_gateway(on).await;
    let view = app.import(tea()).await;
    let other = Arc::default();
    let process = {
        let (name, other) = ("operation_done", Arc::clone(&other));
        app.process_over(5, |fakes| fakes, move |inner| Arc::new(Meanwhile { inner, name, other })).await
    };
    let (hub, merchant, attempt) = (app.hub.clone(), app.merchant, view.attempts[0].id);
    *other.lock().unwrap() = Some(Box::pin(async move {
        hub.book_refund(merchant, attempt, Some(usd(1_000)), "", "", "ann").await.unwrap();
    }));
    let own = process.refund_order(app.merchant, view.order.id, Some(usd(1_999)), "", "bob").await.unwrap();
    assert_eq!(own.state, "done");
    assert!(is_undone(&app, &view).await);
    process.store().close().await;
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_an_external_refund_that_is_booked_while_ours_is_done_is_decided_anew(#[case] on: On) {
    let (app, gateway) = crate::one_gateway(on).await;
    let view = app.import(tea()).await;
    gateway.script_operations([Act::LoseAfter]);
    let own = app.hub.refund_order(app.merchant, view.order.id, Some(usd(1_999)), "", "ann").await.unwrap();
    assert_eq!(own.state, "in_doubt");
    let other = Arc::default();
    let process = {
        let (name, other) = ("book_refund", Arc::clone(&other));
        app.process_over(5, |fakes| fakes, move |inner| Arc::new(Meanwhile { inner, name, other })).await
    };
    let (merchant, attempt) = (app.merchant, view.attempts[0].id);
    let found = {
        let (hub, operation) = (app.hub.clone(), own.clone());
        let charging = hub.charging().clone();
        async move {
            let aftermath = hub.aftermath();
            let seen = Some("r-1");
            let found =
                charging.resolve_operation_by_person(&operation, seen, Vec::new(), aftermath.as_ref());
            found.await.unwrap();
        }
    };
    *other.lock().unwrap() = Some(Box::pin(found));
    let book = || process.book_refund(merchant, attempt, Some(usd(1_000)), "", "", "bob");
    assert!(matches!(book().await, Err(PersonError::Conflict(_))));
    assert!(!is_undone(&app, &view).await);
    assert_eq!(book().await.unwrap().state, "done");
    assert!(is_undone(&app, &view).await);
    process.store().close().await;
    app.end().await;
}
