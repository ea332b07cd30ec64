//! A fresh database for each test: a schema of its own on Postgres, a file of its own on SQLite.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;
use token_server::secret::random_bytes;

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

/// Runs an expression on a connection of its own, around the service.
macro_rules! on_connection {
    ($database:expr, |$connection:ident| $body:expr) => {
        if $database.url.starts_with("sqlite:") {
            let mut $connection = SqliteConnection::connect(&$database.url).await.unwrap();
            $body
        } else {
            let mut $connection = PgConnection::connect(&$database.url).await.unwrap();
            $body
        }
    };
}

impl Database {
    /// Does what somebody with the database alone could do; how many rows it touched.
    pub(crate) async fn execute(&self, sql: &str) -> u64 {
        let sql = AssertSqlSafe(sql.to_owned());
        on_connection!(self, |connection| {
            let done = sqlx::query(sql).execute(&mut connection).await.unwrap();
            done.rows_affected()
        })
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
