//! A secret or token in the wrong place of a request is nowhere to be seen afterwards: not in the answer, the log, the
//! refusals or the audit trail. The places come from the server's own OpenAPI document.

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use token_server::app::AuditFilter;
use token_server::domain::{Audience, ClientId, GeneratedSecret, Scope};

use crate::audit::find;
use crate::harness::{Answer, CLIENT, Log, Signer, TestApp, form};

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

/// One request: a method, a path with its query, and the rest.
#[derive(Clone, Debug, Default)]
struct Asked {
    method: String,
    path: Vec<(String, String)>,
    template: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    /// As a form or as JSON; `None`: no body.
    body: Option<Map<String, Value>>,
    as_form: bool,
}

impl Asked {
    fn request(&self) -> Request<Body> {
        let mut target = self.template.clone();
        for (name, value) in &self.path {
            target = target.replace(&format!("{{{name}}}"), &escaped(value));
        }
        if !self.query.is_empty() {
            let pairs = self.query.iter().map(|(name, value)| (&**name, &**value));
            target += &format!("?{}", form(&pairs.collect::<Vec<_>>()));
        }
        let mut request = Request::builder().method(&*self.method).uri(target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = match &self.body {
            None => Body::empty(),
            Some(members) if self.as_form => {
                request = request.header("content-type", "application/x-www-form-urlencoded");
                let pairs = members.iter();
                let pairs =
                    pairs.map(|(name, value)| (&**name, value.as_str().unwrap_or_default()));
                Body::from(form(&pairs.collect::<Vec<_>>()))
            }
            Some(members) => {
                request = request.header("content-type", "application/json");
                Body::from(Value::Object(members.clone()).to_string())
            }
        };
        request.body(body).unwrap()
    }

    /// Every way to put `text` into it: each parameter that the document names, and some that it does not.
    fn with(&self, text: &str, document: &Value, operation: &Value) -> Vec<Self> {
        let mut asked = Vec::new();
        let mut put = |change: &dyn Fn(&mut Self)| {
            let mut one = self.clone();
            change(&mut one);
            asked.push(one);
        };
        for place in ["path", "query", "header"] {
            for name in parameters(document, operation, place) {
                put(&|one| set(one.list(place), &name, text));
            }
        }
        put(&|one| set(&mut one.query, "unknown", text));
        put(&|one| set(&mut one.query, text, "x"));
        for name in [
            "x-request-id",
            "user-agent",
            "accept",
            "if-none-match",
            "origin",
            "tracestate",
        ] {
            put(&|one| set(&mut one.headers, name, text));
        }
        put(&|one| set(&mut one.headers, "content-type", text));
        let mut members = members(document, operation);
        members.extend(["unknown".to_owned(), text.to_owned()]);
        for name in members.iter().filter(|_| self.body.is_some()) {
            for as_form in [true, false] {
                for value in [json!(text), json!([text]), json!({ text: text })] {
                    put(&|one| {
                        one.as_form = as_form;
                        let body = one.body.get_or_insert_default();
                        body.insert(name.clone(), value.clone());
                    });
                }
            }
        }
        asked
    }

    fn list(&mut self, place: &str) -> &mut Vec<(String, String)> {
        match place {
            "path" => &mut self.path,
            "query" => &mut self.query,
            _ => &mut self.headers,
        }
    }
}

fn set(list: &mut Vec<(String, String)>, name: &str, value: &str) {
    list.retain(|(theirs, _)| theirs != name);
    list.push((name.to_owned(), value.to_owned()));
}

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The names of the parameters of one place.
fn parameters(document: &Value, operation: &Value, place: &str) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.map(|it| resolve(document, it));
    let there = parameters.filter(|parameter| parameter["in"] == place);
    there
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

/// What a part of the document refers to, if it is a reference.
fn resolve<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(pointer) => document.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => part,
    }
}

/// The names of the members of a body.
fn members(document: &Value, operation: &Value) -> Vec<String> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let mut members = Vec::new();
    collect_members(document, schema, &mut members);
    members
}

fn collect_members(document: &Value, schema: &Value, members: &mut Vec<String>) {
    let schema = resolve(document, schema);
    members.extend(
        schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .cloned(),
    );
    for part in ["allOf", "oneOf", "anyOf"] {
        for schema in schema[part].as_array().into_iter().flatten() {
            collect_members(document, schema, members);
        }
    }
}

/// What a request has that goes as far as it can.
fn usual(
    document: &Value,
    (method, path): (&str, &str),
    operation: &Value,
    (secret, token): (&str, &str),
) -> Asked {
    let mut asked = Asked {
        method: method.to_uppercase(),
        template: path.to_owned(),
        ..Asked::default()
    };
    for name in parameters(document, operation, "path") {
        let value = match name.as_str() {
            "client_id" => CLIENT,
            "requirements" => "scope=read",
            _ => "x",
        };
        set(&mut asked.path, &name, value);
    }
    if path.starts_with("/admin/") || path.starts_with("/verify") {
        set(
            &mut asked.headers,
            "authorization",
            &format!("Bearer {token}"),
        );
    }
    if path.starts_with("/admin/") && method == "patch" {
        set(&mut asked.headers, "if-match", "*");
    }
    if operation["requestBody"].is_object() {
        let mut body = Map::new();
        if !path.starts_with("/admin/") && path != "/verify" {
            body.insert("client_id".to_owned(), json!(CLIENT));
            body.insert("client_secret".to_owned(), json!(secret));
            body.insert("token".to_owned(), json!("x"));
            if path == "/token" {
                body.insert("grant_type".to_owned(), json!("client_credentials"));
            }
        }
        asked.body = Some(body);
    }
    asked
}

async fn scene() -> (TestApp, String, String) {
    let test = TestApp::with(&SETTINGS).await;
    let secret = test.client().await;
    let robot = test.register(token_server::app::NewClient {
        client_id: Some(ClientId::parse(ROBOT).unwrap()),
        scopes: Scope::parse("admin:read admin:write admin:export").unwrap(),
        audiences: Audience::parse_list(crate::admin_api::AUDIENCE).unwrap(),
        ..Default::default()
    });
    let robot = robot.await;
    let answer = test.authorize(ROBOT, &robot).await;
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    (test, secret, token)
}

/// An answer that shows a client as it is stored shows what was stored.
fn shows_what_is_stored(asked: &Asked, answer: &Answer) -> bool {
    answer.status < 300 && asked.template.starts_with("/admin/api/v1/clients")
        || asked.template.starts_with("/admin/api/v1/transfer/export")
}

async fn check(test: &TestApp, asked: &Asked, planted: &Planted) {
    let log = Log::default();
    let guard = log.capture();
    let answer = test.call(asked.request()).await;
    drop(guard);

    let what = format!("{} {}", asked.method, asked.template);
    planted.assert_not_in(&format!("{:?}", answer.headers), &what);
    if !shows_what_is_stored(asked, &answer) {
        planted.assert_not_in(answer.text(), &what);
    }
    planted.assert_not_in(&log.text(), &what);
    let refusals = test
        .app
        .audit
        .explain_request(answer.header("x-request-id"))
        .await;
    planted.assert_not_in(&format!("{refusals:?}"), &what);
    test.app.audit.write_rejected_requests().await.unwrap();
}

/// Plants each text at every place of every endpoint.
async fn plant_everywhere(planted: Planted) {
    let (test, secret, token) = scene().await;
    let document = test.get("/openapi.json").await.json();
    let mut requests = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let usual = usual(&document, (method, path), operation, (&secret, &token));
            for asked in usual.with(&planted.text, &document, operation) {
                check(&test, &asked, &planted).await;
                requests += 1;
            }
        }
    }
    assert!(requests > 600, "{requests}");
    let events = find(&test, &AuditFilter::default()).await;
    assert!(events.len() > 10, "{}", events.len());
    planted.assert_not_in(&format!("{events:?}"), "audit");
}

#[tokio::test]
async fn a_generated_secret_in_any_place_is_seen_nowhere() {
    plant_everywhere(Planted::secret()).await;
}

#[tokio::test]
async fn a_token_in_any_place_is_seen_nowhere() {
    plant_everywhere(Planted::jwt()).await;
}

#[tokio::test]
async fn a_basic_header_in_any_place_is_seen_nowhere() {
    plant_everywhere(Planted::basic()).await;
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
async fn the_way_to_the_login_page_does_not_repeat_a_secret_in_the_path() {
    let test = TestApp::new().await;
    let planted = Planted::secret();

    let answer = test.get(&format!("/admin/clients/{}", planted.text)).await;
    let usual = test.get("/admin/clients/billing").await;

    assert_eq!(answer.header("location"), "/admin/login");
    assert_eq!(
        usual.header("location"),
        "/admin/login?next=%2Fadmin%2Fclients%2Fbilling"
    );
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
