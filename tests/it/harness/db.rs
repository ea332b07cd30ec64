//! A fresh database for each test: a schema of its own on Postgres, a file of its own on SQLite.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;
use token_server::base::secret::random_bytes;

/// A database, and on SQLite the folder it lives in.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) url: String,
    _folder: Option<Arc<TempDir>>,
}

impl Database {
    /// A database with nothing in it.
    pub(crate) async fn fresh() -> Self {
        match postgres_url() {
            Some(url) => Self {
                url: fresh_schema(&url).await,
                _folder: None,
            },
            None => {
                let folder = TempDir::new().unwrap();
                let url = format!("sqlite:{}", folder.path().join("test.db").display());
                Self {
                    url,
                    _folder: Some(Arc::new(folder)),
                }
            }
        }
    }
}

impl Database {
    /// The same under another URL.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ..self.clone()
        }
    }

    /// A transaction by hand.
    pub(crate) async fn begin(&self) -> Connection {
        let mut connection = self.connect().await;
        match &mut connection {
            Connection::Postgres(_) => connection.run("begin").await,
            Connection::Sqlite(_) => connection.run("begin immediate").await,
        };
        connection
    }

    /// Does what somebody with the database alone could do; how many rows it touched.
    pub(crate) async fn execute(&self, sql: &str) -> u64 {
        self.connect().await.run(sql).await
    }

    /// A connection by hand.
    pub(crate) async fn connect(&self) -> Connection {
        if self.url.starts_with("sqlite:") {
            Connection::Sqlite(SqliteConnection::connect(&self.url).await.unwrap())
        } else {
            Connection::Postgres(PgConnection::connect(&self.url).await.unwrap())
        }
    }
}

/// A connection past the service, for what only a fault or another program would do.
pub(crate) enum Connection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Connection {
    /// Runs a statement; how many rows it touched.
    pub(crate) async fn run(&mut self, sql: &str) -> u64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Postgres(connection) => connection.execute(sql).await.unwrap().rows_affected(),
            Self::Sqlite(connection) => connection.execute(sql).await.unwrap().rows_affected(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how the test run is told which database to use"
)]
fn postgres_url() -> Option<String> {
    std::env::var("TEST_DATABASE_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

async fn fresh_schema(url: &str) -> String {
    let name = format!("test_{:032x}", u128::from_be_bytes(random_bytes::<16>()));
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection
        .execute(AssertSqlSafe(format!("create schema {name}")))
        .await
        .unwrap();
    connection.close().await.unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options[search_path]={name}")
}
