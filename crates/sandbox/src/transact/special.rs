//! Outcomes on demand: our own trigger in `merchant_defined_field_20`, and codes put there by faults.

use super::Fields;
use crate::{
    codes,
    issuer::{Refusal, Verdict},
};

/// An outcome that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// Nothing special: the rules decide.
    None,
    /// The issuer's answer is this.
    Decided(Verdict),
    /// Approved for at most this many minor units.
    Partial(i64),
    /// Refused by the gateway itself: 300 or 301.
    Rejected(u16),
}

impl Special {
    /// What a fault or else the trigger field asks for. The field holds words parted by commas or spaces:
    /// `code:202`, `mac:03`, `partial:500`; whatever else stands in it is ignored.
    pub(super) fn of(fields: &Fields, forced: Option<u16>) -> Self {
        if let Some(code) = forced {
            return Self::Decided(Verdict::Declined(Refusal::of(code)));
        }
        let trigger = fields.get("merchant_defined_field_20");
        let word = |name: &str| {
            trigger.split([',', ' ', ';']).find_map(|word| word.strip_prefix(name)).map(str::to_owned)
        };
        let partial = word("partial:").and_then(|minor| minor.parse().ok()).filter(|minor: &i64| *minor > 0);
        let code = word("code:").and_then(|code| code.parse().ok());
        match (code, partial) {
            (Some(100), _) => Self::Decided(Verdict::Approved(i64::MAX)),
            (Some(code @ (300 | 301)), _) => Self::Rejected(code),
            (Some(code), _) if codes::is_decline(code) => {
                Self::Decided(Verdict::Declined(Refusal { mac: word("mac:"), ..Refusal::of(code) }))
            }
            (_, Some(minor)) => Self::Partial(minor),
            _ => Self::None,
        }
    }

    /// The decline asked for, for requests that no issuer decides (capture, void, refund).
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Decided(Verdict::Declined(refusal)) => Some(refusal.clone()),
            Self::Decided(Verdict::Approved(_)) | Self::None | Self::Partial(_) | Self::Rejected(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(text: &str) -> Special {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("merchant_defined_field_20", text)
            .finish();
        Special::of(&Fields::parse(body.as_bytes()), None)
    }

    #[test]
    fn a_code_with_an_advice_code_parted_by_comma_or_space() {
        for text in ["code:202,mac:03", "code:202 mac:03", "mac:03; code:202"] {
            let refusal = trigger(text).refusal().unwrap();
            assert_eq!((refusal.code, refusal.mac.as_deref()), (202, Some("03")), "{text}");
        }
    }

    #[test]
    fn other_values_of_the_field_mean_nothing() {
        for text in ["value 20", "", "code:999", "code:abc", "partial:0", "partial:-5"] {
            assert_eq!(trigger(text), Special::None, "{text}");
        }
    }

    #[test]
    fn approvals_partial_approvals_and_rejections_can_be_asked_for() {
        assert_eq!(trigger("code:100"), Special::Decided(Verdict::Approved(i64::MAX)));
        assert_eq!(trigger("partial:500"), Special::Partial(500));
        assert_eq!(trigger("code:300"), Special::Rejected(300));
    }
}
