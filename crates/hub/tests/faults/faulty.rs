//! A database that fails at a chosen place.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use storage::{Backend, Dialect, Row, Statement, StoreError, Transaction, Value};
use uuid::Uuid;

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The row of this id, when this question asks for it, fits no state.
    Question(&'static str, Uuid),
    /// The same, whatever the question's name is.
    AnyQuestion(Uuid),
    /// A claim of this name that leases this row has leased it, and cannot read it.
    Claim(&'static str, &'static str, Uuid),
    /// The process dies before this transaction is kept.
    Before(&'static str),
    /// The process dies after this transaction is kept.
    After(&'static str),
}

/// The faults of one process, and how often they struck.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    faults: Mutex<Vec<Fault>>,
    struck: Mutex<usize>,
}

impl Faults {
    pub(crate) fn of(faults: impl IntoIterator<Item = Fault>) -> Arc<Self> {
        Arc::new(Self { faults: Mutex::new(faults.into_iter().collect()), struck: Mutex::default() })
    }

    /// From now on all is well.
    pub(crate) fn heal(&self) {
        self.faults.lock().unwrap().clear();
    }

    pub(crate) fn struck(&self) -> usize {
        *self.struck.lock().unwrap()
    }

    fn strike(&self, is_it: impl Fn(&Fault) -> bool) -> bool {
        let is_it = self.faults.lock().unwrap().iter().any(is_it);
        *self.struck.lock().unwrap() += usize::from(is_it);
        is_it
    }

    /// A backend function for [`crate::support::TestHub::process_over`].
    pub(crate) fn over(self: &Arc<Self>) -> impl FnOnce(Arc<dyn Backend>) -> Arc<dyn Backend> + use<> {
        let faults = Arc::clone(self);
        move |inner| Arc::new(Faulty { inner, faults })
    }
}

#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn Backend>,
    faults: Arc<Faults>,
}

fn died() -> StoreError {
    StoreError::Unavailable("scripted".into())
}

fn odd(table: &'static str, id: Uuid) -> StoreError {
    StoreError::Inconsistent { table, column: "details", id: domain::ids::to_base32(id) }
}

impl Backend for Faulty {
    fn commit(&self, transaction: Transaction) -> Pending<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let name = transaction.name;
            if self.faults.strike(|fault| *fault == Fault::Before(name)) {
                return Err(died());
            }
            let rows = self.inner.commit(transaction).await?;
            if self.faults.strike(|fault| *fault == Fault::After(name)) {
                return Err(died());
            }
            let leased = |id: Uuid| {
                rows.iter().any(|row| row.id::<domain::ids::OrderId>("id").is_ok_and(|one| one.uuid() == id))
            };
            let all = self.faults.faults.lock().unwrap().clone();
            for fault in all {
                if let Fault::Claim(claim, table, id) = fault
                    && claim == name
                    && leased(id)
                {
                    self.faults.strike(|one| *one == fault);
                    return Err(odd(table, id));
                }
            }
            Ok(rows)
        })
    }

    fn query(&self, statement: Statement) -> Pending<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let strikes = |fault: &Fault| match fault {
                Fault::Question(name, id) => {
                    *name == statement.name() && statement.args.contains(&Value::Id(Some(*id)))
                }
                Fault::AnyQuestion(id) => statement.args.contains(&Value::Id(Some(*id))),
                Fault::Claim(..) | Fault::Before(_) | Fault::After(_) => false,
            };
            if self.faults.strike(strikes) {
                return Err(odd("rows", Uuid::nil()));
            }
            self.inner.query(statement).await
        })
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn close(&self) -> Pending<'_, ()> {
        self.inner.close()
    }
}
