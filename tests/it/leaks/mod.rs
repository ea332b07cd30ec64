//! A secret or token in the wrong place of a request is nowhere to be seen afterwards: not in the answer, the log, the
//! refusals or the audit trail. The places come from the server's own OpenAPI document.

mod everywhere;

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use token_server::app::NewClient;
use token_server::domain::{Audience, GeneratedSecret, Scope};

use crate::harness::{CLIENT, Log, Signer, TestApp, new_client};

/// A client of an operator, which may do all that the admin API has.
const ROBOT: &str = "robot";

const SETTINGS: [(&str, &str); 2] = [
    ("THROTTLE_CLIENT_FAILURES", "0"),
    ("THROTTLE_SOURCE_FAILURES", "0"),
];

/// What must not be seen, and parts of it.
struct Planted {
    text: String,
    parts: Vec<String>,
}

impl Planted {
    /// A generated secret, which no client has.
    fn secret() -> Self {
        let text = GeneratedSecret::random().plain.expose().clone();
        let parts = [&text[12..28], &text[28..44], &text[44..60]];
        Self {
            parts: parts.map(str::to_owned).to_vec(),
            text,
        }
    }

    /// A JWT, under a key that nobody knows.
    fn jwt() -> Self {
        let claims = json!({"iss": "https://issuer.test", "sub": "somebody", "exp": 1_900_000_000});
        let text = Signer::new("ES256").sign(json!({"kid": "k"}), &claims);
        // The beginning of the claims is that of every token.
        let parts = text.split('.').skip(1).flat_map(|part| {
            let (half, whole) = (part.len() / 2, part.len());
            [&part[half - 16..half], &part[whole - 16..]].map(str::to_owned)
        });
        Self {
            parts: parts.collect(),
            text,
        }
    }

    /// What `Basic` carries.
    fn basic() -> Self {
        let secret = Self::secret();
        let encoded = STANDARD.encode(format!("{CLIENT}:{}", secret.text));
        let parts = [&encoded[16..32], &encoded[40..56]].map(str::to_owned);
        Self {
            parts: [&secret.parts[..], &parts].concat(),
            text: format!("Basic {encoded}"),
        }
    }

    #[track_caller]
    fn assert_not_in(&self, text: &str, what: &str) {
        for part in &self.parts {
            assert!(
                !text.contains(part),
                "{what}: {part} of {} in {text}",
                self.text
            );
        }
    }
}

async fn scene() -> (TestApp, String, String) {
    let test = TestApp::with(&SETTINGS).await;
    let secret = test.client().await;
    let robot = test.register(NewClient {
        scopes: Scope::parse("admin:read admin:write admin:export").unwrap(),
        audiences: Audience::parse_list(crate::admin_api::AUDIENCE).unwrap(),
        ..new_client(ROBOT)
    });
    let robot = robot.await;
    let answer = test.authorize(ROBOT, &robot).await;
    let token = answer.token();
    (test, secret, token)
}

#[tokio::test]
async fn a_secret_as_a_scope_is_redacted_in_the_answer_the_log_and_the_refusals() {
    let (test, secret, _) = scene().await;
    let planted = Planted::secret();
    let log = Log::default();
    let guard = log.capture();

    let params = [
        ("client_id", CLIENT),
        ("client_secret", &secret),
        ("scope", &planted.text),
    ];
    let answer = test.post_form("/authorize", &params).await;
    drop(guard);

    answer.assert_error(400, "invalid_scope");
    let told = "the scope `[redacted]` is not one of this client's";
    assert_eq!(answer.json()["error_description"], told);
    assert_eq!(log.requests()[0]["reason"], told);
    let refusals = test
        .app
        .audit
        .explain_request(answer.header("x-request-id"))
        .await
        .unwrap();
    assert_eq!(refusals[0].reason, told);
}

#[tokio::test]
async fn a_required_scope_that_is_a_secret_is_redacted_in_the_challenge() {
    let (test, secret, _) = scene().await;
    let token = test.token(&secret).await;
    let planted = Planted::secret();

    let bearer = format!("Bearer {token}");
    let path = format!("/verify?scope={}", planted.text);
    let answer = test.get_with(&path, &[("authorization", &bearer)]).await;

    answer.assert_error(403, "insufficient_scope");
    assert!(
        answer
            .header("www-authenticate")
            .ends_with(r#"scope="[redacted]""#)
    );
}

#[tokio::test]
async fn a_method_that_somebody_made_up_is_not_in_the_log() {
    let test = TestApp::new().await;
    let planted = Planted::secret();
    let log = Log::default();
    let guard = log.capture();

    let request = Request::builder().method(&*planted.text).uri("/verify");
    test.call(request.body(Body::empty()).unwrap()).await;
    drop(guard);

    assert_eq!(log.requests()[0]["method"], "_OTHER");
    planted.assert_not_in(&log.text(), "log");
}

#[tokio::test]
async fn a_request_id_that_is_a_secret_is_replaced() {
    let test = TestApp::new().await;
    for planted in [Planted::secret(), Planted::jwt()] {
        let answer = test
            .get_with("/healthz", &[("x-request-id", &planted.text)])
            .await;
        assert_eq!(answer.header("x-request-id").len(), 36);
    }
}

#[tokio::test]
async fn no_client_is_registered_under_an_id_that_is_a_secret() {
    let (test, _, token) = scene().await;
    let bearer = format!("Bearer {token}");
    for planted in [Planted::secret(), Planted::jwt()] {
        let request = Request::post("/admin/api/v1/clients")
            .header("authorization", &bearer)
            .header("content-type", "application/json");
        // An id can have at most 128 characters.
        let id = &planted.text[..planted.text.len().min(128)];
        let body = Body::from(json!({ "client_id": id }).to_string());

        let answer = test.call(request.body(body).unwrap()).await;

        answer.assert_error(400, "invalid_request");
        assert!(
            answer
                .text()
                .contains("look like a client secret or a token"),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_library_that_logs_a_token_does_not_get_it_into_the_log() {
    let planted = Planted::jwt();
    let log = Log::default();
    let guard = log.capture();

    tracing::debug!(target: "h2::client", header = %planted.text, "sent {:?}", planted.text);
    tracing::warn!(value = planted.text, "a parameter is ignored");
    drop(guard);

    assert_eq!(
        log.text().matches("[redacted]").count(),
        3,
        "{}",
        log.text()
    );
    planted.assert_not_in(&log.text(), "log");
}
