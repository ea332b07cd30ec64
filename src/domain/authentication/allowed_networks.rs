//! Owns from where a client may log in: a list of networks. Knows nothing of how anybody learns where a caller is.

use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::{ParseError, ensure, list_type};

/// The networks that a client may log in from; none: from anywhere. As JSON a list of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedNetworks(Vec<IpNet>);

list_type!(AllowedNetworks, IpNet);

impl AllowedNetworks {
    /// The most that a client has.
    pub const MAX: usize = 32;

    /// Parses networks with spaces, commas or line breaks between them.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let is_between = |c: char| c == ',' || c.is_ascii_whitespace();
        Self::from_list(text.split(is_between).filter(|word| !word.is_empty()))
    }

    /// Parses networks, each by itself. The same ones are the same list, in whichever order and way they are written.
    pub fn from_list<T: AsRef<str>>(list: impl IntoIterator<Item = T>) -> Result<Self, ParseError> {
        let networks: Result<Vec<IpNet>, _> =
            list.into_iter().map(|it| parse_one(it.as_ref())).collect();
        let mut networks = networks?;
        networks.sort_unstable();
        networks.dedup();
        ensure!(
            networks.len() <= Self::MAX,
            "a client can have at most {} allowed networks",
            Self::MAX
        );
        Ok(Self(networks))
    }

    /// Whether a client may log in from this address.
    pub fn admit(&self, source: IpAddr) -> bool {
        if self.is_empty() {
            return true;
        }
        // On a listener for both versions, an IPv4 address arrives in an IPv6 one.
        let source = source.to_canonical();
        self.0.iter().any(|network| network.contains(&source))
    }
}

/// A network, or an address for the network that is it alone. Bits beyond the prefix are dropped, and an IPv4 network
/// that is written as one of IPv6 is the IPv4 network.
fn parse_one(word: &str) -> Result<IpNet, ParseError> {
    let network = match word.parse::<IpAddr>() {
        Ok(address) => Ok(IpNet::from(address)),
        Err(_) => word.parse::<IpNet>(),
    };
    let network = network.map_err(|_| {
        let shown: String = word.chars().take(50).collect();
        ParseError::new(format!(
            "`{shown}` is not a network; write one as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7"
        ))
    })?;
    let mapped = match network {
        IpNet::V6(it) => it
            .addr()
            .to_ipv4_mapped()
            .zip(it.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    let plain = mapped.and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    Ok(plain.map_or(network, IpNet::from).trunc())
}

impl fmt::Display for AllowedNetworks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.iter().map(ToString::to_string).collect();
        f.write_str(&words.join(" "))
    }
}

impl Serialize for AllowedNetworks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

impl<'de> Deserialize<'de> for AllowedNetworks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<String>::deserialize(deserializer)?;
        Self::from_list(list).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::json;

    fn networks(text: &str) -> AllowedNetworks {
        AllowedNetworks::parse(text).unwrap()
    }

    fn admits(text: &str, source: &str) -> bool {
        networks(text).admit(source.parse().unwrap())
    }

    #[test]
    fn without_a_network_a_client_may_come_from_anywhere() {
        for source in ["192.0.2.1", "::1", "::ffff:192.0.2.1"] {
            assert!(admits("", source), "{source}");
            assert!(admits(" \r\n, ", source), "{source}");
        }
    }

    #[test]
    fn an_address_is_in_a_network_of_its_own_version_only() {
        let both = "10.0.0.0/8 2001:db8::/32 192.0.2.7";
        for source in ["10.255.0.1", "::ffff:10.1.2.3", "2001:db8::9", "192.0.2.7"] {
            assert!(admits(both, source), "{source}");
        }
        for source in ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::10.1.2.3", "::1"] {
            assert!(!admits(both, source), "{source}");
        }
        assert!(!admits("::/0", "192.0.2.1"));
        assert!(!admits("::/0", "::ffff:192.0.2.1"));
        assert!(!admits("0.0.0.0/0", "2001:db8::1"));
        assert!(admits("0.0.0.0/0", "::ffff:192.0.2.1"));
    }

    #[test]
    fn the_same_networks_are_the_same_list_however_they_are_written() {
        let list = networks("10.0.0.0/8 192.0.2.7/32 2001:db8::/32");
        assert_eq!(list.to_string(), "10.0.0.0/8 192.0.2.7/32 2001:db8::/32");
        for text in [
            "2001:db8::1/32,192.0.2.7\r\n10.1.2.3/8",
            "::ffff:10.0.0.0/104 2001:DB8:0::/32 ::ffff:192.0.2.7 10.0.0.0/8",
        ] {
            assert_eq!(networks(text), list, "{text}");
        }
        let json = serde_json::to_string(&list).unwrap();
        assert_eq!(json, r#"["10.0.0.0/8","192.0.2.7/32","2001:db8::/32"]"#);
        assert_eq!(json::from_str::<AllowedNetworks>(&json).unwrap(), list);
    }

    #[test]
    fn what_is_no_network_and_too_many_are_refused() {
        for text in [
            "10.0.0.0/33",
            "10.0.0",
            "2001:db8::/129",
            "example.com",
            "fe80::1%eth0",
            "010.0.0.1",
            "/8",
            "10.0.0.0/",
        ] {
            assert!(AllowedNetworks::parse(text).is_err(), "{text}");
        }
        for text in ["", " ", "10.0.0.0/8 11.0.0.0/8"] {
            assert!(AllowedNetworks::from_list([text]).is_err(), "{text:?}");
        }
        let many = |count: u32| (0..count).map(|n| format!("10.0.0.{n}"));
        assert!(AllowedNetworks::from_list(many(32)).is_ok());
        assert!(AllowedNetworks::from_list(many(33)).is_err());
        // What is said twice is said once.
        assert!(AllowedNetworks::from_list(many(32).chain(many(32))).is_ok());
        let error = AllowedNetworks::parse(&"x".repeat(10_000)).unwrap_err();
        assert!(error.to_string().len() < 200);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_as_the_same(
            v4 in prop::collection::vec((any::<[u8; 4]>(), 0_u8..=32), 0..16),
            v6 in prop::collection::vec((any::<[u8; 16]>(), 0_u8..=128), 0..16),
        ) {
            let v4 = v4.into_iter().map(|(it, length)| (IpAddr::from(it), length));
            let v6 = v6.into_iter().map(|(it, length)| (IpAddr::from(it), length));
            let words: Vec<String> = v4.chain(v6).map(|(it, length)| format!("{it}/{length}")).collect();
            let list = AllowedNetworks::from_list(words).unwrap();
            prop_assert_eq!(&AllowedNetworks::parse(&list.to_string()).unwrap(), &list);
            let lines = list.to_string().replace(' ', "\n");
            prop_assert_eq!(&AllowedNetworks::parse(&lines).unwrap(), &list);
        }
    }
}
