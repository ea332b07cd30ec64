//! Identities as documents have them, and what they ask of a token.

use serde_json::json;

use super::*;
use crate::domain::{IssuerUrl, TrustDomain};

fn identities(value: &Value) -> Result<Identities, String> {
    let list = value.as_array().cloned().unwrap_or_default();
    Identities::from_values(&list).map_err(|error| error.0)
}

fn passes(identity: &Value, claims: &Value, anchor: &TrustAnchor) -> bool {
    let list = identities(&json!([identity])).unwrap();
    let claims = claims.as_object().unwrap();
    let identity = list.iter().next().unwrap();
    let rules: Vec<_> = identity.judge(claims, anchor).collect();
    assert!(!rules.is_empty());
    let passes = rules.iter().all(|rule| rule.passed);
    assert_eq!(identity.find_failure(claims, anchor).is_none(), passes);
    passes
}

fn url() -> TrustAnchor {
    TrustAnchor::Url(IssuerUrl::parse("https://a.example").unwrap())
}

fn domain() -> TrustAnchor {
    TrustAnchor::Domain(TrustDomain::parse("acme.example").unwrap())
}

#[test]
fn an_identity_is_read_as_it_is_written() {
    let list = json!([
        {"issuer": "k8s", "subject": "system:serviceaccount:a:b"},
        {"issuer": "github", "claims": {"/environment": "prod", "/repository_id": "1"}},
        {"issuer": "spire", "subject": "spiffe://acme.example/a/*", "claims": {"/a~1b/c": "1"}},
    ]);
    let parsed = identities(&list).unwrap();
    assert_eq!(serde_json::to_value(&parsed).unwrap(), list);
}

#[test]
fn an_identity_that_names_nobody_or_anybody_is_refused() {
    for (told, list) in [
        (
            "needs a subject or a claim",
            json!([{"issuer": "a"}, {"issuer": "a", "claims": {}}]),
        ),
        (
            "must be an object",
            json!([{"subject": "a"}, {"issuer": "a", "subject": 1}, "a"]),
        ),
        (
            "the name of an issuer",
            json!([{"issuer": "A", "subject": "a"}]),
        ),
        (
            "a subject must be 1",
            json!([{"issuer": "a", "subject": ""}]),
        ),
        (
            "no wildcard",
            json!([
                {"issuer": "a", "subject": "repo:acme/*"},
                {"issuer": "a", "subject": "*"},
                {"issuer": "a", "subject": "spiffe://acme.example/a*"},
                {"issuer": "a", "subject": "spiffe://acme.example/*/b"},
                {"issuer": "a", "subject": "spiffe://acme.example/a//*"},
            ]),
        ),
        (
            "must be a string",
            json!([{"issuer": "a", "claims": {"/x": 1}}]),
        ),
        (
            "not a JSON pointer",
            json!([{"issuer": "a", "claims": {"x": "1"}}, {"issuer": "a", "claims": {"/x~2": "1"}}]),
        ),
        (
            "must be 1 to 512",
            json!([{"issuer": "a", "claims": {"/x": ""}}]),
        ),
        (
            "unknown field `x`",
            json!([{"issuer": "a", "subject": "a", "x": 1}]),
        ),
        (
            "request_tags",
            json!([{"issuer": "a", "claims": {"/https:~1~1sts.amazonaws.com~1/request_tags/x": "1"}}]),
        ),
    ] {
        for identity in list.as_array().unwrap() {
            let error = identities(&json!([identity])).unwrap_err();
            assert!(error.contains(told), "{identity}: {error}");
        }
    }
    let many = vec![json!({"issuer": "a", "subject": "a"}); 21];
    assert!(identities(&Value::Array(many)).is_err());
}

#[test]
fn claims_are_compared_exactly_and_as_text() {
    let claims = json!({
        "sub": "a", "id": 74, "yes": true, "text": "74", "float": 1.0, "list": ["a"], "object": {"inner": "b", "list": [1]},
        "kubernetes.io": {"namespace": "prod"}, "a/b": "c", "null": null,
    });
    let with = |pointer: &str, value: &str| {
        let identity = json!({"issuer": "x", "claims": {pointer: value}});
        passes(&identity, &claims, &url())
    };
    for (pointer, value) in [
        ("/id", "74"),
        ("/text", "74"),
        ("/yes", "true"),
        ("/object/inner", "b"),
        ("/kubernetes.io/namespace", "prod"),
        ("/a~1b", "c"),
    ] {
        assert!(with(pointer, value), "{pointer}");
    }
    for (pointer, value) in [
        ("/id", "074"),
        ("/id", "74 "),
        ("/text", "7"),
        ("/yes", "True"),
        ("/float", "1.0"),
        ("/float", "1"),
        ("/list", "a"),
        ("/list/0", "a"),
        ("/object/list/0", "1"),
        ("/object", "b"),
        ("/null", "null"),
        ("/missing", "a"),
        ("/kubernetes.io/namespace", "Prod"),
    ] {
        assert!(!with(pointer, value), "{pointer}");
    }
}

#[test]
fn all_that_an_identity_asks_for_has_to_be_there() {
    let identity = json!({"issuer": "x", "subject": "s", "claims": {"/a": "1", "/b": "2"}});
    let check = |claims: Value| passes(&identity, &claims, &url());
    assert!(check(json!({"sub": "s", "a": "1", "b": "2", "c": "3"})));
    assert!(!check(json!({"sub": "t", "a": "1", "b": "2"})));
    assert!(!check(json!({"sub": "s", "a": "1"})));
    assert!(!check(json!({"sub": "s", "a": "1", "b": "3"})));
    assert!(!check(json!({"a": "1", "b": "2"})));
}

#[test]
fn a_prefix_ends_with_a_whole_segment_of_a_spiffe_id() {
    let identity = json!({"issuer": "x", "subject": "spiffe://acme.example/ns/a/sa/b/*"});
    let check = |sub: &str, anchor| passes(&identity, &json!({"sub": sub}), &anchor);
    assert!(check("spiffe://acme.example/ns/a/sa/b/c", domain()));
    assert!(check("spiffe://acme.example/ns/a/sa/b/c/d", domain()));
    for sub in [
        "spiffe://acme.example/ns/a/sa/b",
        "spiffe://acme.example/ns/a/sa/bb",
        "spiffe://acme.example/ns/a/sa/bb/c",
        "spiffe://acme.example/ns/a/sa/b/",
        "spiffe://acme.example/ns/a/sa/b/../c",
        "spiffe://acme.example/ns/a/sa/b/*",
        "spiffe://acme.example.org/ns/a/sa/b/c",
    ] {
        assert!(!check(sub, domain()), "{sub}");
    }
    assert!(!check("spiffe://acme.example/ns/a/sa/b/c", url()));
    let exact = json!({"issuer": "x", "subject": "spiffe://acme.example/ns/a/sa/b"});
    let bb = json!({"sub": "spiffe://acme.example/ns/a/sa/bb"});
    assert!(!passes(&exact, &bb, &domain()));
}

#[test]
fn an_identity_fits_its_issuer() {
    let check = |subject: &str, anchor: &TrustAnchor| {
        let list = identities(&json!([{"issuer": "x", "subject": subject}])).unwrap();
        list.iter().next().unwrap().check_at(anchor).is_ok()
    };
    for subject in ["spiffe://acme.example/a", "spiffe://acme.example/*"] {
        assert!(check(subject, &domain()), "{subject}");
    }
    for subject in ["spiffe://other.example/a", "a", "spiffe://acme.example/a/"] {
        assert!(!check(subject, &domain()), "{subject}");
    }
    assert!(check("a", &url()) && !check("spiffe://acme.example/*", &url()));
}
