//! The listener without TLS, for proxies that end it: what is asked there is answered as over TLS.

use tempfile::TempDir;
use token_server::app::{NewAdmin, NewPassword};
use token_server::domain::{AdminName, AdminRole};
use tokio::net::UnixStream;

use crate::harness::{
    BY, CLIENT, Prover, ServedPlain, TestApp, exchange, form, plain_request as request,
};
use crate::metrics::Operator;

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

/// A header's value; empty when it is not there.
fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut found = lines.filter(|(theirs, _)| *theirs == name);
    found.next().map_or("", |(_, value)| value)
}

fn credentials(secret: &str) -> String {
    form(&[("client_id", CLIENT), ("client_secret", secret)])
}

fn token_of(answer: &str) -> String {
    let (_, behind) = answer.split_once("\"token\":\"").unwrap();
    behind.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_gets_a_token_and_a_microservice_its_claims() {
    let served = ServedPlain::start(&[]).await;
    let secret = served.test.client().await;

    let answer = served
        .send(&request("POST /authorize", &[], &credentials(&secret)))
        .await;
    let bearer = format!("Bearer {}", token_of(&answer));
    let verified = served
        .send(&request("GET /verify", &[("authorization", &bearer)], ""))
        .await;

    assert_eq!((status(&answer), status(&verified)), ("200", "200"));
    assert!(
        verified.contains("\"iss\":\"https://tokens.test\""),
        "{verified}"
    );
    assert!(verified.contains(CLIENT), "{verified}");
}

#[tokio::test]
async fn challenges_and_hsts_are_those_of_tls() {
    let served = ServedPlain::start(&[]).await;
    let test = TestApp::new().await;
    let html = [("accept", "text/html"), ("host", "tokens.test")];
    for (target, headers) in [("GET /verify", &[][..]), ("GET /", &html[..1])] {
        let plain = served.send(&request(target, headers, "")).await;
        let path = target.split_once(' ').unwrap().1;
        let over_tls = test.get_with(path, &html).await;
        for name in [
            "www-authenticate",
            "strict-transport-security",
            "cache-control",
        ] {
            assert_eq!(
                header(&plain, name),
                over_tls.header(name),
                "{target} {name}"
            );
        }
    }
    let challenge = served.send(&request("GET /verify", &[], "")).await;
    assert!(header(&challenge, "www-authenticate").starts_with("Bearer"));
    let home = served.send(&request("GET /", &html[..1], "")).await;
    assert_eq!(
        header(&home, "strict-transport-security"),
        "max-age=31536000"
    );
}

#[tokio::test]
async fn a_proof_is_for_the_url_below_issuer_whatever_a_header_says_of_the_scheme() {
    let trust = ("TRUSTED_PROXIES", "127.0.0.1");
    for settings in [&[][..], &[trust]] {
        let served = ServedPlain::start(settings).await;
        let secret = served.test.client().await;
        let prover = Prover::new("ES256");
        for (uri, expected) in [
            ("https://tokens.test/authorize", "200"),
            ("http://tokens.test/authorize", "400"),
        ] {
            for scheme in ["https", "http"] {
                let proof = prover.prove("POST", uri);
                let headers = [
                    ("dpop", proof.as_str()),
                    ("x-forwarded-proto", scheme),
                    ("x-forwarded-host", "evil.test"),
                    ("forwarded", "proto=http;host=evil.test"),
                ];
                let asked = request("POST /authorize", &headers, &credentials(&secret));
                let answer = served.send(&asked).await;
                assert_eq!(status(&answer), expected, "{uri} {scheme}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn the_metadata_names_urls_of_issuer_alone() {
    let served = ServedPlain::start(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let headers = [
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "evil.test"),
    ];
    let asked = request("GET /.well-known/oauth-authorization-server", &headers, "");
    let answer = served.send(&asked).await;

    assert!(
        answer.contains("\"token_endpoint\":\"https://tokens.test/token\""),
        "{answer}"
    );
    assert!(
        !answer.contains("http://") && !answer.contains("evil"),
        "{answer}"
    );
}

#[tokio::test]
async fn portal_and_admin_api_are_there_only_when_asked_for() {
    const PATHS: [&str; 4] = ["/admin", "/admin/login", "/admin/api/v1/clients", "/admin/"];
    let without = ServedPlain::start(&[]).await;
    let with = ServedPlain::start(&[("PLAIN_ADMIN", "on")]).await;
    let off = ServedPlain::start(&[("PLAIN_ADMIN", "on"), ("ADMIN", "off")]).await;
    for path in PATHS {
        let asked = request(&format!("GET {path}"), &[], "");
        assert_eq!(status(&without.send(&asked).await), "404", "{path}");
        assert_ne!(status(&with.send(&asked).await), "404", "{path}");
        assert_eq!(status(&off.send(&asked).await), "404", "{path}");
    }
    let page = with.send(&request("GET /admin/login", &[], "")).await;
    assert_eq!(
        header(&page, "strict-transport-security"),
        "max-age=31536000"
    );
}

#[tokio::test]
async fn the_cookie_of_a_session_is_for_https_and_so_is_the_origin_of_a_form() {
    let served = ServedPlain::start(&[("PLAIN_ADMIN", "on")]).await;
    let new = NewAdmin {
        name: AdminName::parse("olga").unwrap(),
        role: AdminRole::Owner,
    };
    let admins = &served.test.app.admins;
    let made = admins.create(BY, new, NewPassword::MadeToKeep).await;
    let (_, password) = made.unwrap();
    let fields = form(&[("name", "olga"), ("password", password.expose())]);
    let log_in = async |origin: &str| {
        let headers = [("origin", origin), ("x-forwarded-proto", "http")];
        let asked = request("POST /admin/login", &headers, &fields);
        served.send(&asked).await
    };

    let logged_in = log_in("https://tokens.test").await;
    assert_eq!(status(&logged_in), "303", "{logged_in}");
    let cookie = header(&logged_in, "set-cookie");
    assert!(
        cookie.starts_with("__Host-") && cookie.contains("; Secure"),
        "{cookie}"
    );
    assert_eq!(status(&log_in("http://tokens.test").await), "403");
}

#[tokio::test]
async fn where_other_machines_can_connect_only_proxies_are_answered() {
    let settings = [
        ("TRUSTED_PROXIES", "127.0.0.2"),
        ("PLAIN_LISTEN", "0.0.0.0:8080"),
    ];
    let served = ServedPlain::for_proxies(&settings).await;
    let asked = request("GET /healthz", &[], "");

    assert_eq!(status(&served.send_from(2, &asked).await), "200");
    for _ in 0..2 {
        assert_eq!(served.send_from(3, &asked).await, "");
    }
    let page = Operator::of(&served.test).page().await;
    let refused = "proxy_headers_refused_total{listener=\"plain\",reason=\"untrusted\"}";
    assert_eq!(page.get(refused), 2);
}

#[tokio::test]
async fn over_a_unix_socket_the_caller_is_whom_the_proxy_names() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("plain.sock");
    let settings = [
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("CLIENT_ADDRESS_FROM", "x-forwarded-for"),
        ("THROTTLE_SOURCE_FAILURES", "1"),
    ];
    let served = ServedPlain::at(&path, &settings).await;
    let secret = served.test.client().await;
    let ask = async |from: &str, secret: &str| {
        let headers = [("x-forwarded-for", from)];
        let stream = UnixStream::connect(&path).await.unwrap();
        let asked = request("POST /authorize", &headers, &credentials(secret));
        status(&exchange(stream, &asked).await).to_owned()
    };

    assert_eq!(ask("192.0.2.1", "wrong").await, "401");
    assert_eq!(ask("192.0.2.1", &secret).await, "429");
    assert_eq!(ask("192.0.2.2", &secret).await, "200");

    served.stop.cancel();
    served.serving.await.unwrap().unwrap();
    assert!(UnixStream::connect(&path).await.is_err());
}

#[tokio::test]
async fn a_client_whose_tokens_are_bound_to_a_certificate_is_refused_with_the_reason() {
    let served = ServedPlain::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
    let secret = served.test.certificate_bound_client().await;

    // What a header says counts for nothing, since nobody is trusted.
    let headers = [("client-cert", ":AAAA:")];
    let answer = served
        .send(&request("POST /authorize", &headers, &credentials(&secret)))
        .await;

    assert_eq!(status(&answer), "400", "{answer}");
    assert!(answer.contains("bound to its certificate"), "{answer}");
}

#[tokio::test]
async fn requests_in_flight_end_when_the_server_stops_and_none_is_taken_after() {
    let served = ServedPlain::start(&[]).await;
    let address = served.address;
    assert_eq!(
        status(&served.send(&request("GET /healthz", &[], "")).await),
        "200"
    );

    served.stop.cancel();
    served.serving.await.unwrap().unwrap();

    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
