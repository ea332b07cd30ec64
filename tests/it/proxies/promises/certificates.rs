//! Tokens that are bound to a certificate, which the caller shows to the proxy.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rcgen::{CertificateParams, SanType};
use token_server::domain::SenderConstraint;

use crate::harness::{Holder, Prover};
use crate::proxies::bound::{
    CertificateHolder, KeyHolder, certificate_bound, challenged, passed, rfc_9440, token,
};
use crate::proxies::scene::Scene;
use crate::proxies::scene::proxy::Proxy;

fn another() -> Holder {
    Holder::self_signed(&CertificateParams::default())
}

pub(in crate::proxies) async fn with_its_certificate_it_passes_also_on_resumed_sessions(
    proxy: &Proxy,
) {
    let caller = CertificateHolder::new(proxy).await;
    let (with, other) = (
        caller.scene.client_of(Some(&caller.holder)),
        caller.scene.client_of(Some(&another())),
    );
    let send = async |client: &reqwest::Client| {
        let request = caller.scene.request_by(client, "GET", "/invoices/7");
        request.bearer_auth(&caller.token).send().await.unwrap()
    };

    for _ in 0..3 {
        let arrived = passed(&caller.scene, &send(&with).await);
        assert_eq!(arrived.header("x-token-client-id"), ["billing"]);
        let challenge = challenged(&caller.scene, &send(&other).await, "Bearer");
        assert!(challenge.contains("another certificate"), "{challenge}");
    }
    let answer = caller.request(None).send().await.unwrap();
    let challenge = challenged(&caller.scene, &answer, "Bearer");
    assert!(
        challenge.contains("but the request has none"),
        "{challenge}"
    );
}

pub(in crate::proxies) async fn a_large_certificate_is_handed_on(proxy: &Proxy) {
    let mut params = CertificateParams::default();
    for n in 0..150 {
        let name = format!("host-{n}.billing.example.com");
        params
            .subject_alt_names
            .push(SanType::DnsName(name.try_into().unwrap()));
    }
    let caller = CertificateHolder::with(proxy, &params).await;
    assert!(caller.holder.der().len() > 4_000);

    let answer = caller.request(Some(&caller.holder)).send().await.unwrap();

    passed(&caller.scene, &answer);
}

pub(in crate::proxies) async fn a_callers_own_word_about_its_certificate_is_not_heard(
    proxy: &Proxy,
) {
    let caller = CertificateHolder::new(proxy).await;
    let (stolen, other) = (&caller.holder, another());
    let forms = [
        rfc_9440(stolen),
        STANDARD.encode(stolen.der()),
        utf8_percent_encode(&stolen.pem, NON_ALPHANUMERIC).to_string(),
    ];
    let name = proxy.certificate_header;
    let names = [
        vec![name],
        vec![name, name],
        vec![
            name,
            "client-cert",
            "client_cert",
            "x-forwarded-tls-client-cert",
        ],
        vec![
            "x_forwarded_tls_client_cert",
            "x-forwarded-client-cert",
            "x-ssl-cert",
        ],
    ];

    for holder in [None, Some(&other)] {
        for form in &forms {
            for (names, connection) in names.iter().flat_map(|it| [(it, "close"), (it, name)]) {
                let mut request = caller.scene.request_1_1("GET", "/").build().unwrap();
                for name in names {
                    let name: reqwest::header::HeaderName = name.parse().unwrap();
                    request.headers_mut().append(name, form.parse().unwrap());
                }
                let connection = connection.parse().unwrap();
                request.headers_mut().insert("connection", connection);
                let token = format!("Bearer {}", caller.token).parse().unwrap();
                request.headers_mut().insert("authorization", token);
                let client = caller.scene.http1_client_of(holder);
                let answer = client.execute(request).await.unwrap();
                challenged(&caller.scene, &answer, "Bearer");
            }
        }
    }
}

pub(in crate::proxies) async fn rubbish_in_its_place_harms_nobody(proxy: &Proxy) {
    let caller = CertificateHolder::new(proxy).await;

    for rubbish in [
        "rubbish",
        "",
        "::",
        ":AAAA:",
        "null",
        "%00",
        "\u{e9}",
        "-----BEGIN",
    ] {
        let request = caller.request(Some(&caller.holder));
        let request = request.header(proxy.certificate_header, rubbish);
        passed(&caller.scene, &request.send().await.unwrap());
    }
    let caller = KeyHolder::new(proxy, &[]).await;
    let proof = caller.proof("GET", "/");
    let request = caller.request("GET", "/", &[&proof]);
    let request = request.header(proxy.certificate_header, "rubbish");
    passed(&caller.scene, &request.send().await.unwrap());
}

pub(in crate::proxies) async fn bound_to_both_it_needs_both(proxy: &Proxy) {
    let (scene, test) = Scene::trusted(proxy, &[]).await;
    let (holder, prover) = (another(), Prover::new("ES256"));
    let constraint = SenderConstraint {
        dpop_bound_access_tokens: true,
        ..certificate_bound()
    };
    let proof = prover.prove("POST", "https://tokens.test/authorize");
    let certificate = rfc_9440(&holder);
    let headers = [
        (proxy.certificate_header, certificate.as_str()),
        ("dpop", &proof),
    ];
    let token = token(&test, constraint, &headers).await;
    let url = format!("{}/", scene.origin(proxy));
    let request = |holder: Option<&Holder>| {
        let client = scene.client_of(holder);
        let request = scene.request_by(&client, "GET", "/");
        request.header("authorization", format!("DPoP {token}"))
    };
    let proof = || prover.prove_with("GET", &url, &token);

    let both = request(Some(&holder)).header("dpop", proof());
    passed(&scene, &both.send().await.unwrap());
    challenged(
        &scene,
        &request(Some(&holder)).send().await.unwrap(),
        "DPoP",
    );
    let without = request(None).header("dpop", proof());
    challenged(&scene, &without.send().await.unwrap(), "DPoP");
}
