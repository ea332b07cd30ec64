//! What replicas tell one another through the database, and what one does without it.

mod at_once;
mod cut_off;
mod hearing;
mod recovery;
mod replicas;

use token_server::domain::{ClientChanges, ClientId, ClientStatus, Scope, SecretId};

use crate::harness::{CLIENT, TestApp};

fn id() -> ClientId {
    ClientId::parse(CLIENT).unwrap()
}

async fn disable(test: &TestApp) {
    let (id, off) = (id(), ClientStatus::Disabled);
    test.set_client_status(&id, off).await;
}

async fn set_scope(test: &TestApp, scope: &str) {
    let changes = ClientChanges {
        scopes: Some(Scope::parse(scope).unwrap()),
        ..ClientChanges::default()
    };
    test.update_client(&id(), changes).await;
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
