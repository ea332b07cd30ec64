//! Owns how a database is opened: the URL's scheme chooses the product.

pub(in crate::store) mod pool;
pub(in crate::store) mod reach;
pub(in crate::store) mod url_file;
pub(in crate::store) mod warnings;
pub(in crate::store) mod watched_file;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Database, Postgres};
use url::Url;

use crate::base::secret::Secret;
use crate::store::db::connect::url_file::UrlFile;
use crate::store::db::sqlite::{open_sqlite, sqlite_file};
use crate::store::db::{Calls, Pool};
use crate::store::replication::installation::check_postgres;
use crate::store::{AuditKeys, Store};

/// How long a transaction may wait for its next statement. A process that stalls in one holds locks that others wait for.
const TRANSACTION_PAUSE: Duration = Duration::from_secs(2);

/// How much later than its timeouts the database may say that it timed out.
const LATENESS: Duration = Duration::from_secs(1);

/// How to open and use the database.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// `postgres://…` or `sqlite:…`; may hold a password.
    pub url: Secret<String>,
    /// The file that has the URL of a Postgres, to be read again before a connection is opened.
    pub url_file: Option<PathBuf>,
    /// The file that has the password alone, to be read again as well.
    pub password_file: Option<PathBuf>,
    /// Whether a file of SQLite that is not there is made. In production only `migrate` makes it: an empty database in the
    /// place of one whose volume is not mounted would know no client and no revocation.
    pub create_if_missing: bool,
    /// Connections at most.
    pub pool_size: u32,
    /// How long a call waits for a connection.
    pub acquire_timeout: Duration,
    /// How long one statement may run (on SQLite: wait for a lock).
    pub statement_timeout: Duration,
    /// After how long without use a connection is closed.
    pub idle_timeout: Duration,
}

impl Store {
    /// Opens the database. A Postgres that does not answer yet is no error: the pools connect when they are used.
    pub fn open(options: &DatabaseOptions, audit_keys: AuditKeys) -> anyhow::Result<Self> {
        let url = options.url.expose();
        let calls = Arc::new(Calls::default());
        let (pool, writes, feed) = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => {
                let server = postgres(url, options)?;
                let guard = Arc::clone(&calls);
                let pool = pool_options::<Postgres>(options, &calls).after_connect(
                    move |connection, _| {
                        let calls = Arc::clone(&guard);
                        Box::pin(async move { check_postgres(&calls.guard, connection).await })
                    },
                );
                let feed = pool.clone().max_connections(1);
                (
                    Pool::Postgres(pool.connect_lazy_with(server.clone())),
                    None,
                    Pool::Postgres(feed.connect_lazy_with(server)),
                )
            }
            Some("sqlite") => {
                let file = sqlite_file(options)?;
                let pools = open_sqlite(options, file.as_deref(), &calls)?;
                if let Some(file) = file {
                    calls.guard.watch(file);
                }
                pools
            }
            _ => bail!("a database URL must begin with postgres:// or sqlite:"),
        };
        Ok(Self {
            pool,
            writes,
            feed,
            url_file: UrlFile::new(options),
            deadline: options.statement_timeout + LATENESS,
            audit_keys: Arc::new(audit_keys),
            calls,
            head: Arc::default(),
            revocations: Arc::default(),
        })
    }
}

pub(in crate::store) fn pool_options<DB: Database>(
    options: &DatabaseOptions,
    calls: &Arc<Calls>,
) -> PoolOptions<DB> {
    let calls = Arc::clone(calls);
    PoolOptions::new()
        .max_connections(options.pool_size)
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(options.idle_timeout)
        .test_before_acquire(false)
        .before_acquire(move |connection: &mut DB::Connection, found| {
            let must_check = calls.must_check(found.idle_for);
            let is_outdated = calls.guard.is_outdated(found.age);
            Box::pin(async move {
                if is_outdated {
                    return Ok(false);
                }
                if must_check {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// A character that should be encoded ends a part of the URL, and the next part is then not what it should be.
const NO_URL: &str =
    "the Postgres URL does not parse (in a password `@ : / ? # %` are written percent-encoded)";

/// The parameters of a Postgres URL that mean something to sqlx; so do those that begin with `options[`.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// A URL without the parameters that are unknown, and their names: sqlx would log their values, one of which may be a
/// mistyped password. An unknown one about TLS is refused, for it would be ignored.
pub(in crate::store) fn split_parameters(url: &str) -> anyhow::Result<(String, Vec<String>)> {
    let mut url = Url::parse(url)?;
    let is_known = |name: &str| PARAMETERS.contains(&name) || name.starts_with("options[");
    let pairs = url.query_pairs().into_owned();
    let (known, unknown): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| is_known(name));
    let unknown: Vec<String> = unknown.into_iter().map(|(name, _)| name).collect();
    if let Some(name) = unknown.iter().find(|name| name.starts_with("ssl")) {
        bail!("there is no parameter `{name}`");
    }
    if !unknown.is_empty() {
        url.query_pairs_mut().clear().extend_pairs(known);
    }
    Ok((url.into(), unknown))
}

pub(in crate::store) fn postgres(
    url: &str,
    options: &DatabaseOptions,
) -> anyhow::Result<PgConnectOptions> {
    let timeout = options.statement_timeout.as_millis().to_string();
    let idle = TRANSACTION_PAUSE.as_millis().to_string();
    let (url, _) = split_parameters(url).context(NO_URL)?;
    Ok(PgConnectOptions::from_str(&url)
        .context(NO_URL)?
        .application_name("token-server")
        .options([
            ("statement_timeout", timeout),
            ("idle_in_transaction_session_timeout", idle),
        ]))
}

#[cfg(test)]
pub(in crate::store::db) mod tests {
    use std::str::FromStr;

    use proptest::prelude::*;
    use sqlx::postgres::PgConnectOptions;

    use super::*;
    use crate::base::postgres_url::{PostgresAddress, with_password};

    pub(in crate::store::db) fn options(url: &str) -> DatabaseOptions {
        DatabaseOptions {
            url: Secret::from(url),
            url_file: None,
            password_file: None,
            create_if_missing: true,
            pool_size: 1,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_mins(10),
        }
    }

    fn address(host: &str, user: &str, name: &str) -> PostgresAddress {
        PostgresAddress {
            host: host.to_owned(),
            port: 5433,
            user: user.to_owned(),
            name: name.to_owned(),
            ssl_mode: "verify-full".to_owned(),
            ssl_root_cert: Some("/etc/a b/ca&.pem".into()),
        }
    }

    #[test]
    fn a_host_may_be_a_name_an_address_or_a_folder() {
        for (host, expected) in [
            ("db.internal", "db.internal"),
            ("192.0.2.1", "192.0.2.1"),
            ("::1", "::1"),
            ("[2001:db8::1]", "2001:db8::1"),
        ] {
            let url = address(host, "u", "d").url(None);
            let options = PgConnectOptions::from_str(url.expose()).unwrap();
            assert_eq!((options.get_host(), options.get_port()), (expected, 5433));
            assert!(matches!(
                options.get_ssl_mode(),
                sqlx::postgres::PgSslMode::VerifyFull
            ));
        }
        let url = address("/var/run/postgresql", "u", "d").url(None);
        let options = PgConnectOptions::from_str(url.expose()).unwrap();
        let socket = options.get_socket().unwrap();
        assert_eq!(socket.to_str(), Some("/var/run/postgresql"));
        assert!(!url.expose().contains("sslmode"));
    }

    proptest! {
        #[test]
        fn every_character_arrives(user in "\\PC{1,20}", name in "\\PC{1,20}", password in "\\PC{0,40}") {
            let password = Secret::new(password);
            let at_first = address("db", &user, &name).url(Some(&Secret::from("old")));
            let changed = with_password(at_first.expose(), &password).unwrap();
            for url in [address("db", &user, &name).url(Some(&password)), changed] {
                let options = PgConnectOptions::from_str(url.expose()).unwrap();
                prop_assert_eq!(options.get_username(), &user);
                prop_assert_eq!(options.get_database(), Some(&*name));
                let url = Url::parse(url.expose()).unwrap();
                let found: Vec<_> = url.query_pairs().filter(|(name, _)| name == "password").collect();
                prop_assert_eq!(found.len(), 1);
                prop_assert_eq!(&*found[0].1, password.expose());
            }
        }
    }
}
