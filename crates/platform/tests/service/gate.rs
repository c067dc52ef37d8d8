//! An acquirer that waits at a gate before it answers, so that a test can act meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::configuration::{Capabilities, Provider};
use domain::doubt::{FenceAnswer, Finding};
use gateways::fake::{FakeConnect, FakeGateway};
use gateways::{
    BookedApproval, ChargeOutcome, ChargeRequest, Connect, Gateway, GatewayError, InquireRequest,
    OperationFinding, OperationOutcome, OperationRequest, Reply, Settings, SettingsError,
};
use jiff::Timestamp;
use tokio::sync::Semaphore;

/// Fakes behind a gate; open unless it is shut.
#[derive(Debug)]
pub(crate) struct GatedConnect {
    pub(crate) fakes: FakeConnect,
    pub(crate) gate: Arc<Gate>,
}

/// Counts who has arrived, and lets them pass one by one or all.
#[derive(Debug)]
pub(crate) struct Gate {
    permits: Semaphore,
    arrived: Semaphore,
    acts_first: AtomicBool,
}

impl Gate {
    pub(crate) fn open() -> Self {
        Self {
            permits: Semaphore::new(Semaphore::MAX_PERMITS / 2),
            arrived: Semaphore::new(0),
            acts_first: AtomicBool::new(false),
        }
    }

    /// From now on nobody passes.
    pub(crate) fn shut(&self) {
        self.permits.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// From now on the acquirer acts before the gate, and only its answer waits.
    pub(crate) fn shut_behind(&self) {
        self.acts_first.store(true, Ordering::SeqCst);
        self.shut();
    }

    /// Lets so many pass.
    pub(crate) fn let_pass(&self, count: usize) {
        self.permits.add_permits(count);
    }

    /// Waits until one more charge stands at the gate.
    pub(crate) async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        self.permits.acquire().await.unwrap().forget();
    }
}

#[derive(Debug)]
struct Gated {
    fake: Arc<FakeGateway>,
    gate: Arc<Gate>,
}

impl Gateway for Gated {
    fn capabilities(&self) -> Capabilities {
        self.fake.capabilities()
    }
    fn is_local(&self) -> bool {
        true
    }
    fn time_limit_secs(&self) -> i64 {
        self.fake.time_limit_secs()
    }
    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Reply<'a, Result<ChargeOutcome, GatewayError>> {
        Box::pin(async move {
            if self.gate.acts_first.load(Ordering::SeqCst) {
                let answer = self.fake.charge(request).await;
                self.gate.pass().await;
                return answer;
            }
            self.gate.pass().await;
            self.fake.charge(request).await
        })
    }
    fn inquire<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Finding> {
        self.fake.inquire(request)
    }
    fn fence<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, FenceAnswer> {
        self.fake.fence(request)
    }
    fn operate<'a>(
        &'a self,
        request: &'a OperationRequest,
    ) -> Reply<'a, Result<OperationOutcome, GatewayError>> {
        self.fake.operate(request)
    }
    fn inquire_operation<'a>(&'a self, request: &'a OperationRequest) -> Reply<'a, OperationFinding> {
        self.fake.inquire_operation(request)
    }
    fn list_approvals(&self, since: Timestamp) -> Reply<'_, Result<Vec<BookedApproval>, String>> {
        self.fake.list_approvals(since)
    }
}

impl Connect for GatedConnect {
    fn providers(&self) -> Vec<Provider> {
        self.fakes.providers()
    }

    fn connect(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn Gateway>, SettingsError> {
        self.fakes.connect(kind, settings)?;
        let capabilities = self.fakes.provider(kind).unwrap().capabilities;
        let fake = self.fakes.gateway(settings.text("name"), capabilities);
        Ok(Arc::new(Gated { fake, gate: Arc::clone(&self.gate) }))
    }
}
