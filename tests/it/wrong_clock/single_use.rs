//! What may be used once is used once on all replicas together, also where their clocks differ.

use serde_json::json;

use super::{replica, started_ahead};
use crate::harness::workload::JWT_BEARER;
use crate::harness::{CLIENT, NOW, Prover, Signer, TestApp, proof_claims};
use crate::oauth::assertion::{claims, register_with};

const TOKEN_URL: &str = "https://tokens.test/token";

/// What a tolerated clock is ahead of another one.
const SKEWS: [i64; 4] = [4, -4, 20, -20];

/// Lets time pass on all replicas until this time of the database.
fn pass_until(replicas: &[&TestApp], at: i64) {
    for test in replicas {
        test.clock.advance(at - test.clock.now().0);
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_until_its_end_on_replicas_whose_clocks_differ() {
    for skew in SKEWS {
        let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
        register_with(&test, &signer.jwks("k")).await;
        let Some(other) = started_ahead(&test.database, skew).await else {
            return;
        };
        let present = async |at: &TestApp, assertion: &str| {
            let form = [
                ("grant_type", "client_credentials"),
                ("client_assertion_type", JWT_BEARER),
                ("client_assertion", assertion),
            ];
            at.post_form("/token", &form).await.status
        };
        let good = claims();
        let end = good["exp"].as_i64().unwrap() + 30;
        let assertion = signer.sign(json!({"kid": "k"}), &good);
        assert_eq!(present(&other, &assertion).await, 200);

        for at in [NOW.0, NOW.0 + 61, end - 1, end] {
            pass_until(&[&test, &other], at);
            for replica in [&test, &other] {
                replica.app.single_use.prune().await.unwrap();
                assert_eq!(present(&test, &assertion).await, 401, "{skew} {at}");
                assert_eq!(present(&other, &assertion).await, 401, "{skew} {at}");
            }
        }
    }
}

#[tokio::test]
async fn a_proof_is_good_once_until_its_end_on_replicas_whose_clocks_differ() {
    for skew in SKEWS {
        let (test, prover) = (TestApp::new().await, Prover::new("ES256"));
        let secret = test.client().await;
        let Some(other) = started_ahead(&test.database, skew).await else {
            return;
        };
        let ask = async |at: &TestApp, proof: &str| {
            let form = [
                ("grant_type", "client_credentials"),
                ("client_id", CLIENT),
                ("client_secret", secret.as_str()),
            ];
            let headers = [("dpop", proof)];
            at.post_form_with("/token", &form, &headers).await.status
        };
        let mut claims = proof_claims("POST", TOKEN_URL);
        // As far ahead as a client's clock may be.
        claims["iat"] = json!(NOW.0 + 30);
        let proof = prover.sign(&claims);
        let end = NOW.0 + 30 + test.app.config().dpop.max_age;
        assert_eq!(ask(&other, &proof).await, 200);

        for at in [NOW.0, end - 21, end - 5, end - 1, end] {
            pass_until(&[&test, &other], at);
            for replica in [&test, &other] {
                replica.app.single_use.prune().await.unwrap();
                assert_eq!(ask(&test, &proof).await, 400, "{skew} {at}");
                assert_eq!(ask(&other, &proof).await, 400, "{skew} {at}");
            }
        }
    }
}

/// A replica that has not reached the database yet may be behind by as much.
#[tokio::test]
async fn used_values_stay_for_as_long_as_clocks_may_differ() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    register_with(&test, &signer.jwks("k")).await;
    let other = replica(&test, &[]).await;
    let good = claims();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &signer.sign(json!({"kid": "k"}), &good)),
    ];
    assert_eq!(test.post_form("/token", &form).await.status, 200);

    let end = good["exp"].as_i64().unwrap() + 30;
    for (at, pruned) in [(end, 0), (end + 29, 0), (end + 30, 1)] {
        pass_until(&[&other], at);
        assert_eq!(other.app.single_use.prune().await.unwrap(), pruned, "{at}");
    }
}
