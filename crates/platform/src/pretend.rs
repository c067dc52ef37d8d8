//! The sandbox's acquirer: charges nobody, and declines what the documents say that the sandbox declines.

use domain::attempt::{Approval, Initiator, RawDecline};
use domain::configuration::{Capabilities, RecycleSlots};
use domain::doubt::{FenceAnswer, Finding};
use gateways::{
    ChargeOutcome, ChargeRequest, Gateway, GatewayError, InquireRequest, OperationFinding, OperationOutcome,
    OperationRequest, Reply,
};

/// The kind under which its attempts are stored.
pub(crate) const KIND: &str = "sandbox";
/// Declined in a CIT without security code and telephone; otherwise taken.
///
/// Source: ActiveMerchant's remote tests of its `FlexCharge` gateway, in
/// <https://github.com/activemerchant/active_merchant/blob/master/test/remote/gateways/remote_flex_charge_test.rb>.
pub(crate) const DECLINED_WHEN_BARE: &str = "4111111111111111";
/// Always declined; named so in the same place.
pub(crate) const DECLINED_ALWAYS: &str = "4000300011112220";

/// Approves everything else. It keeps nothing, so there is nothing that could be lost.
#[derive(Debug)]
pub(crate) struct PretendAcquirer;

/// Whether the sandbox declines this charge.
pub(crate) fn declines(number: &str, initiator: Initiator, has_code: bool, has_phone: bool) -> bool {
    let bare = initiator == Initiator::Customer && !has_code && !has_phone;
    number == DECLINED_ALWAYS || (number == DECLINED_WHEN_BARE && bare)
}

impl PretendAcquirer {
    fn answer(request: &ChargeRequest) -> ChargeOutcome {
        let has_code = request.card.security_code.is_some();
        let has_phone = !request.contact.phone.is_empty();
        if declines(request.card.number.expose(), request.initiator, has_code, has_phone) {
            return ChargeOutcome::Declined(RawDecline {
                reference: request.reference.clone(),
                code: "2000".to_owned(),
                text: "Do not honor".to_owned(),
                ..RawDecline::default()
            });
        }
        ChargeOutcome::Approved(Approval {
            reference: request.reference.clone(),
            auth_code: "000000".to_owned(),
            avs: String::new(),
            cvv: String::new(),
            text: "Approved by the sandbox; nobody was charged.".to_owned(),
            amount: request.amount,
        })
    }
}

impl Gateway for PretendAcquirer {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            first_charge: true,
            cascade: false,
            recycle_slots: RecycleSlots::None,
            direct_rerun: false,
            needs_ip: false,
            asynchronous: false,
            inquire: true,
            fence: false,
            idempotent_replay: true,
            account_check: false,
            hold: true,
            void: true,
            refund: true,
            partial_refund: true,
        }
    }

    fn is_local(&self) -> bool {
        true
    }

    fn time_limit_secs(&self) -> i64 {
        1
    }

    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Reply<'a, Result<ChargeOutcome, GatewayError>> {
        Box::pin(async move { Ok(Self::answer(request)) })
    }

    fn inquire<'a>(&'a self, _: &'a InquireRequest) -> Reply<'a, Finding> {
        Box::pin(async { Finding::NotFound })
    }

    fn fence<'a>(&'a self, _: &'a InquireRequest) -> Reply<'a, FenceAnswer> {
        Box::pin(async { FenceAnswer::Unknown })
    }

    fn operate<'a>(
        &'a self,
        request: &'a OperationRequest,
    ) -> Reply<'a, Result<OperationOutcome, GatewayError>> {
        Box::pin(async move {
            Ok(OperationOutcome::Done { reference: request.reference.clone(), text: "SUCCESS".to_owned() })
        })
    }

    fn inquire_operation<'a>(&'a self, _: &'a OperationRequest) -> Reply<'a, OperationFinding> {
        Box::pin(async { OperationFinding::NotDone })
    }
}
