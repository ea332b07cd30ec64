//! The keys of issuers: from where they are fetched, how often, and what is not believed.

mod bundles;
mod refresh;
mod sources;

use serde_json::{Value, json};
use token_server::domain::IssuerName;

use super::{
    ACCOUNT, MANY_FAILURES, WORKLOAD, add, assert_refused, cluster_claims, present, register, with,
};
use crate::harness::{Database, Signer, TestApp};

async fn service() -> TestApp {
    on(Database::fresh().await).await
}

async fn on(database: Database) -> TestApp {
    let settings = [MANY_FAILURES, &[("JWKS_URI_TIMEOUT", "1s")]].concat();
    TestApp::on(database, &settings).await
}

/// Claims of this moment: the clock of a test advances.
fn claims(test: &TestApp, iss: &str) -> Value {
    let now = test.clock.now().0;
    let claims = with(cluster_claims(), "iss", iss);
    let claims = with(with(claims, "iat", now), "nbf", now);
    with(claims, "exp", now + 600)
}

async fn log_in(test: &TestApp, signer: &Signer, kid: &str, iss: &str) -> u16 {
    let token = signer.sign(json!({"kid": kid}), &claims(test, iss));
    let answer = present(test, &token, Some(WORKLOAD)).await;
    if answer.status == 401 {
        assert_refused(&answer, "keys");
    }
    answer.status
}

async fn trust(test: &TestApp, document: &Value) {
    add(&test.app, document).await;
    register(
        test,
        WORKLOAD,
        &json!([{"issuer": "k8s", "subject": ACCOUNT}]),
    )
    .await;
}

/// What `issuer check` says is wrong.
async fn error(test: &TestApp) -> String {
    let name = IssuerName::parse("k8s").unwrap();
    let check = test.app.issuers.check(&name).await.unwrap();
    assert!(check.keys.is_empty(), "{check:?}");
    check.error.unwrap()
}
