//! A body is a JSON object. serde's derived structs also read an array of the members in their order: no body may be one.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{ROBOT, Robot, register};
use crate::harness::{CLIENT, TestApp, id};

/// Follows a reference of the document.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => schema,
    }
}

/// A value of the type that a schema names first.
fn example(schema: &Value) -> Value {
    let kind = &schema["type"];
    match kind.as_str().or_else(|| kind[0].as_str()) {
        Some("integer") => json!(3_600),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => json!("read"),
    }
}

/// Each operation of the admin API that takes JSON: method, path, and its members with an example of each, in the order of
/// the document, which is that of the code.
async fn operations(test: &TestApp) -> Vec<(String, String, Vec<(String, Value)>)> {
    let document = test.get("/openapi.json").await.json();
    let mut found = Vec::new();
    let paths = document["paths"].as_object().unwrap().iter();
    for (path, item) in paths.filter(|(path, _)| path.starts_with("/admin/api/")) {
        for (method, said) in item.as_object().unwrap() {
            let schema = &said["requestBody"]["content"]["application/json"]["schema"];
            // A file of clients has none: it may be a list.
            if let Some(properties) = resolve(&document, schema)["properties"].as_object() {
                let members = properties.iter();
                let members = members
                    .map(|(name, it)| (name.clone(), example(resolve(&document, it))))
                    .collect();
                found.push((method.to_uppercase(), path.clone(), members));
            }
        }
    }
    found
}

/// What sends bodies to every operation.
struct Sender {
    test: TestApp,
    secret_id: String,
    token: String,
}

impl Sender {
    async fn new() -> Self {
        let test = TestApp::new().await;
        test.client().await;
        let scopes = "admin:issuers admin:read admin:write";
        let secret = register(&test, ROBOT, scopes).await;
        let token = Robot::with_secret(&test, &secret).await.token;
        let record = test.find_client(&id(CLIENT)).await;
        let secret_id = record.secrets[0].secret_id.to_string();
        Self {
            test,
            secret_id,
            token,
        }
    }

    /// What a 400 to this body says.
    async fn refused(&self, method: &str, path: &str, body: &Value) -> String {
        let uri = path
            .replace("{client_id}", CLIENT)
            .replace("{name}", "none")
            .replace("{secret_id}", &self.secret_id);
        let request = Request::builder()
            .method(method)
            .uri(&uri)
            .header("authorization", format!("Bearer {}", self.token))
            .header("if-match", "*")
            .header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string())).unwrap();
        let answer = self.test.call(request).await;
        let told = answer.text().to_owned();
        assert_eq!(answer.status, 400, "{method} {path} {body}: {told}");
        answer.assert_error(400, "invalid_request");
        told
    }
}

#[tokio::test]
async fn no_body_is_an_array() {
    let sender = Sender::new().await;
    let operations = operations(&sender.test).await;

    assert!(operations.len() > 6, "{operations:?}");
    for (method, path, members) in operations {
        let examples: Vec<Value> = members.into_iter().map(|(_, example)| example).collect();
        for length in 0..=examples.len() {
            let body = Value::from(&examples[..length]);
            let told = sender.refused(&method, &path, &body).await;
            assert!(told.contains("object"), "{method} {path} {body}: {told}");
        }
    }
}

#[tokio::test]
async fn an_error_in_a_body_names_its_member() {
    let sender = Sender::new().await;

    for (method, path, members) in operations(&sender.test).await {
        for at in 0..members.len() {
            // Of another type than the document says.
            let (name, example) = &members[at];
            let wrong = if example.is_number() {
                json!([])
            } else {
                json!(7)
            };
            let others = members.iter().filter(|(other, _)| other != name);
            let others: Vec<(String, Value)> = others
                .filter(|(other, _)| REQUIRED.contains(&other.as_str()))
                .cloned()
                .collect();
            let mut body: serde_json::Map<String, Value> = others.into_iter().collect();
            body.insert(name.clone(), wrong);
            let told = sender.refused(&method, &path, &body.into()).await;
            assert!(
                told.contains(name.as_str()),
                "{method} {path} {name}: {told}"
            );
        }
    }
}

/// Members without which no body is read at all.
const REQUIRED: [&str; 5] = ["alg", "assertion", "audience", "requester", "token"];

#[tokio::test]
async fn no_body_of_parameters_is_an_array() {
    let test = TestApp::new().await;
    let secret = test.client().await;

    for path in ["/authorize", "/token", "/verify", "/introspect", "/revoke"] {
        for body in [
            json!([]),
            json!([CLIENT, secret]),
            json!([["client_id", CLIENT]]),
        ] {
            let body = body.to_string();
            let answer = test.post(path, "application/json", body.clone()).await;

            assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text());
            assert!(answer.text().contains("object"), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn an_array_renames_no_client() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;
    let path = format!("/clients/{CLIENT}");
    let before = robot.get(&path).await;

    let answer = robot
        .patch(&path, before.header("etag"), &json!(["hello"]))
        .await;

    answer.assert_error(400, "invalid_request");
    assert_eq!(robot.get(&path).await.json(), before.json());
}
