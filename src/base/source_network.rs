//! Owns which network a source address stands for, wherever sources are counted.

use std::net::{IpAddr, Ipv6Addr};

/// The network of an address: one customer of a provider has a whole /64 of IPv6.
pub(crate) fn source_network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => first_of(address, 64),
    }
}

/// The site of an IPv6 address, its /48: many a customer has one, with 65,536 networks. `None` for IPv4.
pub(crate) fn source_site(source: IpAddr) -> Option<IpAddr> {
    match source.to_canonical() {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => Some(first_of(address, 48)),
    }
}

fn first_of(address: Ipv6Addr, bits: u32) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits(
        address.to_bits() & (u128::MAX << (128 - bits)),
    ))
}
