//! What replicas tell one another through the database, and what one does without it.

mod at_once;
mod cut_off;
mod hearing;
mod recovery;
mod replicas;

use std::time::Duration;

use token_server::domain::{
    ClientChanges, ClientId, ClientStatus, ExpectedVersion, Scope, SecretId,
};

use crate::harness::{BY, CLIENT, TestApp};

/// What a test waits for at most; it has failed then.
const LONG: Duration = Duration::from_secs(20);

fn id() -> ClientId {
    ClientId::parse(CLIENT).unwrap()
}

/// Another replica of the same service.
async fn replica(test: &TestApp) -> TestApp {
    TestApp::on(test.database.clone(), &[]).await
}

async fn read(test: &TestApp) {
    test.app.replication.read_changes().await.unwrap();
}

async fn disable(test: &TestApp) {
    let (id, off) = (id(), ClientStatus::Disabled);
    test.app.clients.set_status(BY, &id, off).await.unwrap();
}

async fn set_scope(test: &TestApp, scope: &str) {
    let changes = ClientChanges {
        scopes: Some(Scope::parse(scope).unwrap()),
        ..ClientChanges::default()
    };
    test.app
        .clients
        .update(BY, &id(), &ExpectedVersion::Any, changes)
        .await
        .unwrap();
}

/// The scope of the client's next token.
async fn scope(test: &TestApp, secret: &str) -> String {
    let answer = test.authorize(CLIENT, secret).await;
    answer.json()["scope"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// The id in a secret that we made.
fn secret_id(secret: &str) -> SecretId {
    SecretId::parse(&secret["tks_".len()..][..8]).unwrap()
}

/// Waits until something holds, without a look at the clock.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(LONG, waiting).await;
    assert!(in_time.is_ok(), "never: {what}");
}
