//! A client that makes `DPoP` proofs (RFC 9449 §4.2).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{NOW, Signer};

/// Its key.
pub(crate) struct Prover {
    pub(crate) signer: Signer,
}

impl Prover {
    pub(crate) fn new(alg: &'static str) -> Self {
        let signer = Signer::new(alg);
        Self { signer }
    }

    /// The public key without a name.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = self.signer.jwk("k");
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    }

    /// The header of its proofs.
    pub(crate) fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "jwk": self.jwk()})
    }

    /// The thumbprint of the key; of an EC key only.
    pub(crate) fn jkt(&self) -> String {
        let jwk = self.jwk();
        let text =
            json!({"crv": jwk["crv"], "kty": "EC", "x": jwk["x"], "y": jwk["y"]}).to_string();
        URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
    }

    /// A proof of these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.signer.sign(self.header(), claims)
    }

    /// A good proof for a request.
    pub(crate) fn prove(&self, method: &str, uri: &str) -> String {
        self.sign(&proof_claims(method, uri))
    }

    /// A good proof for a request with a token.
    pub(crate) fn prove_with(&self, method: &str, uri: &str, token: &str) -> String {
        self.sign(&with_token(proof_claims(method, uri), token))
    }
}

/// Claims that are good, with a `jti` of their own.
pub(crate) fn proof_claims(method: &str, uri: &str) -> Value {
    let jti = token_server::base::secret::random_base62(16);
    json!({"jti": jti, "htm": method, "htu": uri, "iat": NOW.0})
}

/// The same with the hash of a token.
pub(crate) fn with_token(mut claims: Value, token: &str) -> Value {
    claims["ath"] = URL_SAFE_NO_PAD
        .encode(digest(&SHA256, token.as_bytes()))
        .into();
    claims
}
