//! An attempt as it is shown.

use domain::attempt as d;
use domain::attempt::AttemptState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::v1::values::{Instant, Money};

/// A request to a gateway to collect a payment, sent or possibly sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Attempt {
    /// Its id; the gateway knows it by this reference.
    pub(crate) id: String,
    /// Its order.
    order_id: String,
    /// The debt.
    payment_id: String,
    /// `collect` or `hold`.
    purpose: String,
    /// `customer` or `merchant`.
    initiator: String,
    /// How it came to this attempt: `first`, `repeat`, `next_gateway`, `cascade`, `cascade_all`, `reimport`.
    route: String,
    /// The gateway asked.
    gateway_id: String,
    /// The gateway's kind at that time.
    gateway_kind: String,
    /// What was asked.
    amount: Money,
    /// The declined attempt that this one salvages.
    #[serde(skip_serializing_if = "Option::is_none")]
    salvages: Option<String>,
    /// Why this gateway, why now.
    why: String,
    /// `sending`, `in_doubt`, `pending`, `approved`, `declined` or `not_executed`.
    pub(crate) state: String,
    /// When the intent was committed.
    created_at: Instant,
    /// When its outcome was learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_at: Option<Instant>,
    /// When a void or full refund undid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reversed_at: Option<Instant>,
    /// Why it is in doubt.
    #[serde(skip_serializing_if = "Option::is_none")]
    doubt: Option<Doubt>,
    /// What the gateway said when it approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<Approval>,
    /// What was refused, and our reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline: Option<Decline>,
    /// Why it provably did nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    lapse: Option<Lapse>,
    /// How often the gateway was asked about it.
    checks: i64,
    /// When it is looked at again.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_check_at: Option<Instant>,
    /// Whether a person must decide.
    needs_person: bool,
}

/// Why we do not know what the gateway did.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Doubt {
    /// `lost_answer`, `duplicate`, `unclear`, `crash` or `partial`.
    cause: String,
    /// Since when.
    since: Instant,
}

/// What a gateway said when it approved.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Approval {
    /// The gateway's id of the transaction.
    gateway_reference: String,
    /// The issuer's approval code; empty when the gateway hides it.
    auth_code: String,
    /// Address check letter as received.
    avs_result: String,
    /// Security-code check letter as received.
    cvv_result: String,
    /// The gateway's words.
    text: String,
    /// What was approved.
    amount: Money,
}

/// A refusal: as received, and our reading.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "these are the names on the wire")]
pub(crate) struct Decline {
    /// The gateway's id of the transaction.
    gateway_reference: String,
    /// The gateway's code.
    code: String,
    /// The gateway's words.
    text: String,
    /// The card network's response code, when the gateway passes it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    network_code: Option<String>,
    /// The network's advice code, when the gateway passes it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice_code: Option<String>,
    /// Our reason.
    reason: String,
    /// `soft` or `hard` by our tables.
    class_read: String,
    /// `soft` or `hard` after decline maps; this one decides.
    class: String,
    /// The decline map that changed class or text.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_map_id: Option<String>,
    /// What the buyer reads.
    text_shown: String,
}

/// Why an attempt provably did nothing.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Lapse {
    /// `not_sent`, `refused`, `not_received` or `fenced`.
    cause: String,
    /// What the request was refused for.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The gateway's code, or empty.
    code: String,
    /// The gateway's words, or ours.
    text: String,
}

impl From<&d::Attempt> for Attempt {
    fn from(attempt: &d::Attempt) -> Self {
        let mut shown = Self {
            id: attempt.id.to_string(),
            order_id: attempt.order_id.to_string(),
            payment_id: attempt.payment_id.to_string(),
            purpose: attempt.purpose.as_str().to_owned(),
            initiator: attempt.initiator.as_str().to_owned(),
            route: attempt.route.as_str().to_owned(),
            gateway_id: attempt.gateway_id.to_string(),
            gateway_kind: attempt.gateway_kind.clone(),
            amount: attempt.amount.into(),
            salvages: attempt.salvages.map(|id| id.to_string()),
            why: attempt.why.clone(),
            state: attempt.state.name().to_owned(),
            created_at: attempt.created_at.into(),
            settled_at: None,
            reversed_at: None,
            doubt: None,
            approval: None,
            decline: None,
            lapse: None,
            checks: attempt.checks,
            next_check_at: attempt.next_check_at.map(Instant::from),
            needs_person: attempt.needs_person,
        };
        shown.add_state(&attempt.state);
        shown
    }
}

impl Attempt {
    fn add_state(&mut self, state: &AttemptState) {
        match state {
            AttemptState::Sending | AttemptState::Pending { .. } => {}
            AttemptState::InDoubt { doubt, since } => {
                self.doubt = Some(Doubt { cause: doubt.as_str().to_owned(), since: (*since).into() });
            }
            AttemptState::Approved { approval, at, reversed_at } => {
                self.settled_at = Some((*at).into());
                self.reversed_at = reversed_at.map(Instant::from);
                self.approval = Some(approval.into());
            }
            AttemptState::Declined { decline, at } => {
                self.settled_at = Some((*at).into());
                self.decline = Some(decline.into());
            }
            AttemptState::NotExecuted { lapse, at } => {
                self.settled_at = Some((*at).into());
                self.lapse = Some(Lapse {
                    cause: lapse.cause.as_str().to_owned(),
                    reason: lapse.reason.map(|reason| reason.as_str().to_owned()),
                    code: lapse.code.clone(),
                    text: lapse.text.clone(),
                });
            }
        }
    }
}

impl From<&d::Approval> for Approval {
    fn from(approval: &d::Approval) -> Self {
        Self {
            gateway_reference: approval.reference.clone(),
            auth_code: approval.auth_code.clone(),
            avs_result: approval.avs.clone(),
            cvv_result: approval.cvv.clone(),
            text: approval.text.clone(),
            amount: approval.amount.into(),
        }
    }
}

impl From<&d::Decline> for Decline {
    fn from(decline: &d::Decline) -> Self {
        Self {
            gateway_reference: decline.raw.reference.clone(),
            code: decline.raw.code.clone(),
            text: decline.raw.text.clone(),
            network_code: decline.raw.network_code.clone(),
            advice_code: decline.raw.advice_code.clone(),
            reason: decline.reason.as_str().to_owned(),
            class_read: decline.class_read.as_str().to_owned(),
            class: decline.class.as_str().to_owned(),
            decline_map_id: decline.map.map(|id| id.to_string()),
            text_shown: decline.text_shown.clone(),
        }
    }
}
