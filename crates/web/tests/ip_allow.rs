//! Laws of networks and allow-lists.
#![cfg(test)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use recoup_web::ip_allow::{AllowList, Network};

fn v4() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from_bits)
}

fn v6() -> impl Strategy<Value = Ipv6Addr> {
    any::<u128>().prop_map(Ipv6Addr::from_bits).prop_filter("not IPv4", |v6| v6.to_ipv4_mapped().is_none())
}

fn leading(count: u32, bits: u128, width: u32) -> u128 {
    if count == 0 { 0 } else { bits >> (width - count) }
}

proptest! {
    #[test]
    fn an_ipv4_network_holds_exactly_the_addresses_with_its_leading_bits(
        first in any::<u32>(), flipped in 0_u32..33, count in 0_u32..=32,
    ) {
        let mask = u32::MAX.checked_shl(32 - count).unwrap_or(0);
        let network: Network = format!("{}/{count}", Ipv4Addr::from_bits(first & mask)).parse().unwrap();
        // One bit is flipped (none at 32): inside the network if it lies after the leading bits.
        let other = first ^ 1_u32.checked_shl(flipped).unwrap_or(0);
        let same = leading(count, first.into(), 32) == leading(count, other.into(), 32);
        prop_assert_eq!(network.contains(IpAddr::V4(Ipv4Addr::from_bits(other))), same);
    }

    #[test]
    fn an_ipv6_network_holds_exactly_the_addresses_with_its_leading_bits(
        first in v6(), flipped in 0_u32..129, count in 0_u32..=95,
    ) {
        let mask = u128::MAX.checked_shl(128 - count).unwrap_or(0);
        let network: Network = format!("{}/{count}", Ipv6Addr::from_bits(first.to_bits() & mask)).parse().unwrap();
        let other = Ipv6Addr::from_bits(first.to_bits() ^ 1_u128.checked_shl(flipped).unwrap_or(0));
        prop_assume!(other.to_ipv4_mapped().is_none());
        let same = leading(count, first.to_bits(), 128) == leading(count, other.to_bits(), 128);
        prop_assert_eq!(network.contains(IpAddr::V6(other)), same);
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_that_ipv4_address(network in v4(), address in v4(), count in 0_u8..=32) {
        let mask = u32::MAX.checked_shl(32 - u32::from(count)).unwrap_or(0);
        let first = Ipv4Addr::from_bits(network.to_bits() & mask);
        let plain: AllowList = format!("{first}/{count}").parse().unwrap();
        let mapped: AllowList = format!("{}/{}", first.to_ipv6_mapped(), count + 96).parse().unwrap();
        prop_assert_eq!(&plain, &mapped);
        let (bare, written_as_v6) = (IpAddr::V4(address), IpAddr::V6(address.to_ipv6_mapped()));
        prop_assert_eq!(plain.allows(bare), plain.allows(written_as_v6));
        prop_assert!(plain.allows(IpAddr::V6(first.to_ipv6_mapped())));
    }

    #[test]
    fn what_is_written_is_read_again(networks in proptest::collection::vec(v4(), 0..5), more in v6()) {
        let text = networks.iter().map(ToString::to_string).chain([more.to_string()]).collect::<Vec<_>>().join(" ");
        let list: AllowList = text.parse().unwrap();
        prop_assert_eq!(list.to_string().parse::<AllowList>().unwrap(), list);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}|[0-9a-f:./, ]{0,40}") {
        let _ = text.parse::<AllowList>();
    }
}
