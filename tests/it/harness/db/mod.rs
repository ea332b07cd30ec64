//! A fresh database for each test: one of its own on a server of Postgres, a file of its own on SQLite. The migrations
//! run once in a process; each test gets a copy.

mod postgres;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;
use token_server::app::App;
use token_server::base::clock::Clock;
use tokio::sync::OnceCell;

use super::{NOW, config};
use postgres::OnServer;

/// A file of SQLite after the migrations.
static SQLITE: OnceCell<Vec<u8>> = OnceCell::const_new();

/// A database, which goes with the last of its clones.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) url: String,
    _place: Place,
}

/// Where it is until it goes.
#[derive(Clone)]
enum Place {
    Folder { _folder: Arc<TempDir> },
    Server { _database: Arc<OnServer> },
}

impl Database {
    /// Else it is a file of SQLite.
    pub(crate) fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// A migrated database.
    pub(crate) async fn fresh() -> Self {
        match server_url() {
            Some(url) => Self::on_server(postgres::migrated(&url).await),
            None => {
                let template = SQLITE.get_or_init(migrated_file).await;
                let (database, file) = Self::in_folder();
                write_private(Path::new(&file), template);
                database
            }
        }
    }

    /// A database with nothing in it, for what migrates it itself.
    pub(crate) async fn empty() -> Self {
        match server_url() {
            Some(url) => Self::on_server(postgres::empty(&url).await),
            None => {
                let (database, file) = Self::in_folder();
                write_private(Path::new(&file), &[]);
                database
            }
        }
    }

    fn on_server(database: OnServer) -> Self {
        Self {
            url: database.url.clone(),
            _place: Place::Server {
                _database: Arc::new(database),
            },
        }
    }

    /// One that is not there yet, and its file.
    fn in_folder() -> (Self, String) {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("test.db").display().to_string();
        let database = Self {
            url: format!("sqlite:{file}"),
            _place: Place::Folder {
                _folder: Arc::new(folder),
            },
        };
        (database, file)
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
        if self.is_postgres() {
            Connection::Postgres(PgConnection::connect(&self.url).await.unwrap())
        } else {
            Connection::Sqlite(SqliteConnection::connect(&self.url).await.unwrap())
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

/// Runs the migrations on a database, and leaves it without a connection.
pub(crate) async fn migrate(url: &str) {
    let app = App::open(config(url, &[]), Clock::fixed(NOW)).unwrap();
    app.store().migrate(&|_| {}).await.unwrap();
    app.store().close().await;
}

async fn migrated_file() -> Vec<u8> {
    let (database, file) = Database::in_folder();
    write_private(Path::new(&file), &[]);
    migrate(&database.url).await;
    let rest = std::fs::metadata(format!("{file}-wal"));
    assert!(rest.is_err(), "a part of it is not in the file yet");
    std::fs::read(file).unwrap()
}

/// Writes a file as the service does, which warns of one that others may read.
fn write_private(file: &Path, content: &[u8]) {
    let mut options = std::fs::OpenOptions::new();
    let options = options.write(true).create_new(true).mode(0o600);
    options.open(file).unwrap().write_all(content).unwrap();
}

/// The server of Postgres to use, if it is not SQLite that is tested.
#[expect(
    clippy::disallowed_methods,
    reason = "how the test run is told which database to use"
)]
fn server_url() -> Option<String> {
    let url = std::env::var("TEST_DATABASE_URL").ok()?;
    assert!(
        url != "none",
        "scripts/test lists this test among those that use no database, but it uses one"
    );
    Some(url).filter(|url| !url.is_empty())
}
