//! Networks that a client may log in from: who comes from elsewhere is answered as one with a wrong secret, and the
//! operator is told the truth.

mod sources;
mod surfaces;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use token_server::app::{AuditFilter, NewClient};
use token_server::domain::{
    Action, AllowedNetworks, AuthMethods, AuthenticationSettings, ClientChanges, ClientKeys,
    ExpectedVersion, JwkSet, Scope,
};

use crate::harness::workload::JWT_BEARER;
use crate::harness::{
    Answer, BY, CLIENT, Database, Log, NOW, Signer, TestApp, form, id, new_client, trail,
};

fn networks(text: &str) -> AllowedNetworks {
    AllowedNetworks::parse(text).unwrap()
}

/// Registers [`CLIENT`] with these networks; its secret.
async fn client_in(test: &TestApp, allowed: &str) -> String {
    test.register(NewClient {
        scopes: Scope::parse("read").unwrap(),
        allowed_networks: networks(allowed),
        ..new_client(CLIENT)
    })
    .await
}

async fn move_to(test: &TestApp, allowed: &str) {
    let changes = ClientChanges {
        allowed_networks: Some(networks(allowed)),
        ..ClientChanges::default()
    };
    let updated = test
        .app
        .clients
        .update(BY, &id(CLIENT), &ExpectedVersion::Any, changes)
        .await;
    assert_eq!(updated.unwrap().allowed_networks, networks(allowed));
}

async fn post_from(test: &TestApp, source: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.body(Body::from(form(fields))).unwrap();
    test.call_from(source, request).await
}

/// `POST /authorize` from this address.
async fn log_in(test: &TestApp, source: &str, secret: &str) -> Answer {
    let fields = [("client_id", CLIENT), ("client_secret", secret)];
    post_from(test, source, "/authorize", &fields).await
}

/// All that a caller sees of an answer, but for what is new each time.
fn seen(answer: &Answer) -> (u16, Vec<String>, String) {
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| name.as_str() != "x-request-id");
    let mut headers: Vec<String> = headers.map(|it| format!("{it:?}")).collect();
    headers.sort();
    (answer.status, headers, answer.text().to_owned())
}

/// How many hashes were made for `secret` from `source`.
async fn hashes(test: &TestApp, source: &str, secret: &str) -> u64 {
    let before = test.app.metrics().hashes();
    log_in(test, source, secret)
        .await
        .assert_error(401, "invalid_client");
    test.app.metrics().hashes() - before
}

#[tokio::test]
async fn a_client_logs_in_from_its_networks_and_from_nowhere_else() {
    let test = TestApp::new().await;
    let secret = client_in(&test, "10.0.0.0/8 2001:db8::/32 192.0.2.7").await;

    // Twice: the second time the secret is a proved one.
    for _ in 0..2 {
        for source in ["10.9.8.7", "::ffff:10.9.8.7", "2001:db8::1", "192.0.2.7"] {
            let answer = log_in(&test, source, &secret).await;
            assert_eq!(answer.status, 200, "{source}: {}", answer.text());
        }
        for source in [
            "11.0.0.1",
            "::ffff:11.0.0.1",
            "2001:db9::1",
            "192.0.2.8",
            "::1",
        ] {
            let answer = log_in(&test, source, &secret).await;
            answer.assert_error(401, "invalid_client");
        }
    }
    move_to(&test, "11.0.0.0/8").await;
    assert_eq!(log_in(&test, "11.0.0.1", &secret).await.status, 200);
    assert_eq!(log_in(&test, "10.9.8.7", &secret).await.status, 401);
    move_to(&test, "").await;
    assert_eq!(log_in(&test, "2001:db9::1", &secret).await.status, 200);
}

#[tokio::test]
async fn a_right_secret_from_a_wrong_network_looks_like_a_wrong_secret() {
    let limits = [
        ("THROTTLE_CLIENT_FAILURES", "4"),
        ("THROTTLE_SOURCE_FAILURES", "0"),
    ];
    let test = TestApp::with(&limits).await;
    let secret = client_in(&test, "10.0.0.0/8").await;
    let wrong = test.register(NewClient::default()).await;
    for path in ["/authorize", "/token", "/introspect", "/revoke"] {
        let ask = async |source: &str, secret: &str| {
            let credentials = [("client_id", CLIENT), ("client_secret", secret)];
            let more: &[(&str, &str)] = match path {
                "/authorize" => &[],
                "/token" => &[("grant_type", "client_credentials")],
                _ => &[("token", "x")],
            };
            let fields = [more, &credentials].concat();
            seen(&post_from(&test, source, path, &fields).await)
        };
        let elsewhere = ask("192.0.2.3", &secret).await;
        assert_eq!(elsewhere, ask("192.0.2.4", &wrong).await, "{path}");
        assert_eq!(elsewhere.0, 401);
    }
    // And as long as it does: both were counted alike.
    for (source, secret) in [("192.0.2.3", &secret), ("192.0.2.4", &wrong)] {
        let answer = log_in(&test, source, secret).await;
        answer.assert_error(429, "rate_limited");
    }
    // The client itself has not been locked out, known or not.
    assert_eq!(log_in(&test, "10.0.0.1", &secret).await.status, 200);
}

#[tokio::test]
async fn a_wrong_network_costs_the_hash_that_a_wrong_secret_costs() {
    let test = TestApp::new().await;
    let secret = client_in(&test, "10.0.0.0/8").await;
    let other = test.register(NewClient::default()).await;
    assert_eq!(hashes(&test, "192.0.2.3", &other).await, 1);
    assert_eq!(hashes(&test, "192.0.2.4", &secret).await, 1);

    // Also when it is a proved one.
    assert_eq!(log_in(&test, "10.0.0.1", &secret).await.status, 200);
    assert_eq!(hashes(&test, "192.0.2.4", &secret).await, 1);
}

#[tokio::test]
async fn nobody_elsewhere_locks_a_client_out() {
    let limits = [
        ("THROTTLE_CLIENT_FAILURES", "1"),
        ("THROTTLE_SOURCE_FAILURES", "1"),
    ];
    let test = TestApp::with(&limits).await;
    // One address of a network whose others are counted with it.
    let secret = client_in(&test, "2001:db8::1").await;
    assert_eq!(log_in(&test, "2001:db8::1", &secret).await.status, 200);
    for source in ["2001:db8::2", "192.0.2.1", "192.0.2.2"] {
        assert_eq!(log_in(&test, source, &secret).await.status, 401);
        assert_eq!(log_in(&test, source, &secret).await.status, 429);
    }

    assert_eq!(log_in(&test, "2001:db8::1", &secret).await.status, 200);
}

#[tokio::test]
async fn a_good_assertion_from_a_wrong_network_looks_like_a_bad_one_and_stays_good() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    let jwks = JwkSet::parse(&signer.jwks("k")).unwrap();
    let new = NewClient {
        authentication: AuthenticationSettings {
            auth_methods: AuthMethods::parse("private_key_jwt").unwrap(),
            keys: Some(ClientKeys::Inline(jwks)),
            certificate_subject: None,
            ..AuthenticationSettings::default()
        },
        allowed_networks: networks("10.0.0.0/8"),
        ..new_client(CLIENT)
    };
    let made = test.app.clients.register(BY, new, None).await;
    made.unwrap();
    let claims = serde_json::json!({"iss": CLIENT, "sub": CLIENT, "aud": "https://tokens.test",
        "iat": NOW.0, "exp": NOW.0 + 60, "jti": "once"});
    let header = serde_json::json!({"kid": "k"});
    let good = signer.sign(header.clone(), &claims);
    let forged = Signer::new("ES256").sign(header, &claims);
    let present = async |source: &str, assertion: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
        ];
        seen(&post_from(&test, source, "/token", &fields).await)
    };

    let elsewhere = present("192.0.2.3", &good).await;
    assert_eq!(elsewhere, present("192.0.2.4", &forged).await);
    assert_eq!(elsewhere.0, 401);
    assert_eq!(present("10.0.0.1", &good).await.0, 200);
}

#[tokio::test]
async fn the_true_reason_is_explained_and_in_the_log() {
    let log = Log::default();
    let test = TestApp::new().await;
    let secret = client_in(&test, "10.0.0.0/8 2001:db8::/32").await;
    let guard = log.capture();
    let answer = log_in(&test, "::ffff:192.0.2.9", &secret).await;
    drop(guard);

    let reason = "wrong network: 192.0.2.9";
    assert_eq!(log.requests()[0]["reason"], reason);
    let request_id = answer.header("x-request-id");
    let found = test.app.audit.explain_request(request_id).await.unwrap();
    assert_eq!(found[0].reason, reason);
    assert_eq!(found[0].client_id.as_deref(), Some(CLIENT));
    let explained = test.app.tokens.explain(CLIENT, None, None).await.unwrap();
    assert!(explained.granted);
    assert_eq!(explained.refusals[0].reason, reason);
    let remarks = explained.remarks.join(" ");
    assert!(
        remarks.contains("From other networks than 10.0.0.0/8 2001:db8::/32"),
        "{remarks}"
    );
    // A wrong secret is that, wherever it comes from.
    let wrong = log_in(&test, "192.0.2.9", "wrong").await;
    let request_id = wrong.header("x-request-id");
    let found = test.app.audit.explain_request(request_id).await.unwrap();
    assert_eq!(found[0].reason, "wrong secret");
}

#[tokio::test]
async fn the_audit_trail_has_who_proved_themselves_from_a_wrong_network_once_an_hour() {
    let test = TestApp::new().await;
    let secret = client_in(&test, "10.0.0.0/8").await;
    let events = async || {
        test.app
            .authentication
            .write_wrong_networks()
            .await
            .unwrap();
        let filter = AuditFilter {
            action: Some(Action::ClientWrongNetwork.as_str().to_owned()),
            ..AuditFilter::default()
        };
        trail::find(&test, &filter).await
    };
    log_in(&test, "192.0.2.9", "wrong").await;
    assert!(events().await.is_empty());
    for _ in 0..3 {
        log_in(&test, "192.0.2.9", &secret).await;
    }

    let written = events().await;
    assert_eq!(written.len(), 1);
    assert_eq!((written[0].actor.as_str(), written[0].at), (CLIENT, NOW));
    assert_eq!(written[0].source.as_deref(), Some("192.0.2.9"));
    log_in(&test, "192.0.2.10", &secret).await;
    assert_eq!(events().await.len(), 2);
    test.clock.advance(3_600);
    log_in(&test, "192.0.2.9", &secret).await;
    assert_eq!(events().await.len(), 3);
    assert!(test.app.audit.verify(None).await.unwrap().good);
}

#[tokio::test]
async fn other_replicas_learn_of_a_change() {
    let database = Database::fresh().await;
    let one = TestApp::on(database.clone(), &[]).await;
    let other = TestApp::on(database, &[]).await;
    let secret = client_in(&one, "").await;
    assert_eq!(log_in(&other, "192.0.2.1", &secret).await.status, 200);

    move_to(&one, "10.0.0.0/8").await;
    other.read_changes().await;

    assert_eq!(log_in(&other, "192.0.2.1", &secret).await.status, 401);
    assert_eq!(log_in(&other, "10.0.0.1", &secret).await.status, 200);
}
