//! Owns the configuration: every setting, its default and its meaning in types. The only reader of
//! the environment. Known to `app`, `http` and `cli`; never to `domain`, `jwt` or `store`.
//!
//! `.env.sample` explains each setting; `tests/it/config` keeps the two equal.

mod acme;
mod admins;
mod authentication;
mod database;
mod keys;
mod log;
mod proxies;
mod reader;
mod tokens;
mod traces;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use crate::base::units::{Argon2Work, Bytes, LogFormat, parse_seconds};
pub use acme::{AcmeConfig, ExternalAccount};
pub use admins::{AdminConfig, SecondFactorUse};
pub use authentication::{
    AuthenticationConfig, ClientAuthenticationConfig, ImportWork, JwksUriConfig, SecretsConfig,
};
pub use database::{FeedConfig, RetentionConfig};
pub use keys::KeysConfig;
pub use log::filter as log_filter;
pub use log::{AuditLogTarget, LogConfig};
pub use proxies::{
    ClientAddressSource, PlainAddress, PlainConfig, ProxiesConfig, ProxyProtocolUse,
};
pub use reader::description::{SettingDescription, describe_settings};
pub use reader::environment::Environment;
pub use reader::{ConfigError, ConfigErrors, Setting, Settings};
pub use tokens::{DpopConfig, DpopNonceUse};
pub use traces::{TraceSampler, TracesConfig};

use crate::base::secret::Secret;
use crate::base::secret::weak::weakness;
use crate::base::units::Percent;
use crate::domain::{Audience, Issuer, TokenTtl, TokenTyp};
use crate::store::DatabaseOptions;
use reader::Reader;

/// The value of `SECRET` in `.env.sample`, refused wherever it turns up.
pub const SAMPLE_SECRET: &str = "replace-me-by-the-output-of-openssl-rand-base64-48";

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether missing things may be made up, on the loopback interface only.
    pub development: bool,
    /// The listener and its limits.
    pub http: HttpConfig,
    /// The certificate in files.
    pub tls: TlsConfig,
    /// The certificate of an authority, instead; `None`: the files count.
    pub acme: Option<AcmeConfig>,
    /// The database.
    pub database: DatabaseOptions,
    /// How replicas learn of changes.
    pub feed: FeedConfig,
    /// What tokens look like, and the secret.
    pub token: TokenConfig,
    /// The keys that sign them.
    pub keys: KeysConfig,
    /// How client secrets are checked.
    pub authentication: AuthenticationConfig,
    /// How secrets that the server did not make must be.
    pub secrets: SecretsConfig,
    /// How clients may prove who they are without a secret.
    pub client_authentication: ClientAuthenticationConfig,
    /// How proofs of possession are judged.
    pub dpop: DpopConfig,
    /// Proxies in front.
    pub proxies: ProxiesConfig,
    /// The portal and the admin API.
    pub admin: AdminConfig,
    /// How long the past is kept.
    pub retention: RetentionConfig,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Where traces are sent; `None`: nowhere.
    pub traces: Option<TracesConfig>,
    /// All of the above as it was found, for people to look at.
    pub settings: Settings,
    /// Mistakes without a consequence, and what is read otherwise than by an earlier version.
    pub(crate) tolerated: Vec<ConfigError>,
}

/// The listener and its limits.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Where to listen.
    pub listen_addr: SocketAddr,
    /// Where operators' programs are served, without TLS; `None`: nowhere.
    pub ops_listen: Option<SocketAddr>,
    /// The largest request body, in bytes.
    pub max_body: usize,
    /// The largest file of clients that is taken by the admin API and the portal, in bytes.
    pub max_import: usize,
    /// The largest request head, in bytes.
    pub max_head: usize,
    /// The most that the headers of `/verify` that `claims` and `metadata` ask for take together, in bytes.
    pub max_claim_headers: usize,
    /// The most connections at once.
    pub max_connections: usize,
    /// The most of them from one source network.
    pub max_connections_per_source: usize,
    /// The most requests of one route that are answered at once.
    pub max_requests: u64,
    /// Who can go on with a TLS session.
    pub tickets: TicketUse,
    /// For a TLS handshake.
    pub handshake_timeout: Duration,
    /// For the first request head of a connection.
    pub header_timeout: Duration,
    /// For a request body.
    pub body_timeout: Duration,
    /// For silence on a connection; may last a quarter longer.
    pub idle_timeout: Duration,
    /// For requests in flight when the server is told to stop.
    pub shutdown_grace: Duration,
    /// For how many seconds browsers are told to speak HTTPS only; `None`: they are not told.
    pub hsts_max_age: Option<i64>,
}

/// Who can go on with a TLS session without a whole handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketUse {
    /// Every replica under the same `SECRET`.
    Shared,
    /// The replica that it began at, under keys that die with it.
    Replica,
    /// Nobody.
    Off,
}

/// Where the certificate is.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// What tokens look like, and the secret.
#[derive(Clone, Debug)]
pub struct TokenConfig {
    /// Whom they are from.
    pub issuer: Issuer,
    /// Whom they are for when a client has no audience of its own.
    pub audience: Audience,
    /// Whom tokens for the admin API are for.
    pub admin_audience: Audience,
    /// How long they live when a client does not say.
    pub ttl: TokenTtl,
    /// What their header says that they are when a client does not say.
    pub typ: TokenTyp,
    /// Whether scopes of `OpenID` Connect that a client does not have are ignored rather than refused.
    pub ignore_oidc_scopes: bool,
    /// Whether the metadata has an authorization endpoint, which answers that there is none.
    pub authorization_endpoint: bool,
    /// The signing key of HS256, and what the other signing keys are sealed under.
    pub secret: Secret<String>,
    /// The secret before this one.
    pub secret_previous: Option<Secret<String>>,
    /// Bytes of verified tokens in memory.
    pub cache_size: u64,
    /// Single revocations of one client, before all its tokens are revoked instead.
    pub max_client_revocations: usize,
    /// Single revocations of all clients together.
    pub max_revocations: usize,
}

impl Config {
    /// Reads every setting through `lookup`; all mistakes are reported at once.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        match Self::read(lookup) {
            (config, mistakes) if mistakes.0.is_empty() => Ok(config),
            (_, mistakes) => Err(mistakes),
        }
    }

    /// The same, with defaults where there are mistakes: to look into what is right nevertheless, never
    /// to serve.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> (Self, ConfigErrors) {
        let mut read = Reader::new(&lookup);
        let development = read.flag("DEVELOPMENT");
        let http = HttpConfig::read(&mut read);
        let mut config = Self {
            development,
            tls: TlsConfig {
                cert: read.parsed("TLS_CERT", "a path", "certs/cert.pem"),
                key: read.parsed("TLS_KEY", "a path", "certs/key.pem"),
            },
            acme: AcmeConfig::read(&mut read),
            database: database::read(&mut read, development),
            feed: FeedConfig::read(&mut read),
            token: TokenConfig::read(&mut read, http.listen_addr.port()),
            keys: KeysConfig::read(&mut read),
            authentication: AuthenticationConfig::read(&mut read),
            secrets: SecretsConfig::read(&mut read),
            client_authentication: ClientAuthenticationConfig::read(&mut read),
            dpop: DpopConfig::read(&mut read),
            proxies: ProxiesConfig::read(&mut read),
            admin: AdminConfig::read(&mut read, http.listen_addr),
            retention: RetentionConfig::read(&mut read),
            log: LogConfig::read(&mut read),
            traces: TracesConfig::read(&mut read),
            http,
            settings: Settings::default(),
            tolerated: Vec::new(),
        };
        config.settings = Settings(read.found);
        config.tolerated = read.warnings;
        (config, ConfigErrors(read.errors))
    }

    /// What is dangerous and yet does not keep the server from serving: what an operator should change, each with its
    /// variable.
    pub fn warnings(&self) -> Vec<ConfigError> {
        let previous = self.token.secret_previous.as_ref();
        let weakness = previous.and_then(|secret| weakness(secret.expose()));
        let weak = weakness.map(|weakness| ConfigError {
            name: "SECRET_PREVIOUS".to_owned(),
            message: format!(
                "{weakness}; an attacker who guesses it can sign tokens until you remove it: remove it when the \
                    longest token lifetime has passed"
            ),
        });
        self.tolerated.iter().cloned().chain(weak).collect()
    }
}

impl HttpConfig {
    fn read(read: &mut Reader<'_>) -> Self {
        let seconds = "a duration such as `10s`";
        let max_connections = read.within("MAX_CONNECTIONS", 1..=10_000_000, "16384");
        let share: Percent = read.parsed(
            "MAX_CONNECTIONS_PER_SOURCE",
            "a share of MAX_CONNECTIONS, from `1%` to `100%`",
            "25%",
        );
        Self {
            listen_addr: read.parsed("LISTEN_ADDR", "an address and port", "0.0.0.0:2600"),
            ops_listen: read.checked(
                "OPS_LISTEN",
                "an address and port, or `off`",
                "127.0.0.1:2601",
                |text| match text {
                    "off" => Ok(None),
                    text => text.parse().map(Some),
                },
            ),
            max_body: read.size("MAX_BODY", "1KiB"..="16MiB", "64KiB"),
            max_import: read.size("MAX_IMPORT", "64KiB"..="256MiB", "8MiB"),
            max_head: read.size("MAX_HEAD", "1KiB"..="1MiB", "16KiB"),
            max_claim_headers: read.size("MAX_CLAIM_HEADERS", "256B"..="64KiB", "2KiB"),
            max_connections,
            max_connections_per_source: share.of(max_connections),
            max_requests: read.within("MAX_REQUESTS", 1..=10_000_000, "10000"),
            tickets: read.choice(
                "TLS_TICKETS",
                &[
                    ("shared", TicketUse::Shared),
                    ("replica", TicketUse::Replica),
                    ("off", TicketUse::Off),
                ],
                "shared",
            ),
            handshake_timeout: read.duration("HANDSHAKE_TIMEOUT", seconds, "10s"),
            header_timeout: read.duration("HEADER_TIMEOUT", seconds, "10s"),
            body_timeout: read.duration("BODY_TIMEOUT", seconds, "10s"),
            idle_timeout: read.duration("IDLE_TIMEOUT", seconds, "75s"),
            shutdown_grace: read.duration("SHUTDOWN_GRACE", seconds, "20s"),
            hsts_max_age: read.checked(
                "HSTS_MAX_AGE",
                "a duration such as `365d`, or `off`",
                "365d",
                |text| match text {
                    "off" => Ok(None),
                    text => parse_seconds(text).map(Some),
                },
            ),
        }
    }
}

impl TokenConfig {
    /// Whether the audience is this server itself: its issuer, with or without a slash at the end, or its admin API.
    pub fn is_this_server(&self, audience: &Audience) -> bool {
        let trimmed = audience.as_str().trim_end_matches('/');
        [self.issuer.as_str(), self.admin_audience.as_str()]
            .iter()
            .any(|own| own.trim_end_matches('/') == trimmed)
    }

    fn read(read: &mut Reader<'_>, port: u16) -> Self {
        let issuer: Issuer = read.parsed(
            "ISSUER",
            "an https:// URL",
            &format!("https://localhost:{port}"),
        );
        let audience: Audience = read.parsed("AUDIENCE", "a name or URL", issuer.as_str());
        let admin_audience = issuer.admin_audience();
        if audience == admin_audience {
            read.refuse(
                "AUDIENCE",
                "is the audience of the admin API; no client may have it by default",
            );
        }
        Self {
            audience,
            admin_audience,
            issuer,
            ttl: read.checked("TOKEN_TTL", "60 seconds to 24 hours", "1h", |text| {
                TokenTtl::from_seconds(parse_seconds(text)?).map_err(|error| error.to_string())
            }),
            typ: read.parsed("TOKEN_TYP", "`at+jwt` or `JWT`", "at+jwt"),
            ignore_oidc_scopes: read.flag("IGNORE_OIDC_SCOPES"),
            authorization_endpoint: read.flag("AUTHORIZATION_ENDPOINT"),
            secret: read
                .signing_secret("SECRET")
                .unwrap_or_else(|| Secret::new(String::new())),
            secret_previous: read.optional_signing_secret("SECRET_PREVIOUS"),
            cache_size: read
                .parsed::<Bytes>("TOKEN_CACHE_SIZE", "a size such as `16MiB`", "16MiB")
                .0,
            max_client_revocations: read.within("MAX_CLIENT_REVOCATIONS", 1..=100_000, "1000"),
            max_revocations: read.within("MAX_REVOCATIONS", 1..=10_000_000, "500000"),
        }
    }
}

/// The cores of this machine but one; at least one.
fn spare_cores() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.saturating_sub(1).max(1).to_string()
}
