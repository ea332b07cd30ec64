//! `private_key_jwt`: RFC 7523 §3 and RFC 7521 §4.2, row by row, and what must never be accepted.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use token_server::app::NewClient;
use token_server::domain::{
    AuthMethods, AuthenticationChanges, AuthenticationSettings, ClientChanges, ClientId,
    ClientKeys, ClientStatus, ExpectedVersion, JwkSet,
};

use crate::harness::{Answer, BY, CLIENT, NOW, Signer, TestApp};

pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Registers [`CLIENT`] with these keys and `private_key_jwt` alone.
pub(super) async fn register(test: &TestApp, keys: ClientKeys) {
    let new = NewClient {
        client_id: Some(ClientId::parse(CLIENT).unwrap()),
        authentication: AuthenticationSettings {
            auth_methods: AuthMethods::parse("private_key_jwt").unwrap(),
            keys: Some(keys),
            certificate_subject: None,
            ..AuthenticationSettings::default()
        },
        ..NewClient::default()
    };
    test.app.clients.register(BY, new, None).await.unwrap();
}

/// The same with keys that are written down.
pub(crate) async fn register_with(test: &TestApp, jwks: &str) {
    register(test, inline(jwks)).await;
}

fn inline(jwks: &str) -> ClientKeys {
    ClientKeys::Inline(JwkSet::parse(jwks).unwrap())
}

/// Claims that are good, with a `jti` of their own.
pub(crate) fn claims() -> Value {
    let jti = token_server::base::secret::random_base62(16);
    json!({"iss": CLIENT, "sub": CLIENT, "aud": "https://tokens.test", "iat": NOW.0, "exp": NOW.0 + 60, "jti": jti})
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

pub(crate) async fn present(test: &TestApp, assertion: &str) -> Answer {
    present_at(test, "/token", assertion, &[]).await
}

pub(crate) async fn present_at(
    test: &TestApp,
    path: &str,
    assertion: &str,
    more: &[(&str, &str)],
) -> Answer {
    let base = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    test.post_form(path, &[&base, more].concat()).await
}

/// A service with a client whose key is `k`, and that key.
async fn es256() -> (TestApp, Signer) {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    register(&test, inline(&signer.jwks("k"))).await;
    (test, signer)
}

fn key() -> Value {
    json!({"kid": "k"})
}

#[tokio::test]
async fn every_algorithm_is_accepted() {
    for alg in [
        "ES256", "ES384", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    ] {
        let (test, signer) = (TestApp::new().await, Signer::new(alg));
        register(&test, inline(&signer.jwks("k"))).await;

        let answer = present(&test, &signer.sign(key(), &claims())).await;

        assert_eq!(answer.status, 200, "{alg}: {}", answer.text());
    }
}

/// RFC 10070 (draft-ietf-oauth-rfc7523bis-11 §4): the issuer identifier of the server is the sole value.
#[tokio::test]
async fn the_audience_is_the_issuer_alone() {
    let (test, signer) = es256().await;
    for aud in [json!("https://tokens.test"), json!(["https://tokens.test"])] {
        for path in ["/token", "/authorize"] {
            let assertion = signer.sign(key(), &with("aud", aud.clone()));
            let answer = present_at(&test, path, &assertion, &[]).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
    for aud in [
        json!("https://tokens.test/authorize"),
        json!("https://other.test"),
        json!("https://tokens.test/"),
        json!(["https://tokens.test", "https://tokens.test"]),
        json!(["https://tokens.test", "https://tokens.test/token"]),
        json!(["https://tokens.test", "https://other.test"]),
        json!([]),
    ] {
        let refused = present(&test, &signer.sign(key(), &with("aud", aud))).await;
        refused.assert_error(401, "invalid_client");
        assert!(
            refused.text().contains("must be https://tokens.test\""),
            "{}",
            refused.text()
        );
    }
}

/// Which clients may send it is told to nobody.
#[tokio::test]
async fn the_token_endpoint_is_an_audience_only_for_clients_that_may_send_it() {
    let (test, signer) = es256().await;
    let assertion = || signer.sign(key(), &with("aud", "https://tokens.test/token"));
    let refused = present(&test, &assertion()).await;
    refused.assert_error(401, "invalid_client");
    assert!(
        refused
            .text()
            .contains("the client is unknown or its credentials are wrong")
    );

    let mut changes = ClientChanges::default();
    changes.authentication.token_endpoint_as_audience = Some(true);
    let id = ClientId::parse(CLIENT).unwrap();
    let clients = &test.app.clients;
    clients
        .update(BY, &id, &ExpectedVersion::Any, changes)
        .await
        .unwrap();
    for path in ["/token", "/authorize"] {
        let answer = present_at(&test, path, &assertion(), &[]).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    assert_eq!(test.app.metrics().token_endpoint_audiences, 2);
    let both = json!(["https://tokens.test", "https://tokens.test/token"]);
    let refused = present(&test, &signer.sign(key(), &with("aud", both))).await;
    refused.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn the_type_is_absent_jwt_or_that_of_client_authentication() {
    let (test, signer) = es256().await;
    for typ in [
        "JWT",
        "jwt",
        "client-authentication+jwt",
        "application/client-authentication+jwt",
    ] {
        let assertion = signer.sign(json!({"kid": "k", "typ": typ}), &claims());
        assert_eq!(present(&test, &assertion).await.status, 200, "{typ}");
    }
    for typ in [
        "at+jwt",
        "dpop+jwt",
        "token-introspection+jwt",
        "JOSE",
        "",
        "authorization-grant+jwt",
    ] {
        let assertion = signer.sign(json!({"kid": "k", "typ": typ}), &claims());
        let refused = present(&test, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert!(
            refused.text().contains("`typ`"),
            "{typ}: {}",
            refused.text()
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_claims_is_refused_and_told() {
    let (test, signer) = es256().await;
    let now = NOW.0;

    for (claims, told) in [
        (without("iss"), "not a JWT"),
        (without("sub"), "not a JWT"),
        (without("aud"), "not a JWT"),
        (without("exp"), "not a JWT"),
        (without("jti"), "`jti`"),
        (with("jti", ""), "`jti`"),
        (with("exp", now - 30), "expired"),
        (with("exp", "soon"), "not a JWT"),
        (with("exp", now + 3_700), "longer than 3600 seconds"),
        (with("exp", i64::MAX), "longer than 3600 seconds"),
        (with("exp", 1e300), "longer than 3600 seconds"),
        (with("iat", now - 3_600), "longer than 3600 seconds"),
        (with("iat", now + 31), "in the future"),
        (with("nbf", now + 31), "in the future"),
    ] {
        let refused = present(&test, &signer.sign(key(), &claims)).await;
        refused.assert_error(401, "invalid_client");
        assert!(
            refused.text().contains(told),
            "{claims}: {}",
            refused.text()
        );
    }
}

/// Such an assertion could be of a trusted issuer, and which of these there are is told to nobody.
#[tokio::test]
async fn an_assertion_of_somebody_else_is_refused_without_a_word() {
    let (test, signer) = es256().await;
    for claims in [with("iss", "other"), with("sub", "other")] {
        let refused = present(&test, &signer.sign(key(), &claims)).await;
        refused.assert_error(401, "invalid_client");
        assert!(
            refused
                .text()
                .contains("the client is unknown or its credentials are wrong")
        );
    }
}

/// serde reads a struct also from an array of its members in their order.
#[tokio::test]
async fn arrays_are_neither_a_header_nor_claims() {
    let (test, signer) = es256().await;
    let good = claims();
    let members = json!([
        good["iss"],
        good["sub"],
        good["aud"],
        good["exp"],
        null,
        good["iat"],
        good["jti"]
    ]);

    for assertion in [
        signer.sign(key(), &members),
        signer.sign(json!(["ES256", "k", null]), &good),
    ] {
        let refused = present(&test, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert!(refused.text().contains("not a JWT"), "{}", refused.text());
    }
    assert_eq!(present(&test, &signer.sign(key(), &good)).await.status, 200);
}

#[tokio::test]
async fn a_clients_clock_may_differ_by_half_a_minute() {
    let (test, signer) = es256().await;
    let late = with("exp", NOW.0 - 29);
    let mut early = with("iat", NOW.0 + 30);
    early["nbf"] = json!(NOW.0 + 30);
    let fraction = with("exp", 1_800_000_059.25);

    for claims in [
        late,
        early,
        fraction,
        without("iat"),
        with("exp", NOW.0 + 3_600),
    ] {
        let answer = present(&test, &signer.sign(key(), &claims)).await;
        assert_eq!(answer.status, 200, "{claims}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_longest_lifetime_is_a_setting() {
    let test = TestApp::with(&[("CLIENT_ASSERTION_MAX_TTL", "5m")]).await;
    let signer = Signer::new("EdDSA");
    register(&test, inline(&signer.jwks("k"))).await;

    let good = present(&test, &signer.sign(key(), &with("exp", NOW.0 + 300))).await;
    let long = present(&test, &signer.sign(key(), &with("exp", NOW.0 + 301))).await;

    assert_eq!(good.status, 200, "{}", good.text());
    long.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn an_assertion_is_good_once_on_all_replicas_together() {
    let (test, signer) = es256().await;
    let replica = TestApp::on(test.database.clone(), &[]).await;
    let assertion = signer.sign(key(), &claims());

    assert_eq!(present(&test, &assertion).await.status, 200);
    for again in [&test, &replica] {
        let refused = present(again, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert!(refused.text().contains("used before"));
    }
    // Another assertion with the same name, also after pruning.
    replica.app.single_use.prune().await.unwrap();
    let claims = with("jti", "same");
    assert_eq!(
        present(&replica, &signer.sign(key(), &claims)).await.status,
        200
    );
    let same = present(&test, &signer.sign(key(), &claims)).await;
    same.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn of_two_that_come_at_once_one_is_accepted() {
    let (test, signer) = es256().await;
    let replica = TestApp::on(test.database.clone(), &[]).await;

    for _ in 0..5 {
        let assertion = signer.sign(key(), &claims());
        let (one, other) = tokio::join!(present(&test, &assertion), present(&replica, &assertion));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
    }
}

#[tokio::test]
async fn an_assertion_is_remembered_until_nobody_would_accept_it() {
    let (test, signer) = es256().await;
    let assertion = signer.sign(key(), &claims());
    present(&test, &assertion).await;

    test.clock.advance(60 + 29);
    test.app.single_use.prune().await.unwrap();
    assert!(
        present(&test, &assertion)
            .await
            .text()
            .contains("used before")
    );

    test.clock.advance(1);
    assert!(present(&test, &assertion).await.text().contains("expired"));
    // Some longer, for a replica that goes by a clock which is behind.
    assert_eq!(test.app.single_use.prune().await.unwrap(), 0);
    test.clock.advance(30);
    assert_eq!(test.app.single_use.prune().await.unwrap(), 1);
}

#[tokio::test]
async fn two_clients_may_use_the_same_jti() {
    let (test, signer) = es256().await;
    let other = NewClient {
        client_id: Some(ClientId::parse("other").unwrap()),
        authentication: AuthenticationSettings {
            auth_methods: AuthMethods::parse("private_key_jwt").unwrap(),
            keys: Some(inline(&signer.jwks("k"))),
            certificate_subject: None,
            ..AuthenticationSettings::default()
        },
        ..NewClient::default()
    };
    test.app.clients.register(BY, other, None).await.unwrap();
    let one = with("jti", "1");
    let mut two = one.clone();
    two["iss"] = json!("other");
    two["sub"] = json!("other");

    assert_eq!(present(&test, &signer.sign(key(), &one)).await.status, 200);
    assert_eq!(present(&test, &signer.sign(key(), &two)).await.status, 200);
}

/// A JWT signed with HMAC under bytes that everybody knows.
fn hs256(secret: &[u8], header: &Value) -> String {
    use aws_lc_rs::hmac;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(&claims()));
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret),
        signed.as_bytes(),
    );
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[tokio::test]
async fn symmetric_algorithms_and_none_are_never_accepted() {
    let test = TestApp::new().await;
    let signer = Signer::new("RS256");
    register(&test, inline(&signer.jwks("k"))).await;
    let n = signer.jwk("k")["n"].as_str().unwrap().to_owned();
    let header = json!({"alg": "HS256", "kid": "k"});
    let unsigned = |alg: &str| {
        let jwt = signer.sign(json!({"alg": alg, "kid": "k"}), &claims());
        jwt[..=jwt.rfind('.').unwrap()].to_owned()
    };

    for assertion in [
        hs256(&URL_SAFE_NO_PAD.decode(&n).unwrap(), &header),
        hs256(n.as_bytes(), &header),
        hs256(signer.jwks("k").as_bytes(), &header),
        hs256(b"", &header),
        unsigned("none"),
        unsigned("None"),
        signer.sign(json!({"alg": "HS256", "kid": "k"}), &claims()),
        signer.sign(json!({"alg": "ES512", "kid": "k"}), &claims()),
        signer.sign(json!({"alg": "", "kid": "k"}), &claims()),
    ] {
        let refused = present(&test, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert!(refused.text().contains("`alg`"), "{}", refused.text());
    }
    let unsigned = present(&test, &unsigned("RS256")).await;
    unsigned.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn what_only_the_clients_keys_tell_is_one_answer() {
    let (test, signer) = es256().await;
    let stranger = Signer::new("ES256");
    let good = signer.sign(key(), &claims());
    let mut nobody = claims();
    nobody["iss"] = json!("nobody");
    nobody["sub"] = json!("nobody");
    let unknown_client = test.post_basic(
        "/token",
        "nobody:guess",
        &[("grant_type", "client_credentials")],
    );
    let expected = unknown_client.await;
    let (message, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };

    for assertion in [
        stranger.sign(key(), &claims()),
        stranger.sign(json!({}), &claims()),
        signer.sign(json!({"kid": "other"}), &claims()),
        signer.sign(json!({"kid": "../../k"}), &claims()),
        // A key for another algorithm, and keys that come with the assertion.
        signer.sign(json!({"alg": "ES384", "kid": "k"}), &claims()),
        signer.sign(json!({"alg": "RS256", "kid": "k"}), &claims()),
        stranger.sign(json!({"kid": "k", "jwk": stranger.jwk("k")}), &claims()),
        stranger.sign(
            json!({"jku": "https://evil.test/keys", "kid": "e"}),
            &claims(),
        ),
        stranger.sign(
            json!({"x5u": "https://evil.test/cert", "x5c": ["AQID"]}),
            &claims(),
        ),
        signer.sign(key(), &nobody),
        format!("{message}.{flipped}{}", &signature[1..]),
        format!("{message}."),
        format!("{message}.{signature}=="),
    ] {
        let refused = present(&test, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert_eq!(refused.text(), expected.text(), "{assertion}");
    }
    // None of them used it up.
    assert_eq!(present(&test, &good).await.status, 200);
}

#[tokio::test]
async fn members_that_name_keys_are_ignored_and_critical_ones_refused() {
    let (test, signer) = es256().await;
    let stranger = Signer::new("ES256");
    let ignored =
        json!({"kid": "k", "typ": "JWT", "jku": "https://evil.test", "jwk": stranger.jwk("k")});

    let answer = present(&test, &signer.sign(ignored, &claims())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for crit in [json!(["exp"]), json!([]), json!("b64")] {
        let header = json!({"kid": "k", "crit": crit});
        let refused = present(&test, &signer.sign(header, &claims())).await;
        refused.assert_error(401, "invalid_client");
        assert!(refused.text().contains("crit"));
    }
}

#[tokio::test]
async fn what_is_no_jwt_is_refused() {
    let (test, signer) = es256().await;
    let good = signer.sign(key(), &claims());
    let repeated = r#"{"iss":"billing","iss":"billing"}"#;
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);

    for assertion in [
        "a".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        good.replacen('.', ".x", 1),
        format!("{good}.{good}"),
        format!("{}.{}.AA", part(r#"{"alg":"ES256"}"#), part(repeated)),
        format!("{}.{}.AA", part("[]"), part("[]")),
        signer.sign(key(), &with("long", "x".repeat(9_000))),
        "x".repeat(60_000),
    ] {
        let refused = present(&test, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert!(refused.text().contains("not a JWT"), "{}", refused.text());
    }
}

#[tokio::test]
async fn a_client_id_beside_the_assertion_has_to_be_the_same() {
    let (test, signer) = es256().await;
    let sign = || signer.sign(key(), &claims());

    let same = present_at(&test, "/token", &sign(), &[("client_id", CLIENT)]).await;
    let other = present_at(&test, "/token", &sign(), &[("client_id", "other")]).await;

    assert_eq!(same.status, 200, "{}", same.text());
    other.assert_error(401, "invalid_client");
    assert!(other.text().contains("`sub` is not the client_id"));
}

#[tokio::test]
async fn a_disabled_client_and_one_without_the_method_are_refused() {
    let (test, signer) = es256().await;
    let id = ClientId::parse(CLIENT).unwrap();
    let present_one = async || present(&test, &signer.sign(key(), &claims())).await;
    assert_eq!(present_one().await.status, 200);

    test.app
        .clients
        .set_status(BY, &id, ClientStatus::Disabled)
        .await
        .unwrap();
    present_one().await.assert_error(401, "invalid_client");

    test.app
        .clients
        .set_status(BY, &id, ClientStatus::Enabled)
        .await
        .unwrap();
    let authentication = AuthenticationChanges {
        auth_methods: Some(AuthMethods::default()),
        ..AuthenticationChanges::default()
    };
    let changes = ClientChanges {
        authentication,
        ..ClientChanges::default()
    };
    test.app
        .clients
        .update(BY, &id, &ExpectedVersion::Any, changes)
        .await
        .unwrap();
    present_one().await.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn keys_are_told_apart_by_name_use_and_algorithm() {
    let test = TestApp::new().await;
    let (old, new) = (Signer::new("RS256"), Signer::new("RS256"));
    let (mut encrypting, mut narrow) = (Signer::new("ES256"), Signer::new("RS256"));
    let mut keys = vec![
        old.jwk("old"),
        new.jwk("new"),
        encrypting.jwk("enc"),
        narrow.jwk("ps"),
    ];
    keys[2]["use"] = json!("enc");
    keys[3]["alg"] = json!("PS256");
    register(&test, inline(&json!({ "keys": keys }).to_string())).await;
    let status = async |signer: &Signer, header: Value| {
        present(&test, &signer.sign(header, &claims())).await.status
    };

    assert_eq!(status(&old, json!({"kid": "old"})).await, 200);
    assert_eq!(status(&new, json!({"kid": "new"})).await, 200);
    assert_eq!(status(&new, json!({})).await, 200);
    assert_eq!(status(&new, json!({"kid": "old"})).await, 401);
    encrypting = encrypting.with("ES256");
    assert_eq!(status(&encrypting, json!({"kid": "enc"})).await, 401);
    assert_eq!(status(&narrow, json!({"kid": "ps"})).await, 401);
    narrow = narrow.with("PS256");
    assert_eq!(status(&narrow, json!({"kid": "ps"})).await, 200);
}

#[tokio::test]
async fn failed_assertions_are_counted_and_a_good_one_is_not_locked_out() {
    let test = TestApp::with(&[("THROTTLE_CLIENT_FAILURES", "3")]).await;
    let (signer, stranger) = (Signer::new("EdDSA"), Signer::new("EdDSA"));
    register(&test, inline(&signer.jwks("k"))).await;
    for claims in [claims(), without("jti"), claims()] {
        let params = [("client_id", CLIENT)];
        let refused = present_at(&test, "/token", &stranger.sign(key(), &claims), &params).await;
        refused.assert_error(401, "invalid_client");
    }

    let refused = present(&test, &stranger.sign(key(), &claims())).await;
    refused.assert_error(429, "rate_limited");
    assert_eq!(
        present(&test, &signer.sign(key(), &claims())).await.status,
        200
    );
}

#[tokio::test]
async fn without_a_database_an_assertion_is_503() {
    let (test, signer) = es256().await;
    present(&test, &signer.sign(key(), &claims())).await;
    test.app.store().close().await;

    let answer = present(&test, &signer.sign(key(), &claims())).await;

    answer.assert_error(503, "temporarily_unavailable");
}

#[tokio::test]
async fn a_forged_assertion_never_gets_as_far_as_the_database() {
    let (test, signer) = es256().await;
    present(&test, &signer.sign(key(), &claims())).await;
    test.app.store().close().await;

    let forged = Signer::new("ES256").sign(key(), &claims());
    let answer = present(&test, &forged).await;

    answer.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn introspection_and_revocation_take_an_assertion_too() {
    let (test, signer) = es256().await;
    let answer = present(&test, &signer.sign(key(), &claims())).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let ask = async |path: &str| {
        let assertion = signer.sign(key(), &claims());
        present_at(&test, path, &assertion, &[("token", &token)]).await
    };

    let before = ask("/introspect").await;
    let revoked = ask("/revoke").await;
    let after = ask("/introspect").await;

    assert_eq!(before.json()["client_id"], CLIENT);
    assert_eq!((revoked.status, revoked.text()), (200, ""));
    assert_eq!(after.text(), r#"{"active":false}"#);
}
