//! Proofs and bound tokens that were good, or would be good for something else.

use serde_json::{Value, json};
use token_server::domain::ClientStatus;

use super::{Door, Doors, Holder, RESOURCES, doors, is, service};
use crate::harness::{CLIENT, NOW, Prover, TestApp};
use crate::oauth::Caller;
use crate::oauth::corpus::{encode, with};

impl Holder<'_> {
    /// Shows the token with a good proof, where it is no good any more.
    async fn is_refused(&self, name: &str, now: i64) {
        for door in RESOURCES {
            let claims = with(&self.claims(door), &json!({"iat": now}));
            let answer = self.show(door, &self.prover.sign(&claims)).await;
            is(
                &format!("{name} at {door:?}"),
                &answer,
                401,
                "invalid_token",
            );
        }
    }
}

/// Replayed, expired, from the future, oversized, and for something else.
#[tokio::test]
async fn a_proof_that_lost_its_standing_is_refused() {
    let test = service("ES256").await;
    let holder = Holder::new(&test, "holder").await;
    let changed = |door: Door, change: &Value| {
        let claims = with(&holder.claims(door), change);
        holder.prover.sign(&claims)
    };

    for door in doors() {
        let proof = holder.proof(door);
        assert_eq!(holder.show(door, &proof).await.status, 200);
        let again = holder.show(door, &proof).await;
        let status = if door.issues() { 400 } else { 401 };
        is("replayed", &again, status, "invalid_dpop_proof");
    }
    for (name, change) in [
        ("expired", json!({"iat": NOW.0 - 60})),
        ("from the last century", json!({"iat": 1})),
        ("from the future", json!({"iat": NOW.0 + 31})),
        ("from the end of time", json!({"iat": i64::MAX})),
        ("iat as text", json!({"iat": NOW.0.to_string()})),
        ("oversized", json!({"filler": "x".repeat(9_000)})),
        ("jti oversized", json!({"jti": "x".repeat(300)})),
        ("no jti", json!({"jti": null})),
        ("no iat", json!({"iat": null})),
        ("for another method", json!({"htm": "DELETE"})),
        (
            "for another server",
            json!({"htu": "https://other.test/token"}),
        ),
        ("for the path below", json!({"htu": "https://tokens.test/"})),
        ("for a URL that is none", json!({"htu": "tokens.test"})),
    ] {
        holder.refuse(name, |door| changed(door, &change)).await;
    }
    for (name, ath) in [
        ("for no token", Value::Null),
        ("for another token", json!(encode([0; 32]))),
        ("for the token itself, not its hash", json!(holder.token)),
    ] {
        for door in RESOURCES {
            let proof = changed(door, &json!({"ath": ath}));
            let answer = holder.show(door, &proof).await;
            is(name, &answer, 401, "invalid_dpop_proof");
        }
    }
    // The key of somebody else, who has stolen the token.
    for door in RESOURCES {
        let stolen = Prover::new("ES256").sign(&holder.claims(door));
        let answer = holder.show(door, &stolen).await;
        is("another's key", &answer, 401, "invalid_token");
    }
}

#[tokio::test]
async fn a_bound_token_that_lost_its_standing_is_refused_whatever_proof_comes_with_it() {
    let test = service("ES256").await;
    let gateway = Doors::of(&test).await;
    let revoked = Holder::new(&test, "revoked").await;
    let disabled = Holder::new(&test, CLIENT).await;
    let expired = Holder::new(&test, "expired").await;
    let elsewhere = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    let foreign = Holder::new(&elsewhere, "revoked").await;
    let foreign = Holder {
        caller: Caller {
            test: &test,
            id: "revoked",
            secret: revoked.caller.secret.clone(),
        },
        ..foreign
    };
    assert_eq!(revoked.caller.revoke(&revoked.token).await.status, 200);
    let id = CLIENT.parse().unwrap();
    let off = ClientStatus::Disabled;
    test.set_client_status(&id, off).await;

    for (name, holder) in [
        ("revoked", &revoked),
        ("of a disabled client", &disabled),
        ("another server's", &foreign),
    ] {
        holder.is_refused(name, NOW.0).await;
    }
    for audience in ["https://other.test", "https://tokens.test.evil.test"] {
        let claims = expired.claims(RESOURCES[0]);
        let authorization = format!("DPoP {}", expired.token);
        let proof = expired.prover.sign(&claims);
        let headers = [("authorization", authorization.as_str()), ("dpop", &proof)];
        let path = format!("/verify?audience={audience}");
        let answer = test.get_with(&path, &headers).await;
        is(audience, &answer, 401, "invalid_token");
    }
    test.clock.advance(4_000);
    expired.is_refused("expired", NOW.0 + 4_000).await;
    for holder in [&revoked, &disabled, &foreign, &expired] {
        let answer = gateway.caller.introspect(&holder.token).await;
        assert_eq!(answer.text(), r#"{"active":false}"#);
    }
}
