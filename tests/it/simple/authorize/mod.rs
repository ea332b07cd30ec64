//! `POST /authorize`: the ways to send credentials, and what is refused.

mod scopes;

use serde_json::json;
use token_server::domain::ClientId;

use crate::harness::{BY, CLIENT, TestApp, new_client};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[tokio::test]
async fn a_form_json_and_basic_get_the_same_answer() {
    let test = TestApp::new().await;
    let secret = test.client().await;

    let answers = [
        test.authorize(CLIENT, &secret).await,
        test.post(
            "/authorize",
            "Application/JSON; charset=utf-8",
            json!({"client_id": CLIENT, "client_secret": secret}).to_string(),
        )
        .await,
        test.post_basic("/authorize", &format!("{CLIENT}:{secret}"), &[])
            .await,
    ];

    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let json = answer.json();
        assert_eq!(json["success"], true);
        assert_eq!(json["client_id"], CLIENT);
        assert_eq!(json["token_type"], "Bearer");
        assert_eq!(json["expires_in"], 3600);
        assert_eq!(json["scope"], "read write");
        assert_eq!(json["token"].as_str().unwrap().split('.').count(), 3);
        assert_eq!(json.as_object().unwrap().len(), 6);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn basic_is_form_decoded_or_taken_raw() {
    let test = TestApp::new().await;
    let chosen = "p%41ss+word 100%:ü";
    let new = new_client("a:b");
    test.app
        .clients
        .register(
            BY,
            new,
            Some(
                test.app
                    .secrets
                    .new_secret(Some(chosen.into()), None)
                    .unwrap(),
            ),
        )
        .await
        .unwrap();
    test.app
        .clients
        .register(
            BY,
            new_client("raw"),
            Some(
                test.app
                    .secrets
                    .new_secret(Some(chosen.into()), None)
                    .unwrap(),
            ),
        )
        .await
        .unwrap();

    let encoded = "a%3Ab:p%2541ss%2Bword+100%25%3A%C3%BC";
    assert_eq!(
        test.post_basic("/authorize", encoded, &[]).await.status,
        200
    );
    let raw = format!("raw:{chosen}");
    assert_eq!(test.post_basic("/authorize", &raw, &[]).await.status, 200);
}

#[tokio::test]
async fn unknown_disabled_and_wrong_are_one_answer() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    test.register(new_client("off")).await;
    let off = ClientId::parse("off").unwrap();
    let off_secret = test
        .app
        .secrets
        .add(BY, &off, token_server::app::NewSecret::default())
        .await
        .unwrap();
    let disabled = token_server::domain::ClientStatus::Disabled;
    test.set_client_status(&off, disabled).await;
    let mut mistyped = secret.clone();
    mistyped.pop();

    let mut answers = Vec::new();
    for (id, secret) in [
        ("nobody", secret.as_str()),
        ("nobody", "guess"),
        ("no such id\u{1}", "guess"),
        ("off", off_secret.plain.expose()),
        (CLIENT, "guess"),
        (CLIENT, &mistyped),
        (CLIENT, off_secret.plain.expose()),
    ] {
        let mut answer = test.authorize(id, secret).await;
        answer.assert_error(401, "invalid_client");
        answer.headers.remove("x-request-id");
        answers.push((answer.text().to_owned(), answer.headers));
    }

    assert!(
        answers.windows(2).all(|pair| pair[0] == pair[1]),
        "{answers:?}"
    );
    assert!(answers[0].0.starts_with(r#"{"success":false,"#));
    assert!(
        answers[0].1["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Basic ")
    );
}

#[tokio::test]
async fn what_is_no_pair_of_texts_is_invalid_request() {
    let test = TestApp::new().await;
    let huge = format!("client_id={}", "x".repeat(1_000_000));
    let cases: [(&str, &[u8], u16, &str); 17] = [
        (
            FORM,
            b"client_id=a&client_secret[$ne]=x",
            400,
            "invalid_request",
        ),
        (
            FORM,
            b"client_id[]=a&client_secret=x",
            400,
            "invalid_request",
        ),
        (
            FORM,
            b"client_id=a&client_id=a&client_secret=x",
            400,
            "invalid_request",
        ),
        (
            FORM,
            b"client_id=a&client_secret=x&scope=r&scope=w",
            400,
            "invalid_request",
        ),
        (
            FORM,
            b"client_id=a&client_secret=%00",
            400,
            "invalid_request",
        ),
        (
            FORM,
            b"client_id=a&client_secret=%ff",
            400,
            "invalid_request",
        ),
        (
            FORM,
            b"client_id=a&client_secret=\xff",
            400,
            "invalid_request",
        ),
        (FORM, b"client_id=a&client_secret=", 400, "invalid_request"),
        (
            JSON,
            br#"{"client_id":"a","client_secret":{"$ne":"x"}}"#,
            400,
            "invalid_request",
        ),
        (
            JSON,
            br#"{"client_id":["a"],"client_secret":"x"}"#,
            400,
            "invalid_request",
        ),
        (
            JSON,
            br#"{"client_id":"a","client_id":"b","client_secret":"x"}"#,
            400,
            "invalid_request",
        ),
        (JSON, b"[]", 400, "invalid_request"),
        (JSON, b"{", 400, "invalid_request"),
        (JSON, b"\xff\xfe", 400, "invalid_request"),
        (
            "text/plain",
            b"client_id=a&client_secret=x",
            415,
            "unsupported_media_type",
        ),
        (
            "application/json; charset=utf-16",
            b"{}",
            415,
            "unsupported_media_type",
        ),
        (FORM, huge.as_bytes(), 413, "content_too_large"),
    ];
    for (content_type, body, status, code) in cases {
        let answer = test.post("/authorize", content_type, body.to_vec()).await;
        answer.assert_error(status, code);
        assert_eq!(answer.json()["success"], false);
    }
}

/// Clients that send HTTP Basic only when they are asked to: Java's `Authenticator`, `curl --anyauth`, `wget --user`.
#[tokio::test]
async fn without_any_credentials_it_is_401_with_a_challenge_and_with_half_a_pair_400() {
    let test = TestApp::new().await;
    let secret = test.client().await;

    for params in [
        &[][..],
        &[("scope", "read")],
        &[("client_id", ""), ("client_secret", "")],
    ] {
        let asked = test.post_form("/authorize", params).await;
        asked.assert_error(401, "invalid_client");
        assert_eq!(asked.json()["success"], false);
        let challenge = asked.header("www-authenticate");
        assert_eq!(challenge, r#"Basic realm="token-server", charset="UTF-8""#);
        let userinfo = format!("{CLIENT}:{secret}");
        let answer = test.post_basic("/authorize", &userinfo, params).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let other = [("authorization", "Bearer a"), ("content-type", FORM)];
    let asked = test.post_form_with("/authorize", &[], &other).await;
    asked.assert_error(401, "invalid_client");

    for (params, told) in [
        ([("client_id", CLIENT)], "no client_secret"),
        ([("client_secret", &*secret)], "no client_id"),
    ] {
        let half = test.post_form("/authorize", &params).await;
        half.assert_error(400, "invalid_request");
        assert!(half.text().contains(told), "{}", half.text());
        assert_eq!(half.header("www-authenticate"), "");
    }
    let malformed = [("authorization", "Basic !")];
    let malformed = test.post_form_with("/authorize", &[], &malformed).await;
    malformed.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn credentials_may_not_come_twice() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let userinfo = format!("{CLIENT}:{secret}");

    for params in [
        &[("client_secret", secret.as_str())][..],
        &[("client_id", "other")],
    ] {
        let answer = test.post_basic("/authorize", &userinfo, params).await;
        answer.assert_error(400, "invalid_request");
    }
    let same = test
        .post_basic("/authorize", &userinfo, &[("client_id", CLIENT)])
        .await;
    assert_eq!(same.status, 200);
}

#[tokio::test]
async fn a_dead_database_is_503_for_the_unknown_and_nothing_to_the_known() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    test.token(&secret).await;

    test.app.store().close().await;

    let token = test.token(&secret).await;
    assert_eq!(test.verify(&token).await.status, 200);
    let unknown = test.authorize("nobody", "guess").await;
    unknown.assert_error(503, "temporarily_unavailable");
    assert_eq!(unknown.header("retry-after"), "1");
    assert_eq!(test.get("/healthz").await.status, 200);
}
