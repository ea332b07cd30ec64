//! Bodies as libraries write them: charsets that they name without looking at the text, marks of byte order, members of JSON that
//! nobody here knows, and lists.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use token_server::app::NewClient;
use token_server::domain::{Audience, Scope};

use crate::harness::{Answer, CLIENT, TestApp, form, new_client};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A service with a client that may ask for several audiences, and a token of it.
struct Scene {
    test: TestApp,
    secret: String,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let test = TestApp::new().await;
        let new = NewClient {
            scopes: Scope::parse("read write").unwrap(),
            audiences: Audience::parse_list("https://a.test https://b.test").unwrap(),
            ..new_client(CLIENT)
        };
        let secret = test.register(new).await;
        let token = test.token(&secret).await;
        Self {
            test,
            secret,
            token,
        }
    }

    /// Whatever each endpoint needs.
    fn params(&self) -> [(&'static str, &str); 4] {
        [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("client_secret", &self.secret),
            ("token", &self.token),
        ]
    }

    fn form(&self) -> String {
        form(&self.params())
    }

    /// The same as JSON, with more members.
    fn json(&self, more: &Value) -> String {
        let mut object = json!({});
        for (name, value) in self.params() {
            object[name] = json!(value);
        }
        for (name, value) in more.as_object().unwrap() {
            object[name] = value.clone();
        }
        object.to_string()
    }

    async fn ask(&self, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        self.test.post(path, content_type, body).await
    }

    async fn claims(&self, answer: &Answer) -> Value {
        let json = answer.json();
        let token = json.get("access_token").or(json.get("token"));
        let token = token.unwrap_or_else(|| panic!("{json}")).as_str().unwrap();
        self.test.verify(token).await.json()
    }
}

/// In this order: the last one takes the token.
const ENDPOINTS: [&str; 4] = ["/token", "/authorize", "/introspect", "/revoke"];

#[tokio::test]
async fn a_charset_in_which_ascii_is_ascii_is_read_as_utf_8_at_every_endpoint() {
    let scene = Scene::new().await;
    for charset in [
        "ISO-8859-1",
        "utf8",
        "\"UTF-8\"",
        "us-ascii",
        "windows-1252",
        "",
    ] {
        for path in ENDPOINTS {
            let as_form = format!("{FORM}; charset={charset}");
            let answer = scene.ask(path, &as_form, scene.form()).await;
            assert_eq!(answer.status, 200, "{path} {charset}: {}", answer.text());
            let as_json = format!("{JSON};charset={charset}");
            let answer = scene.ask(path, &as_json, scene.json(&json!({}))).await;
            assert_eq!(answer.status, 200, "{path} {charset}: {}", answer.text());
        }
        let token = scene.test.token(&scene.secret).await;
        let body = form(&[("token", &token)]);
        let answer = scene
            .ask("/verify", &format!("{FORM};charset={charset}"), body)
            .await;
        assert_eq!(answer.status, 200, "{charset}: {}", answer.text());
    }
}

#[tokio::test]
async fn another_charset_is_refused_before_anything_is_read() {
    let scene = Scene::new().await;
    for charset in ["utf-16", "UTF-16LE", "utf-7", "ibm037"] {
        for path in ENDPOINTS.into_iter().chain(["/verify"]) {
            for essence in [FORM, JSON] {
                let content_type = format!("{essence}; charset={charset}");
                let answer = scene.ask(path, &content_type, "{}").await;
                answer.assert_error(415, "unsupported_media_type");
            }
        }
    }
}

/// Latin-1 in which somebody wrote more than ASCII is another text as UTF-8, or none.
#[tokio::test]
async fn bytes_that_are_not_utf_8_are_400_and_the_parameter_is_named() {
    let scene = Scene::new().await;
    for path in ENDPOINTS.into_iter().chain(["/verify"]) {
        for (content_type, body) in [
            (FORM, &b"grant_type=client_credentials&scope=\xfc"[..]),
            (FORM, b"scope=%FC&token=a"),
            (JSON, b"{\"token\":\"a\",\"scope\":\"\xfc\"}"),
        ] {
            let latin = format!("{content_type}; charset=iso-8859-1");
            let answer = scene.ask(path, &latin, body.to_vec()).await;
            answer.assert_error(400, "invalid_request");
            let text = answer.text();
            assert!(text.contains("`scope` is not UTF-8"), "{path}: {text}");
        }
    }
    let bearer = format!("Bearer {}", scene.token);
    let in_query = "/verify?audience=%FC";
    let answer = scene
        .test
        .get_with(in_query, &[("authorization", &bearer)])
        .await;
    answer.assert_error(400, "invalid_request");
    assert!(answer.text().contains("`audience` is not UTF-8"));
    let path = "/verify/requiring/scope=%FC/a";
    let answer = scene
        .test
        .get_with(path, &[("authorization", &bearer)])
        .await;
    answer.assert_error(400, "invalid_request");
    assert!(answer.text().contains("`scope` is not UTF-8"));
}

#[tokio::test]
async fn a_mark_of_byte_order_before_the_body_is_skipped() {
    let scene = Scene::new().await;
    for path in ["/token", "/authorize", "/introspect"] {
        for (content_type, body) in [(FORM, scene.form()), (JSON, scene.json(&json!({})))] {
            let marked = [MARK, body.as_bytes()].concat();
            let answer = scene.ask(path, content_type, marked).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
    let token = json!({"token": scene.token}).to_string();
    let marked = [MARK, token.as_bytes()].concat();
    let answer = scene.ask("/verify", JSON, marked).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // Twice, or elsewhere, it is a character of the text.
    for body in [
        [MARK, MARK, token.as_bytes()].concat(),
        [token.as_bytes(), MARK].concat(),
    ] {
        let answer = scene.ask("/verify", JSON, body).await;
        answer.assert_error(400, "invalid_request");
    }
}

/// What `serde`'s neighbours, mobile SDKs and API explorers put beside what is asked for.
#[tokio::test]
async fn members_that_an_oauth_endpoint_does_not_know_are_ignored_whatever_their_type() {
    let scene = Scene::new().await;
    let more = json!({
        "number": 1, "fraction": 1.5, "yes": true, "nothing": null, "list": ["a", {"b": []}], "object": {"$ne": "x"},
        "Scope": 1, "scopes": ["admin"],
    });
    for path in ENDPOINTS {
        let answer = scene.ask(path, JSON, scene.json(&more)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    // Each name is there once all the same.
    for path in ENDPOINTS {
        let twice = scene
            .json(&json!({}))
            .replacen('{', r#"{"x":1,"x":[2],"#, 1);
        let answer = scene.ask(path, JSON, twice).await;
        answer.assert_error(400, "invalid_request");
    }
    for (name, value) in more.as_object().unwrap() {
        let token = scene.test.token(&scene.secret).await;
        let body = json!({"token": token, name: value}).to_string();
        let answer = scene.ask("/verify", JSON, body).await;
        answer.assert_error(400, "invalid_request");
        assert!(
            answer.text().contains(&format!("`{name}`")),
            "{}",
            answer.text()
        );
    }
}

/// What an endpoint knows is a string: taken for absent, `{"scope": {"$ne": ""}}` would ask for all there is.
#[tokio::test]
async fn a_member_that_an_endpoint_documents_is_never_ignored_for_its_type() {
    let scene = Scene::new().await;
    let document = scene.test.get("/openapi.json").await.json();
    for path in ENDPOINTS {
        let content = &document["paths"][path]["post"]["requestBody"]["content"][JSON];
        let mut names = Vec::new();
        collect(&document, &content["schema"], &mut names);
        assert!(names.len() > 4, "{path}: {names:?}");
        for name in names {
            for value in [
                json!(1),
                json!(false),
                json!({"a": "b"}),
                json!([1]),
                json!([["a"]]),
            ] {
                let body = scene.json(&json!({ &name: value }));
                let answer = scene.ask(path, JSON, body).await;
                answer.assert_error(400, "invalid_request");
                let text = answer.text();
                assert!(text.contains(&format!("`{name}`")), "{path} {name}: {text}");
            }
        }
    }
}

/// The names of the properties of a schema and of those that it is put together from.
fn collect(document: &Value, schema: &Value, names: &mut Vec<String>) {
    if let Some(pointer) = schema["$ref"].as_str() {
        let target = document.pointer(pointer.trim_start_matches('#')).unwrap();
        return collect(document, target, names);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(document, part, names);
    }
    let properties = schema["properties"].as_object().into_iter().flatten();
    names.extend(properties.map(|(name, _)| name.clone()));
}

#[tokio::test]
async fn scope_audience_and_resource_may_be_lists() {
    let scene = Scene::new().await;
    let both = json!(["https://a.test", "https://b.test"]);
    for path in ["/token", "/authorize"] {
        for (more, claim, expected) in [
            (
                json!({"scope": ["write", "read"]}),
                "scope",
                json!("read write"),
            ),
            (json!({"scope": ["read"]}), "scope", json!("read")),
            (
                json!({"scope": ["write read", ""]}),
                "scope",
                json!("read write"),
            ),
            (json!({"scope": []}), "scope", json!("read write")),
            (json!({ "audience": both }), "aud", both.clone()),
            (json!({ "resource": both }), "aud", both.clone()),
            (
                json!({"audience": ["https://b.test"]}),
                "aud",
                json!("https://b.test"),
            ),
            (
                json!({"audience": "https://b.test https://a.test"}),
                "aud",
                json!(["https://b.test", "https://a.test"]),
            ),
            (
                json!({"audience": ["https://b.test"], "resource": ["https://a.test"]}),
                "aud",
                json!(["https://b.test", "https://a.test"]),
            ),
            (json!({"audience": []}), "aud", json!("https://a.test")),
        ] {
            let answer = scene.ask(path, JSON, scene.json(&more)).await;
            let claims = scene.claims(&answer).await;
            assert_eq!(claims[claim], expected, "{path} {more}");
        }
        for (more, code) in [
            (json!({"scope": ["read", "delete"]}), "invalid_scope"),
            (json!({"scope": ["\""]}), "invalid_scope"),
            (
                json!({"audience": ["https://a.test", "https://c.test"]}),
                "invalid_target",
            ),
            (json!({"audience": [" "]}), "invalid_target"),
            (json!({"scope": ["read", null]}), "invalid_request"),
            (json!({"scope": ["a\u{0}"]}), "invalid_request"),
            (
                json!({"grant_type": ["client_credentials"]}),
                "invalid_request",
            ),
            (json!({"client_id": [CLIENT]}), "invalid_request"),
        ] {
            let answer = scene.ask(path, JSON, scene.json(&more)).await;
            answer.assert_error(400, code);
        }
    }
}

/// Microservices ask about one audience: which of several would have to be the token's?
#[tokio::test]
async fn at_verify_an_audience_is_one_string() {
    let scene = Scene::new().await;
    let bearer = format!("Bearer {}", scene.token);
    for query in [
        "audience=https://a.test&audience=https://a.test",
        "audience=https://a.test+https://b.test",
        "audience=https://a.test%20",
    ] {
        let path = format!("/verify?{query}");
        let answer = scene
            .test
            .get_with(&path, &[("authorization", &bearer)])
            .await;
        answer.assert_error(400, "invalid_request");
    }
    for audience in [json!(["https://a.test"]), json!([]), json!(1)] {
        let body = json!({"token": scene.token, "audience": audience}).to_string();
        let answer = scene.ask("/verify", JSON, body).await;
        answer.assert_error(400, "invalid_request");
        assert!(answer.text().contains("`audience`"), "{}", answer.text());
    }
}

/// The admin API reads its JSON in the same way.
#[tokio::test]
async fn the_admin_api_skips_the_mark_and_reads_every_such_charset() {
    let test = TestApp::new().await;
    let robot = crate::admin_api::Robot::new(&test).await;
    for (id, content_type) in [
        ("a", "application/json; charset=utf8"),
        ("b", "application/json;charset=ISO-8859-1"),
    ] {
        let body = [MARK, json!({ "client_id": id }).to_string().as_bytes()].concat();
        let request = Request::post("/admin/api/v1/clients")
            .header("content-type", content_type)
            .header("authorization", robot.authorization());
        let answer = test.call(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, 201, "{content_type}: {}", answer.text());
    }
}

/// The portal reads its forms by the same reader, and knows what is in each of them.
#[tokio::test]
async fn the_portal_refuses_values_that_are_no_text() {
    let test = crate::admin::portal_with(&[("ADMIN_SECOND_FACTOR", "optional")]).await;
    for member in ["name", "password", "next", "x"] {
        let mut body = json!({"name": "olga", "password": "a"});
        body[member] = json!(1);
        let request = Request::post("/admin/login")
            .header("host", "portal.test")
            .header("origin", "https://portal.test")
            .header("sec-fetch-site", "same-origin")
            .header("content-type", JSON);
        let request = request.body(Body::from(body.to_string())).unwrap();
        let answer = test.call(request).await;
        assert_eq!(answer.status, 400, "{member}: {}", answer.text());
    }
}
