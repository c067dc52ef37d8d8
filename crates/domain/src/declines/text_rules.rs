//! What a gateway's words mean where its code says little or nothing.
//!
//! Phrases are lower-case words, matched at word boundaries, longest first: "do not honor" is tried before "declined".
//! The general phrases are the usual wordings of the codes in `data/decline-codes.csv`.

use super::{
    reason::Reason,
    text::{contains_words, strip_refid, words_of},
};

/// A phrase and the reason that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextRule {
    phrase: &'static str,
    reason: Reason,
}

const fn rule(phrase: &'static str, reason: Reason) -> TextRule {
    TextRule { phrase, reason }
}

/// For any gateway.
pub(super) static GENERAL: &[TextRule] = &[
    rule("additional customer authentication", Reason::AuthenticationRequired),
    rule("revocation of all authorizations", Reason::RevokedAuthorization),
    rule("communication error with issuer", Reason::IssuerUnavailable),
    rule("issuer or switch inoperative", Reason::IssuerUnavailable),
    rule("merchant account is inactive", Reason::MerchantConfig),
    rule("payment token does not exist", Reason::TokenUnusable),
    rule("ineligible for resubmission", Reason::DoNotRetry),
    rule("not permitted to cardholder", Reason::TransactionNotPermitted),
    rule("revocation of authorization", Reason::RevokedAuthorization),
    rule("stop this recurring program", Reason::StopPayment),
    rule("invalid credit card number", Reason::InvalidCardNumber),
    rule("merchant account inactive", Reason::MerchantConfig),
    rule("transaction not permitted", Reason::TransactionNotPermitted),
    rule("violation cannot complete", Reason::ComplianceBlock),
    rule("authentication required", Reason::AuthenticationRequired),
    rule("card type not supported", Reason::MerchantConfig),
    rule("exceeds approval amount", Reason::LimitExceeded),
    rule("invalid expiration date", Reason::ExpiredCard),
    rule("new account information", Reason::NewAccountInfo),
    rule("reattempt not permitted", Reason::DoNotRetry),
    rule("single use virtual card", Reason::NonReusableCard),
    rule("transaction not allowed", Reason::TransactionNotPermitted),
    rule("updated cardholder data", Reason::NewAccountInfo),
    rule("call for authorization", Reason::ReferToIssuer),
    rule("card number is invalid", Reason::InvalidCardNumber),
    rule("card type not accepted", Reason::MerchantConfig),
    rule("invalid account number", Reason::InvalidCardNumber),
    rule("no card number on file", Reason::NoAccount),
    rule("non reloadable prepaid", Reason::NonReusableCard),
    rule("authorization revoked", Reason::RevokedAuthorization),
    rule("blocked by cardholder", Reason::BlockedByCardholder),
    rule("cancelled by customer", Reason::CustomerCancelled),
    rule("expiration date error", Reason::ExpiredCard),
    rule("incorrect card number", Reason::InvalidCardNumber),
    rule("unsupported card type", Reason::MerchantConfig),
    rule("address verification", Reason::CardholderDataMismatch),
    rule("canceled by customer", Reason::CustomerCancelled),
    rule("insufficient balance", Reason::InsufficientFunds),
    rule("issuer not available", Reason::IssuerUnavailable),
    rule("non sufficient funds", Reason::InsufficientFunds),
    rule("not sufficient funds", Reason::InsufficientFunds),
    rule("postal code mismatch", Reason::CardholderDataMismatch),
    rule("re enter transaction", Reason::ProcessingError),
    rule("refer to card issuer", Reason::ReferToIssuer),
    rule("communication error", Reason::InDoubt),
    rule("contact card issuer", Reason::ReferToIssuer),
    rule("invalid card number", Reason::InvalidCardNumber),
    rule("invalid transaction", Reason::TransactionNotPermitted),
    rule("no checking account", Reason::NoAccount),
    rule("no such card issuer", Reason::InvalidCardNumber),
    rule("rate limit exceeded", Reason::RateLimited),
    rule("reenter transaction", Reason::ProcessingError),
    rule("refer call to issue", Reason::ReferToIssuer),
    rule("service not allowed", Reason::TransactionNotPermitted),
    rule("token not supported", Reason::TokenUnusable),
    rule("voice authorization", Reason::ReferToIssuer),
    rule("3d secure required", Reason::AuthenticationRequired),
    rule("customer cancelled", Reason::CustomerCancelled),
    rule("exceeds withdrawal", Reason::LimitExceeded),
    rule("insufficient funds", Reason::InsufficientFunds),
    rule("invalid expiration", Reason::ExpiredCard),
    rule("issuer inoperative", Reason::IssuerUnavailable),
    rule("issuer unavailable", Reason::IssuerUnavailable),
    rule("no savings account", Reason::NoAccount),
    rule("not enough balance", Reason::InsufficientFunds),
    rule("pin tries exceeded", Reason::PinError),
    rule("security violation", Reason::SuspectedFraud),
    rule("stop all recurring", Reason::RevokedAuthorization),
    rule("stop deposit order", Reason::StopPayment),
    rule("system malfunction", Reason::ProcessingError),
    rule("account is closed", Reason::ClosedAccount),
    rule("blocked by issuer", Reason::IssuerPolicy),
    rule("customer canceled", Reason::CustomerCancelled),
    rule("insufficient fund", Reason::InsufficientFunds),
    rule("no credit account", Reason::NoAccount),
    rule("not yet activated", Reason::AccountInactive),
    rule("over credit limit", Reason::LimitExceeded),
    rule("too many requests", Reason::RateLimited),
    rule("updated card data", Reason::NewAccountInfo),
    rule("account inactive", Reason::AccountInactive),
    rule("address mismatch", Reason::CardholderDataMismatch),
    rule("call card issuer", Reason::ReferToIssuer),
    rule("do not try again", Reason::DoNotRetry),
    rule("invalid exp date", Reason::ExpiredCard),
    rule("invalid merchant", Reason::MerchantConfig),
    rule("processing error", Reason::ProcessingError),
    rule("serv not allowed", Reason::TransactionNotPermitted),
    rule("violation of law", Reason::ComplianceBlock),
    rule("withdrawal limit", Reason::LimitExceeded),
    rule("card not active", Reason::AccountInactive),
    rule("confirmed fraud", Reason::ConfirmedFraud),
    rule("fraudulent card", Reason::ConfirmedFraud),
    rule("no such account", Reason::NoAccount),
    rule("processor error", Reason::ProcessingError),
    rule("refer to issuer", Reason::ReferToIssuer),
    rule("suspected fraud", Reason::SuspectedFraud),
    rule("account closed", Reason::ClosedAccount),
    rule("closed account", Reason::ClosedAccount),
    rule("contact issuer", Reason::ReferToIssuer),
    rule("exceeded limit", Reason::LimitExceeded),
    rule("invalid amount", Reason::InvalidRequest),
    rule("invalid expiry", Reason::ExpiredCard),
    rule("issuer timeout", Reason::IssuerUnavailable),
    rule("limit exceeded", Reason::LimitExceeded),
    rule("lost or stolen", Reason::LostOrStolenCard),
    rule("no card record", Reason::NoAccount),
    rule("no such issuer", Reason::InvalidCardNumber),
    rule("no such number", Reason::InvalidCardNumber),
    rule("required field", Reason::InvalidRequest),
    rule("risk threshold", Reason::MerchantRiskBlock),
    rule("stop recurring", Reason::RevokedAuthorization),
    rule("card inactive", Reason::AccountInactive),
    rule("card no error", Reason::InvalidCardNumber),
    rule("cvv2 declined", Reason::CvvMismatch),
    rule("cvv2 mismatch", Reason::CvvMismatch),
    rule("do not honour", Reason::DoNotHonor),
    rule("exceeds limit", Reason::LimitExceeded),
    rule("fraud account", Reason::ConfirmedFraud),
    rule("inactive card", Reason::AccountInactive),
    rule("incorrect pin", Reason::PinError),
    rule("invalid token", Reason::TokenUnusable),
    rule("invalid trans", Reason::TransactionNotPermitted),
    rule("issuer policy", Reason::IssuerPolicy),
    rule("law violation", Reason::ComplianceBlock),
    rule("not activated", Reason::AccountInactive),
    rule("reported lost", Reason::LostOrStolenCard),
    rule("security code", Reason::CvvMismatch),
    rule("avs declined", Reason::CardholderDataMismatch),
    rule("avs mismatch", Reason::CardholderDataMismatch),
    rule("avs rejected", Reason::CardholderDataMismatch),
    rule("capture card", Reason::PickupCard),
    rule("cvv declined", Reason::CvvMismatch),
    rule("cvv mismatch", Reason::CvvMismatch),
    rule("do not honor", Reason::DoNotHonor),
    rule("do not retry", Reason::DoNotRetry),
    rule("format error", Reason::InvalidRequest),
    rule("fraud filter", Reason::MerchantRiskBlock),
    rule("insuff funds", Reason::InsufficientFunds),
    rule("not approved", Reason::GenericDecline),
    rule("pick up card", Reason::PickupCard),
    rule("stop payment", Reason::StopPayment),
    rule("system error", Reason::ProcessingError),
    rule("zip mismatch", Reason::CardholderDataMismatch),
    rule("call issuer", Reason::ReferToIssuer),
    rule("invalid pin", Reason::PinError),
    rule("pickup card", Reason::PickupCard),
    rule("retain card", Reason::PickupCard),
    rule("fraudulent", Reason::SuspectedFraud),
    rule("no account", Reason::NoAccount),
    rule("over limit", Reason::LimitExceeded),
    rule("rate limit", Reason::RateLimited),
    rule("restricted", Reason::RestrictedCard),
    rule("card lost", Reason::LostOrStolenCard),
    rule("duplicate", Reason::DuplicateTransaction),
    rule("hold call", Reason::PickupCard),
    rule("lost card", Reason::LostOrStolenCard),
    rule("sanctions", Reason::ComplianceBlock),
    rule("timed out", Reason::InDoubt),
    rule("wrong pin", Reason::PinError),
    rule("declined", Reason::GenericDecline),
    rule("decline", Reason::GenericDecline),
    rule("expired", Reason::ExpiredCard),
    rule("pick up", Reason::PickupCard),
    rule("timeout", Reason::InDoubt),
    rule("stolen", Reason::LostOrStolenCard),
    rule("fraud", Reason::SuspectedFraud),
    rule("cvc2", Reason::CvvMismatch),
    rule("cvv2", Reason::CvvMismatch),
    rule("avs", Reason::CardholderDataMismatch),
    rule("cvc", Reason::CvvMismatch),
    rule("cvv", Reason::CvvMismatch),
    rule("nsf", Reason::InsufficientFunds),
];

/// For NMI's code 300, "rejected by gateway", where the issuer was not asked.
///
/// Source: recorded replies in <https://github.com/activemerchant/active_merchant> and <https://github.com/mfauveau/omnipay-nmi>,
/// and support.nmi.com, article 15002942676881 (duplicate checking), read 2026-11-21.
pub(super) static NMI_REJECTED: &[TextRule] = &[
    rule("only transactions pending settlement", Reason::InvalidRequest),
    rule("exceeds the authorization amount", Reason::InvalidRequest),
    rule("payment token does not exist", Reason::TokenUnusable),
    rule("refund amount may not exceed", Reason::InvalidRequest),
    rule("billing information missing", Reason::InvalidRequest),
    rule("invalid credit card number", Reason::InvalidCardNumber),
    rule("disabling duplicate check", Reason::MerchantConfig),
    rule("invalid customer vault id", Reason::TokenUnusable),
    rule("not allowed to process", Reason::MerchantConfig),
    rule("authentication failed", Reason::MerchantConfig),
    rule("duplicate transaction", Reason::DuplicateTransaction),
    rule("sandbox accounts must", Reason::MerchantConfig),
    rule("transaction not found", Reason::InvalidRequest),
    rule("duplicate threshold", Reason::MerchantConfig),
    rule("invalid transaction", Reason::InvalidRequest),
    rule("a capture requires", Reason::InvalidRequest),
    rule("api key not found", Reason::MerchantConfig),
    rule("invalid username", Reason::MerchantConfig),
    rule("invalid amount", Reason::InvalidRequest),
    rule("required field", Reason::InvalidRequest),
];

/// The reason of the first rule whose phrase `text` contains.
pub(super) fn find_reason(rules: &[TextRule], text: &str) -> Option<Reason> {
    find_rule(rules, text).map(|rule| rule.reason)
}

/// The reason that a gateway's text states in words that many gateways share; `None` when it states none.
/// A `REFID:<number>` is ignored, and so is everything after the first 1,024 characters.
pub fn reason_of_text(text: &str) -> Option<Reason> {
    find_reason(GENERAL, text)
}

fn find_rule<'a>(rules: &'a [TextRule], text: &str) -> Option<&'a TextRule> {
    let text = words_of(&strip_refid(text));
    rules.iter().find(|rule| contains_words(&text, rule.phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules that never decide anything: an earlier rule matches whatever they match.
    fn unreachable_rules(rules: &[TextRule]) -> Vec<&'static str> {
        let decides = |(at, rule): (usize, &TextRule)| match find_rule(rules, rule.phrase) {
            Some(first) if std::ptr::eq(first, &raw const rules[at]) => None,
            Some(_) | None => Some(rule.phrase),
        };
        rules.iter().enumerate().filter_map(decides).collect()
    }

    #[test]
    fn every_text_rule_can_be_reached() {
        for rules in [GENERAL, NMI_REJECTED] {
            assert_eq!(unreachable_rules(rules), Vec::<&str>::new());
        }
    }

    #[test]
    fn a_rule_behind_a_shorter_or_equal_phrase_counts_as_unreachable() {
        let shadowed = [rule("card", Reason::Unknown), rule("stolen card", Reason::LostOrStolenCard)];
        assert_eq!(unreachable_rules(&shadowed), ["stolen card"]);
        let twice = [rule("stolen", Reason::LostOrStolenCard), rule("stolen", Reason::PickupCard)];
        assert_eq!(unreachable_rules(&twice), ["stolen"]);
        assert_eq!(unreachable_rules(&[rule("Not-Folded", Reason::Unknown)]), ["Not-Folded"]);
    }

    #[test]
    fn phrases_are_folded_and_the_longest_comes_first() {
        for rules in [GENERAL, NMI_REJECTED] {
            assert!(rules.is_sorted_by_key(|rule| std::cmp::Reverse(rule.phrase.len())));
            for rule in rules {
                assert_eq!(words_of(rule.phrase).trim(), rule.phrase);
            }
        }
    }

    #[test]
    fn matching_ignores_case_and_punctuation_but_not_word_boundaries() {
        assert_eq!(reason_of_text("05: DO-NOT-HONOR"), Some(Reason::DoNotHonor));
        assert_eq!(reason_of_text("Insufficient  Funds. Declined"), Some(Reason::InsufficientFunds));
        assert_eq!(reason_of_text("Rate limit exceeded"), Some(Reason::RateLimited));
        assert_eq!(reason_of_text("unexpiredly"), None);
        assert_eq!(reason_of_text("connection lost"), None);
        assert_eq!(reason_of_text("Declined REFID:77"), Some(Reason::GenericDecline));
        assert_eq!(reason_of_text(""), None);
    }
}
