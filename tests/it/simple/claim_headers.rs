//! The headers in which `/verify` tells a proxy the claims that it asks for.

use axum::http::HeaderName;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json as value};
use token_server::app::NewClient;
use token_server::base::json;
use token_server::domain::Metadata;

use crate::harness::{Answer, CLIENT, Log, TestApp, new_client};

const METADATA: &str = r#"{"tenant":"acme","plan_id":7,"beta":true,"rates":[1.5,2],"city":"Zürich","note":"","none":null,"sub":"other"}"#;

/// A token of a client with this metadata.
async fn token(test: &TestApp, id: &str, metadata: &str) -> String {
    let new = NewClient {
        metadata: Metadata::parse(metadata).unwrap(),
        ..new_client(id)
    };
    let secret = test.register(new).await;
    let answer = test.authorize(id, &secret).await.json();
    answer["token"].as_str().unwrap().to_owned()
}

async fn get(test: &TestApp, token: &str, target: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    test.get_with(target, &[("authorization", &bearer)]).await
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    let value = answer.headers.get(name)?;
    Some(value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn claims_that_are_asked_for_are_headers() {
    let test = TestApp::new().await;
    let token = token(&test, "billing", METADATA).await;

    let answer = get(
        &test,
        &token,
        "/verify?claims=tenant,plan_id,beta,rates,city,note&metadata=true",
    )
    .await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    for (name, value) in [
        ("x-token-claim-tenant", "acme"),
        ("x-token-claim-plan-id", "7"),
        ("x-token-claim-beta", "true"),
        ("x-token-claim-rates", "[1.5,2]"),
        ("x-token-claim-city", "b64:WsO8cmljaA"),
        ("x-token-claim-note", "b64:"),
        ("x-token-client-id", "billing"),
    ] {
        assert_eq!(header(&answer, name).as_deref(), Some(value), "{name}");
    }
    let metadata = header(&answer, "x-token-metadata").unwrap();
    let metadata = URL_SAFE_NO_PAD.decode(metadata).unwrap();
    assert_eq!(std::str::from_utf8(&metadata), Ok(METADATA));
    assert_eq!(answer.json()["metadata"]["tenant"], "acme");
}

#[tokio::test]
async fn what_is_not_asked_for_is_no_header() {
    let test = TestApp::new().await;
    let token = token(&test, "billing", METADATA).await;

    for (target, expected) in [
        ("/verify", vec![]),
        ("/verify?claims=beta", vec!["x-token-claim-beta"]),
        ("/verify?metadata=true", vec!["x-token-metadata"]),
    ] {
        let answer = get(&test, &token, target).await;
        let names = answer.headers.keys().map(HeaderName::as_str);
        let names: Vec<&str> = names
            .filter(|name| name.starts_with("x-token-claim-") || *name == "x-token-metadata")
            .collect();
        assert_eq!(names, expected, "{target}");
    }
}

#[tokio::test]
async fn the_names_of_a_tokens_own_claims_mean_those() {
    let test = TestApp::new().await;
    let token = token(&test, "billing", METADATA).await;

    let answer = get(&test, &token, "/verify?claims=sub,jti,exp,metadata").await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    let claims = answer.json();
    assert_eq!(
        header(&answer, "x-token-claim-sub").as_deref(),
        Some("billing")
    );
    for name in ["jti", "exp"] {
        let value = header(&answer, &format!("x-token-claim-{name}")).unwrap();
        let claim = &claims[name];
        let claim = claim.as_str().map_or(claim.to_string(), str::to_owned);
        assert_eq!(value, claim);
    }
    let missing = get(&test, &token, "/verify?claims=act").await;
    missing.assert_error(403, "insufficient_scope");
}

#[tokio::test]
async fn a_token_without_a_claim_that_is_asked_for_is_refused_and_the_claim_named() {
    let test = TestApp::new().await;
    let with = token(&test, "billing", METADATA).await;
    let without = token(&test, "bare", "{}").await;

    for (token, claims, missing) in [
        (&without, "tenant", "tenant"),
        (&with, "tenant,region", "region"),
        (&with, "none", "none"),
        (&with, "act", "act"),
    ] {
        for target in [
            format!("/verify?claims={claims}"),
            format!("/verify/requiring/claims={claims}/x"),
        ] {
            let refused = get(&test, token, &target).await;
            refused.assert_error(403, "insufficient_scope");
            let said = format!("the token lacks the claim `{missing}`");
            assert_eq!(refused.json()["error_description"], said);
            let challenge = refused.header("www-authenticate");
            assert!(challenge.contains(&said), "{challenge}");
            assert!(!challenge.contains("scope=\""), "{challenge}");
            assert_eq!(header(&refused, "x-token-claim-tenant"), None);
        }
    }
    let whole = get(&test, &without, "/verify?metadata=true").await;
    assert_eq!(header(&whole, "x-token-metadata").as_deref(), Some("e30"));
    let refused = test.app.metrics().tokens_refused;
    let missing = refused
        .iter()
        .find(|(reason, _)| *reason == "missing_claim");
    assert_eq!(missing, Some(&("missing_claim", 8)));
}

#[tokio::test]
async fn query_body_and_path_ask_alike() {
    let test = TestApp::new().await;
    let token = token(&test, "billing", METADATA).await;
    let body = value!({"token": token, "claims": "tenant", "metadata": "true"});

    for answer in [
        get(&test, &token, "/verify?claims=tenant&metadata=true").await,
        get(
            &test,
            &token,
            "/verify/requiring/claims=tenant&metadata=true/a?claims=x",
        )
        .await,
        get(
            &test,
            &token,
            "/verify/requiring/claims=tenant%2Cbeta&metadata=true/",
        )
        .await,
        test.post_form(
            "/verify?metadata=true",
            &[("token", &token), ("claims", "tenant")],
        )
        .await,
        test.post("/verify", "application/json", body.to_string())
            .await,
    ] {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            header(&answer, "x-token-claim-tenant").as_deref(),
            Some("acme")
        );
        assert!(header(&answer, "x-token-metadata").is_some());
    }
    let twice = test
        .post_form(
            "/verify?claims=tenant",
            &[("token", &token), ("claims", "beta")],
        )
        .await;
    twice.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_requirement_that_is_not_understood_is_refused() {
    let test = TestApp::new().await;
    let token = token(&test, "billing", METADATA).await;

    for query in [
        "claims=",
        "claims=Tenant",
        "claims=tenant,",
        "claims=,tenant",
        "claims=tenant,,beta",
        "claims=tenant,tenant",
        "claims=tenant%20beta",
        "claims=tenant-id",
        "claims=x%0d%0ay",
        "claims=%C3%BC",
        "claims=tenant&claims=beta",
        "claim=tenant",
        "metadata=",
        "metadata=false",
        "metadata=1",
        "metadata=true&metadata=true",
    ] {
        for target in [
            format!("/verify?{query}"),
            format!("/verify/requiring/{query}/x"),
        ] {
            let refused = get(&test, &token, &target).await;
            refused.assert_error(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn claims_over_the_limit_are_refused_with_a_log_line_and_never_cut() {
    let test = TestApp::new().await;
    // The header is `x-token-claim-big: `, the value and the line break.
    let room = 2_048 - "x-token-claim-big: \r\n".len();
    let fits = token(
        &test,
        "fits",
        &value!({"big": "x".repeat(room)}).to_string(),
    )
    .await;
    let over = token(
        &test,
        "over",
        &value!({"big": "x".repeat(room + 1)}).to_string(),
    )
    .await;
    let log = Log::default();
    let guard = log.capture();

    let good = get(&test, &fits, "/verify?claims=big").await;
    let both = get(&test, &fits, "/verify?claims=big&metadata=true").await;
    let bad = get(&test, &over, "/verify?claims=big").await;
    drop(guard);

    assert_eq!(good.status, 200, "{}", good.text());
    assert_eq!(header(&good, "x-token-claim-big").unwrap().len(), room);
    for refused in [both, bad] {
        refused.assert_error(403, "insufficient_scope");
        assert_eq!(header(&refused, "x-token-claim-big"), None);
    }
    let lines = log.text();
    let warnings: Vec<Value> = lines
        .lines()
        .filter(|line| line.contains("MAX_CLAIM_HEADERS"))
        .map(|line| json::from_str(line).unwrap())
        .collect();
    assert_eq!(warnings.len(), 2, "{lines}");
    assert_eq!(warnings[1]["level"], "WARN");
    assert_eq!(warnings[1]["client_id"], "over");
    assert_eq!(
        (&warnings[1]["bytes"], &warnings[1]["limit"]),
        (&value!(2_049), &value!(2_048))
    );
}

#[tokio::test]
async fn the_limit_is_a_setting() {
    let test = TestApp::with(&[("MAX_CLAIM_HEADERS", "16KiB")]).await;
    let big = value!({"big": "x".repeat(7_000)}).to_string();
    let token = token(&test, "billing", &big).await;

    let answer = get(&test, &token, "/verify?metadata=true").await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(header(&answer, "x-token-metadata").unwrap().len() > 9_000);
}

/// Scope and audience are judged first, so that who may not use the token at all learns nothing of its claims.
#[tokio::test]
async fn claims_are_required_beside_scope_and_audience() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;

    let good = get(&test, &token, "/verify?scope=read&claims=tenant").await;
    assert_eq!(
        header(&good, "x-token-claim-tenant").as_deref(),
        Some("acme")
    );
    assert_eq!(header(&good, "x-token-client-id").as_deref(), Some(CLIENT));
    let scope = get(&test, &token, "/verify?scope=delete&claims=region").await;
    scope.assert_error(403, "insufficient_scope");
    assert!(scope.text().contains("scope `delete`"), "{}", scope.text());
    let audience = get(&test, &token, "/verify?audience=x&claims=tenant").await;
    audience.assert_error(401, "invalid_token");
}
