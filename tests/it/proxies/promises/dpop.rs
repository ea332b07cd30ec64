//! Tokens that are bound to a key: their proofs have to be of the request that the caller sent to the proxy.

use crate::harness::{Prover, proof_claims, with_token};
use crate::proxies::bound::{KeyHolder, challenged, passed};
use crate::proxies::scene::peers::SITE;
use crate::proxies::scene::proxy::Proxy;

const PATH: &str = "/invoices/7";

/// Every name under which a proxy might tell which request it is about, or a caller pretend to be one.
const TOLD: [(&str, &str); 11] = [
    ("x-forwarded-method", "POST"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-uri", "/forged"),
    ("x_forwarded_uri", "/forged"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-original-method", "POST"),
    ("x-original-uri", "/forged"),
    ("x-original-url", "https://evil.example/forged"),
    ("x-rewrite-url", "/forged"),
    ("forwarded", "for=127.0.0.1;host=evil.example;proto=https"),
];

pub(in crate::proxies) async fn with_a_good_proof_it_passes(proxy: &Proxy) {
    let caller = KeyHolder::new(proxy, &[]).await;

    for (method, path, query) in [
        ("GET", "/invoices/7", "?page=2&scope=x&audience=%ff"),
        ("GET", "/", ""),
        ("POST", "/invoices", ""),
        ("DELETE", "/a%2Fb/c%20d", "?x=https://evil.example/"),
        ("OPTIONS", "//evil.example/x", ""),
        ("PUT", "/https://evil.example/x", ""),
    ] {
        if path.contains("//") && proxy.merges_slashes {
            continue;
        }
        let (proof, target) = (caller.proof(method, path), format!("{path}{query}"));
        let answer = caller.request(method, &target, &[&proof]).send().await;
        let answer = answer.unwrap();

        let arrived = passed(&caller.scene, &answer);
        assert_eq!((&*arrived.method, &arrived.target), (method, &target));
        assert_eq!(arrived.header("authorization"), [caller.authorization()]);
        assert_eq!(arrived.header("dpop"), [proof]);
        assert_eq!(arrived.header("x-token-client-id"), ["billing"]);
        let nonces = answer.headers().get_all("dpop-nonce").iter().count();
        assert_eq!(nonces, usize::from(proxy.hands_on_nonces));
    }
}

pub(in crate::proxies) async fn a_proof_is_good_once(proxy: &Proxy) {
    let caller = KeyHolder::new(proxy, &[]).await;
    let proof = caller.proof("GET", PATH);
    let send = async || caller.request("GET", PATH, &[&proof]).send().await.unwrap();

    passed(&caller.scene, &send().await);

    for _ in 0..2 {
        let challenge = challenged(&caller.scene, &send().await, "DPoP");
        assert!(challenge.contains("used before"), "{challenge}");
    }
    let proof = caller.proof("GET", PATH);
    let at_once = (0..8).map(|_| caller.request("GET", PATH, &[&proof]).send());
    let answers = futures_util::future::join_all(at_once).await;
    let statuses = answers.into_iter().map(|answer| answer.unwrap().status());
    assert_eq!(statuses.filter(|status| *status == 200).count(), 1);
    assert_eq!(caller.scene.arrived().len(), 1);
}

pub(in crate::proxies) async fn a_proof_of_something_else_is_refused(proxy: &Proxy) {
    let caller = KeyHolder::new(proxy, &[]).await;
    let prove = |method: &str, url: &str| caller.prover.prove_with(method, url, &caller.token);
    let url = format!("{}{PATH}", caller.origin);

    for proof in [
        caller.proof("POST", PATH),
        caller.proof("get", PATH),
        caller.proof("GET", "/invoices/8"),
        caller.proof("GET", "/invoices/7/"),
        caller.proof("GET", "/"),
        prove("GET", &format!("https://evil.example{PATH}")),
        prove("GET", &url.replace("https", "http")),
        prove("GET", "https://token-server.internal/verify"),
        prove("GET", "https://tokens.test/verify"),
        caller.prover.prove_with("GET", &url, "another token"),
        caller.prover.prove("GET", &url),
        "rubbish".to_owned(),
    ] {
        let request = caller.request("GET", PATH, &[&proof]);
        let challenge = challenged(&caller.scene, &request.send().await.unwrap(), "DPoP");
        assert!(challenge.contains("invalid_dpop_proof"), "{challenge}");
    }
}

pub(in crate::proxies) async fn the_nonce_reaches_the_caller(proxy: &Proxy) {
    let caller = KeyHolder::new(proxy, &[]).await;
    let url = format!("{}{PATH}", caller.origin);
    let proof = |nonce: &str| {
        let mut claims = with_token(proof_claims("GET", &url), &caller.token);
        claims["nonce"] = nonce.into();
        caller.prover.sign(&claims)
    };

    let over = caller.request("GET", PATH, &[&proof("made up")]);
    let answer = over.send().await.unwrap();

    let challenge = challenged(&caller.scene, &answer, "DPoP");
    assert!(
        challenge.contains(r#"error="use_dpop_nonce""#),
        "{challenge}"
    );
    let nonces: Vec<_> = answer.headers().get_all("dpop-nonce").iter().collect();
    assert_eq!(nonces.len(), 1, "{nonces:?}");
    let new = proof(nonces[0].to_str().unwrap());
    let answer = caller.request("GET", PATH, &[&new]).send().await.unwrap();
    passed(&caller.scene, &answer);
}

pub(in crate::proxies) async fn a_callers_own_word_about_its_request_is_not_heard(proxy: &Proxy) {
    let caller = KeyHolder::new(proxy, &[]).await;
    let url = "https://evil.example/forged";
    let names = TOLD.map(|(name, _)| name).join(", ");
    let forged = |request: reqwest::RequestBuilder| {
        let add = |request: reqwest::RequestBuilder, (name, value): &(&str, &str)| {
            request.header(*name, *value)
        };
        TOLD.iter().fold(request, add)
    };

    // Told once, told twice, and with what the proxy adds to be taken out as meant for itself.
    for (twice, hop_by_hop) in [(false, false), (true, false), (false, true), (true, true)] {
        for (method, url) in [
            ("POST", url),
            ("GET", &*format!("{}/forged", caller.origin)),
        ] {
            let proof = caller.prover.prove_with(method, url, &caller.token);
            let mut request = forged(caller.scene.request_1_1("GET", PATH));
            if twice {
                request = forged(request);
            }
            if hop_by_hop {
                request = request.header("connection", format!("close, {names}"));
            }
            let request = request.header("dpop", proof);
            let request = request.header("authorization", caller.authorization());
            let answer = request.send().await.unwrap();
            if answer.status() == 400 {
                assert!(caller.scene.arrived().is_empty());
            } else {
                challenged(&caller.scene, &answer, "DPoP");
            }
        }
    }
    // Nor does it harm.
    let proof = caller.proof("GET", PATH);
    let request = forged(forged(caller.request("GET", PATH, &[&proof])));
    passed(&caller.scene, &request.send().await.unwrap());
}

/// Else a service to which a caller sends token and proof could use them here, under its own name.
pub(in crate::proxies) async fn a_proof_for_another_host_is_refused_whatever_host_is_named(
    proxy: &Proxy,
) {
    let caller = KeyHolder::new(proxy, &[]).await;
    let lured = [
        "evil.example",
        "evil.example:443",
        "invoices.example.com.evil.example",
    ];

    for host in lured {
        let url = format!("https://{host}{PATH}");
        for target in [PATH, &url] {
            for named in [host, SITE] {
                let proof = caller.prover.prove_with("GET", &url, &caller.token);
                let head = format!(
                    "GET {target} HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n\
                     Authorization: {}\r\nDPoP: {proof}\r\n\r\n",
                    caller.authorization()
                );
                let answer = caller.scene.send_bytes(head.as_bytes()).await;
                let arrived = caller.scene.arrived();
                assert!(arrived.is_empty(), "{head}{arrived:?}");
                assert!(!answer.contains("served"), "{head}{answer}");
            }
        }
    }
}

/// RFC 9449 §4.3 wants a refusal. Where a proxy knows of one header only, that one is what the service gets.
pub(in crate::proxies) async fn of_two_proofs_only_the_verified_one_arrives(proxy: &Proxy) {
    let caller = KeyHolder::new(proxy, &[]).await;
    let other = Prover::new("ES256");

    for good_comes_first in [true, false] {
        let good = caller.proof("GET", PATH);
        let url = format!("{}{PATH}", caller.origin);
        let another = other.prove_with("GET", &url, &caller.token);
        for second in [&*another, "rubbish", &*caller.proof("GET", PATH)] {
            let proofs = if good_comes_first {
                [&*good, second]
            } else {
                [second, &*good]
            };
            let answer = caller.request("GET", PATH, &proofs).send().await.unwrap();
            match &caller.scene.arrived()[..] {
                [] => assert!(matches!(answer.status().as_u16(), 400 | 401)),
                [arrived] => assert_eq!(arrived.header("dpop"), [proofs[0]]),
                more => panic!("{more:?}"),
            }
        }
    }
}
