//! Owns how many connections each source network has. Knows neither sockets nor settings.
//!
//! The table is as large as there are connections: a network without one has no entry.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::base::source_network::{source_network, source_site};

/// A site may have so many times the connections of one of its networks.
const SITE_SHARES: usize = 2;

/// How many connections each source network has.
#[derive(Debug, Default)]
pub(in crate::http) struct SourceCounts(Mutex<HashMap<Network, usize>>);

/// The same bits may begin a network and the site that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    /// An IPv4 address or an IPv6 /64.
    Single(IpAddr),
    /// An IPv6 /48.
    Site(IpAddr),
}

impl Network {
    /// The networks of an address, from the narrow one to the wide one.
    fn of(source: IpAddr) -> impl Iterator<Item = Self> + Clone {
        let site = source_site(source).map(Self::Site);
        [Self::Single(source_network(source))]
            .into_iter()
            .chain(site)
    }

    fn limit(self, share: usize) -> usize {
        match self {
            Self::Single(_) => share,
            Self::Site(_) => share.saturating_mul(SITE_SHARES),
        }
    }
}

impl SourceCounts {
    /// Counts one more connection of `source`; false, and nothing is counted, when one of its networks has its share.
    pub(in crate::http) fn add(&self, source: IpAddr, share: usize) -> bool {
        let mut counts = self.counts();
        let networks = Network::of(source);
        let has_room = |network: Network| {
            let count = counts.get(&network).copied();
            count.unwrap_or(0) < network.limit(share)
        };
        if !networks.clone().all(has_room) {
            return false;
        }
        for network in networks {
            *counts.entry(network).or_insert(0) += 1;
        }
        true
    }

    pub(in crate::http) fn remove(&self, source: IpAddr) {
        let mut counts = self.counts();
        for network in Network::of(source) {
            match counts.get_mut(&network) {
                Some(count) if *count > 1 => *count -= 1,
                Some(_) | None => drop(counts.remove(&network)),
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(counts: &SourceCounts, source: &str) -> bool {
        counts.add(source.parse().unwrap(), 2)
    }

    #[test]
    fn an_address_of_ipv4_has_its_share_in_either_form() {
        let counts = SourceCounts::default();

        assert!(add(&counts, "192.0.2.1") && add(&counts, "::ffff:192.0.2.1"));
        assert!(!add(&counts, "192.0.2.1"));
        assert!(add(&counts, "192.0.2.2"));
    }

    #[test]
    fn a_network_of_ipv6_has_one_share_and_its_site_two() {
        let counts = SourceCounts::default();

        assert!(add(&counts, "2001:db8::1") && add(&counts, "2001:db8::2"));
        assert!(!add(&counts, "2001:db8::3"));
        assert!(add(&counts, "2001:db8:0:1::1") && add(&counts, "2001:db8:0:2::1"));
        assert!(!add(&counts, "2001:db8:0:3::1"));
        assert!(add(&counts, "2001:db8:1::1"));
    }

    #[test]
    fn what_ends_makes_room_and_leaves_nothing() {
        let counts = SourceCounts::default();
        for source in ["192.0.2.1", "2001:db8::1"] {
            assert!(add(&counts, source) && add(&counts, source) && !add(&counts, source));

            counts.remove(source.parse().unwrap());
            assert!(add(&counts, source));

            counts.remove(source.parse().unwrap());
            counts.remove(source.parse().unwrap());
        }
        assert!(counts.counts().is_empty());
    }
}
