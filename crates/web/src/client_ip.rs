//! Who is calling, behind proxies too.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::ip_allow::AllowList;
use crate::problem::Problem;

/// The proxies whose `X-Forwarded-For` is believed; put it on a router with `Extension(TrustedProxies::new(list))`.
/// Without it the header is ignored, for anyone can send it.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<AllowList>);

impl TrustedProxies {
    /// Trusts the proxies at these addresses.
    pub fn new(proxies: AllowList) -> Self {
        Self(Arc::new(proxies))
    }
}

/// The caller's address: of the connection, or behind trusted proxies the nearest address that is none of them. An IPv4
/// address is always given as IPv4. Needs a server run by [`serve`](crate::serve::serve).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for ClientIp {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let info = ConnectInfo::<SocketAddr>::from_request_parts(parts, state).await;
        let ConnectInfo(peer) =
            info.map_err(|_| Problem::internal("the server does not pass on who connected"))?;
        let proxies = parts.extensions.get::<TrustedProxies>().cloned().unwrap_or_default();
        Ok(Self(client(peer.ip(), &parts.headers, &proxies.0)))
    }
}

/// Follows `X-Forwarded-For` from its end, where the nearest proxy wrote, for as long as proxies are trusted. What a
/// trusted proxy passed on that is no address ends the walk at that proxy.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &AllowList) -> IpAddr {
    let mut client = peer.to_canonical();
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let mut entries = lines.flat_map(|line| line.to_str().unwrap_or("not text").rsplit(','));
    while proxies.allows(client) {
        let Some(address) = entries.next().and_then(address) else { break };
        client = address;
    }
    client
}

/// An entry: an address, with a port or without.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.parse().ok();
    let address = bare.or_else(|| entry.parse().ok().map(|address: SocketAddr| address.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nobody_is_trusted("", "192.0.2.1", &["198.51.100.9"], "192.0.2.1")]
    #[case::peer_is_not_trusted("10.0.0.0/8", "192.0.2.1", &["198.51.100.9"], "192.0.2.1")]
    #[case::one_proxy("10.0.0.0/8", "10.0.0.1", &["198.51.100.9"], "198.51.100.9")]
    #[case::mapped_peer("10.0.0.0/8", "::ffff:10.0.0.1", &["::ffff:198.51.100.9"], "198.51.100.9")]
    #[case::two_proxies("10.0.0.0/8", "10.0.0.1", &["198.51.100.9, 10.0.0.2"], "198.51.100.9")]
    #[case::two_lines("10.0.0.0/8", "10.0.0.1", &["198.51.100.9", "10.0.0.2"], "198.51.100.9")]
    #[case::forged_line("10.0.0.0/8", "10.0.0.1", &["203.0.113.5", "198.51.100.9"], "198.51.100.9")]
    #[case::forged_beginning("10.0.0.0/8", "10.0.0.1", &["127.0.0.1, 198.51.100.9"], "198.51.100.9")]
    #[case::only_proxies("10.0.0.0/8", "10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3")]
    #[case::no_header("10.0.0.0/8", "10.0.0.1", &[], "10.0.0.1")]
    #[case::no_address("10.0.0.0/8", "10.0.0.1", &["198.51.100.9, unknown"], "10.0.0.1")]
    #[case::port("10.0.0.0/8", "10.0.0.1", &["198.51.100.9:4711"], "198.51.100.9")]
    #[case::port_v6("10.0.0.0/8", "10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1")]
    fn the_client_is_the_nearest_address_that_is_no_trusted_proxy(
        #[case] proxies: &str,
        #[case] peer: &str,
        #[case] forwarded: &[&str],
        #[case] expected: &str,
    ) {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let found = client(peer.parse().unwrap(), &headers, &proxies.parse().unwrap());
        assert_eq!(found, expected.parse::<IpAddr>().unwrap());
    }
}
