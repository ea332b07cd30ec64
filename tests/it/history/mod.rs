//! A database that is not what it was: older, another one, read-only, full, damaged, or a file that was replaced.

mod faults;
mod files;
mod older;
mod other;
mod read_only;
mod restore;
mod snapshot;

use std::time::Duration;

use snapshot::Snapshot;
use token_server::app::{App, NewClient};
use token_server::base::clock::Clock;
use token_server::domain::{ClientId, ClientStatus};

use crate::harness::{Answer, CLIENT, Connection, Database, NOW, TestApp, config};

pub(crate) use snapshot::{administer, name_of};

/// What a test waits for at most; it has failed then.
const LONG: Duration = Duration::from_secs(20);

fn id() -> ClientId {
    ClientId::parse(CLIENT).unwrap()
}

async fn fail_to_read(test: &TestApp) {
    test.app.replication.read_changes().await.unwrap_err();
}

async fn disable(test: &TestApp) {
    let (id, off) = (id(), ClientStatus::Disabled);
    test.set_client_status(&id, off).await;
}

/// Registers a client that an earlier copy of the database lacks, and gets two tokens of it.
async fn register_new(test: &TestApp) -> (ClientId, [String; 2]) {
    let id = ClientId::parse("new").unwrap();
    let new = NewClient {
        client_id: Some(id.clone()),
        ..NewClient::default()
    };
    let secret = test.register(new).await;
    let token = async || test.authorize("new", &secret).await.token();
    (id, [token().await, token().await])
}

/// Whether the service has a file, which several processes cannot use while it is replaced.
fn is_on_file(test: &TestApp) -> bool {
    test.app.store().product() == "SQLite"
}

/// A copy of the database of these replicas. Postgres ends all connections for it.
async fn snapshot(replicas: &[&TestApp]) -> Snapshot {
    let snapshot = Snapshot::take(&replicas[0].database).await;
    for test in replicas {
        test.app.store().reconnect();
    }
    snapshot
}

/// After the connections were lost: the first reading finds that out.
async fn read_anew(test: &TestApp) {
    let _ = test.app.replication.read_changes().await;
    test.read_changes().await;
}

/// A service on a database with nothing in it, after the migrations.
async fn migrate(database: &Database) -> TestApp {
    if let Some(file) = database.url.strip_prefix("sqlite:") {
        std::fs::write(file, "").unwrap();
    }
    let app = App::open(config(&database.url, &[]), Clock::fixed(NOW)).unwrap();
    app.store().migrate(&|_| {}).await.unwrap();
    app.store().close().await;
    TestApp::on(database.clone(), &[]).await
}

/// The number that a statement finds.
async fn number(database: &Database, sql: &str) -> i64 {
    let query = sqlx::AssertSqlSafe(sql.to_owned());
    match database.connect().await {
        Connection::Postgres(mut it) => sqlx::query_scalar(query).fetch_one(&mut it).await,
        Connection::Sqlite(mut it) => sqlx::query_scalar(query).fetch_one(&mut it).await,
    }
    .unwrap()
}

/// What `/readyz` says: 200, and the text.
async fn status(test: &TestApp) -> String {
    let answer = test.get("/readyz").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["status"].as_str().unwrap().to_owned()
}

fn assert_unavailable(answer: &Answer) {
    answer.assert_error(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}

/// Asks for the revocation of a token by its own client.
async fn revoke(test: &TestApp, secret: &str, token: &str) -> Answer {
    let userinfo = format!("{CLIENT}:{secret}");
    test.post_basic("/revoke", &userinfo, &[("token", token)])
        .await
}

/// Changes are refused so that the caller tries again; tokens are issued and verified.
async fn assert_takes_no_changes(test: &TestApp, secret: &str) {
    let token = test.token(secret).await;
    assert_unavailable(&revoke(test, secret, &token).await);
    assert_eq!(test.verify(&token).await.status, 200);
}

/// Everything works.
async fn assert_works(test: &TestApp, secret: &str) {
    assert_eq!(status(test).await, "ready");
    let token = test.token(secret).await;
    assert_eq!(revoke(test, secret, &token).await.status, 200);
    test.verify(&token).await.assert_error(401, "invalid_token");
}
