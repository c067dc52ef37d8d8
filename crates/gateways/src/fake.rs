//! A scripted gateway for tests: it does what the script says, and can fail before or after acting.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Money;
use domain::attempt::{Approval, Doubt, RawDecline};
use domain::configuration::{Capabilities, RecycleSlots};
use domain::doubt::{FenceAnswer, Finding};
use domain::salvage::Standing;
use secrecy::SecretString;
use tokio::sync::Semaphore;

use crate::port::{
    BookedApproval, ChargeOutcome, Gateway, GatewayError, OperationFinding, OperationOutcome, RawReport,
    Rejection, Reply, Report, ReportError,
};
use crate::requests::{ChargeRequest, InquireRequest, OperationKind, OperationRequest};
use crate::signing::SigningKeys;

mod books;
mod connect;
mod operations;
mod report;
mod salvage;

pub use connect::FakeConnect;
pub use report::{REPORT_HOST, SIGNING_KEY};
pub use salvage::Ending;

/// What the fake does with the next charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Takes the money and says so.
    Approve,
    /// Takes less than asked and says so (M14); minor units.
    ApproveOnly(i64),
    /// Holds the money though it was asked to take it (M9).
    Hold,
    /// Declines with this code and text.
    Decline(&'static str, &'static str),
    /// Takes it for later: nothing is taken until [`FakeGateway::end`] says how it ends.
    Pend,
    /// Takes it for later, then the answer is lost (M20).
    LosePending,
    /// Never receives it.
    FailBefore,
    /// The answer is lost before anything was done.
    LoseBefore,
    /// Takes the money, then the answer is lost.
    LoseAfter,
    /// Refuses to work on it.
    Reject(Rejection),
}

/// A charge as the fake booked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// Our reference.
    pub reference: String,
    /// The fake's id.
    pub gateway_reference: String,
    /// Minor units taken and not given back.
    pub minor: i64,
    /// Whether it is only held.
    pub held: bool,
    /// What was declined instead, if so.
    pub declined: Option<RawDecline>,
    /// What was approved, as it was said.
    pub approval: Option<Approval>,
    /// What was asked for.
    pub asked: Money,
    /// Whether it is still being worked on.
    pub open: bool,
    /// Whether it was cancelled while it was open.
    pub cancelled: bool,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Act>,
    operations: VecDeque<Act>,
    booked: Vec<Booked>,
    requests: Vec<ChargeRequest>,
    operated: Vec<(OperationKind, String, i64)>,
    unreachable: bool,
    fences: VecDeque<FenceAnswer>,
    gate: Option<Gate>,
    books_gate: Option<Gate>,
    standings: VecDeque<Standing>,
    looked_up: Vec<InquireRequest>,
    fenced: Vec<InquireRequest>,
    reports: u64,
}

/// What a fake is configured with.
#[derive(Debug, Clone)]
struct Setup {
    salvage_days: Option<i64>,
    takes_chargebacks: bool,
    spacing_secs: i64,
    keys: SigningKeys,
}

/// Holds answers back until it is opened: for what happens while a gateway is asked.
#[derive(Debug, Clone)]
pub struct Gate {
    arrived: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    fn closed() -> Self {
        Self { arrived: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) }
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        // It is never given a permit, only closed.
        let _ = self.open.acquire().await;
    }

    /// Waits until a request has arrived.
    pub async fn arrived(&self) {
        if let Ok(permit) = self.arrived.acquire().await {
            permit.forget();
        }
    }

    /// Lets every answer pass from now on.
    pub fn open(&self) {
        self.open.close();
    }
}

/// The scripted gateway. Without a script it approves.
#[derive(Debug)]
pub struct FakeGateway {
    capabilities: Capabilities,
    state: Mutex<State>,
    setup: Mutex<Setup>,
}

/// An ordinary card gateway.
pub const ORDINARY: Capabilities = Capabilities {
    first_charge: true,
    cascade: true,
    recycle_slots: RecycleSlots::All,
    direct_rerun: true,
    needs_ip: false,
    asynchronous: false,
    inquire: true,
    fence: false,
    idempotent_replay: false,
    account_check: true,
    hold: true,
    void: true,
    refund: true,
    partial_refund: true,
};

/// A decline-salvage gateway.
pub const SALVAGE: Capabilities = Capabilities {
    first_charge: false,
    cascade: true,
    recycle_slots: RecycleSlots::Later,
    direct_rerun: true,
    needs_ip: true,
    asynchronous: true,
    inquire: true,
    fence: true,
    idempotent_replay: false,
    account_check: false,
    hold: false,
    void: false,
    refund: true,
    partial_refund: true,
};

impl FakeGateway {
    /// A fake with these capabilities.
    pub fn new(capabilities: Capabilities) -> Self {
        let setup = Setup {
            salvage_days: capabilities.asynchronous.then_some(21),
            takes_chargebacks: false,
            spacing_secs: 0,
            keys: SigningKeys::only(SecretString::from(SIGNING_KEY)),
        };
        Self { capabilities, state: Mutex::new(State::default()), setup: Mutex::new(setup) }
    }

    /// Appends to the script of charges.
    pub fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.with(|state| state.script.extend(acts));
    }

    /// Appends to the script of captures, voids and refunds.
    pub fn script_operations(&self, acts: impl IntoIterator<Item = Act>) {
        self.with(|state| state.operations.extend(acts));
    }

    /// Appends to the answers of fences; without any it confirms.
    pub fn script_fences(&self, answers: impl IntoIterator<Item = FenceAnswer>) {
        self.with(|state| state.fences.extend(answers));
    }

    /// From now on charges are booked, and answered only when the gate is opened.
    pub fn hold_answers(&self) -> Gate {
        let gate = Gate::closed();
        self.with(|state| state.gate = Some(gate.clone()));
        gate
    }

    /// From now on inquiries fail, or work again.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.with(|state| state.unreachable = unreachable);
    }

    /// What it booked.
    pub fn booked(&self) -> Vec<Booked> {
        self.with(|state| state.booked.clone())
    }

    /// The charges it was asked for, as it was asked.
    pub fn requests(&self) -> Vec<ChargeRequest> {
        self.with(|state| state.requests.clone())
    }

    /// Captures, voids and refunds done: kind, the fake's id of the charge, minor units.
    pub fn operated(&self) -> Vec<(OperationKind, String, i64)> {
        self.with(|state| state.operated.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn setup(&self) -> Setup {
        self.setup.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn charge_now(&self, request: &ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
        self.with(|state| {
            let act = state.script.pop_front().unwrap_or(Act::Approve);
            state.requests.push(request.clone());
            let id = format!("fake-{}", state.requests.len());
            let approval = |minor: i64| Approval {
                reference: id.clone(),
                auth_code: "123456".to_owned(),
                avs: String::new(),
                cvv: String::new(),
                text: "SUCCESS".to_owned(),
                amount: domain::Money::new(minor, request.amount.currency()),
            };
            let mut book = |minor: i64, held: bool, declined: Option<RawDecline>| {
                state.booked.push(Booked {
                    reference: request.reference.clone(),
                    gateway_reference: id.clone(),
                    minor,
                    held,
                    approval: declined.is_none().then(|| approval(minor)),
                    declined,
                    asked: request.amount,
                    open: false,
                    cancelled: false,
                });
            };
            let asked = request.amount.minor();
            let lost = || GatewayError::InDoubt(Doubt::LostAnswer, anyhow::anyhow!("scripted"));
            match act {
                Act::Approve => {
                    book(asked, false, None);
                    Ok(ChargeOutcome::Approved(approval(asked)))
                }
                Act::ApproveOnly(minor) => {
                    book(minor, false, None);
                    Ok(ChargeOutcome::Approved(approval(minor)))
                }
                Act::Hold => {
                    book(asked, true, None);
                    Ok(ChargeOutcome::Held(approval(asked)))
                }
                Act::Decline(code, text) => {
                    let raw = RawDecline {
                        reference: id.clone(),
                        code: code.to_owned(),
                        text: text.to_owned(),
                        ..RawDecline::default()
                    };
                    book(0, false, Some(raw.clone()));
                    Ok(ChargeOutcome::Declined(raw))
                }
                Act::Pend => {
                    state.booked.push(salvage::opened(request, &id));
                    Ok(ChargeOutcome::Pending(id.clone()))
                }
                Act::LosePending => {
                    state.booked.push(salvage::opened(request, &id));
                    Err(lost())
                }
                Act::FailBefore => Err(GatewayError::NotSent(anyhow::anyhow!("scripted"))),
                Act::LoseBefore => Err(lost()),
                Act::LoseAfter => {
                    book(asked, false, None);
                    Err(lost())
                }
                Act::Reject(rejection) => Err(GatewayError::Rejected(rejection)),
            }
        })
    }

    fn find(&self, request: &InquireRequest) -> Finding {
        self.with(|state| {
            if state.unreachable {
                return Finding::Unreachable("scripted".to_owned());
            }
            match state.booked.iter().find(|one| one.reference == request.reference) {
                Some(Booked { open: true, .. }) => Finding::Processing,
                Some(Booked { cancelled: true, .. }) => Finding::Declined(salvage::cancelled_decline()),
                None | Some(Booked { declined: None, approval: None, .. }) => Finding::NotFound,
                Some(Booked { declined: Some(raw), .. }) => Finding::Declined(raw.clone()),
                Some(Booked { approval: Some(approval), minor: 0, .. }) if !approval.amount.is_zero() => {
                    Finding::Reversed(approval.clone())
                }
                Some(Booked { approval: Some(approval), held: true, .. }) => Finding::Held(approval.clone()),
                Some(Booked { approval: Some(approval), .. }) => Finding::Approved(approval.clone()),
            }
        })
    }
}

impl Gateway for FakeGateway {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn is_local(&self) -> bool {
        true
    }

    fn time_limit_secs(&self) -> i64 {
        1
    }

    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Reply<'a, Result<ChargeOutcome, GatewayError>> {
        Box::pin(async move {
            let answer = self.charge_now(request);
            if let Some(gate) = self.with(|state| state.gate.clone()) {
                gate.pass().await;
            }
            answer
        })
    }

    fn inquire<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Finding> {
        Box::pin(async move { self.find(request) })
    }

    fn fence<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, FenceAnswer> {
        Box::pin(async move { self.fence_now(request) })
    }

    fn operate<'a>(
        &'a self,
        request: &'a OperationRequest,
    ) -> Reply<'a, Result<OperationOutcome, GatewayError>> {
        Box::pin(async move { self.operate_now(request) })
    }

    fn inquire_operation<'a>(&'a self, request: &'a OperationRequest) -> Reply<'a, OperationFinding> {
        Box::pin(async move { self.find_operation(request) })
    }

    fn salvage_days(&self) -> Option<i64> {
        self.setup().salvage_days
    }

    fn look_up<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Standing> {
        Box::pin(async move { self.stands(request) })
    }

    fn read_report(&self, raw: &RawReport) -> Result<Report, ReportError> {
        if !self.capabilities.asynchronous {
            return Err(ReportError::Unsupported);
        }
        report::read(&self.setup().keys, raw)
    }

    fn takes_chargebacks(&self) -> bool {
        self.setup().takes_chargebacks
    }

    fn list_approvals(&self, _since: jiff::Timestamp) -> Reply<'_, Result<Vec<BookedApproval>, String>> {
        Box::pin(self.shown_books())
    }

    fn equal_charge_spacing_secs(&self) -> i64 {
        self.setup().spacing_secs
    }
}
