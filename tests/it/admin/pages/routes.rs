//! What holds for every route of the portal: a loop over the list that the router itself is made from.

use axum::body::Body;
use axum::http::{Method, Request};
use token_server::domain::AdminRole;
use token_server::http::{Access, AdminRoute, AppState, admin_router, admin_routes};
use tower::ServiceExt;

use crate::admin::{Browser, HOST, portal, portal_with};
use crate::harness::TestApp;

fn routes(test: &TestApp) -> Vec<AdminRoute> {
    let routes = admin_routes(&AppState::new(test.app.clone()));
    assert!(routes.len() > 20);
    routes
}

fn path(route: &AdminRoute) -> String {
    let path = route.path.replace("{name}", "vera");
    let path = path.replace("{client_id}", "nobody");
    let path = path.replace("{kid}", "none");
    let path = path.replace("{secret_id}", "Njw3dnX6");
    let path = path.replace("{identity}", "0123456789abcdef");
    path.replace("{session_id}", "0123456789abcdef")
}

/// Asks for a route as a page of the portal would, without a form's token.
async fn ask(browser: &mut Browser<'_>, route: &AdminRoute) -> crate::harness::Answer {
    match route.method {
        "GET" => browser.get(&path(route)).await,
        _ => browser.post_as_is(&path(route), &[]).await,
    }
}

#[tokio::test]
async fn no_route_gives_anything_without_a_session() {
    let test = portal().await;
    for route in routes(&test) {
        if route.access == Access::Anyone {
            continue;
        }
        for cookie in [None, Some("__Host-token-server-admin=guessed".to_owned())] {
            let mut browser = Browser {
                cookie,
                ..Browser::new(&test)
            };
            let answer = ask(&mut browser, &route).await;
            assert_eq!(answer.status, 303, "{route:?}");
            assert!(answer.header("location").starts_with("/admin/login"));
            assert_eq!(answer.text(), "");
        }
    }
}

#[tokio::test]
async fn each_route_refuses_every_role_below_its_own() {
    let test = portal().await;
    for (who, role) in [("vera", AdminRole::Viewer), ("omar", AdminRole::Operator)] {
        let mut browser = Browser::of(&test, who).await;
        for route in routes(&test) {
            let Access::Role(needed) = route.access else {
                continue;
            };
            let answer = ask(&mut browser, &route).await;
            if role < needed {
                assert_eq!(answer.status, 403, "{who} {route:?}");
                assert!(answer.text().contains("admins with the role"), "{route:?}");
            } else {
                assert!(!answer.text().contains("admins with the role"), "{route:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_route_goes_on_before_the_login_is_complete() {
    let test = portal_with(&[]).await;
    let mut browser = Browser::of(&test, "olga").await;

    for route in routes(&test) {
        if matches!(route.access, Access::Role(_)) {
            let answer = ask(&mut browser, &route).await;
            assert_eq!(answer.status, 303, "{route:?}");
            assert_eq!(answer.header("location"), "/admin/account/second-factor");
        }
    }
}

#[tokio::test]
async fn every_form_needs_the_token_of_its_session() {
    let test = portal().await;
    let mut browser = Browser::of(&test, "olga").await;
    let other = Browser::of(&test, "olga").await.csrf_token().await;
    for route in routes(&test) {
        if route.method != "POST" || route.access == Access::Anyone {
            continue;
        }
        for fields in [&[][..], &[("csrf", "")], &[("csrf", other.as_str())]] {
            let answer = browser.post_as_is(&path(&route), fields).await;
            assert_eq!(answer.status, 403, "{route:?}");
            assert!(answer.text().contains("another session"), "{route:?}");
        }
    }
    assert_eq!(browser.get("/admin/").await.status, 200);
}

#[tokio::test]
async fn what_another_site_sends_is_refused_even_with_everything_else_right() {
    let test = portal().await;
    let mut browser = Browser::of(&test, "olga").await;
    let token = browser.csrf_token().await;
    let ours = format!("https://{HOST}");
    for route in routes(&test).iter().filter(|it| it.method == "POST") {
        for headers in [
            vec![],
            vec![("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "none")],
            vec![("origin", "https://evil.test")],
            vec![("origin", "null")],
            vec![("sec-fetch-site", "cross-site"), ("origin", ours.as_str())],
            vec![
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://evil.test"),
            ],
        ] {
            let mut request = Request::post(path(route))
                .header("content-type", "application/x-www-form-urlencoded");
            for (name, value) in &headers {
                request = request.header(*name, *value);
            }
            let body = Body::from(format!("csrf={token}"));
            let answer = browser.send(request.body(body).unwrap()).await;
            assert_eq!(answer.status, 403, "{route:?} {headers:?}");
            assert!(answer.text().contains("did not come from a page"));
        }
    }
}

#[tokio::test]
async fn every_answer_keeps_to_itself() {
    let test = portal().await;
    let mut browser = Browser::of(&test, "olga").await;
    let mut answers = vec![browser.get("/admin/nowhere").await];
    for route in routes(&test) {
        answers.push(ask(&mut browser, &route).await);
        answers.push(ask(&mut Browser::new(&test), &route).await);
    }

    for answer in answers {
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"));
        assert!(policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store");
        let html = answer.text();
        for inline in ["<style", " style=", " onclick=", "javascript:"] {
            assert!(!html.contains(inline), "{inline}: {html}");
        }
    }
}

#[tokio::test]
async fn the_portal_can_be_off_and_can_have_an_address_of_its_own() {
    let off = TestApp::with(&[("ADMIN", "off")]).await;
    let moved = TestApp::with(&[("ADMIN_LISTEN", "127.0.0.1:0")]).await;

    for test in [&off, &moved] {
        for path in ["/admin", "/admin/", "/admin/login"] {
            test.get(path).await.assert_error(404, "not_found");
        }
        assert_eq!(test.get("/healthz").await.status, 200);
    }
    let portal = admin_router(AppState::new(moved.app.clone()));
    let ask = async |path: &str| {
        let request = Request::builder().method(Method::GET).uri(path);
        let request = request.body(Body::empty()).unwrap();
        portal
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(ask("/admin/login").await, 200);
    assert_eq!(ask("/authorize").await, 404);
}
