//! Documents of issuers, right and wrong.

use super::*;

fn build(text: &str) -> Result<TrustedIssuer, String> {
    let spec: IssuerSpec = json::from_str(text).map_err(|error| error.to_string())?;
    spec.build(UnixTime(7)).map_err(|error| error.0)
}

const KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

#[test]
fn an_issuer_is_read_as_it_is_written() {
    let bundle = KEY.replacen('{', r#"{"use":"jwt-svid","#, 1);
    for text in [
        r#"{"name":"a","issuer":"https://a.example/"}"#.to_owned(),
        r#"{"name":"a","issuer":"https://a.example","jwks_uri":"https://b.example/keys","allowed_hosts":["c.example:8443"],
            "private_addresses":true,"ca_file":"/ca.pem","bearer_token_file":"/token","algorithms":["ES256"],
            "audiences":["x"],"max_lifetime":86400,"replay":"allow","status":"disabled"}"#
            .to_owned(),
        format!(r#"{{"name":"a","issuer":"https://a.example","jwks":{{"keys":[{KEY}]}}}}"#),
        format!(r#"{{"name":"a","trust_domain":"acme.example","jwks":{{"keys":[{bundle}]}}}}"#),
        r#"{"name":"a","trust_domain":"acme.example","bundle_file":"/bundle.json"}"#.to_owned(),
        r#"{"name":"a","trust_domain":"acme.example","bundle_endpoint":"https://b.example/"}"#
            .to_owned(),
    ] {
        let built = build(&text).unwrap();
        let written = serde_json::to_string(&built).unwrap();
        assert_eq!(build(&written).unwrap(), built, "{written}");
    }
}

#[test]
fn an_issuer_that_contradicts_itself_is_refused() {
    let whole = [
        (r#""name":"a""#, "either `issuer` or `trust_domain`"),
        (r#""issuer":"https://a.example""#, "a `name`"),
        (r#""name":"a","trust_domain":"a""#, "are in a bundle"),
    ];
    let url = [
        (r#""trust_domain":"a""#, "either `issuer` or `trust_domain`"),
        (r#""bundle_file":"/b""#, "need a trust_domain"),
        (
            r#""jwks_uri":"https://b.example","discovery_url":"https://b.example""#,
            "in one place",
        ),
        (r#""max_lifetime":86401"#, "86400 seconds"),
        (r#""algorithms":["HS256"]"#, "not an algorithm"),
        (
            r#""discovery_url":"http://a.example""#,
            "a discovery_url must begin",
        ),
        (r#""ca_file":"ca.pem""#, "must begin with `/`"),
        (r#""allowed_hosts":["*.example"]"#, "not a host"),
        (r#""x":1"#, "unknown field"),
    ];
    let domain = [
        (r#""jwks_uri":"https://b.example""#, "are in a bundle"),
        (r#""bundle_file":"/b","ca_file":"/c""#, "fetches nothing"),
    ];
    for (begin, cases) in [
        ("", &whole[..]),
        (r#""name":"a","issuer":"https://a.example","#, &url),
        (r#""name":"a","trust_domain":"a","#, &domain),
    ] {
        for (members, told) in cases {
            let error = build(&format!("{{{begin}{members}}}")).unwrap_err();
            assert!(error.contains(told), "{begin}{members}: {error}");
        }
    }
}

#[test]
fn whose_tokens_an_issuer_signs_is_not_changed() {
    let issuer = build(r#"{"name":"a","issuer":"https://a.example"}"#).unwrap();
    let change = |text: &str| {
        let spec: IssuerSpec = json::from_str(text).unwrap();
        spec.apply_to(&issuer)
    };
    for text in [
        r#"{"issuer":"https://b.example"}"#,
        r#"{"trust_domain":"a.example"}"#,
        r#"{"name":"b"}"#,
        r#"{"status":"disabled"}"#,
    ] {
        assert!(change(text).is_err(), "{text}");
    }
    let changed = change(r#"{"issuer":"https://a.example","replay":"allow"}"#).unwrap();
    assert_eq!(changed.replay, Replay::Allow);
    let discovered = change(r#"{"jwks_uri":"https://k.example"}"#).unwrap();
    let spec: IssuerSpec = json::from_str(r#"{"jwks_uri":null}"#).unwrap();
    let back = spec.apply_to(&discovered).unwrap();
    assert_eq!(back.keys, KeySource::Discovery(None));
}

#[test]
fn files_and_private_addresses_are_the_reach_of_an_issuer() {
    let plain = build(r#"{"name":"a","issuer":"https://a.example"}"#).unwrap();
    let own = r#"{"name":"a","issuer":"https://a.example","bearer_token_file":"/t"}"#;
    let own = build(own).unwrap();
    let mut moved = own.clone();
    moved.keys = KeySource::JwksUri(JwksUri::parse("https://evil.example").unwrap());
    let mut longer = own.clone();
    longer.max_lifetime = MaxLifetime::from_seconds(60).unwrap();

    assert!(plain.has_reach_of(None) && plain.has_reach_of(Some(&own)));
    assert!(longer.has_reach_of(Some(&own)));
    assert!(!own.has_reach_of(None) && !own.has_reach_of(Some(&plain)));
    assert!(!moved.has_reach_of(Some(&own)));
}
