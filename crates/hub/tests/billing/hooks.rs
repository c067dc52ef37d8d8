//! Gateways and a database that misbehave in ways that a script of the fake cannot.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::attempt::{Doubt, RawDecline};
use domain::configuration::{Capabilities, Provider};
use domain::doubt::{FenceAnswer, Finding};
use domain::salvage::Standing;
use gateways::fake::FakeConnect;
use gateways::{
    ChargeOutcome, ChargeRequest, Connect, Gateway, GatewayError, InquireRequest, OperationFinding,
    OperationOutcome, OperationRequest, Reply, Settings, SettingsError,
};
use storage::{Backend, Dialect, Row, Statement, StoreError, Transaction};

/// What the gateways of one process do besides what their script says.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    /// The network's advice that comes with every decline.
    pub(crate) advice: Mutex<Option<String>>,
    /// So many charges are called duplicates of another payment's, and nothing is done (M12).
    pub(crate) repetitions: AtomicUsize,
}

impl Hooks {
    pub(crate) fn advise(&self, code: Option<&str>) {
        *self.advice.lock().unwrap() = code.map(str::to_owned);
    }
}

#[derive(Debug)]
struct Hooked {
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
        Ok(Arc::new(HookedGateway { inner, hooks: Arc::clone(&self.hooks), repeated: Mutex::default() }))
    }
}

#[derive(Debug)]
struct HookedGateway {
    inner: Arc<dyn Gateway>,
    hooks: Arc<Hooks>,
    repeated: Mutex<Vec<String>>,
}

impl Gateway for HookedGateway {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn is_local(&self) -> bool {
        true
    }

    fn time_limit_secs(&self) -> i64 {
        self.inner.time_limit_secs()
    }

    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Reply<'a, Result<ChargeOutcome, GatewayError>> {
        Box::pin(async move {
            let left = self.hooks.repetitions.load(Ordering::Relaxed);
            if left > 0 {
                self.hooks.repetitions.store(left - 1, Ordering::Relaxed);
                self.repeated.lock().unwrap().push(request.reference.clone());
                return Err(GatewayError::InDoubt(Doubt::Duplicate, anyhow::anyhow!("scripted")));
            }
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
            if self.repeated.lock().unwrap().contains(&request.reference) {
                return Finding::OtherPayment;
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
        self.inner.operate(request)
    }

    fn inquire_operation<'a>(&'a self, request: &'a OperationRequest) -> Reply<'a, OperationFinding> {
        self.inner.inquire_operation(request)
    }

    fn salvage_days(&self) -> Option<i64> {
        self.inner.salvage_days()
    }

    fn look_up<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Standing> {
        self.inner.look_up(request)
    }

    fn equal_charge_spacing_secs(&self) -> i64 {
        self.inner.equal_charge_spacing_secs()
    }
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A database whose process dies around one kind of transaction.
#[derive(Debug)]
struct Dying {
    inner: Arc<dyn Backend>,
    death: Arc<Death>,
}

/// Around which transaction a process dies, and whether it was committed.
#[derive(Debug)]
pub(crate) struct Death {
    name: &'static str,
    committed: bool,
    /// How often it died.
    pub(crate) count: AtomicUsize,
    over: AtomicBool,
}

impl Death {
    /// Before a transaction of this name is committed.
    pub(crate) fn before(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, committed: false, count: AtomicUsize::new(0), over: AtomicBool::new(false) })
    }

    /// Right after it was committed.
    pub(crate) fn after(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, committed: true, count: AtomicUsize::new(0), over: AtomicBool::new(false) })
    }
}

/// A backend function for [`crate::support::TestHub::process_over`]. After its death a process writes nothing more.
pub(crate) fn dying(death: &Arc<Death>) -> impl FnOnce(Arc<dyn Backend>) -> Arc<dyn Backend> + use<> {
    let death = Arc::clone(death);
    move |inner| Arc::new(Dying { inner, death })
}

impl Backend for Dying {
    fn commit(&self, transaction: Transaction) -> Pending<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let dead = || StoreError::Unavailable("scripted death".into());
            if self.death.over.load(Ordering::Relaxed) {
                return Err(dead());
            }
            if transaction.name == self.death.name {
                if self.death.committed {
                    self.inner.commit(transaction).await?;
                }
                self.death.over.store(true, Ordering::Relaxed);
                self.death.count.fetch_add(1, Ordering::Relaxed);
                return Err(dead());
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
