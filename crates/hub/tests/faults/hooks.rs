//! Gateways and a database that misbehave in ways that a script cannot: they hang, panic, are slow or do not answer.

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::attempt::RawDecline;
use domain::configuration::{Capabilities, Provider};
use domain::doubt::{FenceAnswer, Finding};
use gateways::fake::FakeConnect;
use gateways::{
    ChargeOutcome, ChargeRequest, Connect, Gateway, GatewayError, InquireRequest, OperationFinding,
    OperationOutcome, OperationRequest, Reply, Settings, SettingsError,
};
use storage::{Backend, Dialect, Row, Statement, StoreError, Transaction};
use tokio::sync::Semaphore;

/// What the gateways of one process do besides what their script says.
#[derive(Debug)]
pub(crate) struct Hooks {
    /// Inquiries are never answered.
    pub(crate) inquiries_hang: AtomicBool,
    /// Inquiries asked.
    pub(crate) inquiries: AtomicUsize,
    /// Inquiries about this reference end in a panic.
    pub(crate) panic_about: Mutex<Option<String>>,
    /// Captures, voids and refunds end in a panic, and nothing was sent.
    pub(crate) operations_panic: AtomicBool,
    /// Keys of captures, voids and refunds.
    pub(crate) keys: Mutex<Vec<uuid::Uuid>>,
    /// Finds out what became of an operation, then waits for a permit before it says so.
    pub(crate) slow_finding: Option<(Semaphore, Semaphore)>,
    /// The longest time of a call.
    pub(crate) call_secs: AtomicI64,
    /// Advice that comes with every decline.
    pub(crate) advice: Mutex<Option<String>>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            inquiries_hang: AtomicBool::default(),
            inquiries: AtomicUsize::default(),
            panic_about: Mutex::default(),
            operations_panic: AtomicBool::default(),
            keys: Mutex::default(),
            slow_finding: None,
            call_secs: AtomicI64::new(1),
            advice: Mutex::default(),
        }
    }
}

/// Makes the fakes of a test hub with hooks on each.
#[derive(Debug)]
pub(crate) struct Hooked {
    inner: Arc<FakeConnect>,
    hooks: Arc<Hooks>,
}

/// A connect function for [`crate::support::TestHub::process_over`].
pub(crate) fn hooked(hooks: &Arc<Hooks>) -> impl FnOnce(Arc<FakeConnect>) -> Arc<dyn Connect> + use<> {
    let hooks = Arc::clone(hooks);
    move |inner| Arc::new(Hooked { inner, hooks })
}

/// The database as it is.
pub(crate) fn plain(backend: Arc<dyn Backend>) -> Arc<dyn Backend> {
    backend
}

impl Connect for Hooked {
    fn providers(&self) -> Vec<Provider> {
        self.inner.providers()
    }

    fn connect(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn Gateway>, SettingsError> {
        let inner = self.inner.connect(kind, settings)?;
        Ok(Arc::new(HookedGateway { inner, hooks: Arc::clone(&self.hooks) }))
    }
}

#[derive(Debug)]
struct HookedGateway {
    inner: Arc<dyn Gateway>,
    hooks: Arc<Hooks>,
}

impl Gateway for HookedGateway {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn is_local(&self) -> bool {
        true
    }

    fn time_limit_secs(&self) -> i64 {
        self.hooks.call_secs.load(Ordering::Relaxed)
    }

    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Reply<'a, Result<ChargeOutcome, GatewayError>> {
        Box::pin(async move {
            let advice_code = self.hooks.advice.lock().unwrap().clone();
            match self.inner.charge(request).await {
                Ok(ChargeOutcome::Declined(raw)) => {
                    Ok(ChargeOutcome::Declined(RawDecline { advice_code, ..raw }))
                }
                other => other,
            }
        })
    }

    fn inquire<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Finding> {
        Box::pin(async move {
            self.hooks.inquiries.fetch_add(1, Ordering::Relaxed);
            let about = self.hooks.panic_about.lock().unwrap().clone();
            assert_ne!(about.as_deref(), Some(request.reference.as_str()), "scripted panic");
            if self.hooks.inquiries_hang.load(Ordering::Relaxed) {
                pending::<()>().await;
            }
            self.inner.inquire(request).await
        })
    }

    fn fence<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, FenceAnswer> {
        self.inner.fence(request)
    }

    fn operate<'a>(
        &'a self,
        request: &'a OperationRequest,
    ) -> Reply<'a, Result<OperationOutcome, GatewayError>> {
        assert!(!self.hooks.operations_panic.load(Ordering::Relaxed), "scripted panic");
        self.hooks.keys.lock().unwrap().push(request.idempotency_key);
        self.inner.operate(request)
    }

    fn inquire_operation<'a>(&'a self, request: &'a OperationRequest) -> Reply<'a, OperationFinding> {
        Box::pin(async move {
            let found = self.inner.inquire_operation(request).await;
            if let Some((found_it, say_it)) = &self.hooks.slow_finding {
                found_it.add_permits(1);
                say_it.acquire().await.unwrap().forget();
            }
            found
        })
    }
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A database that tells of one question, and can refuse to answer it.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: Arc<dyn Backend>,
    name: &'static str,
    watch: Arc<Watch>,
}

/// What a watched question does.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Whether it is not answered.
    pub(crate) refuses: AtomicBool,
    /// A permit for each time it was asked.
    pub(crate) asked: Semaphore,
}

impl Watch {
    /// A watch that only tells.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { refuses: AtomicBool::new(false), asked: Semaphore::new(0) })
    }
}

/// A backend function for [`crate::support::TestHub::process_over`].
pub(crate) fn watched(
    name: &'static str,
    watch: &Arc<Watch>,
) -> impl FnOnce(Arc<dyn Backend>) -> Arc<dyn Backend> + use<> {
    let watch = Arc::clone(watch);
    move |inner| Arc::new(Watched { inner, name, watch })
}

impl Backend for Watched {
    fn commit(&self, transaction: Transaction) -> Pending<'_, Result<Vec<Row>, StoreError>> {
        self.inner.commit(transaction)
    }

    fn query(&self, statement: Statement) -> Pending<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            if statement.name() == self.name {
                self.watch.asked.add_permits(1);
                if self.watch.refuses.load(Ordering::Relaxed) {
                    return Err(StoreError::Unavailable("scripted".into()));
                }
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
