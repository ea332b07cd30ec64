//! What must never log in: each token is refused with 401, none is accepted and none makes the server fail.

use serde_json::{Value, json};
use token_server::domain::IssuerName;

use super::{
    ACCOUNT, CLUSTER, GITHUB, JWT_SPIFFE, Scene, WORKLOAD, add, add_github, assert_refused,
    assert_told, cluster_claims, header, key_set, present, present_as, register, with,
};
use crate::harness::workload::JWT_BEARER;
use crate::harness::{CLIENT, NOW, Signer, TestApp};

const GITLAB: &str = "https://gitlab.com";

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// Tokens of the cluster of [`Scene`] that are wrong in themselves, and what is told.
#[tokio::test]
async fn what_is_wrong_with_a_token_by_itself_is_refused_and_told() {
    let scene = Scene::new().await;
    let (claims, now) = (cluster_claims, NOW.0);
    for (header, claims, told) in [
        (
            json!({"kid": "k", "typ": "at+jwt"}),
            claims(),
            "`typ`: expected absent or JWT, and it is `at+jwt`",
        ),
        (
            json!({"kid": "k", "typ": "application/at+jwt"}),
            claims(),
            "`typ`",
        ),
        (
            json!({"kid": "k", "typ": "token-introspection+jwt"}),
            claims(),
            "`typ`",
        ),
        (json!({"kid": "k", "typ": "dpop+jwt"}), claims(), "`typ`"),
        (json!({"kid": "k", "typ": "JOSE"}), claims(), "`typ`"),
        (json!({"kid": "k", "crit": ["b64"]}), claims(), "`crit`"),
        (json!({"kid": "k", "alg": "none"}), claims(), "`alg`"),
        (json!({"kid": "k", "alg": "HS256"}), claims(), "`alg`"),
        (
            header(),
            with(
                claims(),
                "aud",
                json!(["https://tokens.test", "https://other.test"]),
            ),
            "exactly one audience",
        ),
        (
            header(),
            with(claims(), "aud", json!([])),
            "exactly one audience",
        ),
        (header(), with(claims(), "exp", now - 6), "`exp`"),
        (header(), with(claims(), "iat", now + 6), "`iat`"),
        (header(), with(claims(), "nbf", now + 6), "`nbf`"),
        (header(), without(claims(), "iat"), "without `iat`"),
        (
            header(),
            with(claims(), "exp", now + 86_401),
            "86400 s after",
        ),
        (header(), with(claims(), "exp", i64::MAX), "lifetime"),
        (header(), with(claims(), "exp", 1e300), "lifetime"),
        (header(), with(claims(), "sub", ""), "`sub`"),
        (header(), without(claims(), "sub"), "not a JWT"),
        (header(), without(claims(), "iss"), "not a JWT"),
        (header(), without(claims(), "exp"), "not a JWT"),
        (header(), without(claims(), "aud"), "not a JWT"),
        (
            header(),
            with(claims(), "sub", json!([ACCOUNT])),
            "not a JWT",
        ),
        (header(), with(claims(), "exp", "soon"), "not a JWT"),
    ] {
        let token = scene.signer.sign(header, &claims);
        for client_id in [Some(WORKLOAD), None] {
            assert_told(&present(&scene.test, &token, client_id).await, told);
        }
    }
    let header = json!({"kid": "k"});
    let expires = |seconds: i64| {
        scene
            .signer
            .sign(header.clone(), &with(claims(), "exp", now + seconds))
    };
    assert_eq!(scene.log_in(&expires(-4)).await.status, 200);
    for text in ["", ".", "..", "a.b.c", "e30.e30.e30", &"x".repeat(9_000)] {
        let answer = scene.log_in(text).await;
        assert!(
            answer.status == 401 || (text.is_empty() && answer.status == 400),
            "{text}"
        );
    }
}

/// Tokens of the cluster that other clusters, other workloads or other issuers have: one answer.
#[tokio::test]
async fn what_is_registered_otherwise_is_refused_without_a_word() {
    let scene = Scene::new().await;
    let other_cluster = Signer::new("RS256");
    let claims = cluster_claims;
    let mut cases = vec![("other cluster", other_cluster.sign(header(), &claims()))];
    for (about, claims) in [
        (
            "API server's audience",
            with(claims(), "aud", json!([CLUSTER])),
        ),
        (
            "audience with a slash more",
            with(claims(), "aud", json!("https://tokens.test/")),
        ),
        (
            "audience in another case",
            with(claims(), "aud", json!("https://Tokens.test")),
        ),
        (
            "lifetime beyond the issuer's",
            with(claims(), "exp", NOW.0 + 3_001),
        ),
        (
            "other account",
            with(claims(), "sub", "system:serviceaccount:prod:billing2"),
        ),
        (
            "other namespace",
            with(claims(), "sub", "system:serviceaccount:dev:billing"),
        ),
        (
            "trailing space",
            with(claims(), "sub", "system:serviceaccount:prod:billing "),
        ),
        (
            "other case",
            with(claims(), "sub", "system:serviceaccount:prod:Billing"),
        ),
        (
            "iss with a slash more",
            with(
                claims(),
                "iss",
                "https://kubernetes.default.svc.cluster.local/",
            ),
        ),
        (
            "iss in another case",
            with(
                claims(),
                "iss",
                "https://Kubernetes.default.svc.cluster.local",
            ),
        ),
        (
            "iss with credentials",
            with(
                claims(),
                "iss",
                "https://a:b@kubernetes.default.svc.cluster.local",
            ),
        ),
        (
            "iss with a port",
            with(
                claims(),
                "iss",
                "https://kubernetes.default.svc.cluster.local:443",
            ),
        ),
        (
            "http iss",
            with(
                claims(),
                "iss",
                "http://kubernetes.default.svc.cluster.local",
            ),
        ),
        ("this server", with(claims(), "iss", "https://tokens.test")),
        (
            "a SPIFFE ID",
            with(without(claims(), "iss"), "sub", "spiffe://acme.test/a"),
        ),
    ] {
        cases.push((about, scene.sign(&claims)));
    }
    let unknown = scene.signer.sign(json!({"kid": "other"}), &claims());
    cases.push(("unknown kid", unknown));
    let mut damaged = scene.sign(&claims());
    damaged.truncate(damaged.len() - 4);
    cases.push(("damaged signature", damaged));
    for (about, token) in &cases {
        for client_id in [Some(WORKLOAD), None] {
            let answer = present(&scene.test, token, client_id).await;
            assert_refused(&answer, about);
        }
        let spiffe = present_as(&scene.test, "/token", JWT_SPIFFE, token, Some(WORKLOAD)).await;
        assert_eq!(spiffe.status, 401, "{about}: {}", spiffe.text());
    }
    assert_eq!(scene.log_in(&scene.sign(&claims())).await.status, 200);
}

/// An algorithm of another kind than the key's, and one that the issuer does not use.
#[tokio::test]
async fn the_algorithm_is_one_of_the_issuer_and_of_the_key() {
    let (test, signer) = (TestApp::new().await, Signer::new("RS256"));
    let issuer = json!({"name": "k8s", "issuer": CLUSTER, "jwks": key_set(&signer), "replay": "allow",
        "algorithms": ["RS256", "ES256"]});
    add(&test.app, &issuer).await;
    register(
        &test,
        WORKLOAD,
        &json!([{"issuer": "k8s", "subject": ACCOUNT}]),
    )
    .await;
    let right = signer.sign(header(), &cluster_claims());
    assert_eq!(present(&test, &right, Some(WORKLOAD)).await.status, 200);
    let as_es256 = json!({"kid": "k", "alg": "ES256"});
    let confused = signer.sign(as_es256, &cluster_claims());
    assert_refused(
        &present(&test, &confused, Some(WORKLOAD)).await,
        "ES256 of an RSA key",
    );
    let signer = signer.with("PS256");
    let other = signer.sign(header(), &cluster_claims());
    assert_refused(&present(&test, &other, Some(WORKLOAD)).await, "PS256");
}

#[tokio::test]
async fn our_own_tokens_prove_nobody() {
    let scene = Scene::new().await;
    let secret = scene.test.client().await;
    let access = scene.test.token(&secret).await;
    let answer = present(&scene.test, &access, None).await;
    assert_eq!(answer.status, 401, "{}", answer.text());
    let answer = present(&scene.test, &access, Some(WORKLOAD)).await;
    assert_eq!(answer.status, 401, "{}", answer.text());

    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    let secret = test.client().await;
    let access = test.token(&secret).await;
    let form = [
        ("client_id", CLIENT),
        ("client_secret", secret.as_str()),
        ("token", access.as_str()),
    ];
    let signed = [("accept", "application/token-introspection+jwt")];
    let introspected = test.post_form_with("/introspect", &form, &signed).await;
    assert_eq!(introspected.status, 200, "{}", introspected.text());
    for ours in [access.as_str(), introspected.text()] {
        for assertion_type in [JWT_BEARER, JWT_SPIFFE] {
            for client_id in [None, Some(CLIENT)] {
                let answer = present_as(&test, "/token", assertion_type, ours, client_id).await;
                assert_eq!(answer.status, 401, "{}", answer.text());
            }
        }
    }
}

/// A client may neither be named like an issuer nor like a workload of one, whichever is there first.
#[tokio::test]
async fn no_client_is_called_like_an_issuer() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    let assertion = |id: &str| {
        let claims = json!({"iss": id, "sub": id, "aud": "https://tokens.test", "iat": NOW.0, "exp": NOW.0 + 60, "jti": id});
        signer.sign(header(), &claims)
    };
    let issuer = json!({"name": "ci", "issuer": "https://ci.test", "jwks": key_set(&signer)});
    add(&test.app, &issuer).await;
    let answer = present(&test, &assertion("https://ci.test"), None).await;
    assert_eq!(answer.status, 401, "{}", answer.text());
    let name = IssuerName::parse("ci").unwrap();
    assert_eq!(test.app.issuers.find(&name).await.unwrap().clients, 0);
}

fn github(jti: &str) -> Value {
    let now = NOW.0;
    json!({
        "jti": jti, "sub": "repo:acme/app:environment:prod", "aud": "https://tokens.test", "iss": GITHUB,
        "ref": "refs/heads/main", "ref_type": "branch", "sha": "c0ffee", "repository": "acme/app", "repository_id": "74",
        "repository_owner": "acme", "repository_owner_id": "65", "repository_visibility": "private", "run_id": "9",
        "actor": "octocat", "actor_id": "12", "workflow": "deploy", "event_name": "push", "environment": "prod",
        "job_workflow_ref": "acme/app/.github/workflows/deploy.yml@refs/heads/main",
        "runner_environment": "github-hosted", "iat": now, "nbf": now - 600, "exp": now + 300,
    })
}

#[tokio::test]
async fn a_github_job_is_known_by_ids_that_no_other_repository_gets() {
    let (test, signer) = (TestApp::new().await, Signer::new("RS256"));
    add_github(&test, &signer).await;
    let log_in = async |claims: &Value| {
        let token = signer.sign(header(), claims);
        present(&test, &token, Some(WORKLOAD)).await
    };
    assert_eq!(log_in(&github("right")).await.status, 200);
    for (about, claims) in [
        (
            "another repository of the same name",
            with(github("1"), "repository_id", "75"),
        ),
        (
            "a recycled owner",
            with(github("2"), "repository_owner_id", "66"),
        ),
        ("a pull request, which has no environment", {
            let claims = with(github("3"), "event_name", "pull_request");
            let claims = with(claims, "sub", "repo:acme/app:pull_request");
            without(with(claims, "ref", "refs/pull/1/merge"), "environment")
        }),
        (
            "another environment",
            with(github("4"), "environment", "dev"),
        ),
        (
            "an environment that is a list",
            with(github("5"), "environment", json!(["prod"])),
        ),
        ("no owner", without(github("6"), "repository_owner_id")),
        ("replayed", github("right")),
        (
            "audience of a fork",
            with(github("7"), "aud", "https://github.com/acme"),
        ),
    ] {
        assert_refused(&log_in(&claims).await, about);
    }
}

#[tokio::test]
async fn a_gitlab_job_is_known_by_its_project_and_a_protected_ref() {
    let (test, signer) = (TestApp::new().await, Signer::new("RS256"));
    add(
        &test.app,
        &json!({"name": "gitlab", "issuer": GITLAB, "jwks": key_set(&signer), "replay": "allow"}),
    )
    .await;
    let claims = json!({"/project_id": "22", "/ref_protected": "true"});
    register(
        &test,
        WORKLOAD,
        &json!([{"issuer": "gitlab", "claims": claims}]),
    )
    .await;
    let job = json!({
        "namespace_id": "72", "namespace_path": "acme", "project_id": "22", "project_path": "acme/app", "user_id": "1",
        "user_login": "ann", "pipeline_id": "574", "pipeline_source": "push", "job_id": "302", "ref": "main",
        "ref_type": "branch", "ref_path": "refs/heads/main", "ref_protected": "true", "runner_environment": "gitlab-hosted",
        "sub": "project_path:acme/app:ref_type:branch:ref:main", "iss": GITLAB, "aud": "https://tokens.test",
        "jti": "235b3a54", "iat": NOW.0, "nbf": NOW.0 - 5, "exp": NOW.0 + 3_600 - 5,
    });
    let log_in = async |claims: &Value| {
        let token = signer.sign(header(), claims);
        present(&test, &token, Some(WORKLOAD)).await
    };
    // One token a job: it may be presented again.
    for _ in 0..2 {
        assert_eq!(log_in(&job).await.status, 200);
    }
    for (about, claims) in [
        ("another project", with(job.clone(), "project_id", "23")),
        (
            "an unprotected ref",
            with(job.clone(), "ref_protected", "false"),
        ),
        (
            "another instance",
            with(job.clone(), "iss", "https://gitlab.acme.test"),
        ),
    ] {
        assert_refused(&log_in(&claims).await, about);
    }
}
