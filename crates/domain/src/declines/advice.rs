//! What the network or gateway advises besides refusing: stop, come later, or renew the data.

use super::{
    classify::{Base, Rule, Signals},
    codes::{CodeFacts, lookup},
    reason::Reason,
    words::RetryClass,
};

/// Minutes of "later" where no date is given, and of Mastercard's advice 02.
///
/// Source: Mastercard merchant advice codes, docs.y.uno/reference/payments/status-and-response-codes/merchant-advice-codes-mac,
/// read 2026-11-21.
const LATER_MINUTES: i64 = 72 * 60;

/// Refusals that waiting or new data does not heal, because the fault lies elsewhere.
const NOT_ABOUT_THE_CARD: [Reason; 5] = [
    Reason::InsufficientFunds,
    Reason::IssuerUnavailable,
    Reason::ProcessingError,
    Reason::MerchantConfig,
    Reason::InvalidRequest,
];

/// One piece of advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// Never again with this card.
    Stop(&'static CodeFacts),
    /// Not before that many minutes have passed.
    Wait { row: &'static CodeFacts, minutes: i64 },
    /// Newer card data exists.
    NewData(&'static CodeFacts),
    /// The network token does not fit.
    NewToken(&'static CodeFacts),
    /// The payer should check what was entered.
    CheckData(&'static CodeFacts),
    /// A code that says something, but advises nothing.
    Remark(&'static CodeFacts),
}

/// The refusals that end everything, the strongest first: a revoked agreement says more than a bare "stop".
pub(super) const STOPS: [Reason; 3] = [Reason::RevokedAuthorization, Reason::StopPayment, Reason::DoNotRetry];

impl Advice {
    /// The advice in `signals`: the network's or gateway's advice code, else what the gateway's own code (`gateway`) advises.
    pub(super) fn find(signals: &Signals<'_>, gateway: Option<&'static CodeFacts>) -> Option<Self> {
        let coded = advice_row(signals).map(Self::of_row);
        match coded {
            None | Some(Self::Remark(_)) => gateway
                .map(Self::of_row)
                .filter(|own| matches!(own, Self::Wait { .. } | Self::NewData(_)))
                .or(coded),
            Some(_) => coded,
        }
    }

    fn of_row(row: &'static CodeFacts) -> Self {
        if row.reason.is_some_and(|reason| STOPS.contains(&reason)) {
            return Self::Stop(row);
        }
        match (row.source, row.code) {
            ("mastercard-mac", "01") | ("nmi", "263") => Self::NewData(row),
            ("mastercard-mac", "04") => Self::NewToken(row),
            ("stripe-advice", "confirm_card_data") => Self::CheckData(row),
            ("mastercard-mac", code) => match mastercard_wait(code) {
                Some(minutes) => Self::Wait { row, minutes },
                None => Self::Remark(row),
            },
            ("nmi", "264") | ("stripe-advice", "try_again_later") => {
                Self::Wait { row, minutes: LATER_MINUTES }
            }
            _ => Self::Remark(row),
        }
    }

    pub(super) fn row(self) -> &'static CodeFacts {
        match self {
            Self::Stop(row)
            | Self::Wait { row, .. }
            | Self::NewData(row)
            | Self::NewToken(row)
            | Self::CheckData(row)
            | Self::Remark(row) => row,
        }
    }

    /// What is left of `base` when this advice is followed. It never softens a reason that no map may soften either.
    pub(super) fn apply(self, base: Base) -> Base {
        let about_card = base.reason.may_be_overridden() && !NOT_ABOUT_THE_CARD.contains(&base.reason);
        match self {
            Self::Wait { row, minutes } => wait(base, row.retry_class, minutes),
            Self::NewData(_) if about_card => {
                // Mastercard's group 83 (security) with 01 asks for authentication, not for a newer card number.
                if matches!(base.reason, Reason::SuspectedFraud | Reason::PinError) {
                    Base::of_reason(Reason::AuthenticationRequired, Rule::FixAdvice)
                } else {
                    Base::of_reason(Reason::NewAccountInfo, Rule::FixAdvice)
                }
            }
            Self::NewToken(_) if about_card => Base::of_reason(Reason::TokenUnusable, Rule::FixAdvice),
            Self::CheckData(_) if about_card && !base.reason.is_never() => {
                Base { retry_class: RetryClass::AfterUpdate, ..base }
            }
            Self::Stop(_) | Self::NewData(_) | Self::NewToken(_) | Self::CheckData(_) | Self::Remark(_) => {
                base
            }
        }
    }
}

/// Replaces the delay where time can help: a timed class, a reason that has a delay, or one that the advice code decides
/// (Mastercard's 79, and "not permitted" outside Visa).
fn wait(base: Base, advised: RetryClass, minutes: i64) -> Base {
    let by_advice = base.reason == Reason::AccountLifecycle
        || (base.reason == Reason::TransactionNotPermitted && base.visa_category.is_none());
    if by_advice || base.retry_class.is_timed() {
        Base { retry_class: advised, delay_minutes: Some(minutes), ..base }
    } else if base.delay_minutes.is_some() {
        Base { delay_minutes: Some(minutes), ..base }
    } else {
        base
    }
}

/// Stripe has advice words of its own. Mastercard's codes are read on Mastercard and where the network is not known;
/// elsewhere only its two stops are, because ignoring a stop is the dearer mistake.
fn advice_row(signals: &Signals<'_>) -> Option<&'static CodeFacts> {
    let code = signals.advice_code?.trim();
    lookup("stripe-advice", code).filter(|_| signals.known_source() == Some("stripe")).or_else(|| {
        let row = lookup("mastercard-mac", code)?;
        let ours =
            matches!(signals.network_table(), None | Some("mastercard")) && !signals.is_other_network();
        (ours || matches!(Advice::of_row(row), Advice::Stop(_))).then_some(row)
    })
}

/// Minutes to wait by a Mastercard advice code.
///
/// Source: as [`LATER_MINUTES`].
fn mastercard_wait(code: &str) -> Option<i64> {
    match code {
        "02" => Some(LATER_MINUTES),
        "24" => Some(60),
        "25" => Some(24 * 60),
        "26" => Some(48 * 60),
        "27" => Some(96 * 60),
        "28" => Some(144 * 60),
        "29" => Some(192 * 60),
        "30" => Some(240 * 60),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_of_mastercards_advice_equal_the_notes_of_the_table() {
        for code in 1..=43 {
            let code = format!("{code:02}");
            let Some(row) = lookup("mastercard-mac", &code) else { continue };
            let noted = row.notes.strip_prefix("delay ").and_then(|note| note.strip_suffix(" h"));
            let noted = noted.or_else(|| row.notes.strip_prefix("retry after ")?.strip_suffix(" hours"));
            assert_eq!(mastercard_wait(&code), noted.map(|h| h.parse::<i64>().unwrap() * 60), "{code}");
        }
    }
}
