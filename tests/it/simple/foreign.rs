//! JWTs that somebody else signed with the SECRET that this server signs with: microservices have it under HS256, and their own JWTs
//! are not tokens of this server, and the answer says so.

use serde_json::{Value, json};

use super::forged::{Forge, part, signed};
use crate::harness::{NOW, SECRET};

const TOLD: &str = "not issued by this server";

/// A JWT as jsonwebtoken and its like write it.
fn of_others(header: &Value, claims: &Value) -> String {
    signed(&header.to_string(), &claims.to_string(), SECRET)
}

#[tokio::test]
async fn a_jwt_that_somebody_else_signed_with_the_secret_is_not_issued_by_this_server() {
    let forge = Forge::new().await;
    let plain = json!({"alg": "HS256", "typ": "JWT"});
    let kid = part(&forge.token, 0)["kid"].clone();
    let ours = json!({"alg": "HS256", "typ": "JWT", "kid": kid});
    let of_article = json!({"client_id": "billing", "iat": NOW.0, "exp": NOW.0 + 60});
    let mut other_issuer = forge.claims.clone();
    other_issuer["iss"] = json!("https://other.test");
    let mut nameless = forge.claims.clone();
    nameless.as_object_mut().unwrap().remove("jti");

    for (what, header, claims) in [
        ("as the article signs", &plain, &of_article),
        ("without typ", &json!({"alg": "HS256"}), &of_article),
        ("our claims without kid", &plain, &forge.claims),
        (
            "another kid",
            &json!({"alg": "HS256", "typ": "JWT", "kid": "1"}),
            &forge.claims,
        ),
        (
            "another algorithm",
            &json!({"alg": "HS384", "typ": "JWT", "kid": kid}),
            &forge.claims,
        ),
        ("an empty object", &ours, &json!({})),
        ("their claims under our kid", &ours, &of_article),
        ("another issuer", &ours, &other_issuer),
        ("no jti", &ours, &nameless),
    ] {
        let token = of_others(header, claims);
        for answer in [
            forge.test.verify(&token).await,
            forge.test.post_form("/verify", &[("token", &token)]).await,
            forge
                .test
                .get_with("/verify", &[("authorization", &token)])
                .await,
        ] {
            answer.assert_error(401, "invalid_token");
            let text = answer.text();
            assert!(text.contains(TOLD), "{what}: {text}");
            let challenge = answer.header("www-authenticate");
            assert!(challenge.contains(TOLD), "{what}: {challenge}");
        }
    }
    let metrics = forge.test.app.metrics();
    let mut refused = metrics.tokens_refused.into_iter();
    let foreign = refused.find(|(reason, _)| *reason == "foreign").unwrap();
    assert_eq!(foreign.1, 3 * 6);
}

/// What is no JWT at all has no issuer.
#[tokio::test]
async fn what_is_no_jwt_is_malformed() {
    let forge = Forge::new().await;
    let header = part(&forge.token, 0).to_string();
    for token in [
        "rubbish".to_owned(),
        "a.b.c".to_owned(),
        signed("[]", "{}", SECRET),
        signed(&header, "[]", SECRET),
        signed(&header, "claims", SECRET),
    ] {
        let answer = forge.test.verify(&token).await;
        answer.assert_error(401, "invalid_token");
        assert!(answer.text().contains("malformed"), "{}", answer.text());
    }
}
