//! A copy of a database, which can take its place: as a backup that is restored does, or a standby that lacks the last
//! commits.

use std::path::PathBuf;

use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection, SqliteConnection};
use url::Url;

use crate::harness::Database;

/// A copy of a database, as it was when it was taken.
pub(crate) enum Snapshot {
    Postgres { url: String, copy: String },
    Sqlite { file: PathBuf, copy: PathBuf },
}

impl Snapshot {
    pub(crate) async fn take(database: &Database) -> Self {
        if let Some(file) = database.url.strip_prefix("sqlite:") {
            let copy = PathBuf::from(format!("{file}.copy"));
            let sql = format!("vacuum into '{}'", copy.display());
            database.execute(&sql).await;
            return Self::Sqlite {
                file: file.into(),
                copy,
            };
        }
        let name = name_of(&database.url);
        let copy = format!("{name}_copy");
        // A template must have no connections.
        let create = format!("create database {copy} template {name}");
        administer(
            &database.url,
            &[&shut(&name), &end(&name), &create, &open(&name)],
        )
        .await;
        Self::Postgres {
            url: database.url.clone(),
            copy,
        }
    }

    /// The database is what it was when the copy was taken. All connections to it are lost.
    pub(crate) async fn put_back(self) {
        match self {
            Self::Sqlite { file, copy } => {
                // Else it would be read as if it were of the copy: operators remove the file `-wal`.
                let url = format!("sqlite:{}", file.display());
                let mut old = SqliteConnection::connect(&url).await.unwrap();
                old.execute("pragma wal_checkpoint(truncate)")
                    .await
                    .unwrap();
                std::fs::rename(copy, file).unwrap();
            }
            Self::Postgres { url, copy } => {
                let name = name_of(&url);
                let drop = format!("drop database {name} with (force)");
                let rename = format!("alter database {copy} rename to {name}");
                administer(&url, &[&drop, &rename]).await;
            }
        }
    }
}

/// The name of the database in a URL of Postgres.
pub(crate) fn name_of(url: &str) -> String {
    Url::parse(url).unwrap().path()[1..].to_owned()
}

/// Runs statements beside the databases of tests, on the same server.
pub(crate) async fn administer(url: &str, statements: &[&str]) {
    let mut url = Url::parse(url).unwrap();
    url.set_path("postgres");
    let mut server = PgConnection::connect(url.as_str()).await.unwrap();
    for sql in statements {
        let sql = AssertSqlSafe((*sql).to_owned());
        server.execute(sql).await.unwrap();
    }
}

fn shut(name: &str) -> String {
    format!("alter database {name} with allow_connections false")
}

fn open(name: &str) -> String {
    format!("alter database {name} with allow_connections true")
}

/// Ends every connection to a database, and waits until they have ended.
fn end(name: &str) -> String {
    format!(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{name}'"
    )
}
