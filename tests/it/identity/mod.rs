//! Workload identity: trusted issuers, identities of clients, and logins with the tokens of platforms.

mod apply;
mod corpus;
mod dns;
mod explain;
mod issuers;
mod keys;
mod log_in;
mod pages;
mod platform;
mod rights;
mod spire;
mod step;
mod transfer;
mod usage;

use serde_json::{Value, json};

use crate::harness::workload::{JWT_SPIFFE, add, new_client, present, present_as, register, spec};
use crate::harness::{Answer, NOW, Signer, TestApp};

/// The `iss` of every default Kubernetes cluster.
const CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";

/// The `iss` of GitHub's jobs.
const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// The service account that most tests are about.
const ACCOUNT: &str = "system:serviceaccount:prod:billing";

/// So that a test can fail as often as it has to.
const MANY_FAILURES: &[(&str, &str)] = &[
    ("THROTTLE_CLIENT_FAILURES", "1000"),
    ("THROTTLE_SOURCE_FAILURES", "1000"),
];

/// The client that has it.
const WORKLOAD: &str = "workload";

fn key_set(signer: &Signer) -> Value {
    token_server::base::json::from_str(&signer.jwks("k")).unwrap()
}

/// A cluster whose keys are written down.
async fn add_cluster(test: &TestApp, name: &str, signer: &Signer) {
    let document =
        json!({"name": name, "issuer": CLUSTER, "jwks": key_set(signer), "replay": "allow"});
    add(&test.app, &document).await;
}

/// A server of jobs whose tokens are good once, and [`WORKLOAD`] with an identity there.
async fn add_ci(test: &TestApp, signer: &Signer) {
    let issuer = json!({"name": "ci", "issuer": "https://ci.test", "jwks": key_set(signer)});
    add(&test.app, &issuer).await;
    register(test, WORKLOAD, &json!([{"issuer": "ci", "subject": "job"}])).await;
}

/// GitHub, and [`WORKLOAD`] as the jobs of an environment there, whatever their subject.
async fn add_github(test: &TestApp, signer: &Signer) {
    let issuer = json!({"name": "github", "issuer": GITHUB, "jwks": key_set(signer)});
    add(&test.app, &issuer).await;
    let claims =
        json!({"/repository_id": "74", "/repository_owner_id": "65", "/environment": "prod"});
    register(
        test,
        WORKLOAD,
        &json!([{"issuer": "github", "claims": claims}]),
    )
    .await;
}

/// The claims of a bound service account token, as Kubernetes writes them.
fn cluster_claims() -> Value {
    let now = NOW.0;
    json!({
        "aud": ["https://tokens.test"], "exp": now + 3_000, "iat": now - 600, "nbf": now - 600, "iss": CLUSTER,
        "jti": "6f2dcf36-3b1c-4b3c-a9f7-8b30cbf9f5c1", "sub": ACCOUNT,
        "kubernetes.io": {
            "namespace": "prod",
            "pod": {"name": "billing-7d", "uid": "8d5e…"},
            "serviceaccount": {"name": "billing", "uid": "0cb5a3f5-6f4f-4f6e-8d0d-58e1a1f3d9b1"},
        },
    })
}

fn with(mut claims: Value, name: &str, value: impl Into<Value>) -> Value {
    claims[name] = value.into();
    claims
}

fn header() -> Value {
    json!({"kid": "k", "typ": "JWT"})
}

/// What most tests begin with: a cluster `k8s` and [`WORKLOAD`] with an identity there.
struct Scene {
    test: TestApp,
    signer: Signer,
}

impl Scene {
    async fn new() -> Self {
        let scene = Self {
            test: TestApp::with(MANY_FAILURES).await,
            signer: Signer::new("RS256"),
        };
        add_cluster(&scene.test, "k8s", &scene.signer).await;
        register(
            &scene.test,
            WORKLOAD,
            &json!([{"issuer": "k8s", "subject": ACCOUNT}]),
        )
        .await;
        scene
    }

    fn sign(&self, claims: &Value) -> String {
        self.signer.sign(header(), claims)
    }

    /// A login of [`WORKLOAD`] at `/token`.
    async fn log_in(&self, token: &str) -> Answer {
        present(&self.test, token, Some(WORKLOAD)).await
    }
}

/// The one answer to whatever depends on what is registered.
const REFUSED: &str = "the client is unknown or its credentials are wrong";

fn assert_refused(answer: &Answer, about: &str) {
    assert_eq!(answer.status, 401, "{about}: {}", answer.text());
    let body = answer.json();
    assert_eq!(body["error"], "invalid_client", "{about}");
    assert_eq!(body["error_description"], REFUSED, "{about}");
}

/// An answer that tells what is wrong with the token by itself.
fn assert_told(answer: &Answer, told: &str) {
    assert_eq!(answer.status, 401, "{told}: {}", answer.text());
    let body = answer.json();
    assert_eq!(body["error"], "invalid_client", "{told}");
    let description = body["error_description"].as_str().unwrap();
    assert!(description.contains(told), "{told}: {description}");
}
