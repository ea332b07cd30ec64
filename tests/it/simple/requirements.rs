//! Requirements at `/verify` that are not understood: none of them may let a token pass.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Names that are no requirement, though they look like one.
const UNKNOWN: [&str; 12] = [
    "scopes",
    "Scope",
    "SCOPE",
    "scope[]",
    "scp",
    "aud",
    "audiences",
    "resource",
    "claim",
    "meta",
    "client_id",
    "x",
];

/// Requirements without a value, as they stand in a query.
const EMPTY: [&str; 8] = [
    "scope=",
    "scope",
    "scope=+",
    "scope=%20%20",
    "audience=",
    "audience",
    "scope=read&audience=",
    "scope=&audience=https://tokens.test",
];

/// A service and a good token of it, asked over the fast path and through the router.
struct Scene {
    test: TestApp,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let test = TestApp::new().await;
        let token = test.token(&test.client().await).await;
        Self { test, token }
    }

    async fn ask(&self, method: &str, target: &str, content_type: &str, body: &str) -> Answer {
        let request = || {
            let request = Request::builder()
                .method(method)
                .uri(target)
                .header("authorization", format!("Bearer {}", self.token))
                .header("content-type", content_type);
            request.body(Body::from(body.to_owned())).unwrap()
        };
        self.test.call_both(request).await
    }

    /// GET and POST with this query.
    async fn ask_in_query(&self, query: &str) -> [Answer; 2] {
        let target = format!("/verify?{query}");
        [
            self.ask("GET", &target, FORM, "").await,
            self.ask("POST", &target, FORM, "").await,
        ]
    }

    /// POST with these parameters in the body, beside the token in the header, and in the body with the token.
    async fn ask_in_form(&self, params: &str) -> [Answer; 2] {
        let with_token = format!("token={}&{params}", self.token);
        [
            self.ask("POST", "/verify", FORM, params).await,
            self.test.post("/verify", FORM, with_token).await,
        ]
    }

    /// The same as JSON.
    async fn ask_in_json(&self, members: &Value) -> [Answer; 2] {
        let mut with_token = members.clone();
        with_token["token"] = json!(self.token);
        [
            self.ask("POST", "/verify", JSON, &members.to_string())
                .await,
            self.test
                .post("/verify", JSON, with_token.to_string())
                .await,
        ]
    }
}

#[track_caller]
fn assert_refused(answers: &[Answer], name: &str) {
    for answer in answers {
        answer.assert_error(400, "invalid_request");
        let text = answer.text();
        assert!(text.contains(&format!("`{name}`")), "{text}");
        assert_eq!(answer.json()["success"], false);
    }
}

#[tokio::test]
async fn an_unknown_name_is_refused_in_the_query() {
    let scene = Scene::new().await;

    for name in UNKNOWN {
        for query in [
            format!("{name}=delete"),
            format!("{name}="),
            format!("scope=read&{name}=delete"),
            format!("{name}=delete&audience=https://tokens.test"),
        ] {
            assert_refused(&scene.ask_in_query(&query).await, name);
        }
    }
}

#[tokio::test]
async fn an_unknown_name_is_refused_in_a_form_wherever_the_token_is() {
    let scene = Scene::new().await;

    for name in UNKNOWN {
        for params in [format!("{name}=delete"), format!("scope=read&{name}=")] {
            assert_refused(&scene.ask_in_form(&params).await, name);
        }
    }
}

#[tokio::test]
async fn an_unknown_member_is_refused_in_json_whatever_its_type() {
    let scene = Scene::new().await;

    for name in UNKNOWN {
        for value in [
            json!("delete"),
            json!(""),
            json!(null),
            json!(1),
            json!(true),
            json!([]),
            json!(["delete"]),
            json!({}),
        ] {
            let members = json!({"scope": "read", name: value});
            assert_refused(&scene.ask_in_json(&members).await, name);
        }
    }
}

#[tokio::test]
async fn a_requirement_in_json_is_a_string() {
    let scene = Scene::new().await;

    for name in ["scope", "audience"] {
        for value in [
            json!(null),
            json!(1),
            json!([]),
            json!(["read"]),
            json!({"a": "read"}),
        ] {
            let answers = scene.ask_in_json(&json!({ name: value })).await;
            assert_refused(&answers, name);
        }
    }
}

#[tokio::test]
async fn an_unknown_name_is_refused_in_the_path() {
    let scene = Scene::new().await;

    for name in UNKNOWN.into_iter().chain(["token", "access_token"]) {
        for segment in [format!("{name}=read"), format!("scope=read&{name}=")] {
            let target = format!("/verify/requiring/{segment}/a");
            let answers = [
                scene.ask("GET", &target, FORM, "").await,
                scene.ask("POST", &target, FORM, "").await,
            ];
            assert_refused(&answers, name);
        }
    }
}

#[tokio::test]
async fn a_requirement_without_a_value_is_refused() {
    let scene = Scene::new().await;

    for params in EMPTY {
        let mut answers = Vec::from(scene.ask_in_query(params).await);
        answers.extend(scene.ask_in_form(params).await);
        let target = format!("/verify/requiring/{params}/a");
        answers.push(scene.ask("GET", &target, FORM, "").await);
        for answer in answers {
            answer.assert_error(400, "invalid_request");
            assert!(answer.text().contains("is empty"), "{}", answer.text());
        }
    }
    for name in ["scope", "audience"] {
        let answers = scene.ask_in_json(&json!({ name: "" })).await;
        assert_refused(&answers, name);
    }
}

#[tokio::test]
async fn a_requirement_is_there_once_in_query_and_body_together() {
    let scene = Scene::new().await;

    for (name, value) in [("scope", "read"), ("audience", "https://tokens.test")] {
        let once = format!("{name}={value}");
        let twice = format!("{once}&{once}");
        assert_refused(&scene.ask_in_query(&twice).await, name);
        assert_refused(&scene.ask_in_form(&twice).await, name);
        let target = format!("/verify?{once}");
        let json = json!({ name: value }).to_string();
        let json_twice = format!("{},{}", json.trim_end_matches('}'), &json[1..]);
        let spread = [
            scene.ask("POST", &target, FORM, &once).await,
            scene.ask("POST", &target, JSON, &json).await,
            scene.ask("POST", "/verify", JSON, &json_twice).await,
        ];
        assert_refused(&spread, name);
    }
}

#[tokio::test]
async fn requirements_in_the_body_count_wherever_the_token_is() {
    let scene = Scene::new().await;

    for (scope, audience, status) in [
        ("read", "https://tokens.test", 200),
        ("read delete", "https://tokens.test", 403),
        ("read", "https://other", 401),
    ] {
        let form = format!("scope={}&audience={audience}", scope.replace(' ', "+"));
        let members = json!({"scope": scope, "audience": audience});
        let mut answers = Vec::from(scene.ask_in_form(&form).await);
        answers.extend(scene.ask_in_json(&members).await);
        for answer in answers {
            assert_eq!(answer.status, status, "{form}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn requirements_of_query_and_body_hold_together() {
    let scene = Scene::new().await;

    let answer = scene.ask(
        "POST",
        "/verify?scope=read",
        FORM,
        "audience=https://tokens.test",
    );
    assert_eq!(answer.await.status, 200);
    let answer = scene.ask("POST", "/verify?scope=read", FORM, "audience=other");
    answer.await.assert_error(401, "invalid_token");
    let answer = scene.ask(
        "POST",
        "/verify?audience=https://tokens.test",
        FORM,
        "scope=delete",
    );
    answer.await.assert_error(403, "insufficient_scope");
}

#[tokio::test]
async fn a_body_of_another_type_is_refused_beside_a_token_in_the_header() {
    let scene = Scene::new().await;

    for content_type in ["text/plain", "multipart/form-data; boundary=x", ""] {
        let answer = scene
            .ask("POST", "/verify", content_type, "scope=delete")
            .await;
        answer.assert_error(415, "unsupported_media_type");
        let answer = scene.ask("POST", "/verify", content_type, "").await;
        assert_eq!(answer.status, 200, "{content_type}: {}", answer.text());
    }
    for body in ["[]", "[\"scope\",\"read\"]", "\"scope\"", "null", "{"] {
        let answer = scene.ask("POST", "/verify", JSON, body).await;
        answer.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_refused_requirement_is_named_without_its_value() {
    let scene = Scene::new().await;
    let value = "a-value-that-nobody-shows";

    for params in [
        format!("scopes={value}"),
        format!("scope={value}&scope={value}"),
        format!("scope=%22{value}"),
        format!("audience={value}%20b"),
    ] {
        let answers = scene.ask_in_query(&params).await;
        for answer in answers {
            answer.assert_error(400, "invalid_request");
            assert!(!answer.text().contains(value), "{}", answer.text());
        }
    }
    let long = "n".repeat(200);
    for answer in scene.ask_in_query(&format!("{long}=1")).await {
        answer.assert_error(400, "invalid_request");
        assert!(!answer.text().contains(&long[..50]), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_question_mark_alone_requires_nothing() {
    let scene = Scene::new().await;

    for answer in scene.ask_in_query("").await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
