//! The settings of proxies in front: which are believed, what, and where those that end TLS connect.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;

use super::reader::{Reader, words};

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
    /// What says which address a caller has.
    pub client_address_from: ClientAddressSource,
    /// Where proxies that end TLS connect.
    pub plain: PlainConfig,
}

/// What says which address a caller has. One header at most: a caller could write the one that its proxy does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAddressSource {
    /// The connection.
    Connection,
    /// `X-Forwarded-For` of a trusted proxy.
    XForwardedFor,
    /// `Forwarded` of a trusted proxy (RFC 7239).
    Forwarded,
}

/// The listener without TLS, for proxies that end it.
#[derive(Clone, Debug)]
pub struct PlainConfig {
    /// Where it listens; `None`: there is none.
    pub listen: Option<PlainAddress>,
    /// The mode of its Unix socket.
    pub mode: u32,
    /// Whether it serves the portal and the admin API too.
    pub serves_admin: bool,
}

/// Where a listener without TLS listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlainAddress {
    /// An address and port.
    Tcp(SocketAddr),
    /// The file of a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for PlainAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl PlainAddress {
    /// Whether other machines can connect.
    pub fn is_beyond_this_machine(&self) -> bool {
        match self {
            Self::Tcp(address) => !address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => false,
        }
    }
}

/// Linux has room for so many bytes of a path (`unix(7)`), a zero at its end included.
const UNIX_PATH_BYTES: usize = 107;

impl FromStr for PlainAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix("unix:") else {
            let address = text.parse().map(Self::Tcp);
            return address.map_err(|error: std::net::AddrParseError| error.to_string());
        };
        if !path.starts_with('/') || path.ends_with('/') {
            return Err("a file path begins with a slash and does not end with one".to_owned());
        }
        if path.len() > UNIX_PATH_BYTES {
            return Err(format!("its path has more than {UNIX_PATH_BYTES} bytes"));
        }
        Ok(Self::Unix(PathBuf::from(path)))
    }
}

impl PlainConfig {
    fn read(read: &mut Reader<'_>) -> Self {
        Self {
            listen: read.optional(
                "PLAIN_LISTEN",
                "an address and port, or `unix:` and the path of a socket",
            ),
            mode: read.checked(
                "PLAIN_LISTEN_MODE",
                "a mode such as `0660`",
                "0660",
                parse_mode,
            ),
            serves_admin: read.choice("PLAIN_ADMIN", &[("on", true), ("off", false)], "off"),
        }
    }
}

/// Read and write for the owner at least, who else could not connect.
fn parse_mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 && mode & 0o600 == 0o600 => Ok(mode),
        _ => Err("it is not the mode of a socket in octal".to_owned()),
    }
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

impl ProxiesConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        let protocol = [
            ("off", ProxyProtocolUse::Off),
            ("required", ProxyProtocolUse::Required),
        ];
        let proxies = Self {
            trusted: read.checked(
                "TRUSTED_PROXIES",
                "addresses and networks such as `10.0.0.0/8`",
                "",
                parse_networks,
            ),
            client_cert_header: read.optional_checked(
                "CLIENT_CERT_HEADER",
                "the name of a header",
                parse_header_name,
            ),
            proxy_protocol: read.choice("PROXY_PROTOCOL", &protocol, "off"),
            admin_proxy_protocol: read.choice("ADMIN_PROXY_PROTOCOL", &protocol, "off"),
            client_address_from: read.choice(
                "CLIENT_ADDRESS_FROM",
                &[
                    ("connection", ClientAddressSource::Connection),
                    ("x-forwarded-for", ClientAddressSource::XForwardedFor),
                    ("forwarded", ClientAddressSource::Forwarded),
                ],
                "connection",
            ),
            plain: PlainConfig::read(read),
        };
        proxies.refuse_without_trust(read);
        proxies
    }

    /// Refuses what needs `TRUSTED_PROXIES` when there is none.
    fn refuse_without_trust(&self, read: &mut Reader<'_>) {
        if !self.trusted.is_empty() {
            return;
        }
        let believed_from_nobody = "has no effect, because TRUSTED_PROXIES is empty";
        if self.client_cert_header.is_some() {
            read.refuse("CLIENT_CERT_HEADER", believed_from_nobody);
        }
        if self.client_address_from != ClientAddressSource::Connection {
            read.refuse("CLIENT_ADDRESS_FROM", believed_from_nobody);
        }
        let plain = self.plain.listen.as_ref();
        if plain.is_some_and(PlainAddress::is_beyond_this_machine) {
            read.refuse(
                "PLAIN_LISTEN",
                "other machines can connect there without TLS: name the proxies in TRUSTED_PROXIES, so that the \
                    server accepts connections only from them, or listen on a loopback address or a Unix socket",
            );
        }
        for (name, is_used) in [
            ("PROXY_PROTOCOL", self.proxy_protocol),
            ("ADMIN_PROXY_PROTOCOL", self.admin_proxy_protocol),
        ] {
            if is_used == ProxyProtocolUse::Required {
                read.refuse(name, "TRUSTED_PROXIES is empty, so nobody can connect");
            }
        }
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
    words(text)
        .map(|network| {
            let address = network.parse::<IpAddr>().map(|it| it.to_canonical());
            match address {
                Ok(address) => Ok(IpNet::from(address)),
                Err(_) => network
                    .parse()
                    .map_err(|_| format!("`{network}` is not a network")),
            }
        })
        .collect()
}

/// RFC 9110 §5.1.
fn parse_header_name(text: &str) -> Result<String, &'static str> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if text.bytes().all(is_token) && text.len() <= 128 {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("it has characters that no header's name has")
    }
}

#[cfg(test)]
impl ProxiesConfig {
    /// Proxies at these addresses, and nothing else.
    pub(crate) fn trusting(networks: &str) -> Self {
        let lookup = |name: &str| (name == "TRUSTED_PROXIES").then(|| networks.to_owned());
        Self::read(&mut Reader::new(&lookup))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_listener_is_at_an_address_or_a_socket() {
        let parse = |text: &str| text.parse::<PlainAddress>();
        for (text, is_beyond) in [
            ("127.0.0.1:8080", false),
            ("[::1]:8080", false),
            ("[::ffff:127.0.0.1]:8080", false),
            ("unix:/run/token-server/plain.sock", false),
            ("0.0.0.0:8080", true),
            ("[::]:8080", true),
            ("10.0.0.1:8080", true),
        ] {
            let is_there = parse(text).map(|address| address.is_beyond_this_machine());
            assert_eq!(is_there, Ok(is_beyond), "{text}");
        }
        let long = format!("unix:/{}", "x".repeat(UNIX_PATH_BYTES));
        for text in [
            "",
            "8080",
            "localhost:8080",
            "unix:",
            "unix:a.sock",
            "unix:/run/",
            &long,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_mode_of_a_socket_is_octal_and_lets_its_owner_in() {
        assert_eq!(parse_mode("0660"), Ok(0o660));
        assert_eq!(parse_mode("666"), Ok(0o666));
        for text in ["", "rw", "0o660", "1660", "060", "0400", "-0660", "888"] {
            assert!(parse_mode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks_and_single_addresses_are_trusted_and_no_others() {
        let proxies = ProxiesConfig::trusting("10.0.0.0/8, 192.0.2.7 2001:db8::/32");

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
