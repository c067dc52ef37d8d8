//! The store's port, stopped before every call.

use std::pin::Pin;
use std::sync::Arc;

use storage::{Backend, Dialect, Row, Statement, StoreError, Transaction};

use crate::process::Process;
use crate::scheduler::{Kind, Scheduler, Verdict};
use crate::touched::Touched;

type Pending<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>, StoreError>> + Send + 'a>>;

/// A process's way to its database.
#[derive(Debug)]
pub(crate) struct StoppedBackend {
    /// The database.
    pub(crate) inner: Arc<dyn Backend>,
    /// Whose way it is.
    pub(crate) process: Arc<Process>,
    /// Where calls stop.
    pub(crate) scheduler: Arc<Scheduler>,
    /// Which rows were changed.
    pub(crate) touched: Arc<Touched>,
}

fn unavailable(words: &'static str) -> StoreError {
    StoreError::Unavailable(words.into())
}

impl Backend for StoppedBackend {
    fn commit(&self, transaction: Transaction) -> Pending<'_> {
        Box::pin(async move {
            let name = transaction.name;
            match self.scheduler.stop(&self.process, Kind::Commit, name).await {
                Verdict::Dead => Err(unavailable("the process has crashed")),
                Verdict::Fail | Verdict::Drop => Err(unavailable("simulated: not committed")),
                verdict @ (Verdict::Act | Verdict::Lose | Verdict::CrashAfter) => {
                    self.touched.add(&transaction);
                    let answer = {
                        let _flight = self.scheduler.fly();
                        self.inner.commit(transaction).await
                    };
                    if let Err(error) = &answer {
                        self.scheduler.note(format!(
                            "{} commit {name} is refused: {}",
                            self.process.name,
                            whole(error)
                        ));
                    }
                    match verdict {
                        Verdict::Lose => Err(unavailable("simulated: the answer of the commit is lost")),
                        Verdict::CrashAfter => {
                            self.process.crash();
                            Err(unavailable("the process has crashed"))
                        }
                        Verdict::Act | Verdict::Fail | Verdict::Drop | Verdict::Dead => answer,
                    }
                }
            }
        })
    }

    fn query(&self, statement: Statement) -> Pending<'_> {
        Box::pin(async move {
            match self.scheduler.stop(&self.process, Kind::Read, statement.name()).await {
                Verdict::Act => {
                    let _flight = self.scheduler.fly();
                    self.inner.query(statement).await
                }
                Verdict::Dead => Err(unavailable("the process has crashed")),
                Verdict::Fail | Verdict::Drop | Verdict::Lose | Verdict::CrashAfter => {
                    Err(unavailable("simulated: not read"))
                }
            }
        })
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    /// The database outlives its processes.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {})
    }
}

/// An error with its cause.
fn whole(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
