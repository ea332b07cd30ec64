//! Scopes and the audience of a login at `/authorize`.

use token_server::app::NewClient;
use token_server::domain::{Audience, Scope, TokenTtl};

use crate::harness::{CLIENT, TestApp, new_client};

#[tokio::test]
async fn a_scope_is_granted_when_the_client_has_it() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let ask = async |scope: &str| {
        let params = [
            ("client_id", CLIENT),
            ("client_secret", &secret),
            ("scope", scope),
        ];
        test.post_form("/authorize", &params).await
    };

    assert_eq!(ask("read").await.json()["scope"], "read");
    assert_eq!(ask("write  read").await.json()["scope"], "read write");
    assert_eq!(ask("").await.json()["scope"], "read write");
    ask("read delete").await.assert_error(400, "invalid_scope");
    ask("\"").await.assert_error(400, "invalid_scope");
    assert!(ask("delete").await.text().contains("`delete`"));
}

#[tokio::test]
async fn an_audience_is_one_of_the_clients() {
    let test = TestApp::new().await;
    let own = test
        .register(NewClient {
            audiences: Audience::parse_list("https://b https://a").unwrap(),
            token_ttl: Some(TokenTtl::from_seconds(90).unwrap()),
            scopes: Scope::parse("x").unwrap(),
            ..new_client("own")
        })
        .await;
    let plain = test.client().await;
    let ask = async |id: &str, secret: &str, audience: &str| {
        let params = [
            ("client_id", id),
            ("client_secret", secret),
            ("audience", audience),
        ];
        test.post_form("/authorize", &params).await
    };
    let aud = async |answer: crate::harness::Answer| {
        let token = answer.token();
        test.verify(&token).await.json()["aud"]
            .as_str()
            .unwrap()
            .to_owned()
    };

    assert_eq!(aud(ask("own", &own, "").await).await, "https://b");
    assert_eq!(aud(ask("own", &own, "https://a").await).await, "https://a");
    assert_eq!(ask("own", &own, "").await.json()["expires_in"], 90);
    ask("own", &own, "https://c")
        .await
        .assert_error(400, "invalid_target");
    assert_eq!(
        aud(ask(CLIENT, &plain, "").await).await,
        "https://tokens.test"
    );
    assert_eq!(
        aud(ask(CLIENT, &plain, "https://tokens.test").await).await,
        "https://tokens.test"
    );
    ask(CLIENT, &plain, "https://c")
        .await
        .assert_error(400, "invalid_target");
}

/// What libraries ask for that take every authorization server for one of `OpenID` Connect.
#[tokio::test]
async fn scopes_of_openid_connect_are_ignored_where_the_setting_says_so() {
    let refusing = TestApp::new().await;
    let ignoring = TestApp::with(&[("IGNORE_OIDC_SCOPES", "true")]).await;
    let ask = async |test: &TestApp, secret: &str, scope: &str| {
        let params = [
            ("client_id", CLIENT),
            ("client_secret", secret),
            ("scope", scope),
        ];
        test.post_form("/authorize", &params).await
    };
    let secret = refusing.client().await;
    for word in [
        "openid",
        "profile",
        "email",
        "address",
        "phone",
        "offline_access",
    ] {
        let refused = ask(&refusing, &secret, &format!("read {word}")).await;
        refused.assert_error(400, "invalid_scope");
        let text = refused.text();
        assert!(text.contains(&format!("`{word}`")) && text.contains("IGNORE_OIDC_SCOPES=true"));
    }
    let other = ask(&refusing, &secret, "delete").await;
    assert!(!other.text().contains("IGNORE_OIDC_SCOPES"));

    let secret = ignoring.client().await;
    for (asked, granted) in [
        ("openid", "read write"),
        ("openid profile email offline_access", "read write"),
        ("openid read", "read"),
        ("read", "read"),
    ] {
        let answer = ask(&ignoring, &secret, asked).await;
        assert_eq!(answer.json()["scope"], granted, "{}", answer.text());
    }
    for asked in ["openid delete", "OpenID", "openid2"] {
        let refused = ask(&ignoring, &secret, asked).await;
        refused.assert_error(400, "invalid_scope");
    }
}

/// A client that has such a scope has it as any other.
#[tokio::test]
async fn a_scope_of_openid_connect_that_the_client_has_is_not_ignored() {
    let test = TestApp::with(&[("IGNORE_OIDC_SCOPES", "true")]).await;
    let new = NewClient {
        scopes: Scope::parse("email read").unwrap(),
        ..new_client("mail")
    };
    let secret = test.register(new).await;
    for (scope, granted) in [("email", "email"), ("email openid", "email")] {
        let params = [
            ("client_id", "mail"),
            ("client_secret", &*secret),
            ("scope", scope),
        ];
        let answer = test.post_form("/authorize", &params).await;
        assert_eq!(answer.json()["scope"], granted, "{}", answer.text());
    }
}
