//! Requests that no library would send.

use crate::proxies::bound::{KeyHolder, challenged, passed};
use crate::proxies::scene::peers::SITE;
use crate::proxies::scene::proxy::Proxy;

/// What stands behind `Host`, and the request line before it, with `{proof}` for a proof of `GET /other`.
const HEADS: &[(&str, &str)] = &[
    ("/invoices", "DPoP: {proof}\r\nX-Forwarded-Uri: /other\r\n"),
    ("/invoices", "DPoP: {proof}\nX-Forwarded-Uri: /other\r\n"),
    ("/invoices", "DPoP: {proof}\rX-Forwarded-Uri: /other\r\n"),
    ("/invoices", "DPoP: {proof}\r\n X-Forwarded-Uri: /other\r\n"),
    ("/invoices", "DPoP: {proof}\0\r\n"),
    (
        "/invoices",
        "DPoP: {proof}%0d%0aX-Forwarded-Uri: /other\r\n",
    ),
    ("/invoices", "DPoP: {proof}\r\nX-Forwarded-Uri : /other\r\n"),
    (
        "/invoices",
        "DPoP: {proof}\r\nX-Forwarded-Uri\t: /other\r\n",
    ),
    (
        "/invoices",
        "DPoP: {proof}\r\nX-Forwarded-Uri\0: /other\r\n",
    ),
    (
        "/invoices",
        "DPoP: {proof}\r\nConnection: X-Forwarded-Uri\r\n",
    ),
    (
        "/invoices",
        "DPoP: {proof}\r\nX-HTTP-Method-Override: GET\r\nX-Original-URL: /other\r\n",
    ),
    (
        "/invoices%0d%0aX-Forwarded-Uri:%20/other",
        "DPoP: {proof}\r\n",
    ),
    ("/invoices%00/other", "DPoP: {proof}\r\n"),
    ("/other%00", "DPoP: {proof}\r\n"),
    ("/other%0a", "DPoP: {proof}\r\n"),
    ("/other%23x", "DPoP: {proof}\r\n"),
    ("/other%3Fx", "DPoP: {proof}\r\n"),
    ("/other#x", "DPoP: {proof}\r\n"),
    ("/other;x", "DPoP: {proof}\r\n"),
    ("/other/", "DPoP: {proof}\r\n"),
    ("/other/.%2e/invoices", "DPoP: {proof}\r\n"),
    ("/OTHER", "DPoP: {proof}\r\n"),
    ("/%zz/other", "DPoP: {proof}\r\n"),
    ("/invoices\\..\\other", "DPoP: {proof}\r\n"),
    ("\\other", "DPoP: {proof}\r\n"),
    ("other", "DPoP: {proof}\r\n"),
    ("//other", "DPoP: {proof}\r\n"),
    ("//invoices.example.com/other", "DPoP: {proof}\r\n"),
    ("/https://invoices.example.com/other", "DPoP: {proof}\r\n"),
    ("@invoices.example.com/other", "DPoP: {proof}\r\n"),
    (":443/other", "DPoP: {proof}\r\n"),
    (
        "https://invoices.example.com/invoices#/other",
        "DPoP: {proof}\r\n",
    ),
    (
        "https://invoices.example.com@evil.example/invoices",
        "DPoP: {proof}\r\n",
    ),
    ("https://invoices.example.com/invoices", "DPoP: {proof}\r\n"),
    ("*", "DPoP: {proof}\r\n"),
    ("", "DPoP: {proof}\r\n"),
];

pub(in crate::proxies) async fn no_trick_in_a_head_makes_a_proof_good_for_another_path(
    proxy: &Proxy,
) {
    let caller = KeyHolder::new(proxy, &[]).await;
    let host = caller.origin.strip_prefix("https://").unwrap();

    for (target, fields) in HEADS {
        let fields = fields.replace("{proof}", &caller.proof("GET", "/other"));
        let target = target.replace(SITE, host);
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: {}\r\n{fields}\r\n",
            caller.authorization()
        );
        let answer = caller.scene.send_bytes(head.as_bytes()).await;
        let arrived = caller.scene.arrived();
        if proxy.merges_slashes && target == "//other" {
            assert_eq!(arrived[0].target, "/other");
            continue;
        }
        assert!(arrived.is_empty(), "{head}{arrived:?}");
        assert!(!answer.contains("served"), "{head}{answer}");
    }
    let proof = caller.proof("GET", "/other");
    let answer = caller.request("GET", "/other", &[&proof]).send().await;
    passed(&caller.scene, &answer.unwrap());
}

pub(in crate::proxies) async fn an_oversized_proof_is_refused_and_nothing_else_harmed(
    proxy: &Proxy,
) {
    let caller = KeyHolder::new(proxy, &[]).await;

    for length in [5_000, 9_000, 13_000, 20_000, 70_000] {
        let proof = caller.proof("GET", "/") + &"A".repeat(length);
        // A connection that is closed on the way is a refusal as well.
        if let Ok(answer) = caller.request("GET", "/", &[&proof]).send().await {
            let status = answer.status();
            assert!(!status.is_success(), "{length}: {status}");
        }
        assert!(caller.scene.arrived().is_empty(), "{length}");
    }
    let proof = caller.proof("GET", "/") + &"A".repeat(5_000);
    let answer = caller.request("GET", "/", &[&proof]).send().await.unwrap();
    challenged(&caller.scene, &answer, "DPoP");
    let proof = caller.proof("GET", "/");
    let answer = caller.request("GET", "/", &[&proof]).send().await.unwrap();
    passed(&caller.scene, &answer);
}
