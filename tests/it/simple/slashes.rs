//! Public paths with a slash at their end: some proxies and libraries add one, and a redirect would lose the body of a POST.

use crate::harness::{CLIENT, Prover, TestApp};
use crate::metrics::Operator;

#[tokio::test]
async fn every_public_route_is_served_with_a_slash_at_its_end() {
    let test = TestApp::with(&[
        ("SIGNING_ALG", "ES256"),
        ("AUTHORIZATION_ENDPOINT", "true"),
        ("ISSUER", "https://tokens.test/eu"),
    ])
    .await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let userinfo = format!("{CLIENT}:{secret}");
    let grant = ("grant_type", "client_credentials");
    let params = [grant, ("token", &*token)];

    for path in ["/authorize", "/token", "/introspect", "/revoke"] {
        let answer = test
            .post_basic(&format!("{path}/"), &userinfo, &params)
            .await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let token = test.token(&secret).await;
    let bearer = format!("Bearer {token}");
    for path in ["/verify/", "/verify/?scope=read"] {
        let answer = test.get_with(path, &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let verified = test.post_form("/verify/", &[("token", &token)]).await;
    assert_eq!(verified.status, 200, "{}", verified.text());
    let refused = test
        .get_with("/verify/?scope=delete", &[("authorization", &bearer)])
        .await;
    refused.assert_error(403, "insufficient_scope");
    let refused = test
        .get_with("/verify/?scopes=read", &[("authorization", &bearer)])
        .await;
    refused.assert_error(400, "invalid_request");
    for path in [
        "/.well-known/jwks.json/",
        "/.well-known/oauth-authorization-server/",
        "/.well-known/openid-configuration/",
        "/.well-known/oauth-authorization-server/eu/",
        "/.well-known/openid-configuration/eu/",
        "/healthz/",
        "/readyz/",
        "/openapi.json/",
    ] {
        let (with, without) = (
            test.get(path).await,
            test.get(path.trim_end_matches('/')).await,
        );
        assert_eq!((with.status, with.text()), (200, without.text()), "{path}");
    }
    assert_eq!(test.get("/oauth2/authorize/").await.status, 400);
    for path in [
        "/authorize//",
        "//authorize",
        "/verify//",
        "/nothing/",
        "/admin/api/v1/clients/",
    ] {
        assert_eq!(test.get(path).await.status, 404, "{path}");
    }
}

/// The proof is of the URL to which the request went.
#[tokio::test]
async fn a_dpop_proof_is_of_the_path_with_its_slash() {
    let test = TestApp::new().await;
    let (secret, prover) = (test.client().await, Prover::new("ES256"));
    let params = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", secret.as_str()),
    ];
    for (path, url, is_good) in [
        ("/token/", "https://tokens.test/token/", true),
        ("/token/", "https://tokens.test/token", false),
        ("/token", "https://tokens.test/token/", false),
        ("/authorize/", "https://tokens.test/authorize/", true),
    ] {
        let proof = prover.prove("POST", url);
        let answer = test
            .post_form_with(path, &params, &[("dpop", &proof)])
            .await;
        assert_eq!(
            answer.status == 200,
            is_good,
            "{path} {url}: {}",
            answer.text()
        );
        assert_ne!(answer.header("dpop-nonce"), "", "{path}");
    }
}

#[tokio::test]
async fn with_a_slash_it_is_counted_as_the_same_route() {
    let test = TestApp::new().await;
    let operator = Operator::of(&test);
    for path in ["/verify/", "/verify", "/authorize/"] {
        test.post_form(path, &[]).await;
    }
    let page = operator.page().await;
    for (route, count) in [("/verify", 2), ("/authorize", 1)] {
        let series = format!("http_requests_total{{route=\"{route}\",code=\"4xx\"}}");
        assert_eq!(page.get(&series), count, "{route}");
        let slashed = format!("http_requests_in_flight{{route=\"{route}/\"}}");
        assert_eq!(page.find(&slashed), None);
    }
}
