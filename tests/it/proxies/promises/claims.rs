//! Claims as large as `/verify` gives them, beside requests as large as the proxy takes them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::harness::TestApp;
use crate::proxies::scene::proxy::Proxy;
use crate::proxies::scene::{AUDIENCE, SCOPE, Scene, token_with};

/// `MAX_CLAIM_HEADERS`, unless it is set.
const LIMIT: usize = 2_048;

/// Metadata whose headers in the examples take as much as they may, or just more.
fn metadata(over: bool) -> String {
    let with = |padding: usize| json!({"tenant": "acme", "x": "x".repeat(padding)}).to_string();
    let size = |metadata: &str| {
        let metadata = URL_SAFE_NO_PAD.encode(metadata);
        let lines = ["x-token-claim-tenant: acme\r\n", "x-token-metadata: \r\n"];
        lines.concat().len() + metadata.len()
    };
    let padding = (0..LIMIT).take_while(|padding| size(&with(*padding)) <= LIMIT);
    let most = padding.last().unwrap();
    assert!(size(&with(most)) > LIMIT - 4);
    with(most + usize::from(over))
}

/// Nearly as many scopes as a client may have.
fn scopes() -> String {
    let many: Vec<String> = (0..90).map(|n| format!("invoices.{n:0>12}")).collect();
    format!("{} {SCOPE}", many.join(" "))
}

async fn largest_token(test: &TestApp) -> String {
    token_with(test, "billing", &scopes(), AUDIENCE, &metadata(false)).await
}

/// Asserts that every header arrived, and whole.
#[track_caller]
fn assert_whole(scene: &Scene, what: &str) {
    let arrived = scene.arrived();
    assert_eq!(arrived.len(), 1, "{what}");
    let expected = URL_SAFE_NO_PAD.encode(metadata(false));
    assert_eq!(arrived[0].header("x-token-metadata"), [expected], "{what}");
    assert_eq!(
        arrived[0].header("x-token-claim-tenant"),
        ["acme"],
        "{what}"
    );
    let scope = arrived[0].header("x-token-scope");
    assert_eq!(scope.len(), 1, "{what}");
    assert_eq!(scope[0].split(' ').count(), 91, "{what}");
    for name in ["client-id", "audience", "expires"] {
        let name = format!("x-token-{name}");
        assert_eq!(arrived[0].header(&name).len(), 1, "{what}: {name}");
    }
}

pub(in crate::proxies) async fn claims_at_the_limit_arrive_whole(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let token = largest_token(&test).await;

    let answer = scene.get(&token).await;

    assert_eq!(answer.status(), 200);
    assert_whole(&scene, "a small request");
}

pub(in crate::proxies) async fn claims_over_the_limit_are_refused(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let token = token_with(&test, "billing", SCOPE, AUDIENCE, &metadata(true)).await;

    let answer = scene.get(&token).await;

    assert_eq!(answer.status(), 403);
    assert!(scene.arrived().is_empty());
}

pub(in crate::proxies) async fn a_token_without_the_claim_is_refused(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let token = token_with(&test, "billing", SCOPE, AUDIENCE, r#"{"Tenant":"acme"}"#).await;

    let answer = scene.get(&token).await;

    assert_eq!(answer.status(), 403);
    assert!(scene.arrived().is_empty());
}

/// Where there is no room for the headers, the request must not arrive without them.
pub(in crate::proxies) async fn beside_a_large_head_all_of_them_arrive_or_nothing(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let token = largest_token(&test).await;

    let mut passed = 0;
    for lines in (0..40).chain([60, 100]) {
        let mut request = scene.request_1_1("GET", "/").bearer_auth(&token);
        for n in 0..lines {
            request = request.header(format!("x-filler-{n}"), "x".repeat(1_000));
        }
        let status = request.send().await.map(|answer| answer.status().as_u16());
        if status.as_ref().is_ok_and(|status| *status == 200) {
            passed += 1;
            assert_whole(&scene, &format!("{lines} KB"));
        } else {
            let arrived = scene.arrived();
            assert!(arrived.is_empty(), "{lines} KB: {status:?}");
        }
    }
    assert!(passed > 4, "{passed}");
}
