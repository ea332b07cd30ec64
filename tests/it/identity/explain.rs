//! `explain assertion`: each seeded mistake is named, by the rule that a login fails with.

use serde_json::{Value, json};

use super::{
    ACCOUNT, CLUSTER, Scene, WORKLOAD, add_ci, cluster_claims, header, present, register, with,
};
use crate::admin_api::Robot;
use crate::harness::{NOW, Shell, Signer, TestApp};

async fn explain(test: &TestApp, token: &str, client_id: Option<&str>) -> Value {
    let explained = test.app.authentication.explain_assertion(token, client_id);
    json!(explained.await.unwrap())
}

/// The rules that failed: about what, which, expected and came.
fn failed(explained: &Value) -> Vec<String> {
    let rules = explained["rules"].as_array().unwrap().iter();
    let failed = rules.filter(|rule| rule["passed"] == false);
    let line = |rule: &Value| {
        let text = |name: &str| rule[name].as_str().unwrap().to_owned();
        format!(
            "{}: {}: expected {}, came {}",
            text("about"),
            text("rule"),
            text("expected"),
            text("came")
        )
    };
    failed.map(line).collect()
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[tokio::test]
async fn a_right_assertion_passes_every_rule_and_is_not_used_up() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    add_ci(&test, &signer).await;
    let claims = json!({"iss": "https://ci.test", "sub": "job", "aud": "https://tokens.test", "iat": NOW.0, "exp": NOW.0 + 60,
        "jti": "1"});
    let token = signer.sign(header(), &claims);
    for client_id in [None, Some(WORKLOAD), None] {
        let explained = explain(&test, &token, client_id).await;
        assert_eq!(explained["accepted"], true, "{explained:#}");
        assert_eq!(explained["client_id"], WORKLOAD);
        assert_eq!(failed(&explained), Vec::<String>::new());
        assert!(
            explained["remarks"][0]
                .as_str()
                .unwrap()
                .contains("valid once")
        );
    }
    assert_eq!(present(&test, &token, None).await.status, 200);
}

/// A token with a mistake in it, the client that it is sent for, and what has to be named.
type Mistake = (&'static str, String, &'static str, &'static str);

#[rustfmt::skip]
fn mistakes(scene: &Scene) -> Vec<Mistake> {
    let (claims, now) = (cluster_claims, NOW.0);
    let sign = |claims: Value| scene.sign(&claims);
    let with_header = |header: Value| scene.signer.sign(header, &claims());
    let mut damaged = sign(claims());
    damaged.truncate(damaged.len() - 4);
    vec![
        ("audience of the API server", sign(with(claims(), "aud", json!([CLUSTER]))), WORKLOAD, "`aud`: expected https://tokens.test, came"),
        ("no audience in the volume", sign(with(claims(), "aud", json!([]))), WORKLOAD, "`aud`: expected exactly one audience"),
        ("two audiences", sign(with(claims(), "aud", json!(["https://tokens.test", "b"]))), WORKLOAD, "`aud`: expected exactly one"),
        ("audience with a slash", sign(with(claims(), "aud", "https://tokens.test/")), WORKLOAD, "came \"https://tokens.test/\""),
        ("namespace", sign(with(claims(), "sub", "system:serviceaccount:dev:billing")), WORKLOAD, "sub: expected `system:serviceaccount:prod:billing`, came `system:serviceaccount:dev:billing`"),
        ("service account", sign(with(claims(), "sub", "system:serviceaccount:prod:other")), WORKLOAD, "came `system:serviceaccount:prod:other`"),
        ("trailing space", sign(with(claims(), "sub", format!("{ACCOUNT} "))), WORKLOAD, "came `system:serviceaccount:prod:billing `"),
        ("a service account made again", sign(claims()), "by-uid", "/kubernetes.io/serviceaccount/uid: expected `1`, came `0cb5a3f5"),
        ("clock behind", sign(with(with(claims(), "iat", now + 60), "nbf", now)), WORKLOAD, "`iat`: expected not later than"),
        ("expired", sign(with(claims(), "exp", now - 60)), WORKLOAD, "`exp`: expected later than"),
        ("too long", sign(with(claims(), "exp", now + 7_200)), WORKLOAD, "lifetime: expected `exp` at most 3600 s after `iat`, came 7800 s"),
        ("no iat", sign(without(claims(), "iat")), WORKLOAD, "came without `iat`"),
        ("access token", with_header(json!({"kid": "k", "typ": "at+jwt"})), WORKLOAD, "`typ`: expected absent or JWT, came `at+jwt`"),
        ("symmetric algorithm", with_header(json!({"kid": "k", "alg": "HS256"})), WORKLOAD, "`alg`: expected one of"),
        ("unknown key", with_header(json!({"kid": "next"})), WORKLOAD, "signature: expected made with a key of the issuer, came kid `next`"),
        ("another cluster", Signer::new("RS256").sign(header(), &claims()), WORKLOAD, "the signature is not that key's"),
        ("damaged in the middle of a copy", damaged, WORKLOAD, "signature:"),
        ("iss with a slash", sign(with(claims(), "iss", format!("{CLUSTER}/"))), WORKLOAD, "issuer: expected one of the enabled trusted issuers: https://kubernetes.default.svc.cluster.local"),
        ("another issuer", sign(with(claims(), "iss", "https://other.test")), WORKLOAD, "came `https://other.test`"),
        ("unknown client", sign(claims()), "nobody", "client: expected enabled, came unknown"),
        ("not a JWT", "not a token".to_owned(), WORKLOAD, "format: expected a JWT"),
    ]
}

#[tokio::test]
async fn each_of_twenty_seeded_mistakes_is_named() {
    let scene = Scene::new().await;
    let uid = json!([{"issuer": "k8s", "subject": ACCOUNT, "claims": {"/kubernetes.io/serviceaccount/uid": "1"}}]);
    register(&scene.test, "by-uid", &uid).await;
    let mistakes = mistakes(&scene);
    assert!(mistakes.len() > 20);
    for (mistake, token, client, named) in mistakes {
        let explained = explain(&scene.test, &token, Some(client)).await;
        assert_eq!(explained["accepted"], false, "{mistake}: {explained:#}");
        let failed = failed(&explained);
        assert!(
            failed.iter().any(|it| it.contains(named)),
            "{mistake}: {failed:#?}"
        );
        let refused = present(&scene.test, &token, Some(client)).await;
        assert_eq!(refused.status, 401, "{mistake}");
        // Nothing with which somebody else could log in is shown.
        let signature = token.rsplit('.').next().unwrap();
        assert!(signature.len() < 20 || !explained.to_string().contains(signature));
    }
}

#[tokio::test]
async fn a_log_in_without_a_client_id_is_explained() {
    let scene = Scene::new().await;
    let unknown = scene.sign(&with(
        cluster_claims(),
        "sub",
        "system:serviceaccount:prod:other",
    ));
    let explained = explain(&scene.test, &unknown, None).await;
    assert!(
        failed(&explained)[0].contains("exactly one client"),
        "{explained:#}"
    );

    register(
        &scene.test,
        "second",
        &json!([{"issuer": "k8s", "subject": ACCOUNT}]),
    )
    .await;
    let token = scene.sign(&cluster_claims());
    let explained = explain(&scene.test, &token, None).await;
    let failed = failed(&explained);
    assert!(
        failed[0].contains("came `second`, `workload`"),
        "{failed:?}"
    );
    assert_eq!(
        explain(&scene.test, &token, Some("second")).await["accepted"],
        true
    );
}

#[tokio::test]
async fn a_refused_request_is_explained_by_its_id() {
    let scene = Scene::new().await;
    let wrong = scene.sign(&with(
        cluster_claims(),
        "sub",
        "system:serviceaccount:dev:billing",
    ));
    let answer = scene.log_in(&wrong).await;
    let request_id = answer.header("x-request-id").to_owned();
    let robot = Robot::new(&scene.test).await;
    scene
        .test
        .app
        .audit
        .write_rejected_requests()
        .await
        .unwrap();
    let explained = robot
        .get(&format!("/explain/request?request_id={request_id}"))
        .await;
    assert!(
        explained
            .text()
            .contains("system:serviceaccount:dev:billing"),
        "{}",
        explained.text()
    );
}

#[tokio::test]
async fn programs_and_the_command_line_explain_assertions() {
    let scene = Scene::new().await;
    let robot = Robot::new(&scene.test).await;
    let wrong = scene.sign(&with(cluster_claims(), "aud", "https://other.test"));
    let body = json!({"assertion": wrong, "client_id": WORKLOAD});
    let answer = robot.post("/explain/assertion", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["accepted"], false);
    assert!(failed(&answer.json())[0].contains("https://other.test"));

    let shell = Shell::migrated().await;
    std::fs::write(shell.path().join("token.jwt"), format!("{wrong}\n")).unwrap();
    let ran = shell.run(&[
        "explain",
        "--assertion",
        "token.jwt",
        "--client-id",
        WORKLOAD,
    ]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.out.contains("refused") && ran.out.contains("trusted issuers"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn an_own_assertion_is_explained_too() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    crate::oauth::assertion::register_with(&test, &signer.jwks("k")).await;
    let claims = crate::oauth::assertion::claims();
    let right = signer.sign(json!({"kid": "k"}), &claims);
    assert_eq!(explain(&test, &right, None).await["accepted"], true);
    let forged = Signer::new("ES256").sign(json!({"kid": "k"}), &claims);
    let explained = explain(&test, &forged, None).await;
    assert!(failed(&explained)[0].contains("signature"), "{explained:#}");
    let own = claims["sub"].as_str().unwrap();
    for (claimed, accepted) in [(own, true), ("another", false)] {
        let explained = explain(&test, &right, Some(claimed)).await;
        assert_eq!(explained["accepted"], accepted, "{explained:#}");
        let named = failed(&explained);
        let named = named.iter().any(|it| it.contains("the client_id beside"));
        assert_eq!(named, !accepted, "{explained:#}");
    }
    let other = signer.sign(
        json!({"kid": "k"}),
        &with(claims, "aud", "https://other.test"),
    );
    assert!(failed(&explain(&test, &other, None).await)[0].contains("`aud`"));
}
