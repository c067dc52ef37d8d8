//! The canonical reasons, generated from `data/decline-reasons.csv`, and the rules that hold for each.

use super::words::{Automatic, Class, CredentialChange, FraudFlag, NetworkClass, RetryClass, SalvageAdvice};

/// What the table says about one [`Reason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonFacts {
    /// Our verdict.
    pub class: Class,
    /// The network's view.
    pub network_class: NetworkClass,
    /// May an attempt be scheduled without a person?
    pub automatic: Automatic,
    /// Minutes from the decline to the earliest next attempt; `None`: no timer leads to one.
    pub earliest_delay_minutes: Option<i64>,
    /// Most automatic attempts in one recovery.
    pub automatic_attempts_max: u8,
    /// What must change about the card data first.
    pub credential: CredentialChange,
    /// What it says about fraud.
    pub fraud_flag: FraudFlag,
    /// Advice for salvage with the payer present.
    pub salvage_cit: SalvageAdvice,
    /// Advice for salvage without the payer.
    pub salvage_mit: SalvageAdvice,
    /// Visa category, 1 to 4, to count against when the gateway hides the network's code.
    pub implied_visa_category: Option<u8>,
    /// What a scheduler does.
    pub retry_class: RetryClass,
    /// The reason in one line, for people.
    pub meaning: &'static str,
    /// The delay in one line, for people.
    pub delay_rule: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/decline_reasons.rs"));

impl Reason {
    /// Reasons whose class no decline map changes: another attempt would charge someone who said stop, or whose card is
    /// gone, or might charge twice (money rule M27).
    pub const OVERRIDE_NEVER: [Self; 12] = [
        Self::ConfirmedFraud,
        Self::LostOrStolenCard,
        Self::PickupCard,
        Self::ClosedAccount,
        Self::StopPayment,
        Self::RevokedAuthorization,
        Self::DoNotRetry,
        Self::ComplianceBlock,
        Self::CustomerCancelled,
        Self::RateLimited,
        Self::InDoubt,
        Self::DuplicateTransaction,
    ];

    /// May a decline map change the class of this reason?
    pub fn may_be_overridden(self) -> bool {
        !Self::OVERRIDE_NEVER.contains(&self)
    }

    /// Does the network forbid any further attempt with this credential at this merchant, whatever the route?
    pub fn is_never(self) -> bool {
        self.facts().network_class == NetworkClass::Never
    }

    /// Was the payment refused? Not when the outcome is unknown, the request repeated an earlier one, or too many were
    /// sent (money rule M27): nothing may be salvaged then.
    pub fn is_decline(self) -> bool {
        !matches!(self, Self::InDoubt | Self::DuplicateTransaction | Self::RateLimited)
    }

    /// Does it say that something was refused, but not why?
    pub(crate) fn is_generic(self) -> bool {
        matches!(self, Self::DoNotHonor | Self::GenericDecline | Self::Unknown)
    }
}
