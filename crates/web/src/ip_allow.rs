//! Lists of addresses and networks that may call.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// What is wrong with an entry of an allow-list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address nor a network.
    #[error("`{0}` is no address such as 192.0.2.7 and no network such as 192.0.2.0/24 or 2001:db8::/32")]
    Malformed(String),
    /// The part after the slash has more bits than the address.
    #[error("`{0}` has too many bits after the slash: 32 for IPv4 and 128 for IPv6 at most")]
    TooLong(String),
    /// The address has bits beyond the network, so it may be a slip.
    #[error("`{given}` is not the beginning of its network; write {meant}, or the address alone")]
    HostBits {
        /// The entry as given.
        given: String,
        /// The network that it lies in.
        meant: Network,
    },
}

/// An address, or all addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    /// How many leading bits count: at most 32 or 128.
    bit_count: u8,
}

impl Network {
    /// Whether the address lies in this network. An IPv4 address written as IPv6 (`::ffff:192.0.2.7`) is that IPv4
    /// address; apart from that the families are separate, so `::/0` holds no IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && beginning(address, self.bit_count) == self.first
    }
}

/// The address with all bits after the first `bit_count` cleared.
fn beginning(address: IpAddr, bit_count: u8) -> IpAddr {
    let bit_count = u32::from(bit_count);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bit_count)).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bit_count)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

fn bit_count_max(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// Reads `192.0.2.7`, `192.0.2.0/24`, `2001:db8::1` or `2001:db8::/32`.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let malformed = || NetworkError::Malformed(text.to_owned());
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let written: IpAddr = address.parse().map_err(|_| malformed())?;
        let written_max = bit_count_max(written);
        let bit_count = match bits {
            None => written_max,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().map_err(|_| malformed())?
            }
            Some(_) => return Err(malformed()),
        };
        if bit_count > written_max {
            return Err(NetworkError::TooLong(text.to_owned()));
        }
        // `::ffff:192.0.2.0/120` is `192.0.2.0/24`.
        let canonical = written.to_canonical();
        let spared = written_max.saturating_sub(bit_count_max(canonical));
        let (address, bit_count) =
            bit_count.checked_sub(spared).map_or((written, bit_count), |rest| (canonical, rest));
        let network = Self { first: beginning(address, bit_count), bit_count };
        if network.first != address {
            return Err(NetworkError::HostBits { given: text.to_owned(), meant: network });
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bit_count == bit_count_max(self.first) {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}/{}", self.first, self.bit_count)
    }
}

/// The addresses that may call. An empty list allows nobody: where "no list" shall mean "no limit", keep an `Option`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Network>);

impl AllowList {
    /// Whether the address lies in one of the networks.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, in the order given.
    pub fn networks(&self) -> &[Network] {
        &self.0
    }
}

impl FromStr for AllowList {
    type Err = NetworkError;

    /// Reads entries separated by commas, blanks or line ends.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let entries = text.split(|char: char| char == ',' || char.is_whitespace());
        entries.filter(|entry| !entry.is_empty()).map(str::parse).collect()
    }
}

impl FromIterator<Network> for AllowList {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl fmt::Display for AllowList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{network}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("192.0.2.7", "192.0.2.7", true)]
    #[case("192.0.2.7", "192.0.2.8", false)]
    #[case("192.0.2.0/24", "192.0.2.255", true)]
    #[case("192.0.2.0/24", "192.0.3.0", false)]
    #[case("0.0.0.0/0", "255.255.255.255", true)]
    #[case("0.0.0.0/0", "2001:db8::1", false)]
    #[case("::/0", "2001:db8::1", true)]
    #[case("::/0", "192.0.2.7", false)]
    #[case("2001:db8::/32", "2001:db8:ffff::1", true)]
    #[case("2001:db8::/32", "2001:db9::", false)]
    #[case("::ffff:192.0.2.0/120", "192.0.2.9", true)]
    #[case("::ffff:192.0.2.7", "192.0.2.7", true)]
    #[case("192.0.2.7", "::ffff:192.0.2.7", true)]
    #[case("", "192.0.2.7", false)]
    #[case("10.0.0.0/8, 192.0.2.7\n2001:db8::1", "2001:db8::1", true)]
    fn a_list_allows_what_lies_in_its_networks(
        #[case] list: &str,
        #[case] address: &str,
        #[case] is_allowed: bool,
    ) {
        assert_eq!(list.parse::<AllowList>().unwrap().allows(address.parse().unwrap()), is_allowed);
    }

    #[rstest]
    #[case("192.0.2")]
    #[case("192.0.2.0/")]
    #[case("192.0.2.0/+4")]
    #[case("192.0.2.0/24/8")]
    #[case("192.0.2.0/33")]
    #[case("2001:db8::/129")]
    #[case("192.0.2.0/999")]
    #[case("example.com")]
    #[case("192.000.2.7")]
    fn what_is_no_network_is_refused(#[case] text: &str) {
        assert!(text.parse::<AllowList>().is_err());
    }

    #[test]
    fn a_network_with_host_bits_is_refused_with_the_network_that_was_meant() {
        let error = "192.0.2.7/24".parse::<Network>().unwrap_err();
        assert!(error.to_string().contains("write 192.0.2.0/24"), "{error}");
    }
}
