//! What holds for every route: a loop over the list that the router itself is made from, and over the document.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use token_server::app::NewClient;
use token_server::domain::{Audience, Scope};
use token_server::http::{AdminApiRoute, AppState, admin_api_routes, admin_router};
use tower::ServiceExt;

use super::{AUDIENCE, EXPORT, ISSUERS, READ, ROBOT, Robot, WRITE, register, send, token};
use crate::harness::{Answer, TestApp, new_client};

fn routes() -> Vec<AdminApiRoute> {
    let routes = admin_api_routes();
    assert!(routes.len() > 18);
    routes
}

/// Asks for a route with a token, if there is one.
async fn ask(test: &TestApp, route: &AdminApiRoute, token: Option<&str>) -> Answer {
    let path = route.path.strip_prefix("/admin/api/v1").unwrap();
    let path = path
        .replace("{client_id}", "nobody")
        .replace("{secret_id}", "AAAAAAAA")
        .replace("{kid}", "none")
        .replace("{name}", "none");
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("if-match", "*")];
    if let Some(bearer) = &bearer {
        headers.push(("authorization", bearer));
    }
    // Nothing that any of them would do something with.
    let body = json!({"nonsense": 1});
    let body = (route.method != "GET").then_some(&body);
    send(test, route.method, &path, &headers, body).await
}

#[tokio::test]
async fn no_route_does_anything_without_a_token_or_with_one_that_is_no_good() {
    let test = TestApp::new().await;
    let secret = register(&test, ROBOT, "admin:read admin:write").await;
    let revoked = token(&test, ROBOT, &secret, "").await;
    let by = crate::harness::BY;
    test.app.tokens.revoke(by, &revoked).await.unwrap();

    for route in routes() {
        for (token, says) in [
            (None, false),
            (Some("guessed"), true),
            (Some(&*revoked), true),
        ] {
            let answer = ask(&test, &route, token).await;
            answer.assert_error(401, "invalid_token");
            let challenge = answer.header("www-authenticate");
            assert!(challenge.starts_with("Bearer "), "{route:?}");
            assert_eq!(challenge.contains("error="), says, "{route:?}");
        }
    }
}

/// Only `/verify` takes a token without a scheme.
#[tokio::test]
async fn a_token_without_a_scheme_counts_nowhere_but_at_verify() {
    let test = TestApp::new().await;
    let secret = register(&test, ROBOT, "admin:read admin:write").await;
    let token = token(&test, ROBOT, &secret, "").await;
    let bare = [("authorization", token.as_str())];
    assert_eq!(test.get_with("/verify", &bare).await.status, 200);

    let listed = send(&test, "GET", "/clients", &bare, None).await;
    let created = send(&test, "POST", "/clients", &bare, Some(&json!({}))).await;
    for answer in [listed, created] {
        answer.assert_error(401, "invalid_token");
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, r#"Bearer realm="token-server""#);
    }
    for path in ["/introspect", "/revoke"] {
        let answer = test.post_form_with(path, &[("token", &token)], &bare).await;
        answer.assert_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn each_route_needs_its_own_scope_and_no_other_will_do() {
    let test = TestApp::new().await;
    let scopes = "admin:export admin:issuers admin:read admin:reader admin:write other";
    let secret = register(&test, ROBOT, scopes).await;

    for scope in [READ, WRITE, EXPORT, ISSUERS, "other", "admin:reader"] {
        let token = token(&test, ROBOT, &secret, scope).await;
        for route in routes() {
            let answer = ask(&test, &route, Some(&token)).await;
            if route.scope == scope {
                assert!(![401, 403].contains(&answer.status), "{scope} {route:?}");
            } else {
                answer.assert_error(403, "insufficient_scope");
                let named = format!("scope=\"{}\"", route.scope);
                assert!(answer.header("www-authenticate").contains(&named));
            }
        }
    }
}

#[test]
fn what_changes_something_needs_the_scope_for_it() {
    for route in routes() {
        // A token to be looked at is in a body, not in a path.
        let only_reads = route.method == "GET"
            || route.path.ends_with("/tokens/inspect")
            || route.path.ends_with("/explain/assertion")
            || route.path.ends_with("/explain/exchange");
        let needed = match (only_reads, route.path.ends_with("/transfer/export")) {
            (_, true) => EXPORT,
            (true, false) => READ,
            (false, false) if route.path.contains("/issuers") => ISSUERS,
            (false, false) => WRITE,
        };
        assert_eq!(route.scope, needed, "{route:?}");
    }
}

/// Design, section 6: the admin API has an audience of its own.
#[tokio::test]
async fn a_token_for_another_audience_is_refused_the_servers_own_among_them() {
    let test = TestApp::new().await;
    let audiences = format!("https://other https://tokens.test https://tokens.test/ {AUDIENCE}/v1");
    let secret = test
        .register(NewClient {
            scopes: Scope::parse("admin:export admin:issuers admin:read admin:write").unwrap(),
            audiences: Audience::parse_list(&format!("{audiences} {AUDIENCE}")).unwrap(),
            ..new_client(ROBOT)
        })
        .await;
    let token = async |name, audience| {
        let credentials = [("client_id", ROBOT), ("client_secret", &*secret)];
        let form = [&credentials[..], &[(name, audience)]].concat();
        test.post_form("/authorize", &form).await.token()
    };

    for audience in audiences.split(' ') {
        let other = token("audience", audience).await;
        for route in routes() {
            let answer = ask(&test, &route, Some(&other)).await;
            answer.assert_error(401, "invalid_token");
            let told = answer.json()["error_description"].to_string();
            assert!(told.contains(&format!("`{AUDIENCE}`")), "{told}");
        }
    }
    for name in ["audience", "resource"] {
        let ours = token(name, AUDIENCE).await;
        for route in routes() {
            let answer = ask(&test, &route, Some(&ours)).await;
            assert!(![401, 403].contains(&answer.status), "{}", answer.text());
        }
    }
}

/// `AUDIENCE` is `ISSUER` by default.
#[tokio::test]
async fn a_token_for_the_default_audience_is_refused_whatever_its_scopes() {
    for settings in [&[][..], &[("AUDIENCE", "https://tokens.test")]] {
        let test = TestApp::with(settings).await;
        let new = NewClient {
            scopes: Scope::parse("admin:export admin:read admin:write").unwrap(),
            ..new_client(ROBOT)
        };
        let secret = test.register(new).await;
        let token = token(&test, ROBOT, &secret, "").await;
        assert_eq!(test.verify(&token).await.status, 200);
        for route in routes() {
            let answer = ask(&test, &route, Some(&token)).await;
            answer.assert_error(401, "invalid_token");
        }
        let explained = test.app.tokens.explain(ROBOT, None, None).await.unwrap();
        let remark =
            format!("The admin API refuses its tokens: `{AUDIENCE}` is not one of its audiences.");
        assert!(explained.remarks.contains(&remark), "{explained:?}");
    }
}

/// The audience gives no right, the scopes do.
#[tokio::test]
async fn a_client_with_the_audience_and_without_a_scope_gets_nothing() {
    let test = TestApp::new().await;
    let secret = register(&test, ROBOT, "read").await;
    let token = token(&test, ROBOT, &secret, "").await;
    for route in routes() {
        let answer = ask(&test, &route, Some(&token)).await;
        answer.assert_error(403, "insufficient_scope");
    }
}

#[tokio::test]
async fn the_document_has_the_same_routes_and_scopes() {
    let test = TestApp::new().await;
    let document = test.get("/openapi.json").await.json();
    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/admin/") {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let security = operation["security"].as_array().unwrap();
            assert_eq!(security.len(), 2, "{method} {path}");
            for way in security {
                let scopes: Vec<&Value> = way.as_object().unwrap().values().collect();
                described.push((method.to_uppercase(), path.clone(), scopes[0].clone()));
            }
            for status in ["401", "403", "503"] {
                assert!(
                    operation["responses"][status].is_object(),
                    "{method} {path}"
                );
            }
        }
    }
    described.dedup();

    let mut listed: Vec<(String, String, Value)> = routes()
        .into_iter()
        .map(|it| (it.method.to_owned(), it.path, json!([it.scope])))
        .collect();
    let order = |it: &(String, String, Value)| (it.1.clone(), it.0.clone());
    listed.sort_by_key(order);
    described.sort_by_key(order);

    assert_eq!(described, listed);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_answered_in_json() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    for path in ["", "/", "/v1", "/v1/", "/v1/nothing", "/v2/clients"] {
        let path = format!("/admin/api{path}");
        test.get(&path).await.assert_error(404, "not_found");
    }
    let answer = robot.send("PUT", "/clients/a", &[], None).await;
    answer.assert_error(405, "method_not_allowed");
    assert!(answer.header("allow").contains("PATCH"));
}

#[tokio::test]
async fn it_moves_and_goes_with_the_portal() {
    let off = TestApp::with(&[("ADMIN", "off")]).await;
    let moved = TestApp::with(&[("ADMIN_LISTEN", "127.0.0.1:0")]).await;
    let robot = Robot::new(&off).await;
    robot.get("/clients").await.assert_error(404, "not_found");
    let robot = Robot::new(&moved).await;
    robot.get("/clients").await.assert_error(404, "not_found");

    let own_address = admin_router(AppState::new(moved.app.clone()));
    let mut request = Request::get("/admin/api/v1/clients")
        .header("authorization", format!("Bearer {}", robot.token))
        .body(Body::empty())
        .unwrap();
    let source = std::net::SocketAddr::from(([192, 0, 2, 1], 50_000));
    let connected = axum::extract::ConnectInfo(source);
    request.extensions_mut().insert(connected);
    let answer = Answer::read(own_address.oneshot(request).await.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}
