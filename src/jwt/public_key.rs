//! Checks signatures that others made, under their public keys (RFC 7515 §5.2). Which key is whose is not
//! known here; which algorithm fits a key is, and a symmetric one fits none.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::domain::{Curve, PublicKey, Thumbprint};

/// The algorithms in which others may sign, by their names in RFC 7518 §3.1, RFC 8037 §3.1 and RFC 9864.
const ALGORITHMS: [(&str, Algorithm); 10] = [
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
    ("Ed25519", Algorithm::EdDSA),
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
];

/// The names of the algorithms in which clients may sign assertions
/// (`token_endpoint_auth_signing_alg_values_supported`, RFC 8414 §2).
pub fn assertion_algorithms() -> [&'static str; 10] {
    ALGORITHMS.map(|(name, _)| name)
}

/// The algorithm of this name, if others may sign with it.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    let known = ALGORITHMS.iter().find(|(theirs, _)| *theirs == name);
    known.map(|(_, algorithm)| *algorithm)
}

/// Whether `signature` (base64url) over `signed` is one of `key` with `algorithm`.
pub(super) fn is_signature_of(
    key: &PublicKey,
    algorithm: Algorithm,
    signed: &[u8],
    signature: &str,
) -> bool {
    let Some(key) = decoding_key(key, algorithm) else {
        return false;
    };
    jsonwebtoken::crypto::verify(signature, signed, &key, algorithm).is_ok_and(|good| good)
}

/// The SHA-256 of the key's required members in the order of the alphabet (RFC 7638 §3, RFC 8037 §2).
pub(super) fn thumbprint(key: &PublicKey) -> Thumbprint {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let members = match key {
        PublicKey::Ec { curve, point } => {
            let (x, y) = point[1..].split_at(point.len() / 2);
            let crv = curve.as_str();
            format!(
                r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#,
                text(x),
                text(y)
            )
        }
        PublicKey::Ed25519(x) => {
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x))
        }
        PublicKey::Rsa { n, e } => {
            format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n))
        }
    };
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, members.as_bytes()).as_ref());
    Thumbprint::new(sha256)
}

/// RFC 8725 §3.1: a key is used with the algorithms of its kind only, whatever a header says.
fn decoding_key(key: &PublicKey, algorithm: Algorithm) -> Option<DecodingKey> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match (key, algorithm) {
        (PublicKey::Ec { curve, point }, _) => {
            let own = match curve {
                Curve::P256 => Some(ES256),
                Curve::P384 => Some(ES384),
                Curve::P521 => None,
            };
            (own == Some(algorithm)).then(|| DecodingKey::from_ec_der(point))
        }
        (PublicKey::Ed25519(x), EdDSA) => Some(DecodingKey::from_ed_der(x)),
        (PublicKey::Rsa { n, e }, RS256 | RS384 | RS512 | PS256 | PS384 | PS512) => {
            Some(DecodingKey::from_rsa_raw_components(n, e))
        }
        (PublicKey::Ed25519(_) | PublicKey::Rsa { .. }, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::domain::Jwk;

    /// RFC 7638 §3.1, RFC 8037 appendix A.3; an EC key stands in RFC 9449 (see `dpop_proof`).
    #[test]
    fn thumbprints_are_those_of_the_rfcs() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        for (jwk, thumbprint) in [
            (
                json!({"kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29", "n": n}),
                "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            ),
            (
                json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
                "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            ),
        ] {
            let jwk = Jwk::parse(&jwk).unwrap().unwrap();
            assert_eq!(super::thumbprint(&jwk.key).to_string(), thumbprint);
        }
    }
}
