//! Who proves nothing makes the server read little: each source has as many look-ups as it may have failures.

use std::task::Poll;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use futures_util::future::join_all;
use futures_util::poll;
use serde_json::{Value, json};
use token_server::app::NewClient;
use token_server::base::secret::random_base62;
use token_server::domain::{
    AuthMethods, AuthenticationChanges, AuthenticationSettings, ClientChanges, ClientKeys,
    ExpectedVersion, JwkSet, Metadata,
};

use crate::harness::workload::JWT_BEARER;
use crate::harness::{Answer, BY, CLIENT, Database, NOW, Signer, TestApp, form, id, new_client};

/// A source has three look-ups.
const FEW: [(&str, &str); 1] = [("THROTTLE_SOURCE_FAILURES", "3")];

const SOURCE: &str = "192.0.2.1";

const ELSEWHERE: &str = "198.51.100.1";

async fn register(test: &TestApp, id: &str, signer: &Signer) {
    let keys = JwkSet::parse(&signer.jwks("k")).unwrap();
    let new = NewClient {
        authentication: AuthenticationSettings {
            auth_methods: AuthMethods::parse("private_key_jwt").unwrap(),
            keys: Some(ClientKeys::Inline(keys)),
            certificate_subject: None,
            ..AuthenticationSettings::default()
        },
        ..new_client(id)
    };
    test.app.clients.register(BY, new, None).await.unwrap();
}

fn claims(id: &str) -> Value {
    let jti = random_base62(16);
    json!({"iss": id, "sub": id, "aud": "https://tokens.test", "iat": NOW.0, "exp": NOW.0 + 60, "jti": jti})
}

fn assertion(signer: &Signer, id: &str) -> String {
    signer.sign(json!({"kid": "k"}), &claims(id))
}

async fn present(test: &TestApp, source: &str, assertion: &str) -> Answer {
    let body = form(&[
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ]);
    let request = Request::post("/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body));
    test.call_from(source, request.unwrap()).await
}

/// Calls of the database.
fn calls(test: &TestApp) -> u64 {
    test.app.store().calls().waited.count()
}

/// Uses up what a source has.
async fn use_up(test: &TestApp, source: &str, stranger: &Signer) {
    for n in 0..3 {
        let refused = present(test, source, &assertion(stranger, &format!("nobody-{n}"))).await;
        refused.assert_error(401, "invalid_client");
    }
}

/// Changes [`CLIENT`].
async fn change(test: &TestApp, changes: ClientChanges) {
    let clients = &test.app.clients;
    clients
        .update(BY, &id(CLIENT), &ExpectedVersion::Any, changes)
        .await
        .unwrap();
}

#[tokio::test]
async fn assertions_of_unknown_clients_are_looked_up_as_often_as_a_source_may_fail() {
    let (test, stranger) = (TestApp::with(&FEW).await, Signer::new("EdDSA"));
    let before = calls(&test);

    let bogus = (0..100).map(|n| assertion(&stranger, &format!("client-{n}")));
    let answers = join_all(bogus.map(async |it| present(&test, SOURCE, &it).await)).await;

    let count = |status| answers.iter().filter(|it| it.status == status).count();
    assert_eq!((count(401), count(429)), (3, 97));
    assert_eq!(calls(&test) - before, 3);
    let throttled = answers.iter().find(|it| it.status == 429).unwrap();
    throttled.assert_error(429, "rate_limited");
    assert_eq!(throttled.header("retry-after"), "60");
    test.clock.advance(60);
    let later = present(&test, SOURCE, &assertion(&stranger, "client")).await;
    later.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn over_its_limit_a_source_learns_of_no_client_and_reads_none() {
    let database = Database::fresh().await;
    let other = TestApp::on(database.clone(), &[]).await;
    let (signer, stranger) = (Signer::new("EdDSA"), Signer::new("EdDSA"));
    register(&other, CLIENT, &signer).await;
    register(&other, "shipping", &signer).await;
    let test = TestApp::on(database, &FEW).await;
    // In memory.
    let known = present(&test, ELSEWHERE, &assertion(&signer, "shipping")).await;
    assert_eq!(known.status, 200);
    use_up(&test, SOURCE, &stranger).await;
    let before = calls(&test);

    let mut answers = Vec::new();
    for (signer, id) in [
        (&stranger, "shipping"),
        (&stranger, CLIENT),
        (&stranger, "nobody"),
        // Right, and nobody here can know it without a look.
        (&signer, CLIENT),
    ] {
        let answer = present(&test, SOURCE, &assertion(signer, id)).await;
        answer.assert_error(429, "rate_limited");
        answers.push((
            answer.text().to_owned(),
            answer.header("retry-after").to_owned(),
        ));
    }

    assert!(answers.iter().all(|it| *it == answers[0]), "{answers:?}");
    assert_eq!(calls(&test), before);
    let elsewhere = present(&test, ELSEWHERE, &assertion(&signer, CLIENT)).await;
    assert_eq!(elsewhere.status, 200);
    // Now it is in memory.
    let here = present(&test, SOURCE, &assertion(&signer, CLIENT)).await;
    assert_eq!(here.status, 200);
}

#[tokio::test]
async fn a_good_assertion_of_a_client_that_was_changed_is_served_over_the_limit() {
    let (test, signer) = (TestApp::with(&FEW).await, Signer::new("EdDSA"));
    register(&test, CLIENT, &signer).await;
    let first = present(&test, ELSEWHERE, &assertion(&signer, CLIENT)).await;
    assert_eq!(first.status, 200);
    use_up(&test, SOURCE, &Signer::new("EdDSA")).await;

    let changes = ClientChanges {
        metadata: Some(Metadata::parse(r#"{"tenant":"acme"}"#).unwrap()),
        ..ClientChanges::default()
    };
    change(&test, changes).await;

    let answer = present(&test, SOURCE, &assertion(&signer, CLIENT)).await;
    let token = answer.access_token();
    assert!(test.verify(&token).await.text().contains("acme"));
}

#[tokio::test]
async fn a_key_that_was_taken_away_is_refused_though_memory_had_it() {
    let (test, signer) = (TestApp::new().await, Signer::new("EdDSA"));
    register(&test, CLIENT, &signer).await;
    let first = present(&test, SOURCE, &assertion(&signer, CLIENT)).await;
    assert_eq!(first.status, 200);

    let keys = JwkSet::parse(&Signer::new("EdDSA").jwks("k")).unwrap();
    let changes = ClientChanges {
        authentication: AuthenticationChanges {
            keys: Some(Some(ClientKeys::Inline(keys))),
            ..AuthenticationChanges::default()
        },
        ..ClientChanges::default()
    };
    change(&test, changes).await;

    let refused = present(&test, SOURCE, &assertion(&signer, CLIENT)).await;
    refused.assert_error(401, "invalid_client");
}

/// A success gives its place back, however many come at once.
#[tokio::test]
async fn first_log_ins_by_assertion_of_one_address_all_succeed() {
    let limit = [("THROTTLE_SOURCE_FAILURES", "2")];
    let (test, signer) = (TestApp::with(&limit).await, Signer::new("EdDSA"));
    for n in 0..40 {
        register(&test, &format!("client-{n}"), &signer).await;
    }

    let good = (0..40).map(|n| assertion(&signer, &format!("client-{n}")));
    let answers = join_all(good.map(async |it| present(&test, SOURCE, &it).await)).await;

    assert!(answers.iter().all(|it| it.status == 200), "{answers:?}");
}

/// One that was overheard is good for nothing, and its repetition for no work.
#[tokio::test]
async fn a_used_assertion_is_looked_up_once_more_and_then_no_more() {
    let (test, signer) = (TestApp::new().await, Signer::new("EdDSA"));
    register(&test, CLIENT, &signer).await;
    let used = assertion(&signer, CLIENT);
    assert_eq!(present(&test, SOURCE, &used).await.status, 200);
    let again = present(&test, SOURCE, &used).await;
    again.assert_error(401, "invalid_client");
    let before = calls(&test);

    for _ in 0..10 {
        let answer = present(&test, SOURCE, &used).await;
        assert_eq!(answer.text(), again.text());
    }

    assert_eq!(calls(&test), before);
}

/// Whoever does not wait for the answer has the server read no more than whoever does.
#[tokio::test]
async fn look_ups_whose_callers_go_away_are_bounded_too() {
    let test = TestApp::with(&[("THROTTLE_SOURCE_FAILURES", "10")]).await;
    let stranger = Signer::new("EdDSA");
    let log_in = async |n: u32| {
        let assertion = assertion(&stranger, &format!("client-{n}"));
        present(&test, SOURCE, &assertion).await
    };
    let before = calls(&test);

    let mut gone = 0;
    for n in 0.. {
        match poll!(Box::pin(log_in(n))) {
            // Nobody waits for it any more.
            Poll::Pending => gone += 1,
            // The database may be quick.
            Poll::Ready(answer) if answer.status == 401 => {}
            Poll::Ready(answer) => {
                answer.assert_error(429, "rate_limited");
                break;
            }
        }
        assert!(gone <= 10);
    }

    assert!(calls(&test) - before <= 20);
    test.clock.advance(60);
    log_in(0).await.assert_error(401, "invalid_client");
}
