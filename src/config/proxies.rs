//! The settings of proxies in front: which are believed, and what.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::reader::Reader;

/// Proxies in front.
#[derive(Clone, Debug)]
pub struct ProxiesConfig {
    /// From which addresses the word of a proxy counts. None: from nowhere.
    pub trusted: Vec<IpNet>,
    /// The header in which they hand on the certificate of their client, in lower case.
    pub client_cert_header: Option<String>,
    /// Whether connections to `LISTEN_ADDR` come through a balancer that says whose they are.
    pub proxy_protocol: ProxyProtocolUse,
    /// The same of `ADMIN_LISTEN`.
    pub admin_proxy_protocol: ProxyProtocolUse,
}

/// Whether each connection begins with a header of the PROXY protocol. There is no "if there is one": anybody could
/// then say whom a connection is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocolUse {
    /// No connection does.
    Off,
    /// Every connection has to, and to come from a trusted proxy.
    Required,
}

impl FromStr for ProxyProtocolUse {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "required" => Ok(Self::Required),
            _ => Err("it is neither".to_owned()),
        }
    }
}

const EITHER: &str = "`off` or `required`";

impl ProxiesConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        let proxies = Self {
            trusted: read.checked(
                "TRUSTED_PROXIES",
                "addresses and networks such as `10.0.0.0/8`",
                "",
                parse_networks,
            ),
            client_cert_header: read
                .optional::<HeaderName>("CLIENT_CERT_HEADER", "the name of a header")
                .map(|HeaderName(name)| name),
            proxy_protocol: read.parsed("PROXY_PROTOCOL", EITHER, "off"),
            admin_proxy_protocol: read.parsed("ADMIN_PROXY_PROTOCOL", EITHER, "off"),
        };
        if proxies.trusted.is_empty() && proxies.client_cert_header.is_some() {
            read.refuse(
                "CLIENT_CERT_HEADER",
                "is believed from nobody: TRUSTED_PROXIES is empty",
            );
        }
        for (name, is_used) in [
            ("PROXY_PROTOCOL", proxies.proxy_protocol),
            ("ADMIN_PROXY_PROTOCOL", proxies.admin_proxy_protocol),
        ] {
            if proxies.trusted.is_empty() && is_used == ProxyProtocolUse::Required {
                read.refuse(name, "nobody could connect: TRUSTED_PROXIES is empty");
            }
        }
        proxies
    }

    /// Whether the word of who connects from `address` counts.
    pub fn are_trusted(&self, address: IpAddr) -> bool {
        // On a listener for both versions, an IPv4 address arrives in an IPv6 one.
        let address = address.to_canonical();
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }
}

fn parse_networks(text: &str) -> Result<Vec<IpNet>, String> {
    text.split([' ', ','])
        .filter(|network| !network.is_empty())
        .map(|network| {
            let address = network.parse::<IpAddr>().map(|it| it.to_canonical());
            match address {
                Ok(address) => Ok(IpNet::from(address)),
                Err(_) => network
                    .parse()
                    .map_err(|_| format!("`{network}` is no network")),
            }
        })
        .collect()
}

struct HeaderName(String);

impl FromStr for HeaderName {
    type Err = String;

    /// RFC 9110 §5.1.
    fn from_str(text: &str) -> Result<Self, String> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if text.bytes().all(is_token) && text.len() <= 128 {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("it has characters that no header's name has".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_single_addresses_are_trusted_and_no_others() {
        let proxies = ProxiesConfig {
            trusted: parse_networks("10.0.0.0/8, 192.0.2.7 2001:db8::/32").unwrap(),
            client_cert_header: None,
            proxy_protocol: ProxyProtocolUse::Off,
            admin_proxy_protocol: ProxyProtocolUse::Off,
        };

        for address in ["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.7", "2001:db8::1"] {
            assert!(proxies.are_trusted(address.parse().unwrap()), "{address}");
        }
        for address in ["11.0.0.1", "192.0.2.8", "::1", "2001:db9::1"] {
            assert!(!proxies.are_trusted(address.parse().unwrap()), "{address}");
        }
        for text in ["10.0.0.0/33", "proxy.example", "10.0.0"] {
            assert!(parse_networks(text).is_err(), "{text}");
        }
    }
}
