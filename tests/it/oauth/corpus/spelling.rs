//! JWTs in another spelling: though the key is the right one, there is one way to write a token.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Doors, assertion_key, encode, hmac_signed, hmac_tag, part, service, with};
use crate::harness::{NOW, SECRET, TestApp};
use crate::oauth::assertion::claims;

/// The next letter of the alphabet of base64url: other stray bits in the end.
fn with_stray_bits(part: &str) -> Option<String> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = part.split_at(part.len() - 1);
    let place = ALPHABET.find(last).unwrap();
    // Whole groups of four have no stray bits.
    (!part.len().is_multiple_of(4)).then(|| format!("{rest}{}", &ALPHABET[place + 1..place + 2]))
}

/// Ways to write the three parts of a good JWT otherwise.
pub(super) fn respelled(jwt: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = jwt.split('.').collect();
    let &[header, payload, signature] = parts.as_slice() else {
        panic!("three parts")
    };
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let padded = URL_SAFE.encode(&raw);
    let standard = STANDARD.encode(&raw);
    let mut cases = vec![
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("header alone", header.to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("no signature", format!("{header}.{payload}.")),
        ("no payload", format!("{header}..{signature}")),
        ("no header", format!(".{payload}.{signature}")),
        ("a fourth part", format!("{jwt}.{signature}")),
        ("an empty fourth part", format!("{jwt}.")),
        ("five parts, as a JWE", format!("{header}.{payload}.{signature}.{payload}.{signature}")),
        ("parts in another order", format!("{payload}.{header}.{signature}")),
        ("truncated by one", jwt[..jwt.len() - 1].to_owned()),
        ("truncated by half of the signature", jwt[..jwt.len() - signature.len() / 2].to_owned()),
        ("a letter more", format!("{jwt}A")),
        ("padding", format!("{header}.{payload}.{signature}=")),
        ("the bytes as text", format!("{header}.{payload}.{}", encode(signature))),
        ("a space inside", format!("{header}. {payload}.{signature}")),
        ("a line break inside", format!("{header}.{payload}\n.{signature}")),
        ("a letter that is not base64", format!("{header}.{payload}.{signature}!")),
        ("twice", format!("{jwt},{jwt}")),
        ("with its scheme", format!("Bearer {jwt}")),
        ("quoted", format!("\"{jwt}\"")),
        ("percent-encoded dots", jwt.replace('.', "%2E")),
        (
            "flattened JSON",
            json!({"protected": header, "payload": payload, "signature": signature}).to_string(),
        ),
        (
            "general JSON",
            json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]}).to_string(),
        ),
        ("nested in itself", format!("{header}.{}.{signature}", encode(jwt))),
    ];
    if padded != signature {
        cases.push(("padded", format!("{header}.{payload}.{padded}")));
    }
    if standard.trim_end_matches('=') != signature {
        cases.push((
            "the other alphabet",
            format!("{header}.{payload}.{standard}"),
        ));
    }
    if let Some(stray) = with_stray_bits(signature) {
        cases.push(("stray bits", format!("{header}.{payload}.{stray}")));
    }
    cases
}

#[tokio::test]
async fn a_token_has_one_spelling_at_every_door() {
    for alg in ["HS256", "ES256", "EdDSA", "RS256", "PS256"] {
        let test = service(alg).await;
        let doors = Doors::of(&test).await;
        let token = doors.good_token().await;

        for (name, jws) in respelled(&token) {
            doors.refuse(&format!("{alg}: {name}"), &jws).await;
        }

        assert_eq!(test.verify(&token).await.status, 200);
    }
}

#[tokio::test]
async fn an_assertion_has_one_spelling() {
    let test = service("ES256").await;
    let doors = Doors::of(&test).await;
    let signer = assertion_key(&test).await;

    let jwt = signer.sign(json!({"kid": "k"}), &claims());
    for (name, jws) in respelled(&jwt) {
        doors.refuse_as_assertion(name, &jws).await;
    }
}

/// Under the server's own HS256 key, which only we have: what we would never write is not read either.
#[tokio::test]
async fn what_we_never_write_is_refused_under_our_own_key() {
    let test = service("HS256").await;
    let doors = Doors::of(&test).await;
    let token = doors.good_token().await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let signed = |header: &str, payload: &str| hmac_signed(header, payload, SECRET.as_bytes());
    let (head, body) = (header.to_string(), claims.to_string());
    let twice = |json: &str, member: &str| json.replacen('{', &format!("{{{member},"), 1);

    let mut cases = vec![
        (
            "alg twice, none first",
            signed(&twice(&head, r#""alg":"none""#), &body),
        ),
        (
            "kid twice",
            signed(&twice(&head, r#""kid":"other""#), &body),
        ),
        (
            "exp twice",
            signed(&head, &twice(&body, r#""exp":9999999999"#)),
        ),
        (
            "sub twice",
            signed(&head, &twice(&body, r#""sub":"admin""#)),
        ),
        (
            "scope twice",
            signed(&head, &twice(&body, r#""scope":"admin""#)),
        ),
        ("claims that are no JSON", signed(&head, "claims")),
        ("claims in a list", signed(&head, &format!("[{body}]"))),
        ("claims and more", signed(&head, &format!("{body}{body}"))),
        ("a header in a list", signed(&format!("[{head}]"), &body)),
        (
            "nested",
            signed(&with(&header, &json!({"cty": "JWT"})).to_string(), &token),
        ),
        (
            "a byte order mark",
            signed(&head, &format!("\u{feff}{body}")),
        ),
    ];
    // RFC 8725 §3.7: UTF-8 and nothing else.
    let utf_16: Vec<u8> = body.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin_1 = with(&claims, &json!({"metadata": {"a": "\u{fc}"}})).to_string();
    let latin_1: Vec<u8> = latin_1.chars().map(|c| u8::try_from(c).unwrap()).collect();
    for (name, payload) in [("UTF-16", utf_16), ("Latin-1", latin_1)] {
        cases.push((name, hmac_signed(&head, payload, SECRET.as_bytes())));
    }
    // RFC 7797: the payload as it is.
    let unencoded = with(&header, &json!({"b64": false, "crit": ["b64"]}));
    let message = format!("{}.{body}", encode(unencoded.to_string()));
    cases.push((
        "b64 false",
        format!("{message}.{}", hmac_tag(&message, SECRET.as_bytes())),
    ));
    for (name, change) in [
        ("typ jwt", json!({"typ": "jwt"})),
        ("typ application/jwt", json!({"typ": "application/jwt"})),
        ("typ JOSE", json!({"typ": "JOSE"})),
        (
            "typ of a client assertion",
            json!({"typ": "client-authentication+jwt"}),
        ),
        ("no typ", json!({"typ": null})),
        (
            "typ of an introspection",
            json!({"typ": "token-introspection+jwt"}),
        ),
        ("typ of a DPoP proof", json!({"typ": "dpop+jwt"})),
        ("typ of a logout token", json!({"typ": "logout+jwt"})),
        ("HS384", json!({"alg": "HS384"})),
        ("b64 false without crit", json!({"b64": false})),
    ] {
        cases.push((name, signed(&with(&header, &change).to_string(), &body)));
    }
    for (name, change) in [
        ("another issuer", json!({"iss": "https://other.test"})),
        (
            "our issuer with a slash",
            json!({"iss": "https://tokens.test/"}),
        ),
        ("issuers in a list", json!({"iss": ["https://tokens.test"]})),
        ("no issuer", json!({"iss": null})),
        ("no audience", json!({"aud": null})),
        ("no subject", json!({"sub": null})),
        ("no exp", json!({"exp": null})),
        ("exp as text", json!({"exp": "9999999999"})),
        ("exp too far", json!({"exp": i64::MAX})),
        ("exp as a fraction", json!({"exp": 1.8e9})),
        ("expired", json!({"exp": 1})),
        ("not yet", json!({"nbf": 9_999_999_999_i64})),
        ("no jti", json!({"jti": null})),
    ] {
        cases.push((name, signed(&head, &with(&claims, &change).to_string())));
    }
    for (name, jws) in &cases {
        doors.refuse(name, jws).await;
    }
    let again = signed(&head, &body);
    assert_eq!(test.verify(&again).await.status, 200);
}

/// A JWT of ours for one purpose is none for another.
#[tokio::test]
async fn one_kind_of_jwt_is_not_taken_for_another() {
    let test = service("ES256").await;
    let doors = Doors::of(&test).await;
    let signer = assertion_key(&test).await;
    let token = doors.good_token().await;
    let assertion = signer.sign(json!({"kid": "k"}), &claims());
    let as_token = signer.sign(json!({"kid": "k", "typ": "at+jwt"}), &claims());
    let request = axum::http::Request::post("/introspect")
        .header("accept", "application/token-introspection+jwt")
        .header("content-type", "application/x-www-form-urlencoded");
    let form = format!(
        "client_id=gateway&client_secret={}&token={token}",
        doors.caller.secret
    );
    let answer = test.call(request.body(form.into()).unwrap()).await;
    let introspection = answer.text().to_owned();
    let said: Value = part(&introspection, 1);
    assert_eq!(said["token_introspection"]["active"], true);

    doors
        .refuse_as_assertion("an access token as assertion", &token)
        .await;
    doors.refuse("an introspection", &introspection).await;
    doors
        .refuse_as_token("an assertion as token", &assertion)
        .await;
    doors
        .refuse_as_token("an assertion with typ at+jwt", &as_token)
        .await;
}

/// `JWT` says nothing of what a JWT is for. Under the key of tokens, every other JWT that this server or a client writes is refused
/// all the same, and a token of this type is nothing else.
#[tokio::test]
async fn with_typ_jwt_it_takes_all_claims_of_a_token_to_be_one() {
    let test = service("HS256").await;
    let doors = Doors::of(&test).await;
    let token = doors.good_token().await;
    let (header, token_claims) = (part(&token, 0), part(&token, 1));
    let jwt = with(&header, &json!({"typ": "JWT"})).to_string();
    let signed = |claims: &Value| hmac_signed(&jwt, claims.to_string(), SECRET.as_bytes());
    let times = json!({"iat": NOW.0, "nbf": NOW.0, "exp": NOW.0 + 60});
    let introspection = json!({
        "iss": "https://tokens.test", "aud": "gateway", "iat": NOW.0,
        "token_introspection": with(&token_claims, &json!({"active": true})),
    });
    let assertion = claims();
    let all_but_ours = with(
        &with(&assertion, &times),
        &json!({"client_id": "billing", "scope": "read"}),
    );

    let mut cases = vec![
        ("an introspection response", introspection.clone()),
        ("one with times", with(&introspection, &times)),
        ("a client assertion", assertion.clone()),
        ("one with claims of a token", all_but_ours),
        (
            "a DPoP proof",
            json!({"jti": "a", "htm": "POST", "htu": "https://tokens.test/verify", "iat": NOW.0}),
        ),
        (
            "an ID token",
            with(
                &times,
                &json!({"iss": "https://tokens.test", "sub": "gateway", "aud": "gateway", "nonce": "x"}),
            ),
        ),
    ];
    for claim in [
        "iss",
        "sub",
        "aud",
        "client_id",
        "iat",
        "nbf",
        "exp",
        "jti",
        "scope",
        "gen",
        "metadata",
    ] {
        cases.push((claim, with(&token_claims, &json!({ claim: null }))));
        cases.push((claim, with(&token_claims, &json!({ claim: {"a": 1} }))));
    }
    for (name, claims) in &cases {
        // `metadata` is an object.
        if claims["metadata"]["a"] == 1 && *name == "metadata" {
            continue;
        }
        doors.refuse(name, &signed(claims)).await;
    }
    let as_token = signed(&token_claims);
    assert_eq!(test.verify(&as_token).await.status, 200);
    doors
        .refuse_as_assertion("a token of type JWT", &as_token)
        .await;
    let other = with(&header, &json!({"typ": "JWT", "kid": "k"})).to_string();
    for claims in [&assertion, &token_claims] {
        let jws = hmac_signed(&other, claims.to_string(), SECRET.as_bytes());
        doors.refuse("under the name of a client's key", &jws).await;
    }
}

#[tokio::test]
async fn a_token_of_type_jwt_is_none_of_the_other_jwts_and_none_of_them_is_one() {
    for alg in ["ES256", "RS256"] {
        let test = TestApp::with(&[("SIGNING_ALG", alg), ("TOKEN_TYP", "JWT")]).await;
        let doors = Doors::of(&test).await;
        let signer = assertion_key(&test).await;
        let token = doors.good_token().await;
        assert_eq!(part(&token, 0)["typ"], "JWT");

        let form = [("token", token.as_str())];
        let accept = ("accept", "application/token-introspection+jwt");
        let authorization = format!("Bearer {token}");
        let introspection = test
            .post_form_with(
                "/introspect",
                &form,
                &[accept, ("authorization", &authorization)],
            )
            .await;
        // A token for introspection is for ISSUER, which is the default audience of the caller's tokens.
        assert_eq!(introspection.status, 200, "{}", introspection.text());
        assert_eq!(
            part(introspection.text(), 0)["typ"],
            "token-introspection+jwt"
        );
        doors.refuse("an introspection", introspection.text()).await;

        doors.refuse_as_assertion("a token", &token).await;
        for typ in ["JWT", "client-authentication+jwt"] {
            let assertion = signer.sign(json!({"kid": "k", "typ": typ}), &claims());
            doors.refuse_as_token("an assertion", &assertion).await;
        }
        let forged = signer.sign(
            json!({"kid": part(&token, 0)["kid"], "typ": "JWT"}),
            &part(&token, 1),
        );
        doors.refuse("a token under a client's key", &forged).await;
        let params = [("grant_type", "client_credentials")];
        let as_proof = [
            ("dpop", token.as_str()),
            ("authorization", authorization.as_str()),
        ];
        let refused = test.post_form_with("/token", &params, &as_proof).await;
        assert_ne!(refused.status, 200, "{}", refused.text());
    }
}
