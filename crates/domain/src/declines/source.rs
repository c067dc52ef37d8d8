//! Names under which other software calls the sources of our code table.

use super::codes::SOURCES;

const ALIASES: &[(&str, &str)] = &[
    ("networkmerchants", "nmi"),
    ("authnet", "authorize.net"),
    ("anet", "authorize.net"),
    ("checkout", "checkout.com"),
    ("cko", "checkout.com"),
    ("chase", "chase-paymentech"),
    ("paymentech", "chase-paymentech"),
    ("orbital", "chase-paymentech"),
    ("mc", "mastercard"),
    ("americanexpress", "amex"),
    ("iso", "iso8583"),
    ("network", "iso8583"),
    ("issuer", "iso8583"),
    ("gateway", "iso8583"),
];

/// The source that `name` means, whatever its case and punctuation (`"NMI"`, `"Authorize.Net"`, `"authnet"`); `None` when
/// unknown, which is never a reason to refuse a payment.
pub fn canonical_source(name: &str) -> Option<&'static str> {
    let name = folded(name);
    ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map(|(_, source)| *source)
        .or_else(|| SOURCES.iter().find(|source| folded(source) == name).copied())
}

fn folded(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_found_by_name_spelling_and_alias() {
        for (name, source) in [
            ("NMI", "nmi"),
            ("Network Merchants", "nmi"),
            ("Authorize.Net", "authorize.net"),
            ("chase_paymentech", "chase-paymentech"),
            ("Gateway", "iso8583"),
            ("CheckoutCom", "checkout.com"),
        ] {
            assert_eq!(canonical_source(name), Some(source), "{name}");
        }
        assert_eq!(canonical_source("acme"), None);
        assert_eq!(canonical_source(""), None);
    }

    #[test]
    fn every_alias_leads_to_a_source_of_the_table() {
        for (alias, source) in ALIASES {
            assert!(SOURCES.contains(source), "{alias}");
            assert_eq!(*alias, folded(alias));
        }
    }
}
