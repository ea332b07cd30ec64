use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::authentication::jwk::PRIVATE_MEMBERS;

/// RFC 8037 appendix A.2.
const ED25519: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn set(keys: &Value) -> Result<JwkSet, ParseError> {
    JwkSet::parse(&json!({ "keys": keys }).to_string())
}

fn ed25519(member: &str, value: &str) -> Value {
    let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": ED25519});
    key[member] = Value::from(value);
    key
}

#[test]
fn public_keys_are_read() {
    let n = URL_SAFE_NO_PAD.encode([0xc1; 256]);
    let coordinate = URL_SAFE_NO_PAD.encode([7; 32]);
    let keys = set(&json!([
        ed25519("kid", "one"),
        {"kty": "RSA", "n": n, "e": "AQAB", "alg": "PS256", "use": "enc"},
        {"kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate, "x5c": ["AQID"]},
    ]))
    .unwrap();

    assert_eq!(keys.keys()[0].kid.as_deref(), Some("one"));
    assert_eq!(keys.keys()[1].alg.as_deref(), Some("PS256"));
    assert!(keys.keys()[0].verifies && !keys.keys()[1].verifies);
    assert_eq!(keys.keys()[2].certificate, Some(vec![1, 2, 3]));
    assert_eq!(JwkSet::parse(keys.as_str()).unwrap(), keys);
}

#[test]
fn private_and_symmetric_keys_are_refused_by_name() {
    for member in PRIVATE_MEMBERS {
        let error = set(&json!([ed25519(member, "AQAB")])).unwrap_err();
        assert!(error.0.contains(&format!("`{member}`")), "{error}");
    }
    assert!(set(&json!([ed25519("kid", "a"), {"kty": "oct"}])).is_err());
}

#[test]
fn unknown_kinds_are_skipped_but_not_all() {
    let unknown = json!({"kty": "AKP", "pub": "AQAB"});

    assert_eq!(
        set(&json!([unknown, ed25519("kid", "a")]))
            .unwrap()
            .keys()
            .len(),
        1
    );
    assert!(set(&json!([unknown])).is_err());
}

/// RFC 7517 §4 and §5.
#[test]
fn members_unknown_here_are_ignored_and_of_two_equal_ones_the_last_counts() {
    let key =
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{ED25519}","kid":"a","new":[1],"kid":"b"}}"#);
    let keys = JwkSet::parse(&format!(r#"{{"new":1,"keys":[],"keys":[{key}]}}"#)).unwrap();

    assert_eq!(keys.keys().len(), 1);
    assert_eq!(keys.keys()[0].kid.as_deref(), Some("b"));
}

#[test]
fn malformed_and_oversized_sets_are_refused() {
    let short = URL_SAFE_NO_PAD.encode([0xc1; 128]);
    for keys in [
        json!([]),
        json!(["a"]),
        json!([{"crv": "P-256"}]),
        json!([{"kty": "OKP", "crv": "Ed25519", "x": "AQAB"}]),
        json!([{"kty": "EC", "crv": "P-256", "x": ED25519, "y": "AQAB"}]),
        json!([{"kty": "RSA", "n": short, "e": "AQAB"}]),
        json!([{"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xc1; 256]), "e": "Ag"}]),
        json!([{"kty": "RSA", "n": "=", "e": "AQAB"}]),
        json!([ed25519("kid", &"x".repeat(40_000))]),
        Value::Array(vec![ed25519("kid", "a"); 21]),
    ] {
        assert!(set(&keys).is_err(), "{keys}");
    }
    for text in ["", "[]", "{}", r#"{"keys":{}}"#] {
        assert!(JwkSet::parse(text).is_err(), "{text}");
    }
}

/// The `kid` of the keys that are used, and what is told of the others.
fn published(text: &str) -> (Vec<String>, Vec<String>) {
    let (set, skipped) = JwkSet::parse_published(text).unwrap();
    let kids = set.keys().iter().map(|key| key.kid.clone().unwrap());
    let skipped = skipped.iter().map(SkippedKey::to_string);
    (kids.collect(), skipped.collect())
}

#[test]
fn an_unusable_key_of_a_published_set_is_skipped_and_named_and_the_others_are_used() {
    let short = URL_SAFE_NO_PAD.encode([0xc1; 128]);
    for (key, told) in [
        (json!({"kty": "RSA", "n": short, "e": "AQAB"}), "2048"),
        (json!({"kty": "oct", "k": "c2VjcmV0"}), "`k`"),
        (json!({"kty": "oct"}), "symmetric"),
        (json!({"kty": "EC", "crv": "P-256", "x": ED25519}), "`y`"),
        (json!({"kty": "EC", "crv": "P-257", "x": ""}), "`crv`"),
        (json!({"kty": "AKP", "pub": "AQAB"}), "`kty`"),
        (json!({"kty": 1}), "`kty`"),
        (json!({"kty": null}), "`kty`"),
        (json!({"crv": "P-256"}), "`kty`"),
        (ed25519("d", "c2VjcmV0"), "`d`"),
        (ed25519("x5c", "AQID"), "`x5c`"),
        (json!("text"), "object"),
        (json!(["OKP", "Ed25519", ED25519]), "object"),
        (json!(null), "object"),
    ] {
        let keys = json!([ed25519("kid", "a"), key, ed25519("kid", "b")]);
        let (kids, skipped) = published(&json!({ "keys": keys }).to_string());

        assert_eq!(kids, ["a", "b"], "{key}");
        assert_eq!(skipped.len(), 1, "{key}");
        assert!(skipped[0].starts_with("keys[1]: "), "{}", skipped[0]);
        assert!(skipped[0].contains(told), "{key}: {}", skipped[0]);
        assert!(!skipped[0].contains("c2VjcmV0"), "{}", skipped[0]);
        match set(&keys) {
            // A kind that is unknown here is no fault.
            Ok(registered) => assert_eq!(registered.keys().len(), 2, "{key}"),
            Err(error) => assert!(error.0.starts_with("keys[1]: "), "{error}"),
        }
    }
}

#[test]
fn of_a_published_set_the_first_twenty_keys_that_can_be_used_are_used() {
    let mut keys = vec![json!({"kty": "oct"})];
    keys.extend((1..=22).map(|n| ed25519("kid", &n.to_string())));

    let (kids, skipped) = published(&json!({ "keys": keys }).to_string());

    assert_eq!(kids.len(), 20);
    assert_eq!(kids[19], "20");
    let [_, next, _] = skipped.as_slice() else {
        panic!("{skipped:?}")
    };
    assert_eq!(
        next,
        "keys[21] (kid `21`): a JWK set can have at most 20 keys"
    );
}

#[test]
fn a_key_that_makes_a_published_set_too_large_is_skipped() {
    let keys = json!([ed25519("kid", &"x".repeat(40_000)), ed25519("kid", "a")]);

    let (kids, skipped) = published(&json!({ "keys": keys }).to_string());

    assert_eq!((kids, skipped.len()), (vec!["a".to_owned()], 1));
    assert!(skipped[0].len() < 200, "{}", skipped[0]);
}

#[test]
fn in_a_published_set_null_is_absent_and_a_byte_order_mark_may_stand_in_front() {
    let mut key = ed25519("kid", "a");
    for name in ["alg", "use", "x5c", "x5t#S256", "d"] {
        key[name] = Value::Null;
    }
    let text = format!("\u{feff}{}", json!({ "keys": [key] }));

    assert_eq!(published(&text), (vec!["a".to_owned()], Vec::new()));
    assert!(set(&json!([key])).is_err());
    assert!(JwkSet::parse(&text).is_err());
}

#[test]
fn two_keys_with_the_same_kid_are_both_used() {
    let keys = json!({ "keys": [ed25519("kid", "a"), ed25519("kid", "a")] }).to_string();

    assert_eq!(published(&keys).0, ["a", "a"]);
    assert_eq!(JwkSet::parse(&keys).unwrap().keys().len(), 2);
}

#[test]
fn a_published_set_without_a_usable_key_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[]}"#,
        r#"{"keys":null}"#,
        r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#,
        r#"[[{"kty":"oct"}]]"#,
    ] {
        assert!(JwkSet::parse_published(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_skipped_is_not_in_the_set_and_its_kid_is_printable() {
    let mut private = ed25519("d", "c2VjcmV0");
    private["kid"] = json!(format!("a\n\u{1b}[31m{}", "x".repeat(100)));
    let text = json!({"keys": [private, ed25519("kid", "b")], "new": 1}).to_string();

    let (set, skipped) = JwkSet::parse_published(&text).unwrap();

    assert!(!set.as_str().contains("c2VjcmV0"), "{set}");
    let told = skipped[0].to_string();
    assert!(told.starts_with("keys[0] (kid `a??[31mx"), "{told}");
    assert!(told.len() < 220, "{told}");
}

proptest! {
    #[test]
    fn parsing_never_panics(text in any::<String>(), member in "[a-z0-9#S]{1,8}", value in "\\PC{0,20}") {
        let _ = JwkSet::parse(&text);
        let _ = JwkSet::parse_published(&text);
        let keys = json!([ed25519(&member, &value)]);
        let _ = set(&keys);
        let _ = JwkSet::parse_published(&json!({ "keys": keys }).to_string());
    }
}
