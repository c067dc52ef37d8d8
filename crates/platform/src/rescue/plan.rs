//! What to do with an evaluate: answer it at once, or ask acquirers.

use domain::attempt::{Initiator, Purpose};
use domain::declines::{Reason, Signals, classify};
use storage::StoreError;
use storage::platform::RecoveryState;

use crate::Platform;
use crate::evaluate::{answered, details};
use crate::pretend;
use crate::rescue::Rescue;
use crate::rescue::routes::{Acquirer, routes_of};

/// A telephone that asks the sandbox for a challenge.
///
/// Source: ActiveMerchant's remote tests of its `FlexCharge` gateway, in
/// <https://github.com/activemerchant/active_merchant/blob/master/test/remote/gateways/remote_flex_charge_test.rb>.
const CHALLENGE_PHONE: &str = "+99.2001a/+99.2001b";
/// A telephone that asks the sandbox to hold an authorization; same source.
const HOLD_PHONE: &str = "998888";

/// The decision.
pub(crate) enum Plan {
    /// No acquirer is asked.
    Answer { state: RecoveryState, status: &'static str, reason: &'static str },
    /// These are, in this order.
    Ask {
        acquirers: Vec<Acquirer>,
        /// The version of the routes.
        version: i64,
    },
}

const fn declined(reason: &'static str) -> Plan {
    Plan::Answer { state: RecoveryState::Declined, status: answered::DECLINED, reason }
}

impl Platform {
    pub(crate) async fn plan(&self, rescue: &Rescue, has_code: bool) -> Result<Plan, StoreError> {
        let Some(configuration) = self.configuration(rescue.mid).await? else {
            return Ok(declined("The account is not known any more."));
        };
        let version = configuration.version;
        let pretend = || Plan::Ask { acquirers: vec![Acquirer::Pretend], version };
        if self.settings.sandbox {
            match trigger(rescue, has_code) {
                Some(Trigger::Challenge) => {
                    return Ok(Plan::Answer {
                        state: RecoveryState::Challenge,
                        status: answered::CHALLENGE,
                        reason: "The sandbox was asked for a challenge.",
                    });
                }
                Some(Trigger::Pretend) => return Ok(pretend()),
                None => {}
            }
        }
        if is_barred(rescue) {
            return Ok(declined("The network forbids another attempt after such a decline."));
        }
        let acquirers = routes_of(&configuration, rescue.recovery.purpose);
        if acquirers.is_empty() {
            let none = || declined("The account has no acquirer that could take this.");
            return Ok(if self.settings.sandbox { pretend() } else { none() });
        }
        let fingerprint = &rescue.card.stored.fingerprint;
        match self.store().find_card_lock(rescue.mid, fingerprint, self.now()).await? {
            Some(_) => Ok(declined("The card's issuer has forbidden any further attempt with this card.")),
            None => Ok(Plan::Ask { acquirers, version }),
        }
    }
}

/// What the merchant's own decline says, by our tables; none when nothing was told that we know.
pub(crate) fn reason_told(rescue: &Rescue) -> Option<Reason> {
    let told = details::read(&rescue.recovery);
    let brand = rescue.card.stored.shown.brand.as_str();
    let signals = Signals {
        network: Some(brand).filter(|brand| !brand.is_empty() && *brand != "other"),
        source: &told.decline_source,
        code: &told.decline_code,
        ..Signals::default()
    };
    classify(&signals).map(|reading| reading.reason)
}

/// Whether it says that the card is gone for good or that the payer said stop, which no decline map lifts either (M27).
fn is_barred(rescue: &Rescue) -> bool {
    reason_told(rescue).is_some_and(|reason| reason.is_never() && !reason.may_be_overridden())
}

enum Trigger {
    Challenge,
    Pretend,
}

/// What the documents say that the sandbox answers whatever stands behind it.
fn trigger(rescue: &Rescue, has_code: bool) -> Option<Trigger> {
    let asked = &rescue.recovery;
    let phone = rescue.contact.phone.as_str();
    let by_customer = asked.initiator == Initiator::Customer;
    if by_customer && phone == CHALLENGE_PHONE {
        return Some(Trigger::Challenge);
    }
    let holds = by_customer && asked.purpose == Purpose::Hold && phone == HOLD_PHONE;
    let number = rescue.card.number.expose();
    (holds || pretend::declines(number, asked.initiator, has_code, !phone.is_empty()))
        .then_some(Trigger::Pretend)
}
