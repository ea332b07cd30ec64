//! Owns which network a source address stands for, wherever sources are counted.

use std::net::{IpAddr, Ipv6Addr};

/// The network of an address: one customer of a provider has a whole /64 of IPv6.
pub(crate) fn source_network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}
