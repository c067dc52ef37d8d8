//! Where a merchant's events go.

use std::net::IpAddr;

use axum::http::Uri;
use domain::placement::Problem;

/// Longest address, characters.
const CHARS_MAX: usize = 2_000;

/// A receiver's address, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receiver {
    /// The whole address.
    pub(crate) url: String,
    /// Its host name, without a port: part of the signature.
    pub(crate) host: String,
    /// Whether it is this machine (M31).
    pub(crate) is_local: bool,
}

impl Receiver {
    /// Reads an address. Beyond this machine it begins with `https://`.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let problem = |words: &str| Problem::new("webhook_url", words.to_owned());
        let text = text.trim();
        if text.chars().count() > CHARS_MAX || text.contains('#') {
            return Err(problem("is a web address of at most 2000 characters, without a fragment"));
        }
        let uri = text.parse::<Uri>().map_err(|_| problem("is no web address"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(problem("is a whole web address, such as https://shop.example/hooks"));
        };
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(problem("names a host and no user"));
        }
        let host = authority.host().to_ascii_lowercase();
        let is_local = is_local(&host);
        match scheme {
            "https" => {}
            "http" if is_local => {}
            _ => return Err(problem("begins with https:// beyond this machine")),
        }
        Ok(Self { url: text.to_owned(), host, is_local })
    }
}

fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_signed_without_its_port() {
        let receiver = Receiver::parse("http://127.0.0.1:8090/hooks/x?y=1").unwrap();
        assert_eq!((receiver.host.as_str(), receiver.is_local), ("127.0.0.1", true));
        let receiver = Receiver::parse(" https://Shop.example:8443/h ").unwrap();
        assert_eq!((receiver.host.as_str(), receiver.is_local), ("shop.example", false));
        assert!(Receiver::parse("http://[::1]:1/").unwrap().is_local);
    }

    #[test]
    fn events_leave_this_machine_encrypted_only() {
        for wrong in [
            "http://shop.example/h",
            "ftp://127.0.0.1/",
            "/hooks",
            "shop.example",
            "https://ann:pw@shop.example/",
            "https://shop.example/#x",
            "https:// shop.example/",
            "",
        ] {
            assert!(Receiver::parse(wrong).is_err(), "{wrong}");
        }
    }
}
