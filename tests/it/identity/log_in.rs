//! Logging in with a platform's token: who it names, and what is said when it names nobody.

use serde_json::{Value, json};
use token_server::domain::{ClientStatus, IssuerName, IssuerStatus};

use super::{
    ACCOUNT, CLUSTER, GITHUB, JWT_SPIFFE, Scene, WORKLOAD, add, add_ci, add_cluster, add_github,
    assert_refused, assert_told, cluster_claims, header, key_set, present, present_as, register,
    with,
};
use crate::harness::workload::JWT_BEARER;
use crate::harness::{BY, Log, NOW, Signer, TestApp, id};

#[tokio::test]
async fn a_workload_gets_a_token_with_its_platforms_token_and_no_secret() {
    let scene = Scene::new().await;
    let token = scene.sign(&cluster_claims());

    let answer = scene.log_in(&token).await;
    let issued = answer.access_token();
    let verified = scene.test.verify(&issued).await.json();
    assert_eq!(verified["sub"], WORKLOAD);

    let nameless = present(&scene.test, &token, None).await;
    assert_eq!(nameless.status, 200, "{}", nameless.text());
    let record = scene.test.find_client(&id(WORKLOAD)).await;
    assert!(record.secrets.is_empty());
}

#[tokio::test]
async fn the_log_says_with_whose_token_a_client_logged_in() {
    let log = Log::default();
    let _capturing = log.capture();
    let scene = Scene::new().await;
    let token = scene.sign(&cluster_claims());
    assert_eq!(scene.log_in(&token).await.status, 200);
    let text = log.text();
    let mut lines = text.lines();
    let line = lines
        .find(|line| line.contains("a client logged in with a token of a trusted issuer"))
        .unwrap_or_else(|| panic!("no line: {text}"));
    for told in [
        r#""client_id":"workload""#,
        r#""issuer":"k8s""#,
        &format!(r#""sub":"{ACCOUNT}""#),
        r#""jti":"6f2dcf36-3b1c-4b3c-a9f7-8b30cbf9f5c1""#,
    ] {
        assert!(line.contains(told), "{told}: {line}");
    }
    let signature = token.rsplit('.').next().unwrap();
    assert!(!text.contains(signature));
}

#[tokio::test]
async fn every_endpoint_that_takes_assertions_takes_those_of_platforms() {
    let scene = Scene::new().await;
    let token = scene.sign(&cluster_claims());
    let simple = present_as(
        &scene.test,
        "/authorize",
        JWT_BEARER,
        &token,
        Some(WORKLOAD),
    )
    .await;
    let issued = simple.token();
    let form = [
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &token),
        ("token", &issued),
    ];
    let introspected = scene.test.post_form("/introspect", &form).await;
    assert_eq!(
        introspected.json()["active"],
        true,
        "{}",
        introspected.text()
    );
    let revoked = scene.test.post_form("/revoke", &form).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text());
    assert_eq!(scene.test.verify(&issued).await.status, 401);
}

#[tokio::test]
async fn with_a_client_id_only_that_clients_issuers_are_asked() {
    let (test, a, b) = (
        TestApp::new().await,
        Signer::new("ES256"),
        Signer::new("ES256"),
    );
    add_cluster(&test, "a", &a).await;
    add_cluster(&test, "b", &b).await;
    register(&test, "of-a", &json!([{"issuer": "a", "subject": ACCOUNT}])).await;
    register(&test, "of-b", &json!([{"issuer": "b", "subject": ACCOUNT}])).await;
    let [of_a, of_b] = [&a, &b].map(|signer| signer.sign(header(), &cluster_claims()));

    assert_eq!(present(&test, &of_a, Some("of-a")).await.status, 200);
    assert_eq!(present(&test, &of_b, Some("of-b")).await.status, 200);
    assert_refused(
        &present(&test, &of_a, Some("of-b")).await,
        "the other cluster",
    );
    assert_refused(
        &present(&test, &of_b, Some("of-a")).await,
        "the other cluster",
    );
    // Without one the key tells which cluster it is.
    for (token, client) in [(&of_a, "of-a"), (&of_b, "of-b")] {
        let answer = present_as(&test, "/authorize", JWT_BEARER, token, None).await;
        assert_eq!(answer.json()["client_id"], client, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_token_that_two_issuers_verify_names_nobody_without_a_client_id() {
    let log = Log::default();
    let _capturing = log.capture();
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    add_cluster(&test, "one", &signer).await;
    add_cluster(&test, "two", &signer).await;
    register(
        &test,
        WORKLOAD,
        &json!([{"issuer": "one", "subject": ACCOUNT}]),
    )
    .await;
    let token = signer.sign(header(), &cluster_claims());

    assert_refused(&present(&test, &token, None).await, "two issuers");
    assert!(
        log.text().contains("`one`") && log.text().contains("`two`"),
        "{}",
        log.text()
    );
    assert_eq!(present(&test, &token, Some(WORKLOAD)).await.status, 200);
    let name = IssuerName::parse("one").unwrap();
    let check = test.app.issuers.check(&name).await.unwrap();
    assert!(
        check.remarks.iter().any(|it| it.contains("`two`")),
        "{check:?}"
    );
}

#[tokio::test]
async fn without_a_client_id_exactly_one_client_has_the_identity() {
    let scene = Scene::new().await;
    let token = scene.sign(&cluster_claims());
    assert_eq!(present(&scene.test, &token, None).await.status, 200);

    register(
        &scene.test,
        "second",
        &json!([{"issuer": "k8s", "subject": ACCOUNT}]),
    )
    .await;
    assert_refused(&present(&scene.test, &token, None).await, "two clients");
    assert_eq!(
        present(&scene.test, &token, Some("second")).await.status,
        200
    );

    let other = scene.sign(&with(
        cluster_claims(),
        "sub",
        "system:serviceaccount:prod:other",
    ));
    assert_refused(&present(&scene.test, &other, None).await, "no client");
}

#[tokio::test]
async fn another_replica_hears_of_a_second_client_with_the_identity() {
    let scene = Scene::new().await;
    let other = scene.test.replica().await;
    let token = scene.sign(&cluster_claims());
    assert_eq!(present(&other, &token, None).await.status, 200);

    register(
        &scene.test,
        "second",
        &json!([{"issuer": "k8s", "subject": ACCOUNT}]),
    )
    .await;
    other.read_changes().await;
    assert_refused(&present(&other, &token, None).await, "two clients");
}

#[tokio::test]
async fn an_identity_by_claims_alone_is_found_only_with_a_client_id() {
    let (test, signer) = (TestApp::new().await, Signer::new("RS256"));
    add_github(&test, &signer).await;
    let token = |jti: &str| {
        let now = NOW.0;
        let claims = json!({
            "jti": jti, "sub": "repo:acme/app:environment:prod", "aud": "https://tokens.test", "iss": GITHUB,
            "repository": "acme/app", "repository_id": "74", "repository_owner": "acme", "repository_owner_id": "65",
            "environment": "prod", "ref": "refs/heads/main", "event_name": "push", "iat": now, "nbf": now, "exp": now + 300,
        });
        signer.sign(header(), &claims)
    };
    assert_refused(&present(&test, &token("1"), None).await, "no subject");
    assert_eq!(
        present(&test, &token("2"), Some(WORKLOAD)).await.status,
        200
    );
}

#[tokio::test]
async fn a_token_of_an_issuer_with_replay_once_is_good_once_on_all_replicas() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    add_ci(&test, &signer).await;
    let other = test.replica().await;
    let claims = json!({"iss": "https://ci.test", "sub": "job", "aud": "https://tokens.test", "iat": NOW.0, "exp": NOW.0 + 60,
        "jti": "1"});
    let token = signer.sign(header(), &claims);

    assert_eq!(present(&test, &token, None).await.status, 200);
    assert_refused(&present(&other, &token, None).await, "replayed");
    assert_refused(&present(&test, &token, Some(WORKLOAD)).await, "replayed");
    let nameless = with(claims.clone(), "jti", Value::Null);
    let nameless = signer.sign(header(), &nameless);
    assert_refused(&present(&test, &nameless, None).await, "no jti");
    let next = signer.sign(header(), &with(claims, "jti", "2"));
    assert_eq!(present(&other, &next, None).await.status, 200);
}

#[tokio::test]
async fn svids_are_of_their_trust_domain() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    let mut jwk = signer.jwk("k");
    jwk["use"] = "jwt-svid".into();
    let bundle = json!({"keys": [jwk], "spiffe_sequence": 1});
    let metadata = test.get("/.well-known/oauth-authorization-server").await;
    assert!(!metadata.text().contains("spiffe_jwt"));
    let issuer =
        json!({"name": "spire", "trust_domain": "acme.test", "jwks": bundle, "replay": "allow"});
    add(&test.app, &issuer).await;
    let metadata = test.get("/.well-known/oauth-authorization-server").await;
    assert!(metadata.text().contains("spiffe_jwt"));
    register(
        &test,
        "exact",
        &json!([{"issuer": "spire", "subject": "spiffe://acme.test/ns/prod/sa/b"}]),
    )
    .await;
    register(
        &test,
        "prefix",
        &json!([{"issuer": "spire", "subject": "spiffe://acme.test/ns/dev/*"}]),
    )
    .await;
    let svid = |sub: &str| {
        let claims =
            json!({"sub": sub, "aud": ["https://tokens.test"], "iat": NOW.0, "exp": NOW.0 + 300});
        signer.sign(json!({"kid": "k", "typ": "JOSE"}), &claims)
    };
    for (sub, client) in [
        ("spiffe://acme.test/ns/prod/sa/b", "exact"),
        ("spiffe://acme.test/ns/dev/sa/any", "prefix"),
    ] {
        for assertion_type in [JWT_SPIFFE, JWT_BEARER] {
            let token = svid(sub);
            let answer = present_as(&test, "/authorize", assertion_type, &token, None).await;
            assert_eq!(answer.json()["client_id"], client, "{}", answer.text());
        }
    }
    for sub in [
        "spiffe://acme.test/ns/prod/sa/bb",
        "spiffe://acme.test/ns/dev",
        "spiffe://acme.test/ns/devil/sa/any",
        "spiffe://other.test/ns/prod/sa/b",
    ] {
        for client_id in [None, Some("exact"), Some("prefix")] {
            let answer = present_as(&test, "/token", JWT_SPIFFE, &svid(sub), client_id).await;
            assert_refused(&answer, sub);
        }
    }
    let claims =
        json!({"sub": "job", "aud": "https://tokens.test", "iat": NOW.0, "exp": NOW.0 + 300});
    let access = json!({"kid": "k", "typ": "at+jwt"});
    let access = signer.sign(
        access,
        &with(claims.clone(), "sub", "spiffe://acme.test/ns/prod/sa/b"),
    );
    for assertion_type in [JWT_SPIFFE, JWT_BEARER] {
        let answer = present_as(&test, "/token", assertion_type, &access, Some("exact")).await;
        assert_told(&answer, "`typ`");
    }
    let not_spiffe = signer.sign(header(), &claims);
    let no_id = present_as(&test, "/token", JWT_SPIFFE, &not_spiffe, None).await;
    assert_told(&no_id, "not a SPIFFE ID");
}

#[tokio::test]
async fn a_disabled_client_or_issuer_lets_nobody_in() {
    let scene = Scene::new().await;
    let token = scene.sign(&cluster_claims());
    let name = IssuerName::parse("k8s").unwrap();
    let issuers = &scene.test.app.issuers;
    assert_eq!(scene.log_in(&token).await.status, 200);
    issuers
        .set_status(BY, &name, IssuerStatus::Disabled)
        .await
        .unwrap();
    assert_refused(&scene.log_in(&token).await, "disabled issuer");
    assert_refused(&present(&scene.test, &token, None).await, "disabled issuer");
    issuers
        .set_status(BY, &name, IssuerStatus::Enabled)
        .await
        .unwrap();
    assert_eq!(scene.log_in(&token).await.status, 200);

    let clients = &scene.test.app.clients;
    clients
        .set_status(BY, &id(WORKLOAD), ClientStatus::Disabled)
        .await
        .unwrap();
    assert_refused(&scene.log_in(&token).await, "disabled client");
    assert_refused(&present(&scene.test, &token, None).await, "disabled client");
}

/// RFC 7523 says nothing of it; an answer that differs would tell which issuers are trusted.
#[tokio::test]
async fn whether_an_issuer_or_a_client_is_known_cannot_be_told() {
    let scene = Scene::new().await;
    let stranger = Signer::new("RS256");
    let forged = |iss: &str| stranger.sign(header(), &with(cluster_claims(), "iss", iss));
    let answers = [
        scene.log_in(&forged(CLUSTER)).await,
        scene.log_in(&forged("https://unknown.test")).await,
        present(&scene.test, &forged(CLUSTER), None).await,
        present(&scene.test, &forged("https://unknown.test"), None).await,
        present(&scene.test, &forged(CLUSTER), Some("nobody")).await,
        present(&scene.test, &scene.sign(&cluster_claims()), Some("nobody")).await,
    ];
    for (number, answer) in answers.iter().enumerate() {
        assert_refused(answer, &number.to_string());
    }
}

#[tokio::test]
async fn known_workloads_log_in_while_the_database_is_gone() {
    let scene = Scene::new().await;
    let token = scene.sign(&cluster_claims());
    assert_eq!(present(&scene.test, &token, None).await.status, 200);
    scene.test.app.store().close().await;
    for client_id in [None, Some(WORKLOAD)] {
        let answer = present(&scene.test, &token, client_id).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// No query but that of the `jti`, and none where a token may be presented again.
#[tokio::test]
async fn a_warm_log_in_asks_the_database_for_nothing_but_the_jti() {
    for alg in ["ES256", "RS256"] {
        count_queries(alg).await;
    }
}

async fn count_queries(alg: &'static str) {
    let (test, signer) = (TestApp::new().await, Signer::new(alg));
    for (name, replay) in [("once", "once"), ("allow", "allow")] {
        let issuer = json!({"name": name, "issuer": format!("https://{name}.test"), "jwks": key_set(&signer), "replay": replay});
        add(&test.app, &issuer).await;
        register(&test, name, &json!([{"issuer": name, "subject": "job"}])).await;
    }
    let token = |name: &str, jti: i32| {
        let claims = json!({"iss": format!("https://{name}.test"), "sub": "job", "aud": "https://tokens.test",
            "iat": NOW.0, "exp": NOW.0 + 60, "jti": jti.to_string()});
        signer.sign(header(), &claims)
    };
    let calls = || test.app.store().calls().waited.count();
    for (name, queries) in [("once", 1), ("allow", 0)] {
        for client_id in [Some(name), None] {
            let first = present(
                &test,
                &token(name, i32::from(client_id.is_none())),
                client_id,
            )
            .await;
            assert_eq!(first.status, 200, "{name}: {}", first.text());
            let before = calls();
            for jti in 0..5 {
                let jti = 10 + jti + if client_id.is_none() { 10 } else { 0 };
                let answer = present(&test, &token(name, jti), client_id).await;
                assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            }
            assert_eq!(calls() - before, 5 * queries, "{name} {client_id:?}");
        }
    }
}
