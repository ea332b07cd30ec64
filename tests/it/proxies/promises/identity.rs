//! What the service gets to see of a request that passed: it all, and who sent it, from nobody but `/verify`.

use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::harness::NOW;
use crate::proxies::scene::peers::Recorder;
use crate::proxies::scene::proxy::{Proxy, Removes};
use crate::proxies::scene::{AUDIENCE, METADATA, Scene, good_token};

const IDENTITY: [&str; 7] = [
    "x-token-client-id",
    "x-token-scope",
    "x-token-audience",
    "x-token-expires",
    "x-token-claim-tenant",
    "x-token-metadata",
    "x-token-subject",
];

/// Empty for a token of no exchange, and then nginx leaves it out.
const ACTOR: &str = "x-token-actor";

/// The same with underscores, which some services (CGI, WSGI) take for hyphens.
const LOOKALIKES: [&str; 5] = [
    "x_token_client_id",
    "X-Token_Scope",
    "x_token-audience",
    "x-token-claim_tenant",
    "x_token_metadata",
];

/// Names that a later token-server may write, or another configuration asks for.
const OTHERS: [&str; 2] = ["x-token-claim-plan", "x-token-anything"];

pub(in crate::proxies) async fn a_good_token_passes_and_its_identity_arrives(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let token = good_token(&test).await;

    for (method, target) in [
        ("GET", "/invoices/7?page=2&scope=x&tag=a&tag=b&audience=%ff"),
        ("GET", "/"),
        ("DELETE", "/invoices/7"),
        ("OPTIONS", "/invoices"),
    ] {
        let request = scene.request(method, target).bearer_auth(&token);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{method} {target}");
        assert_eq!(answer.text().await.unwrap(), "served");

        let [arrived] = &scene.arrived()[..] else {
            panic!("{method} {target} arrived otherwise than once");
        };
        assert_eq!((&*arrived.method, &*arrived.target), (method, target));
        assert_eq!(arrived.header("authorization"), [format!("Bearer {token}")]);
        assert_eq!(arrived.header("x-token-client-id"), ["billing"]);
        let scope = "invoices.read invoices.write";
        assert_eq!(arrived.header("x-token-scope"), [scope]);
        assert_eq!(arrived.header("x-token-audience"), [AUDIENCE]);
        let expires = (NOW.0 + 3600).to_string();
        assert_eq!(arrived.header("x-token-expires"), [expires]);
        assert_eq!(arrived.header("x-token-claim-tenant"), ["acme"]);
        let metadata = URL_SAFE_NO_PAD.encode(METADATA);
        assert_eq!(arrived.header("x-token-metadata"), [metadata]);
        assert_eq!(arrived.header("x-token-subject"), ["billing"]);
        assert!(matches!(arrived.header(ACTOR)[..], [] | [""]));
    }
}

/// With every name that a service might take for one of ours.
fn forge(mut request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    for name in IDENTITY.iter().chain(&LOOKALIKES).chain(&[ACTOR]) {
        request = request.header(*name, "forged").header(*name, "twice");
    }
    request.header("X-TOKEN-SCOPE", "forged")
}

pub(in crate::proxies) async fn forged_identity_headers_do_not_arrive(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let token = good_token(&test).await;

    let request = forge(scene.request("GET", "/")).bearer_auth(token);
    let answer = request.send().await.unwrap();

    assert_eq!(answer.status(), 200);
    let arrived = scene.arrived();
    assert_eq!(arrived[0].header("x-token-client-id"), ["billing"]);
    assert_eq!(arrived[0].header("x-token-audience"), [AUDIENCE]);
    let forged = arrived[0].headers.iter();
    let forged: Vec<_> = forged
        .filter(|(_, value)| value.contains("forged") || value.contains("twice"))
        .collect();
    assert!(forged.is_empty(), "{forged:?}");
}

/// Also those that `/verify` was not asked for: a service may read them in another configuration.
pub(in crate::proxies) async fn no_header_of_that_kind_arrives_that_verify_did_not_give(
    proxy: &Proxy,
) {
    let (scene, test) = Scene::new(proxy).await;
    let token = good_token(&test).await;
    let others = OTHERS.iter().filter(|name| {
        // What nginx removes stands in its configuration name by name.
        proxy.removes == Removes::Pattern || ["x-token-subject", "x-token-actor"].contains(*name)
    });

    let request = scene.request("GET", "/").bearer_auth(token);
    let request = others.fold(request, |request, name| request.header(*name, "forged"));
    let answer = request.send().await.unwrap();

    assert_eq!(answer.status(), 200);
    let arrived = scene.arrived();
    let forged = arrived[0].headers.iter();
    let forged: Vec<_> = forged.filter(|(_, value)| value == "forged").collect();
    assert!(forged.is_empty(), "{forged:?}");
}

pub(in crate::proxies) async fn forged_identity_headers_do_not_arrive_when_the_answer_has_none(
    proxy: &Proxy,
) {
    let token_server = Recorder::new(|_| StatusCode::OK);
    let scene = Scene::with_token_server(proxy, token_server.router()).await;

    let request = forge(scene.request("GET", "/")).bearer_auth("x");
    let answer = request.send().await.unwrap();

    assert_eq!(answer.status(), 200);
    let arrived = scene.arrived();
    for (name, value) in &arrived[0].headers {
        if name.replace('_', "-").starts_with("x-token-") {
            // Caddy 2.6 sets the name of the value that it did not find.
            assert!(
                value.is_empty() || value.starts_with("{http."),
                "{name}: {value}"
            );
        }
    }
}

/// `Connection` names headers that are for the next hop only: a proxy takes them out, and must not be brought to
/// take out what it was to add.
pub(in crate::proxies) async fn a_caller_cannot_have_identity_headers_taken_out(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let token = good_token(&test).await;

    let request = scene.request_1_1("GET", "/").bearer_auth(token);
    let names = format!("close, {}", IDENTITY.join(", "));
    let answer = request.header("connection", names).send().await.unwrap();

    let arrived = scene.arrived();
    assert_eq!(arrived.is_empty(), answer.status() != 200);
    for name in arrived.iter().flat_map(|_| IDENTITY) {
        assert_eq!(arrived[0].header(name).len(), 1, "{name}");
    }
}

pub(in crate::proxies) async fn of_two_tokens_only_the_verified_one_arrives(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let good = format!("Bearer {}", good_token(&test).await);
    let other = "Bearer another";

    for [first, second] in [[&*good, other], [other, &*good]] {
        let request = scene
            .request("GET", "/")
            .header(AUTHORIZATION, first)
            .header(AUTHORIZATION, second);
        let status = request.send().await.unwrap().status().as_u16();

        match &scene.arrived()[..] {
            [] => assert!(matches!(status, 400 | 401), "{status}"),
            arrived => assert_eq!(arrived[0].header("authorization"), [&good]),
        }
    }
}
