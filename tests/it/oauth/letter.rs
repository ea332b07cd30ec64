//! What the RFCs say of every endpoint, to the letter: how errors and challenges are written, where parameters are
//! read, and which are not looked at.

use std::collections::BTreeSet;

use serde_json::json;

use super::Caller;
use crate::harness::{Answer, Prover, TestApp};

/// RFC 6749 §5.2, RFC 6750 §3: `%x20-21 / %x23-5B / %x5D-7E`.
#[track_caller]
fn assert_allowed(text: &str) {
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(!text.is_empty() && text.chars().all(allowed), "{text:?}");
}

/// The attributes of a challenge, each of which may be there once.
#[track_caller]
fn attributes(challenge: &str) -> BTreeSet<&str> {
    let (_, mut rest) = challenge.split_once(' ').unwrap();
    let mut names = BTreeSet::new();
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").unwrap();
        let (value, after) = value.split_once('"').unwrap();
        assert_allowed(value);
        assert!(names.insert(name), "{name} twice: {challenge}");
        rest = after.strip_prefix(", ").unwrap_or(after);
    }
    names
}

/// Answers to what nobody should send, at every endpoint.
async fn refusals(caller: &Caller<'_>) -> Vec<Answer> {
    let (test, token) = (caller.test, caller.token().await);
    let mut answers = Vec::new();
    for text in [
        "a\"b", "a\\b", "ü", "日本", "a\tb", "a\nb", "\u{7f}", "a b\"", "`'<>&",
    ] {
        for path in ["/token", "/authorize", "/introspect", "/revoke"] {
            let grant = [("grant_type", "client_credentials"), ("token", "a")];
            for name in [
                "scope",
                "audience",
                "resource",
                "client_id",
                "client_assertion_type",
            ] {
                answers.push(
                    caller
                        .post(path, &[&grant[..], &[(name, text)]].concat())
                        .await,
                );
            }
            let twice = [(text, "1"), (text, "2")];
            answers.push(caller.post(path, &[&grant[..], &twice].concat()).await);
            let body = json!({text: 1, "client_id": 1}).to_string();
            answers.push(test.post(path, "application/json", body).await);
        }
        answers.push(caller.post("/token", &[("grant_type", text)]).await);
        let escaped =
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
        let bearer = format!("Bearer {token}");
        for query in ["scope", "audience"] {
            let path = format!("/verify?{query}={escaped}");
            answers.push(test.get_with(&path, &[("authorization", &bearer)]).await);
        }
        answers.push(test.post_form("/verify", &[("token", text)]).await);
        answers.push(test.get(&format!("/{escaped}")).await);
        let jwk = json!({"kty": text, "crv": text, "use": text});
        let prover = Prover::new("ES256");
        let header = json!({"typ": "dpop+jwt", "jwk": jwk});
        let proof = prover.signer.sign(
            header,
            &json!({"jti": text, "htm": text, "htu": text, "iat": 1}),
        );
        let params = [
            ("grant_type", "client_credentials"),
            ("client_id", caller.id),
            ("client_secret", &caller.secret),
        ];
        answers.push(
            test.post_form_with("/token", &params, &[("dpop", &proof)])
                .await,
        );
    }
    answers.retain(|answer| answer.status >= 400);
    answers
}

#[tokio::test]
async fn errors_and_challenges_are_printable_ascii_without_quotes_and_backslashes() {
    let test = TestApp::with(&[
        ("THROTTLE_CLIENT_FAILURES", "0"),
        ("THROTTLE_SOURCE_FAILURES", "0"),
    ])
    .await;
    let caller = Caller::new(&test, "api", "read", "").await;

    let answers = refusals(&caller).await;

    assert!(answers.len() > 200, "{}", answers.len());
    for answer in answers {
        assert!(answer.status < 500, "{}", answer.text());
        let body = answer.json();
        for member in ["error", "error_description"] {
            assert_allowed(body[member].as_str().unwrap());
        }
        let challenges = answer.headers.get_all("www-authenticate").iter().count();
        assert_eq!(
            challenges,
            usize::from(answer.status == 401 || answer.error() == "insufficient_scope")
        );
        if challenges > 0 {
            assert!(attributes(answer.header("www-authenticate")).contains("realm"));
        }
    }
}

/// RFC 6750 §3: what a challenge may have, in each of its kinds.
#[tokio::test]
async fn a_challenge_says_realm_error_and_scope_once_each() {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "api", "read", "").await;
    let bearer = format!("Bearer {}", caller.token().await);
    let verify = async |path: &str, token: &str| {
        let answer = test.get_with(path, &[("authorization", token)]).await;
        let challenge = answer.header("www-authenticate").to_owned();
        let names = attributes(&challenge)
            .into_iter()
            .collect::<Vec<_>>()
            .join(" ");
        (challenge.split(' ').next().unwrap().to_owned(), names)
    };
    let is = |scheme: &str, names: &str| (scheme.to_owned(), names.to_owned());

    assert_eq!(verify("/verify", "").await, is("Bearer", "realm"));
    let bad = verify("/verify", "Bearer a").await;
    assert_eq!(bad, is("Bearer", "error error_description realm"));
    let lacking = verify("/verify?scope=write", &bearer).await;
    assert_eq!(lacking, is("Bearer", "error error_description realm scope"));
    let bound = verify("/verify", "DPoP a").await;
    assert_eq!(bound, is("DPoP", "algs error error_description realm"));
}

/// RFC 6749 §3.2, RFC 7009 §2.1, RFC 7662 §2.1.
#[tokio::test]
async fn parameters_that_nobody_knows_are_ignored() {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "api", "read", "").await;
    let token = caller.token().await;
    let more = [("resource_owner", "x"), ("_", ""), ("ü", "ü"), ("x[]", "1")];

    for (path, params) in [
        ("/token", &[("grant_type", "client_credentials")]),
        ("/introspect", &[("token", token.as_str())]),
        ("/revoke", &[("token", token.as_str())]),
    ] {
        let params = [&params[..], &more].concat();
        let answer = caller.post(path, &params).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
}

/// RFC 6749 §3.2: sent without a value, a parameter counts as left out.
#[tokio::test]
async fn a_parameter_without_a_value_is_none() {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "api", "read write", "").await;
    let empty = [
        "scope",
        "audience",
        "resource",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
    ];
    let mut params = vec![("grant_type", "client_credentials")];
    params.extend(empty.map(|name| (name, "")));

    let answer = caller.post("/token", &params).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["scope"], "read write");
}

/// RFC 6749 §2.3.1 and RFC 9700 §4.3.2: URLs end up in logs.
#[tokio::test]
async fn a_token_in_the_query_is_no_token() {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "api", "read", "").await;
    let token = caller.token().await;

    for name in ["token", "access_token"] {
        let path = format!("/verify?{name}={token}");
        for answer in [test.get(&path).await, test.post_form(&path, &[]).await] {
            answer.assert_error(400, "invalid_request");
            assert!(answer.text().contains(name) && !answer.text().contains(&token[..40]));
        }
    }
    for path in ["/introspect", "/revoke"] {
        let answer = caller.post(&format!("{path}?token={token}"), &[]).await;
        answer.assert_error(400, "invalid_request");
    }
    assert_eq!(test.verify(&token).await.status, 200);
}
