//! Bundles of SPIFFE trust domains, which never go back.

use serde_json::{Value, json};
use token_server::domain::{IssuerName, IssuerStatus};

use super::{claims, error, on, service};
use crate::harness::workload::{add, present, register, spec};
use crate::harness::{BY, Signer, TestApp};
use crate::identity::platform::{Page, Platform};
use crate::identity::{WORKLOAD, with};

/// Another replica, or the same one after a restart.
async fn replica(test: &TestApp) -> TestApp {
    on(test.database.clone()).await
}

const SPIFFE_ID: &str = "spiffe://acme.test/a";

/// How a login with an SVID of this authority ends.
async fn svid_status(test: &TestApp, signer: &Signer) -> u16 {
    let claims = with(claims(test, "https://spire.test"), "sub", SPIFFE_ID);
    let token = signer.sign(json!({"kid": "k"}), &claims);
    present(test, &token, Some(WORKLOAD)).await.status
}

/// A bundle with a key of a CA beside that of the authority.
fn bundle(signer: &Signer, sequence: u64) -> Page {
    let mut jwk = signer.jwk("k");
    jwk["use"] = "jwt-svid".into();
    let ca = json!({"kty": "EC", "use": "x509-svid", "crv": "P-256", "x": jwk["x"], "y": jwk["y"]});
    Page::Json(json!({"keys": [ca, jwk], "spiffe_sequence": sequence, "spiffe_refresh_hint": 300}))
}

async fn trust_domain(test: &TestApp, server: &Platform) {
    let endpoint = server.url("/bundle");
    let document = server.issuer(
        "k8s",
        &json!({"trust_domain": "acme.test", "replay": "allow", "bundle_endpoint": endpoint}),
    );
    add(&test.app, &document).await;
    let identities = json!([{"issuer": "k8s", "subject": SPIFFE_ID}]);
    register(test, WORKLOAD, &identities).await;
}

#[tokio::test]
async fn a_bundle_never_goes_back() {
    let (test, server) = (service().await, Platform::start());
    let (first, second) = (Signer::new("ES256"), Signer::new("ES256"));
    server.show("/bundle", bundle(&first, 4));
    trust_domain(&test, &server).await;
    let status = async |signer: &Signer| svid_status(&test, signer).await;
    assert_eq!(status(&first).await, 200);
    server.show("/bundle", bundle(&second, 5));
    test.clock.advance(301);
    assert_eq!((status(&first).await, status(&second).await), (401, 200));
    server.show("/bundle", bundle(&first, 4));
    test.clock.advance(301);
    assert_eq!((status(&first).await, status(&second).await), (401, 200));
}

#[tokio::test]
async fn neither_a_restart_nor_another_replica_takes_a_bundle_of_before() {
    let (test, server) = (service().await, Platform::start());
    let (first, second) = (Signer::new("ES256"), Signer::new("ES256"));
    server.show("/bundle", bundle(&second, 5));
    trust_domain(&test, &server).await;
    // Read before the bundle was, so that it knows only what it has seen itself.
    let early = replica(&test).await;
    server.show("/bundle", bundle(&first, 4));
    assert_eq!(svid_status(&early, &first).await, 200);
    server.show("/bundle", bundle(&second, 5));
    assert_eq!(svid_status(&test, &second).await, 200);

    server.show("/bundle", bundle(&first, 4));
    let restarted = replica(&test).await;
    assert_eq!(svid_status(&restarted, &first).await, 401);
    let told = error(&restarted).await;
    assert!(told.contains("went back from 5 to 4"), "{told}");
    early.clock.advance(301);
    server.asked();
    svid_status(&early, &first).await;
    assert_eq!(server.asked().len(), 1);
    let failed = early.app.issuers.metrics()[0].failed_fetches;
    assert_eq!(failed, 1);

    // An operator who knows that the trust domain was set up anew says so.
    let name = IssuerName::parse("k8s").unwrap();
    for status in [IssuerStatus::Disabled, IssuerStatus::Enabled] {
        let issuers = &test.app.issuers;
        issuers.set_status(BY, &name, status).await.unwrap();
    }
    restarted.read_changes().await;
    assert_eq!(svid_status(&restarted, &first).await, 200);
}

#[tokio::test]
async fn other_changes_of_an_issuer_do_not_forget_its_sequence() {
    let (test, server) = (service().await, Platform::start());
    let (first, second) = (Signer::new("ES256"), Signer::new("ES256"));
    server.show("/bundle", bundle(&second, 5));
    trust_domain(&test, &server).await;
    assert_eq!(svid_status(&test, &second).await, 200);
    server.show("/bundle", bundle(&first, 4));
    server.show("/other", bundle(&first, 4));
    let name = IssuerName::parse("k8s").unwrap();
    let update = async |change: Value| {
        let done = test.app.issuers.update(BY, &name, spec(&change));
        done.await.unwrap();
        svid_status(&test, &first).await
    };
    assert_eq!(update(json!({"max_lifetime": 1_800})).await, 401);
    let moved = json!({"bundle_endpoint": server.url("/other")});
    assert_eq!(update(moved).await, 200);
}

#[tokio::test]
async fn a_bundle_in_a_file_is_read_anew() {
    let (test, server) = (service().await, Platform::start());
    let (first, second) = (Signer::new("ES256"), Signer::new("ES256"));
    let bundle = |signer: &Signer| {
        let mut jwk = signer.jwk("k");
        jwk["use"] = "jwt-svid".into();
        json!({"keys": [jwk]}).to_string()
    };
    let file = server.write("bundle.json", &bundle(&first));
    let document =
        json!({"name": "k8s", "trust_domain": "acme.test", "replay": "allow", "bundle_file": file});
    add(&test.app, &document).await;
    register(
        &test,
        WORKLOAD,
        &json!([{"issuer": "k8s", "subject": SPIFFE_ID}]),
    )
    .await;
    let status = async |signer: &Signer| svid_status(&test, signer).await;
    assert_eq!((status(&first).await, status(&second).await), (200, 401));
    server.write("bundle.json", &bundle(&second));
    test.clock.advance(301);
    assert_eq!((status(&first).await, status(&second).await), (401, 200));
}
