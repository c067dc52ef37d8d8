//! FlexFactor: hands a declined payment to a service that takes it on its own risk.
//!
//! Sources, read 2026-11-21: <https://docs.flexfactor.io>, and the public client
//! <https://github.com/activemerchant/active_merchant> (`flex_charge.rb` and its tests).

mod client;
mod evaluate;
mod event_data;
mod fence;
mod inquire;
mod json;
mod managed;
mod operate;
mod order;
mod report;
mod settings;
mod signature;
mod token;
mod tokenize;

use std::sync::Arc;

use domain::Clock;
use domain::configuration::Capabilities;
use domain::doubt::{FenceAnswer, Finding};
use domain::placement::Problem;
use gateways::{
    BookedApproval, ChargeOutcome, ChargeRequest, Gateway, GatewayError, InquireRequest, OperationFinding,
    OperationOutcome, OperationRequest, RawReport, Reply, Report, ReportError, Settings, SettingsError,
    SigningKeys, Standing, Transport,
};
use jiff::Timestamp;

use client::Client;
use settings::{EXPIRY_DAYS, HMAC_SIGNING_KEY, INCLUDE_CHARGEBACKS};
pub(crate) use settings::{KIND, PROVIDER};

/// What is wrong with a signing key, and what to do.
const NO_KEY: &str = "HMACSigningKey is not base64. Copy the webhook subscriber key from FlexFactor's portal again, whole, \
    with any = at its end.";

/// One merchant account at FlexFactor.
#[derive(Debug)]
pub(crate) struct FlexFactor {
    client: Client,
    signing_keys: SigningKeys,
    expiry_days: i64,
    takes_chargebacks: bool,
}

impl FlexFactor {
    /// A gateway with these settings, which have been checked against [`PROVIDER`].
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        settings: &Settings,
    ) -> Result<Self, SettingsError> {
        // With a key that can be no key, no report is ever believed, and nobody would know why.
        if signature::key_bytes(settings.expose(HMAC_SIGNING_KEY)).is_none() {
            return Err(SettingsError::Invalid(vec![Problem::new(HMAC_SIGNING_KEY, NO_KEY)]));
        }
        Ok(Self {
            client: Client::new(transport, clock, settings)?,
            signing_keys: SigningKeys::read(settings, HMAC_SIGNING_KEY),
            expiry_days: settings.integer(&EXPIRY_DAYS),
            takes_chargebacks: settings.flag(INCLUDE_CHARGEBACKS),
        })
    }
}

impl Gateway for FlexFactor {
    fn capabilities(&self) -> Capabilities {
        PROVIDER.capabilities
    }

    fn is_local(&self) -> bool {
        self.client.is_local()
    }

    fn time_limit_secs(&self) -> i64 {
        self.client.time_limit_secs().saturating_add(i64::from(evaluate::PREPARE_SECS_MAX))
    }

    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Reply<'a, Result<ChargeOutcome, GatewayError>> {
        Box::pin(evaluate::charge(&self.client, request))
    }

    fn list_approvals(&self, since: Timestamp) -> Reply<'_, Result<Vec<BookedApproval>, String>> {
        Box::pin(inquire::books(&self.client, since, self.client.now()))
    }

    fn inquire<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Finding> {
        Box::pin(inquire::find(&self.client, request))
    }

    fn fence<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, FenceAnswer> {
        Box::pin(fence::fence(&self.client, request))
    }

    fn operate<'a>(
        &'a self,
        request: &'a OperationRequest,
    ) -> Reply<'a, Result<OperationOutcome, GatewayError>> {
        Box::pin(operate::operate(&self.client, request))
    }

    fn inquire_operation<'a>(&'a self, request: &'a OperationRequest) -> Reply<'a, OperationFinding> {
        Box::pin(inquire::find_operation(&self.client, request))
    }

    fn salvage_days(&self) -> Option<i64> {
        Some(self.expiry_days)
    }

    fn look_up<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Standing> {
        Box::pin(inquire::look_up(&self.client, request))
    }

    fn read_report(&self, raw: &RawReport) -> Result<Report, ReportError> {
        report::read(&self.signing_keys, &self.client.scrubber, raw)
    }

    fn takes_chargebacks(&self) -> bool {
        self.takes_chargebacks
    }
}
