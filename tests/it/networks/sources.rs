//! Whose address counts: that of the connection, or of a trusted balancer's header, and nothing that a caller writes.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;

use super::client_in;
use crate::harness::{CLIENT, Served, TestApp, form, proxy_header};

#[tokio::test]
async fn no_header_of_a_request_says_where_a_client_is() {
    let trust = [("TRUSTED_PROXIES", "192.0.2.1")];
    for settings in [&trust[..], &[]] {
        let test = TestApp::with(settings).await;
        let secret = client_in(&test, "10.0.0.0/8").await;
        let fields = [("client_id", CLIENT), ("client_secret", secret.as_str())];
        let ask = async |source: &str, told: &str| {
            let request = Request::post("/authorize")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("x-forwarded-for", told)
                .header("x-real-ip", told)
                .header("forwarded", format!("for={told}"))
                .body(Body::from(form(&fields)));
            test.call_from(source, request.unwrap()).await.status
        };
        assert_eq!(ask("192.0.2.1", "10.0.0.1").await, 401);
        assert_eq!(ask("10.0.0.1", "192.0.2.1").await, 200);
    }
}

#[tokio::test]
async fn behind_a_balancer_the_address_of_its_header_counts() {
    let settings = [
        ("PROXY_PROTOCOL", "required"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let served = Served::start(&settings).await;
    let secret = client_in(&served.test, "198.51.100.8/30").await;

    let body = form(&[("client_id", CLIENT), ("client_secret", &secret)]);
    for (last, status) in [(9, "200"), (12, "401"), (11, "200"), (7, "401")] {
        let answer = served.log_in_behind(&proxy_header(last), &body).await;
        let line = answer.lines().next().unwrap_or_default();
        assert!(line.contains(status), "{last}: {line}");
    }
}

/// Where the tests call from, and another trusted proxy.
const PROXIES: (&str, &str) = ("TRUSTED_PROXIES", "192.0.2.1 203.0.113.0/24");
const FORWARDED_FOR: (&str, &str) = ("CLIENT_ADDRESS_FROM", "x-forwarded-for");
const FORWARDED: (&str, &str) = ("CLIENT_ADDRESS_FROM", "forwarded");

fn login(secret: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let fields = [("client_id", CLIENT), ("client_secret", secret)];
    let mut request =
        Request::post("/authorize").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer = SocketAddr::from(([192, 0, 2, 1], 50_000));
    let request = request.extension(ConnectInfo(peer));
    request.body(Body::from(form(&fields))).unwrap()
}

#[tokio::test]
async fn behind_a_proxy_the_address_that_it_tells_counts() {
    for (setting, header, prefix) in [
        (FORWARDED_FOR, "x-forwarded-for", ""),
        (FORWARDED, "forwarded", "for="),
    ] {
        let test = TestApp::with(&[PROXIES, setting]).await;
        let secret = client_in(&test, "10.0.0.0/8").await;
        for (lines, status) in [
            (&["10.0.0.1"][..], 200),
            (&["11.0.0.1"], 401),
            // What stands left of the proxy's own word is its caller's.
            (&["10.0.0.1", "11.0.0.1"], 401),
            (&["11.0.0.1", "10.0.0.1"], 200),
            (&["10.0.0.1", "203.0.113.7"], 200),
            (&["11.0.0.1", "203.0.113.7"], 401),
        ] {
            let lines: Vec<_> = lines.iter().map(|it| format!("{prefix}{it}")).collect();
            let lines: Vec<_> = lines.iter().map(|it| (header, it.as_str())).collect();
            let answer = test.call(login(&secret, &lines)).await;
            assert_eq!(answer.status, status, "{lines:?}");
        }
    }
}

#[tokio::test]
async fn the_header_that_is_not_chosen_means_nothing() {
    let test = TestApp::with(&[PROXIES, FORWARDED_FOR]).await;
    let secret = client_in(&test, "10.0.0.0/8").await;
    let headers = [
        ("forwarded", "for=11.0.0.1"),
        ("x-real-ip", "11.0.0.1"),
        ("x-forwarded-for", "10.0.0.1"),
    ];
    assert_eq!(test.call(login(&secret, &headers)).await.status, 200);
}

#[tokio::test]
async fn what_anybody_else_says_of_its_address_is_ignored() {
    for (setting, header) in [(FORWARDED_FOR, "x-forwarded-for"), (FORWARDED, "forwarded")] {
        let test = TestApp::with(&[PROXIES, setting]).await;
        let secret = client_in(&test, "10.0.0.0/8").await;
        for told in ["11.0.0.1", "for=11.0.0.1", "nonsense", ""] {
            let asked = login(&secret, &[(header, told)]);
            assert_eq!(
                test.call_from("10.0.0.1", asked).await.status,
                200,
                "{told}"
            );
            let asked = login(&secret, &[(header, "10.0.0.1")]);
            assert_eq!(test.call_from("11.0.0.1", asked).await.status, 401);
        }
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_name_its_caller_gets_400_on_every_route_but_the_probes() {
    for (setting, header) in [(FORWARDED_FOR, "x-forwarded-for"), (FORWARDED, "forwarded")] {
        let test = TestApp::with(&[PROXIES, setting]).await;
        let secret = test.client().await;
        let token = test.call_from("10.0.0.1", login(&secret, &[])).await.json();
        let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
        for told in [&[][..], &["nonsense"], &["unknown"], &[""]] {
            for path in [
                "/",
                "/verify",
                "/verify/requiring/scope=read/x",
                "/.well-known/jwks.json",
                "/.well-known/oauth-authorization-server",
                "/openapi.json",
                "/admin/login",
                "/admin/assets/portal.css",
                "/admin/api/v1/clients",
                "/nowhere",
            ] {
                let headers = told.iter().map(|told| (header, *told));
                let headers: Vec<_> = headers.chain([("authorization", &*bearer)]).collect();
                let answer = test.get_with(path, &headers).await;
                assert_eq!(answer.status, 400, "{path} {told:?}");
                assert!(answer.text().to_lowercase().contains(header), "{path}");
            }
            let headers: Vec<_> = told.iter().map(|told| (header, *told)).collect();
            let answer = test.call_both(|| login(&secret, &headers)).await;
            answer.assert_error(400, "invalid_request");
            for probe in ["/healthz", "/readyz"] {
                assert_eq!(test.get_with(probe, &headers).await.status, 200, "{probe}");
            }
        }
    }
}

#[tokio::test]
async fn failures_are_counted_for_the_address_that_the_proxy_tells() {
    let settings = [PROXIES, FORWARDED_FOR, ("THROTTLE_SOURCE_FAILURES", "1")];
    let test = TestApp::with(&settings).await;
    let secret = test.client().await;
    let ask = async |from: &str, secret: &str| {
        let asked = login(secret, &[("x-forwarded-for", from)]);
        test.call(asked).await.status
    };

    assert_eq!(ask("198.51.100.1", "wrong").await, 401);
    assert_eq!(ask("198.51.100.1", &secret).await, 429);
    assert_eq!(ask("198.51.100.2", &secret).await, 200);
}
