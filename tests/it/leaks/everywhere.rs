//! A text at each place of each request to each endpoint of the server's own OpenAPI document.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Map, Value, json};
use token_server::app::AuditFilter;

use super::{Planted, scene};
use crate::harness::trail::find;
use crate::harness::{Answer, CLIENT, Log, TestApp, form};

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
