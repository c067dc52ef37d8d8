//! An attempt that somebody else opened first: what was not committed is not sent.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::order::OrderStatus;
use rstest::rstest;
use storage::testing::On;
use storage::{Backend, Dialect, Row, Statement, StoreError, Transaction, attempts};

use crate::support::{SOFT, tea};
use crate::with_salvage;
use recoup_hub::ImportAnswer;

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A database in which another attempt of the debt is live when the outcome would begin the next one.
#[derive(Debug)]
struct Overtaken {
    inner: Arc<dyn Backend>,
    done: AtomicBool,
}

impl Backend for Overtaken {
    fn commit(&self, transaction: Transaction) -> Pending<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let step = attempts::LIVE_ATTEMPT_EXISTS;
            let begins = transaction.steps.iter().any(|one| one.statement.name() == step);
            if transaction.name == "record_outcome" && begins && !self.done.swap(true, Ordering::Relaxed) {
                return Err(StoreError::Conflict { step });
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

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_cascade_whose_intent_met_another_live_attempt_is_not_sent(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([SOFT]);
    let backend = |inner| -> Arc<dyn Backend> { Arc::new(Overtaken { inner, done: AtomicBool::new(false) }) };
    let hub = app.process_over(5, |fakes| fakes, backend).await;
    let ImportAnswer::Order(view) = hub.import(app.merchant, tea()).await.unwrap() else {
        panic!("it is an order")
    };
    assert_eq!((gateway.requests().len(), salvage.requests().len()), (1, 0));
    let stored = app.fresh(&view).await;
    assert_eq!(stored.attempts.len(), 1, "the decline is kept");
    assert_eq!(view.attempts, stored.attempts, "and answered as it is stored");
    assert_eq!(view.order.status, OrderStatus::Pending, "what the other attempt comes to decides");
    hub.store().close().await;
}
