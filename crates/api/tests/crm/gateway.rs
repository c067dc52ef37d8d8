//! The scripted gateways, which can be stopped in the middle of a charge, and can take time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use domain::configuration::{Capabilities, Provider};
use domain::doubt::{FenceAnswer, Finding};
use domain::salvage::Standing;
use gateways::fake::{FakeConnect, FakeGateway};
use gateways::{
    ChargeOutcome, ChargeRequest, Connect, Gateway, GatewayError, InquireRequest, OperationFinding,
    OperationOutcome, OperationRequest, Reply, Settings, SettingsError,
};
use tokio::sync::Semaphore;

use crate::clock::TickingClock;

/// What a test does to one gateway besides its script.
#[derive(Debug)]
pub(crate) struct Hook {
    entered: Semaphore,
    passes: Semaphore,
    takes_secs: AtomicI64,
    time_limit_secs: AtomicI64,
}

impl Default for Hook {
    fn default() -> Self {
        Self {
            entered: Semaphore::new(0),
            passes: Semaphore::new(Semaphore::MAX_PERMITS / 2),
            takes_secs: AtomicI64::new(0),
            time_limit_secs: AtomicI64::new(1),
        }
    }
}

impl Hook {
    /// From now on charges wait, before they do anything.
    pub(crate) fn hold(&self) {
        self.passes.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Waiting and later charges go on.
    pub(crate) fn release(&self) {
        self.passes.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    /// Waits until one more charge has begun.
    pub(crate) async fn entered(&self) {
        self.entered.acquire().await.unwrap().forget();
    }

    /// A charge moves the clock by so much.
    pub(crate) fn take_secs(&self, secs: i64) {
        self.takes_secs.store(secs, Ordering::Relaxed);
    }

    /// The gateway says that a charge may take so long.
    pub(crate) fn limit_secs(&self, secs: i64) {
        self.time_limit_secs.store(secs, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Hooked {
    inner: Arc<FakeGateway>,
    hook: Arc<Hook>,
    clock: Arc<TickingClock>,
}

impl Gateway for Hooked {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn is_local(&self) -> bool {
        true
    }

    fn time_limit_secs(&self) -> i64 {
        self.hook.time_limit_secs.load(Ordering::Relaxed)
    }

    fn equal_charge_spacing_secs(&self) -> i64 {
        self.inner.equal_charge_spacing_secs()
    }

    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Reply<'a, Result<ChargeOutcome, GatewayError>> {
        Box::pin(async move {
            self.hook.entered.add_permits(1);
            self.hook.passes.acquire().await.unwrap().forget();
            self.clock.advance(self.hook.takes_secs.load(Ordering::Relaxed));
            self.inner.charge(request).await
        })
    }

    fn inquire<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Finding> {
        self.inner.inquire(request)
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
}

/// The catalogue of [`FakeConnect`], with hooks.
#[derive(Debug)]
pub(crate) struct HookedConnect {
    fakes: FakeConnect,
    hooks: Mutex<HashMap<String, Arc<Hook>>>,
    clock: Arc<TickingClock>,
}

impl HookedConnect {
    /// Over this clock.
    pub(crate) fn new(clock: Arc<TickingClock>) -> Self {
        Self { fakes: FakeConnect::default(), hooks: Mutex::default(), clock }
    }

    /// The gateway of this name, of a kind.
    pub(crate) fn fake(&self, name: &str, kind: &str) -> Arc<FakeGateway> {
        self.fakes.gateway(name, self.provider(kind).expect("a kind of fake").capabilities)
    }

    /// The hook of the gateway of this name.
    pub(crate) fn hook(&self, name: &str) -> Arc<Hook> {
        Arc::clone(self.hooks.lock().unwrap().entry(name.to_owned()).or_default())
    }
}

impl Connect for HookedConnect {
    fn providers(&self) -> Vec<Provider> {
        self.fakes.providers()
    }

    fn connect(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn Gateway>, SettingsError> {
        self.fakes.connect(kind, settings)?;
        let name = settings.text("name");
        let (inner, hook) = (self.fake(name, kind), self.hook(name));
        Ok(Arc::new(Hooked { inner, hook, clock: Arc::clone(&self.clock) }))
    }
}
