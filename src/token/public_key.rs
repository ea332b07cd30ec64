//! Checks signatures that others made, under their public keys (RFC 7515 §5.2). Which key is whose is not
//! known here; which algorithm fits a key is, and a symmetric one fits none.

use jsonwebtoken::{Algorithm, DecodingKey};

use crate::domain::{Curve, PublicKey};

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
    let mut known = ALGORITHMS.into_iter();
    known
        .find(|(theirs, _)| *theirs == name)
        .map(|(_, algorithm)| algorithm)
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

/// RFC 8725 §3.1: a key is used with the algorithms of its kind only, whatever a header says.
fn decoding_key(key: &PublicKey, algorithm: Algorithm) -> Option<DecodingKey> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match (key, algorithm) {
        (
            PublicKey::Ec {
                curve: Curve::P256,
                point,
            },
            ES256,
        )
        | (
            PublicKey::Ec {
                curve: Curve::P384,
                point,
            },
            ES384,
        ) => Some(DecodingKey::from_ec_der(point)),
        (PublicKey::Ed25519(x), EdDSA) => Some(DecodingKey::from_ed_der(x)),
        (PublicKey::Rsa { n, e }, RS256 | RS384 | RS512 | PS256 | PS384 | PS512) => {
            Some(DecodingKey::from_rsa_raw_components(n, e))
        }
        (PublicKey::Ec { .. } | PublicKey::Ed25519(_) | PublicKey::Rsa { .. }, _) => None,
    }
}
