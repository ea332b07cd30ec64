//! The settings of client authentication: secrets, assertions, certificates, and keys at a URL.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::reader::{Reader, words};
use super::{Argon2Work, Bytes, spare_cores};
use crate::domain::JwksUri;

/// How client secrets are checked.
#[derive(Clone, Debug)]
pub struct AuthenticationConfig {
    /// Work for a secret that we made.
    pub argon2_generated: Argon2Work,
    /// Work for a secret that a human chose or that was imported.
    pub argon2_chosen: Argon2Work,
    /// Threads of each of the two lanes in which secrets of clients are hashed.
    pub hashing_threads: usize,
    /// Hashes that may wait in each lane, and logins that may wait for others of their source.
    pub hashing_queue: usize,
    /// Bytes of client records in memory.
    pub client_cache_size: u64,
    /// Proved secrets in memory.
    pub proved_secrets: usize,
    /// Networks that are remembered of each proved secret that a human chose.
    pub proved_networks: usize,
    /// The span in which failures are counted.
    pub throttle_window: Duration,
    /// Failures and unresolved attempts from one source in the name of one client, in that span; 0: no limit.
    pub throttle_client_failures: u32,
    /// Failures and unresolved attempts from one source in anybody's name, in that span; 0: no limit.
    pub throttle_source_failures: u32,
}

/// How secrets that the server did not make must be.
#[derive(Clone, Copy, Debug)]
pub struct SecretsConfig {
    /// The fewest characters of a secret that somebody chose.
    pub min_length: usize,
    /// The most work of a hash in a file.
    pub import_work: ImportWork,
}

/// The most work that the verification of a hash may take for a file to bring it. What is stored already is verified up to
/// higher bounds.
#[derive(Clone, Copy, Debug)]
pub struct ImportWork {
    /// The cost of bcrypt.
    pub bcrypt_cost: u32,
    /// The rounds of PBKDF2.
    pub pbkdf2_rounds: u32,
    /// The memory of scrypt and argon2, in bytes.
    pub memory: usize,
    /// The passes of argon2.
    pub argon2_passes: u32,
}

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

impl AuthenticationConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        let work = "argon2 parameters such as `m=19456,t=2,p=1`";
        let seconds = "a duration such as `60s`";
        let whole = "a whole number";
        Self {
            argon2_generated: read.parsed("ARGON2_GENERATED", work, "m=1024,t=1,p=1"),
            argon2_chosen: read.parsed("ARGON2_CHOSEN", work, "m=19456,t=2,p=1"),
            hashing_threads: read.within("HASHING_THREADS", 1..=1_024, &spare_cores()),
            hashing_queue: read.within("HASHING_QUEUE", 1..=100_000, "256"),
            client_cache_size: read
                .parsed::<Bytes>("CLIENT_CACHE_SIZE", "a size such as `32MiB`", "32MiB")
                .0,
            proved_secrets: read.parsed("PROVED_SECRETS", whole, "100000"),
            proved_networks: read.within("PROVED_NETWORKS", 0..=1_000, "32"),
            throttle_window: read.duration("THROTTLE_WINDOW", seconds, "60s"),
            throttle_client_failures: read.parsed("THROTTLE_CLIENT_FAILURES", whole, "20"),
            throttle_source_failures: read.parsed("THROTTLE_SOURCE_FAILURES", whole, "200"),
        }
    }
}

impl SecretsConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        Self {
            min_length: read.within("MIN_SECRET_LENGTH", 8..=256, "16"),
            import_work: ImportWork {
                bcrypt_cost: read.within("IMPORT_MAX_BCRYPT_COST", 4..=16, "14"),
                pbkdf2_rounds: read.within(
                    "IMPORT_MAX_PBKDF2_ROUNDS",
                    1_000..=10_000_000,
                    "2000000",
                ),
                memory: read.size("IMPORT_MAX_HASH_MEMORY", "1MiB"..="1GiB", "64MiB"),
                argon2_passes: read.within("IMPORT_MAX_ARGON2_PASSES", 1..=100, "10"),
            },
        }
    }
}

impl ClientAuthenticationConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        let client_ca: Option<PathBuf> = read.optional("TLS_CLIENT_CA", "a path");
        let asked = read.flag("TLS_CLIENT_CERTIFICATES");
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
                private_addresses: read.flag("JWKS_URI_PRIVATE_ADDRESSES"),
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
    words(text)
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
