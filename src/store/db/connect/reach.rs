//! Owns the first question to a database: can it be reached, and if not, why. The pools try again until their patience
//! ends, and can then only say that it ended.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, absolute};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection, PgPool};
use tokio::time::timeout;

use crate::store::db::Pool;
use crate::store::db::error::StoreError;
use crate::store::{Result, Store};

/// What most often stands behind a host that nobody knows.
const PERCENT_ENCODING: &str = "if the password contains one of `@ : / ? # %`, write it percent-encoded (`@` is %40, `/` is %2F)";

/// Most often it is this.
const AUTHORITY: &str =
    "name your own authority in `sslrootcert` of the URL, or in DATABASE_SSLROOTCERT";

impl Store {
    /// Where the database is, without its password.
    pub fn location(&self) -> String {
        match &self.pool {
            Pool::Postgres(pool) => postgres_location(&pool.connect_options()),
            Pool::Sqlite(pool) => {
                let options = pool.connect_options();
                let file = options.get_filename();
                let file = absolute(file).unwrap_or_else(|_| file.to_owned());
                format!("sqlite:{}", file.display())
            }
        }
    }

    /// Opens a connection beside the pools and closes it. A file of SQLite that is not there is told by the migrations.
    pub async fn reach(&self) -> Result<()> {
        self.refresh_url().await;
        let problem = match &self.pool {
            Pool::Postgres(pool) => {
                let options = pool.connect_options();
                let refused = connect_beside(pool, &options).await.err();
                refused.map(|error| postgres_problem(&options, &error))
            }
            Pool::Sqlite(_) if self.missing_file().is_some() => None,
            Pool::Sqlite(pool) => {
                let options = pool.connect_options();
                let refused = options.connect().await.err();
                refused.map(|error| sqlite_problem(options.get_filename(), &error))
            }
        };
        let Some(problem) = problem else {
            return Ok(());
        };
        let location = self.location();
        Err(StoreError::Unreachable { location, problem })
    }
}

/// Opens a connection that is none of the pool's, with the pool's patience.
pub(in crate::store) async fn connect_beside(
    pool: &PgPool,
    options: &PgConnectOptions,
) -> sqlx::Result<PgConnection> {
    let connecting = timeout(pool.options().get_acquire_timeout(), options.connect());
    connecting.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

fn postgres_location(options: &PgConnectOptions) -> String {
    let (user, database) = (options.get_username(), options.get_database());
    let place = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => address(options),
    };
    format!("postgres://{user}@{place}/{}", database.unwrap_or(user))
}

fn address(options: &PgConnectOptions) -> String {
    let (host, port) = (options.get_host(), options.get_port());
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn postgres_problem(options: &PgConnectOptions, error: &sqlx::Error) -> String {
    if let sqlx::Error::Io(error) = error {
        return socket_problem(options, error);
    }
    if let sqlx::Error::Tls(error) = error {
        return format!("TLS fails: {error}");
    }
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return format!("{} does not answer in time", address(options));
    }
    let Some(refusal) = error.as_database_error() else {
        return error.to_string();
    };
    let (user, message) = (options.get_username(), refusal.message());
    match refusal.code().as_deref() {
        Some("28P01") => format!("authentication failed: the password of `{user}` is wrong"),
        Some("28000") => format!("authentication failed: {message}"),
        Some("3D000") => {
            let database = options.get_database().unwrap_or(user);
            format!("there is no database `{database}`: make it with `createdb {database}`")
        }
        Some("42501") => format!("`{user}` has no permission: {message}"),
        _ => message.to_owned(),
    }
}

fn socket_problem(options: &PgConnectOptions, error: &io::Error) -> String {
    let host = options.get_host();
    match (error.kind(), options.get_socket()) {
        // What rustls says.
        (ErrorKind::InvalidData, None) => format!("TLS fails: {error}; {AUTHORITY}"),
        (ErrorKind::NotFound, Some(socket)) => {
            format!(
                "there is no socket in {}: is the server running?",
                socket.display()
            )
        }
        (ErrorKind::ConnectionRefused, _) => format!(
            "connection refused: no server listens at {}",
            address(options)
        ),
        _ if is_unknown_host(error) => {
            format!("the host `{host}` is unknown ({error}); {PERCENT_ENCODING}")
        }
        _ => error.to_string(),
    }
}

/// The standard library has no kind of its own for it.
fn is_unknown_host(error: &io::Error) -> bool {
    error.to_string().contains("failed to lookup address")
}

fn sqlite_problem(file: &Path, error: &sqlx::Error) -> String {
    let refused = match fs::metadata(file) {
        Ok(found) if found.is_dir() => Some("it is a directory".to_owned()),
        _ => File::open(file).err().map(|error| error.to_string()),
    };
    let why = refused.unwrap_or_else(|| match error.as_database_error() {
        Some(refusal) => refusal.message().to_owned(),
        None => error.to_string(),
    });
    format!("cannot open {}: {why}", file.display())
}
