//! How often keys are fetched, and how long they serve.

use std::cell::Cell;

use futures_util::future::join_all;
use serde_json::{Value, json};
use token_server::domain::IssuerName;

use super::{claims, log_in, service, trust};
use crate::harness::workload::present;
use crate::harness::{Signer, TestApp};
use crate::identity::platform::{Page, Platform};
use crate::identity::{CLUSTER, WORKLOAD, key_set};
use crate::metrics::Operator;

#[tokio::test]
async fn keys_are_fetched_once_and_a_new_one_once_a_minute() {
    let (test, server) = (service().await, Platform::start());
    let (old, new) = (Signer::new("ES256"), Signer::new("ES256"));
    let set = |keys: &[(&Signer, &str)]| {
        let keys: Vec<Value> = keys.iter().map(|(signer, kid)| signer.jwk(kid)).collect();
        Page::Json(json!({ "keys": keys }))
    };
    server.show("/keys", set(&[(&old, "old")]));
    let document = server.issuer(
        "k8s",
        &json!({"issuer": CLUSTER, "replay": "allow", "jwks_uri": server.url("/keys")}),
    );
    trust(&test, &document).await;
    for _ in 0..3 {
        assert_eq!(log_in(&test, &old, "old", CLUSTER).await, 200);
    }
    assert_eq!(server.asked().len(), 1);

    server.show("/keys", set(&[(&old, "old"), (&new, "new")]));
    assert_eq!(
        log_in(&test, &new, "new", CLUSTER).await,
        401,
        "asked for a moment ago"
    );
    assert_eq!(server.asked().len(), 0);
    test.clock.advance(61);
    assert_eq!(log_in(&test, &new, "new", CLUSTER).await, 200);
    assert_eq!(log_in(&test, &old, "old", CLUSTER).await, 200);
    assert_eq!(server.asked().len(), 1);
    // Unknown names cause one fetch a minute, whatever they are.
    for round in 0..3 {
        for kid in ["a", "b", "c", "d"] {
            assert_eq!(log_in(&test, &new, kid, CLUSTER).await, 401);
        }
        assert!(server.asked().len() <= 1, "{round}");
        test.clock.advance(30);
    }
}

#[tokio::test]
async fn one_unusable_key_spoils_no_set_and_the_old_set_serves_for_a_while() {
    let (test, signer, server) = (service().await, Signer::new("ES256"), Platform::start());
    let keys = json!({"keys": [{"kty": "EC"}, {"kty": "oct", "k": "AAAA"}, {"kty": "new"}, 7, signer.jwk("k")]});
    server.show("/keys", Page::Json(keys));
    let document = server.issuer(
        "k8s",
        &json!({"issuer": CLUSTER, "replay": "allow", "jwks_uri": server.url("/keys")}),
    );
    trust(&test, &document).await;
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 200);

    for page in [
        Page::Status(503),
        Page::Json(json!({"keys": []})),
        Page::Silence,
        Page::Redirect("/other".to_owned()),
    ] {
        server.show("/keys", page);
        test.clock.advance(301);
        assert_eq!(
            log_in(&test, &signer, "k", CLUSTER).await,
            200,
            "the old set"
        );
    }
    let name = IssuerName::parse("k8s").unwrap();
    let metrics = test.app.issuers.metrics();
    let of_issuer = metrics.iter().find(|it| it.name == name).unwrap();
    assert_eq!(of_issuer.failed_fetches, 4);
    assert_eq!(of_issuer.key_age, Some(4 * 301));
    test.clock.advance(5 * 3_600);
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 401, "too old");
    server.show("/keys", Page::Json(key_set(&signer)));
    test.clock.advance(61);
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 200);
}

/// Callers of [`while_keys_rotate_no_right_token_is_refused_and_no_wrong_one_accepted`].
const CALLERS: usize = 8;

/// Rotation under load: a key is published before it signs, as every platform does, and withdrawn after the last token by it
/// has ended.
#[tokio::test]
async fn while_keys_rotate_no_right_token_is_refused_and_no_wrong_one_accepted() {
    const ROTATIONS: usize = 5;
    let (server, signers) = (
        Platform::start(),
        (0..=ROTATIONS)
            .map(|_| Signer::new("ES256"))
            .collect::<Vec<_>>(),
    );
    let settings = [
        ("THROTTLE_CLIENT_FAILURES", "100000"),
        ("THROTTLE_SOURCE_FAILURES", "100000"),
    ];
    let test = TestApp::with(&settings).await;
    let forger = Signer::new("ES256");
    let publish = |current: usize| {
        let keys = current.saturating_sub(1)..=(current + 1).min(ROTATIONS);
        let keys: Vec<Value> = keys.map(|n| signers[n].jwk(&format!("k{n}"))).collect();
        server.show("/keys", Page::Json(json!({ "keys": keys })));
    };
    publish(0);
    let document = server.issuer(
        "k8s",
        &json!({"issuer": CLUSTER, "replay": "allow", "jwks_uri": server.url("/keys")}),
    );
    trust(&test, &document).await;
    let (current, is_over) = (Cell::new(0), Cell::new(false));
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    let status = async |signer: &Signer, key: usize| {
        let header = json!({"kid": format!("k{key}")});
        let token = signer.sign(header, &claims(&test, CLUSTER));
        present(&test, &token, Some(WORKLOAD)).await.status
    };
    let rotate = async {
        for next in 1..=ROTATIONS {
            let before = accepted.get();
            while accepted.get() < before + 3 * CALLERS {
                tokio::task::yield_now().await;
            }
            // The next key was published a rotation ago, and every replica has fetched it since.
            publish(next);
            test.clock.advance(301);
            current.set(next);
        }
        is_over.set(true);
    };
    let call = async |caller: usize| {
        while !is_over.get() {
            // A login without a fetch waits for nothing.
            tokio::task::yield_now().await;
            let key = current.get();
            if caller.is_multiple_of(2) {
                let status = status(&signers[key], key).await;
                assert_eq!(status, 200, "a right token by k{key}");
                accepted.set(accepted.get() + 1);
            } else {
                for named in [key, key + 1, 99] {
                    let status = status(&forger, named).await;
                    assert_eq!(status, 401, "a forged token that names k{named}");
                }
                if let Some(withdrawn) = key.checked_sub(2) {
                    // Whoever asks first after a rotation fetches; then the key is unknown to all.
                    assert_eq!(status(&signers[key], key).await, 200);
                    let status = status(&signers[withdrawn], withdrawn).await;
                    assert_eq!(status, 401, "a token by k{withdrawn}, which was withdrawn");
                }
                refused.set(refused.get() + 1);
            }
        }
    };
    let callers = join_all((0..CALLERS).map(call));
    tokio::join!(rotate, callers);
    assert!(refused.get() > ROTATIONS, "{}", refused.get());
    assert!(
        server.asked().len() <= 2 * (ROTATIONS + 1),
        "fetched too often"
    );
}

#[tokio::test]
async fn operators_see_how_old_the_keys_are_and_how_many_fetches_failed() {
    let (test, signer, server) = (service().await, Signer::new("ES256"), Platform::start());
    server.show("/keys", Page::Json(key_set(&signer)));
    let keys = json!({"issuer": CLUSTER, "replay": "allow", "jwks_uri": server.url("/keys")});
    trust(&test, &server.issuer("k8s", &keys)).await;
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 200);
    server.show("/keys", Page::Status(503));
    test.clock.advance(301);
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 200);
    let page = Operator::of(&test).page().await;
    assert_eq!(page.get(r#"issuer_key_age_seconds{issuer="k8s"}"#), 301);
    let failed = page.get(r#"issuer_key_fetches_failed_total{issuer="k8s"}"#);
    assert_eq!(failed, 1);
}
