//! The base address of a provider's API.

use std::fmt;
use std::net::IpAddr;

use domain::placement::Problem;
use gateways::SettingsError;
use reqwest::Url;

/// Where a provider's API lives; prints without any query.
#[derive(Clone)]
pub(crate) struct Address(Url);

impl Address {
    /// Reads the address in the field `base_url`. Card numbers travel to it, so beyond this machine only TLS will do.
    pub(crate) fn parse(text: &str) -> Result<Self, SettingsError> {
        let problem = |words: &str| SettingsError::Invalid(vec![Problem::new("base_url", words)]);
        let url = Url::parse(text.trim()).map_err(|_| problem("this is no web address"))?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !plain || url.cannot_be_a_base() {
            return Err(problem("the address of an API has no query, fragment or user name"));
        }
        let address = Self(url);
        if address.0.scheme() != "https" && !address.is_local() {
            return Err(problem("beyond this machine the address begins with https://"));
        }
        Ok(address)
    }

    /// Whether the host is this machine (M31).
    pub(crate) fn is_local(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host.ends_with(".localhost")
            || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// The address of `segments` below the base, each escaped, with these query parameters.
    pub(crate) fn at(&self, segments: &[&str], query: &[(&str, &str)]) -> String {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url.into()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m31_only_loopback_hosts_are_local() {
        for (text, local) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:1/v1", true),
            ("http://localhost:3000", true),
            ("http://nmi.localhost", true),
            ("https://secure.nmi.com", false),
            ("https://localhost.example.com", false),
            ("https://10.0.0.1", false),
        ] {
            assert_eq!(Address::parse(text).unwrap().is_local(), local, "{text}");
        }
    }

    #[test]
    fn card_numbers_do_not_leave_this_machine_in_clear() {
        for text in
            ["http://secure.nmi.com", "https://u@x.test/", "https://x.test/?key=1", "nonsense", "https://"]
        {
            let error = Address::parse(text).unwrap_err();
            assert!(error.to_string().contains("base_url"), "{text}: {error}");
        }
    }

    #[test]
    fn segments_are_escaped_and_slashes_are_not_doubled() {
        for base in ["https://x.test/v1", "https://x.test/v1/"] {
            let address = Address::parse(base).unwrap();
            assert_eq!(address.at(&["orders", "a/b?c"], &[]), "https://x.test/v1/orders/a%2Fb%3Fc");
            assert_eq!(address.at(&["t"], &[("mid", "1 2")]), "https://x.test/v1/t?mid=1+2");
        }
    }
}
