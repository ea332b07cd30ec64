//! Scopes, resources and audiences of a token (RFC 6749 §3.3, RFC 8707 §2).

use serde_json::json;
use token_server::app::NewClient;
use token_server::domain::{Audience, Metadata, Scope};

use super::{GRANT, ask};
use crate::harness::{Answer, CLIENT, TestApp, new_client};

#[tokio::test]
async fn a_scope_is_granted_when_the_client_has_it_and_named_when_not() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let scope = async |text: &str| ask(&test, &secret, &[("scope", text)]).await;

    assert_eq!(scope("read").await.json()["scope"], "read");
    assert_eq!(scope("").await.json()["scope"], "read write");
    let refused = scope("read delete").await;
    refused.assert_error(400, "invalid_scope");
    assert!(
        refused
            .text()
            .contains("`delete` is not one of this client's")
    );
    scope("\"").await.assert_error(400, "invalid_scope");
    // Scopes are case-sensitive.
    scope("READ").await.assert_error(400, "invalid_scope");
}

/// A client with three audiences, and how to ask for tokens for them: the `aud` claim.
async fn resources(
    test: &TestApp,
) -> impl AsyncFn(&[(&str, &str)]) -> Result<serde_json::Value, Answer> {
    let secret = test
        .register(NewClient {
            audiences: Audience::parse_list("https://a.test https://b.test/v1 billing").unwrap(),
            ..new_client("own")
        })
        .await;
    async move |params: &[(&str, &str)]| {
        let params = [&[GRANT], params].concat();
        let answer = test
            .post_basic("/token", &format!("own:{secret}"), &params)
            .await;
        if answer.status != 200 {
            return Err(answer);
        }
        let token = answer.access_token();
        Ok(test.verify(&token).await.json()["aud"].clone())
    }
}

#[tokio::test]
async fn resources_and_audience_become_the_tokens_audiences() {
    let test = TestApp::new().await;
    let aud = resources(&test).await;

    for (params, expected) in [
        (&[][..], json!("https://a.test")),
        (
            &[("resource", "https://b.test/v1")],
            json!("https://b.test/v1"),
        ),
        (&[("audience", "billing")], json!("billing")),
        (
            &[
                ("resource", "https://b.test/v1"),
                ("resource", "https://a.test"),
            ],
            json!(["https://b.test/v1", "https://a.test"]),
        ),
        (
            &[("audience", "billing"), ("resource", "https://a.test")],
            json!(["billing", "https://a.test"]),
        ),
        (
            &[("audience", "billing"), ("audience", "https://a.test")],
            json!(["billing", "https://a.test"]),
        ),
        (
            &[("audience", " billing  https://a.test "), ("audience", "")],
            json!(["billing", "https://a.test"]),
        ),
        (
            &[
                ("audience", "billing https://a.test"),
                ("audience", "billing"),
                ("resource", "https://b.test/v1"),
            ],
            json!(["billing", "https://a.test", "https://b.test/v1"]),
        ),
        (
            &[
                ("audience", "https://a.test"),
                ("resource", "https://a.test"),
            ],
            json!("https://a.test"),
        ),
    ] {
        assert_eq!(aud(params).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_resource_that_is_no_uri_or_not_the_clients_is_invalid_target() {
    let test = TestApp::new().await;
    let aud = resources(&test).await;

    for (params, told) in [
        (&[("resource", "https://c.test")][..], "`https://c.test`"),
        (
            &[
                ("resource", "https://a.test"),
                ("resource", "https://c.test"),
            ],
            "`https://c.test`",
        ),
        (
            &[
                ("audience", "https://a.test"),
                ("resource", "https://c.test"),
            ],
            "`https://c.test`",
        ),
        (
            &[("resource", "https://a.test#x")],
            "absolute URI without fragment",
        ),
        (
            &[("audience", "billing https://c.test")],
            "`https://c.test`",
        ),
        (
            &[("audience", "billing"), ("audience", "https://c.test")],
            "`https://c.test`",
        ),
        (
            &[("audience", "billing\thttps://a.test")],
            "an audience must be",
        ),
        // Taken for none it would be a token for the client's first.
        (&[("audience", "  ")], "an audience must be"),
        (&[("resource", "billing https://a.test")], "absolute URI"),
        (&[("resource", "billing")], "absolute URI without fragment"),
        (&[("resource", "/v1")], "absolute URI without fragment"),
    ] {
        let refused = aud(params).await.unwrap_err();
        refused.assert_error(400, "invalid_target");
        assert!(refused.text().contains(told), "{}", refused.text());
    }
}

#[tokio::test]
async fn a_token_for_several_is_good_for_each_and_its_header_names_all() {
    let test = TestApp::new().await;
    let secret = test
        .register(NewClient {
            audiences: Audience::parse_list("a:1 a:2 a:3").unwrap(),
            ..new_client("own")
        })
        .await;
    let body = json!({"grant_type": "client_credentials", "client_id": "own", "client_secret": secret,
        "resource": ["a:1", "a:2"]});
    let answer = test
        .post("/token", "application/json", body.to_string())
        .await;
    let token = answer.access_token();
    let bearer = format!("Bearer {token}");
    let verify = async |audience: &str| {
        let path = format!("/verify?audience={audience}");
        test.get_with(&path, &[("authorization", &bearer)]).await
    };

    assert_eq!(verify("a:1").await.status, 200);
    assert_eq!(verify("a:2").await.header("x-token-audience"), "a:1 a:2");
    verify("a:3").await.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn several_audiences_have_to_fit_into_a_token() {
    let test = TestApp::new().await;
    let long: Vec<String> = ["a", "b", "c"]
        .map(|name| format!("{name}:{}", "x".repeat(200)))
        .into();
    let secret = test
        .register(NewClient {
            audiences: Audience::parse_list(&long.join(" ")).unwrap(),
            scopes: Scope::parse("read").unwrap(),
            ..new_client(CLIENT)
        })
        .await;
    let all: Vec<(&str, &str)> = long.iter().map(|uri| ("resource", uri.as_str())).collect();

    assert_eq!(ask(&test, &secret, &all[..2]).await.status, 200);
    ask(&test, &secret, &all)
        .await
        .assert_error(400, "invalid_target");
}

#[tokio::test]
async fn the_largest_token_there_can_be_is_still_verified() {
    let issuer = format!("https://{}", "i".repeat(238));
    let test = TestApp::with(&[("ISSUER", &issuer)]).await;
    let id = "c".repeat(128);
    let audiences = ["a", "b"].map(|name| format!("{name}:{}", "x".repeat(253)));
    let scopes: Vec<String> = (0..204).map(|n| format!("scope:{n:03}")).collect();
    let secret = test
        .register(NewClient {
            audiences: Audience::parse_list(&audiences.join(" ")).unwrap(),
            scopes: Scope::parse(&scopes.join(" ")).unwrap(),
            metadata: Metadata::parse(&json!({"m": "x".repeat(8_180)}).to_string()).unwrap(),
            ..new_client(&id)
        })
        .await;
    let params = [
        GRANT,
        ("resource", audiences[0].as_str()),
        ("resource", audiences[1].as_str()),
    ];

    let answer = test
        .post_basic("/token", &format!("{id}:{secret}"), &params)
        .await;
    let token = answer.access_token();
    let verified = test.post_form("/verify", &[("token", &token)]).await;

    assert!(token.len() > 15_000);
    assert_eq!(verified.status, 200, "{}", verified.text());
}
