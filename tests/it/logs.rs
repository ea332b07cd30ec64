//! The log: one line a request, the true reason of a refusal, and never a secret.

use serde_json::{Value, json};
use token_server::app::NewClient;
use token_server::domain::{AuthMethods, AuthenticationSettings, ClientKeys, JwkSet};

use crate::harness::workload::JWT_BEARER;
use crate::harness::{BY, CLIENT, Log, NOW, Signer, TestApp, new_client};

#[tokio::test]
async fn every_request_is_one_line() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let log = Log::default();
    let guard = log.capture();

    let answer = test.authorize(CLIENT, &secret).await;
    test.get("/nope?secret=hunter2").await;
    drop(guard);

    let lines = log.requests();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["request_id"], answer.header("x-request-id"));
    assert_eq!(lines[0]["method"], "POST");
    assert_eq!(lines[0]["route"], "/authorize");
    assert_eq!(lines[0]["status"], 200);
    assert_eq!(lines[0]["client_id"], CLIENT);
    assert!(lines[0]["latency_us"].is_u64());
    assert_eq!(lines[1]["status"], 404);
    assert!(!log.text().contains("hunter2"));
}

#[tokio::test]
async fn the_true_reason_of_a_refusal_is_in_the_log_only() {
    let test = TestApp::new().await;
    test.client().await;
    let log = Log::default();
    let guard = log.capture();

    let unknown = test.authorize("nobody", "a guess").await;
    let wrong = test.authorize(CLIENT, "a guess").await;
    drop(guard);

    let lines = log.requests();
    assert_eq!(lines[0]["reason"], "unknown client");
    assert_eq!(lines[0]["client_id"], Value::Null);
    assert_eq!(lines[1]["reason"], "wrong secret");
    assert_eq!(lines[1]["client_id"], CLIENT);
    for answer in [unknown, wrong] {
        assert!(!answer.text().contains("unknown client\""));
        answer.assert_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn a_refusal_is_logged_with_its_client_and_its_source() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let log = Log::default();
    let guard = log.capture();

    let required = "/verify?scope=nobody.has.it";
    let bearer = format!("Bearer {token}");
    let answer = test.get_with(required, &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, 403);
    test.authorize(CLIENT, "a guess").await;
    test.get_with("/verify", &[("authorization", "Bearer no.to.ken")])
        .await;
    test.get("/nope").await;
    test.authorize(CLIENT, &secret).await;
    drop(guard);

    let lines = log.requests();
    let [lacking, wrong, foreign, missing, good] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    for (line, client) in [
        (lacking, json!(CLIENT)),
        (wrong, json!(CLIENT)),
        (foreign, Value::Null),
        (missing, Value::Null),
    ] {
        assert_eq!(line["client_id"], client, "{line}");
        assert!(
            line["source"]
                .as_str()
                .unwrap()
                .parse::<std::net::IpAddr>()
                .is_ok()
        );
    }
    assert_eq!(good["source"], Value::Null);
}

#[tokio::test]
async fn behind_a_proxy_a_refusal_is_logged_with_the_address_that_the_proxy_names() {
    for (header, value) in [
        ("x-forwarded-for", "198.51.100.7"),
        ("forwarded", "for=198.51.100.7"),
    ] {
        let settings = [
            ("TRUSTED_PROXIES", "192.0.2.1"),
            ("CLIENT_ADDRESS_FROM", header),
        ];
        let test = TestApp::with(&settings).await;
        let log = Log::default();
        let guard = log.capture();
        let answer = test.get_with("/verify", &[(header, value)]).await;
        assert_eq!(answer.status, 401);
        // A request of the proxy that names nobody is its own.
        assert_eq!(test.get("/verify").await.status, 400);
        drop(guard);

        let sources: Vec<_> = log
            .requests()
            .iter()
            .map(|line| line["source"].clone())
            .collect();
        assert_eq!(sources, ["198.51.100.7", "192.0.2.1"], "{header}");
    }
}

#[tokio::test]
async fn why_a_token_is_not_active_is_in_the_log_only() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let log = Log::default();
    let guard = log.capture();

    let ask = async |path: &str, token: &str| {
        let userinfo = format!("{CLIENT}:{secret}");
        let answer = test.post_basic(path, &userinfo, &[("token", token)]).await;
        answer.text().to_owned()
    };
    let told = [
        ask("/introspect", "nonsense").await,
        ask("/revoke", &token).await,
        ask("/introspect", &token).await,
        ask("/revoke", "nonsense").await,
    ];
    drop(guard);

    let inactive = r#"{"active":false}"#;
    assert_eq!(told, [inactive, "", inactive, ""]);
    let lines = log.requests();
    let (_, claims) = token_server::jwt::decode_unverified(&token).unwrap();
    let jti = claims["jti"].as_str().unwrap();
    let reasons = [
        "the token is malformed".into(),
        serde_json::Value::Null,
        format!("the token {jti} was revoked").into(),
        "the token is malformed".into(),
    ];
    for (line, reason) in lines.iter().zip(reasons) {
        assert_eq!(
            (&line["status"], &line["client_id"]),
            (&200.into(), &CLIENT.into())
        );
        assert_eq!(line["reason"], reason);
    }
    assert!(!log.text().contains(&token[..40]) && !log.text().contains(&secret[13..40]));
}

#[tokio::test]
async fn no_secret_and_no_token_is_ever_logged() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let log = Log::default();
    let guard = log.capture();

    let token = test.token(&secret).await;
    test.verify(&token).await;
    test.verify(&token[1..]).await;
    test.post_form("/verify", &[("token", &token)]).await;
    test.post_basic(
        "/authorize",
        &format!("{CLIENT}:{secret}"),
        &[("client_secret", "x")],
    )
    .await;
    test.post_basic("/authorize", &format!("nobody:{secret}"), &[])
        .await;
    test.post(
        "/authorize",
        "application/json",
        format!(r#"{{"client_secret":"{secret}""#),
    )
    .await;
    test.post("/authorize", "text/plain", secret.clone()).await;
    test.get(&format!("/verify?token={token}&token={token}"))
        .await;
    test.get(&format!("/{secret}")).await;
    test.app.store().close().await;
    test.authorize("nobody", &secret).await;
    drop(guard);

    let logged = log.text();
    assert_eq!(log.requests().len(), 11);
    for part in [&secret[13..40], &token[..40], &token[token.len() - 30..]] {
        assert!(!logged.contains(part), "{part} in {logged}");
    }
    assert!(!logged.to_lowercase().contains("authorization"));
}

/// The reasons in the log of what `calls` did.
async fn reasons(calls: impl Future<Output = ()>) -> (Vec<String>, String) {
    let log = Log::default();
    let guard = log.capture();
    calls.await;
    drop(guard);
    let requests = log.requests();
    let texts = requests
        .iter()
        .map(|line| line["reason"].as_str().unwrap_or_default().to_owned());
    (texts.collect(), log.text())
}

#[tokio::test]
async fn why_an_assertion_was_refused_is_in_the_log_and_the_assertion_is_not() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    let set = JwkSet::parse(&signer.jwks("k")).unwrap();
    let new = |methods: &str, id: &str| NewClient {
        authentication: AuthenticationSettings {
            auth_methods: AuthMethods::parse(methods).unwrap(),
            keys: Some(ClientKeys::Inline(set.clone())),
            certificate_subject: None,
            ..AuthenticationSettings::default()
        },
        ..new_client(id)
    };
    let keyed = new("private_key_jwt", CLIENT);
    test.app.clients.register(BY, keyed, None).await.unwrap();
    let secret = test.register(new("client_secret_basic", "secretive")).await;
    let sign = |signer: &Signer, id: &str, kid: &str| {
        let claims = json!({"iss": id, "sub": id, "aud": "https://tokens.test", "exp": NOW.0 + 60, "jti": "1"});
        signer.sign(json!({ "kid": kid }), &claims)
    };
    let assertions = [
        sign(&signer, CLIENT, "k"),
        sign(&signer, CLIENT, "k2"),
        sign(&Signer::new("ES256"), CLIENT, "k"),
        sign(&signer, "nobody", "k"),
        sign(&signer, "secretive", "k"),
    ];

    let (reasons, logged) = reasons(async {
        for assertion in &assertions {
            let params = [
                ("grant_type", "client_credentials"),
                ("client_assertion", assertion),
                ("client_assertion_type", JWT_BEARER),
            ];
            test.post_form("/token", &params).await;
        }
        test.authorize("secretive", &secret).await;
    })
    .await;

    assert_eq!(
        reasons,
        [
            "",
            "the client has no key with the assertion's kid and alg",
            "the assertion's signature is wrong",
            "unknown client",
            "the client is not registered for private_key_jwt",
            "the client is not registered for client_secret_post",
        ]
    );
    for assertion in assertions {
        for part in assertion.split('.') {
            assert!(!logged.contains(part), "{part}");
        }
    }
}
