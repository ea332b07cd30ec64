//! The settings of client authentication beyond secrets: assertions, certificates, and keys at a URL.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::config::reader::Reader;
use crate::domain::JwksUri;

/// How clients may prove who they are without a secret.
#[derive(Clone, Debug)]
pub struct ClientAuthenticationConfig {
    /// The longest a client assertion may be good, in seconds.
    pub assertion_max_ttl: i64,
    /// Whether connecting clients are asked for a certificate.
    pub ask_for_certificates: bool,
    /// The authorities of `tls_client_auth`, PEM.
    pub client_ca: Option<PathBuf>,
    /// Fetching the keys of clients.
    pub jwks_uri: JwksUriConfig,
}

/// From where the keys of clients may be fetched, and how often.
#[derive(Clone, Debug)]
pub struct JwksUriConfig {
    /// Hosts, with a port where it is not 443. None: nothing is fetched.
    pub hosts: Vec<String>,
    /// Whether they may have addresses that are not public.
    pub private_addresses: bool,
    /// Authorities beside the system's, PEM.
    pub ca: Option<PathBuf>,
    /// For one fetch, all in all.
    pub timeout: Duration,
    /// After how many seconds keys are fetched again.
    pub ttl: i64,
    /// Seconds between two fetches of one URL at least.
    pub min_interval: i64,
}

impl JwksUriConfig {
    /// Whether the operator allowed the host of a URL.
    pub fn allows(&self, uri: &JwksUri) -> bool {
        self.hosts.iter().any(|host| host == uri.authority())
    }
}

impl ClientAuthenticationConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        let client_ca: Option<PathBuf> = read.optional("TLS_CLIENT_CA", "a path");
        let asked: bool = read.parsed("TLS_CLIENT_CERTIFICATES", "`true` or `false`", "false");
        let timeout = read.seconds("JWKS_URI_TIMEOUT", "1s"..="60s", "5s");
        Self {
            assertion_max_ttl: read.seconds("CLIENT_ASSERTION_MAX_TTL", "1m"..="24h", "1h"),
            ask_for_certificates: asked || client_ca.is_some(),
            client_ca,
            jwks_uri: JwksUriConfig {
                hosts: read.checked(
                    "JWKS_URI_HOSTS",
                    "hosts, each with an optional port",
                    "",
                    parse_hosts,
                ),
                private_addresses: read.parsed(
                    "JWKS_URI_PRIVATE_ADDRESSES",
                    "`true` or `false`",
                    "false",
                ),
                ca: read.optional("JWKS_URI_CA", "a path"),
                timeout: Duration::from_secs(timeout.unsigned_abs()),
                ttl: read.seconds("JWKS_URI_TTL", "1m"..="24h", "5m"),
                min_interval: read.seconds("JWKS_URI_MIN_INTERVAL", "1s"..="1h", "30s"),
            },
        }
    }
}

/// Hosts separated by spaces or commas, each as it stands in a URL.
fn parse_hosts(text: &str) -> Result<Vec<String>, String> {
    text.split([' ', ','])
        .filter(|host| !host.is_empty())
        .map(|host| {
            let malformed = || format!("`{host}` is not a host");
            if host.contains(['/', '?', '#', '@', '\\', '*']) {
                return Err(malformed());
            }
            let uri = JwksUri::from_str(&format!("https://{host}/")).map_err(|_| malformed())?;
            Ok(uri.authority().to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_written_as_in_a_url() {
        let hosts = parse_hosts("Keys.Example, localhost:8443 keys.example:443 [::1]").unwrap();
        assert_eq!(
            hosts,
            ["keys.example", "localhost:8443", "keys.example", "[::1]"]
        );
        for text in ["https://a", "a/b", "*.example", "a@b", "a b:x"] {
            assert!(parse_hosts(text).is_err(), "{text}");
        }
    }
}
