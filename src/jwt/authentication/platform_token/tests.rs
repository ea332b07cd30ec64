//! Each rule on a token, as it is judged.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::base::json;
use crate::domain::IssuerSpec;
use crate::jwt::assertion_algorithms;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn jwt(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(header), part(claims))
}

fn claims() -> Value {
    json!({"iss": "https://a.example", "sub": "s", "aud": "https://tokens.test", "iat": NOW.0, "exp": NOW.0 + 600,
        "jti": "1"})
}

fn header() -> Value {
    json!({"alg": "RS256", "kid": "k"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

/// The rules that fail, of the token alone.
fn failing(header: &Value, claims: &Value) -> Vec<String> {
    let jwt = jwt(header, claims);
    let token = PlatformToken::parse(&jwt).unwrap();
    let mut rules = JudgedRules::only_failed();
    token.judge_alone(NOW, &mut rules);
    names(rules)
}

fn names(rules: JudgedRules) -> Vec<String> {
    let told = rules.into_told().into_iter();
    told.map(|rule| rule.rule).collect()
}

fn issuer(members: &str) -> TrustedIssuer {
    let text = format!(r#"{{"name":"a","issuer":"https://a.example"{members}}}"#);
    let spec: IssuerSpec = json::from_str(&text).unwrap();
    spec.build(NOW).unwrap()
}

fn failing_at(issuer: &TrustedIssuer, claims: &Value) -> Vec<String> {
    let jwt = jwt(&header(), claims);
    let token = PlatformToken::parse(&jwt).unwrap();
    let own = Issuer::parse("https://tokens.test").unwrap();
    let mut rules = JudgedRules::only_failed();
    token.judge_at(issuer, &own, &mut rules);
    names(rules)
}

#[test]
fn issuers_may_sign_in_the_algorithms_that_are_verified() {
    assert_eq!(IssuerAlgorithms::ALL, assertion_algorithms());
}

#[test]
fn what_is_wrong_with_a_token_by_itself_is_found() {
    assert_eq!(failing(&header(), &claims()), Vec::<String>::new());
    let head = |members: Value| {
        let mut header = header();
        for (name, value) in members.as_object().unwrap() {
            header[name] = value.clone();
        }
        header
    };
    for (header, rule) in [
        (head(json!({"typ": "at+jwt"})), "`typ`"),
        (head(json!({"typ": "application/at+jwt"})), "`typ`"),
        (head(json!({"typ": "token-introspection+jwt"})), "`typ`"),
        (head(json!({"typ": "JOSE"})), "`typ`"),
        (head(json!({"typ": ""})), "`typ`"),
        (head(json!({"crit": ["x"]})), "`crit`"),
        (head(json!({"alg": "HS256"})), "`alg`"),
        (head(json!({"alg": "none"})), "`alg`"),
    ] {
        assert_eq!(failing(&header, &claims()), [rule], "{header}");
    }
    let now = NOW.0;
    for (claims, rules) in [
        (with("sub", json!("")), vec!["`sub`"]),
        (
            with("aud", json!(["https://tokens.test", "b"])),
            vec!["`aud`"],
        ),
        (with("aud", json!([])), vec!["`aud`"]),
        (with("aud", json!({"a": 1})), vec!["`aud`"]),
        (with("exp", json!(now - 6)), vec!["`exp`", "lifetime"]),
        (with("iat", json!(now + 6)), vec!["`iat`"]),
        (with("nbf", json!(now + 6)), vec!["`nbf`"]),
        (with("iat", json!(now - 86_000)), vec!["lifetime"]),
        (with("iat", Value::Null), vec!["lifetime"]),
    ] {
        assert_eq!(failing(&header(), &claims), rules, "{claims}");
    }
    let late = json!({"iss": "a", "sub": "s", "aud": "a", "iat": now - 600, "exp": now - 6});
    assert_eq!(failing(&header(), &late), ["`exp`"]);
    let in_time = json!({"iss": "a", "sub": "s", "aud": "a", "iat": now - 600, "exp": now - 4});
    assert_eq!(failing(&header(), &in_time), Vec::<String>::new());
}

#[test]
fn jose_is_a_type_of_jwt_svids() {
    let header = json!({"alg": "ES256", "typ": "JOSE"});
    let claims = with("sub", json!("spiffe://acme.example/a"));
    assert_eq!(failing(&header, &claims), Vec::<String>::new());
    let jwt = jwt(&header, &claims);
    let token = PlatformToken::parse(&jwt).unwrap();
    let own = Issuer::parse("https://tokens.test").unwrap();
    let mut rules = JudgedRules::complete();
    token.judge_at(&issuer(""), &own, &mut rules);
    let told = rules.into_told();
    let wrong: Vec<_> = told.iter().filter(|it| !it.passed).collect();
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0].rule, "`typ`");
    assert!(told.len() > 1);
}

#[test]
fn an_issuer_has_rules_of_its_own() {
    let plain = issuer("");
    assert_eq!(failing_at(&plain, &claims()), Vec::<String>::new());
    for (claims, rules) in [
        (with("iss", json!("https://a.example/")), vec!["issuer"]),
        (with("iss", json!("https://A.example")), vec!["issuer"]),
        (with("iss", json!("https://u:p@a.example")), vec!["issuer"]),
        (with("iss", Value::Null), vec!["issuer"]),
        (
            with("aud", json!("https://kubernetes.default.svc")),
            vec!["`aud`"],
        ),
        (with("aud", json!("https://tokens.test/")), vec!["`aud`"]),
        (
            with("aud", json!(["https://tokens.test", "b"])),
            vec!["`aud`"],
        ),
        (with("iat", json!(NOW.0 - 3_001)), vec!["lifetime"]),
        (with("jti", Value::Null), vec!["`jti`"]),
        (with("jti", json!("")), vec!["`jti`"]),
    ] {
        assert_eq!(failing_at(&plain, &claims), rules, "{claims}");
    }
    let strict = issuer(r#","algorithms":["ES256"],"replay":"allow","audiences":["x"]"#);
    let other = json!({"iss": "https://a.example", "sub": "s", "aud": ["x"], "iat": NOW.0, "exp": NOW.0 + 60});
    assert_eq!(failing_at(&strict, &other), ["`alg`"]);
    assert_eq!(failing_at(&strict, &claims()), ["`alg`", "`aud`"]);
}

proptest! {
    #[test]
    fn parsing_never_panics(text in any::<String>(), header in any::<Vec<u8>>(), claims in any::<Vec<u8>>()) {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        for jwt in [text, format!("{}.{}.", part(&header), part(&claims))] {
            if let Ok(token) = PlatformToken::parse(&jwt) {
                token.judge_alone(NOW, &mut JudgedRules::complete());
            }
        }
    }
}
