//! How large a request's head may be: the limits in `docs/call-chains.md`, which are the proxies' own unless the example sets
//! another.

use std::process::Command;

use axum::http::StatusCode;

use crate::proxies::scene::Scene;
use crate::proxies::scene::peers::Recorder;
use crate::proxies::scene::proxy::Proxy;

/// The service's own limit, which is that of its HTTP library.
const SERVICE: usize = 400 * 1024;

/// How much more Go's HTTP library takes than it is told.
const GO: usize = 4 * 1024;

fn caddy_version() -> Vec<u32> {
    let said = Command::new("caddy").arg("version").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let numbers = said.split(|c: char| !c.is_ascii_digit());
    let numbers = numbers.filter(|number| !number.is_empty()).take(3);
    numbers.map(|number| number.parse().unwrap()).collect()
}

/// The largest header and the largest head that a proxy takes, in bytes.
fn limits(proxy: &Proxy) -> [usize; 2] {
    match proxy.program {
        "nginx" => [8 * 1024, 4 * 8 * 1024],
        // `tune.bufsize` less `tune.maxrewrite`, as they are in the example.
        "haproxy" => [24 * 1024; 2],
        "caddy" if caddy_version()[..] >= [2, 11, 5][..] => [16 * 1024 + GO; 2],
        "caddy" | "traefik" => [1024 * 1024 + GO; 2],
        "envoy" => [60 * 1024; 2],
        other => panic!("{other}"),
    }
}

/// A head of so many bytes, in so many long lines.
fn head(origin: &str, bytes: usize, lines: usize) -> String {
    let host = origin.strip_prefix("https://").unwrap();
    let mut head = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer x\r\n"
    );
    let left = bytes - head.len() - 2;
    for n in 0..lines {
        let name = format!("x-filler-{n}: ");
        let value = "x".repeat(left / lines - name.len() - 2);
        head.extend([&*name, &*value, "\r\n"]);
    }
    head + "\r\n"
}

pub(in crate::proxies) async fn a_head_may_be_as_large_as_documented(proxy: &Proxy) {
    let token_server = Recorder::new(|_| StatusCode::OK);
    let scene = Scene::with_token_server(proxy, token_server.router()).await;
    let origin = scene.origin(proxy);

    let [header, whole] = limits(proxy);
    for (limit, lines) in [(header, 1), (whole, 8)] {
        let margin = limit / 32;
        let below = head(&origin, limit - margin, lines);
        let answer = scene.send_bytes(below.as_bytes()).await;
        assert_eq!(token_server.take().len(), 1, "{limit}: {answer}");
        assert_eq!(
            answer.contains("served"),
            limit < SERVICE,
            "{limit}: {answer}"
        );

        let above = head(&origin, limit + margin, lines);
        let answer = scene.send_bytes(above.as_bytes()).await;
        assert!(token_server.take().is_empty(), "{limit}: {answer}");
        assert!(!answer.contains("served"), "{limit}: {answer}");
    }
}
