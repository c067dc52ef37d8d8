//! The host that a request names, as a gateway signs it: without a port.

use axum::http::{HeaderMap, Uri, header};

/// From the address of HTTP/2, else from the `Host` header; empty when there is neither.
pub(super) fn of_request(uri: &Uri, headers: &HeaderMap) -> String {
    let named = uri.authority().map(axum::http::uri::Authority::as_str);
    let header = || headers.get(header::HOST).and_then(|value| value.to_str().ok());
    without_port(named.or_else(header).unwrap_or_default()).to_ascii_lowercase()
}

fn without_port(host: &str) -> &str {
    let end_of_address = host.rfind(']').unwrap_or(0);
    match host.rfind(':') {
        Some(colon) if colon > end_of_address => host.get(..colon).unwrap_or(host),
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("hooks.example.test", "hooks.example.test")]
    #[case("Hooks.Example.Test:8443", "hooks.example.test")]
    #[case("[2001:db8::1]:80", "[2001:db8::1]")]
    #[case("[2001:db8::1]", "[2001:db8::1]")]
    #[case("", "")]
    fn m32_the_signed_host_has_no_port(#[case] sent: &str, #[case] signed: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, sent.parse().unwrap());
        assert_eq!(of_request(&Uri::from_static("/webhooks/x"), &headers), signed);
    }

    #[test]
    fn m32_the_address_of_http_2_comes_first() {
        let uri = Uri::from_static("https://hooks.example.test:8443/webhooks/x");
        assert_eq!(of_request(&uri, &HeaderMap::new()), "hooks.example.test");
    }
}
