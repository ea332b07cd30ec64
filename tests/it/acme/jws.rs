//! Signed requests (RFC 8555 §6.2), verified.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A request, its signature not yet verified.
pub(super) struct Signed {
    pub(super) header: Value,
    /// `null` where there is none (POST-as-GET).
    pub(super) payload: Value,
    input: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        Self::of(&token_server::base::json::from_slice(body).map_err(|error| error.to_string())?)
    }

    fn of(body: &Value) -> Result<Self, String> {
        let text = |name: &str| body[name].as_str().ok_or(format!("no {name}"));
        let json = |text: &[u8]| {
            token_server::base::json::from_slice(text).map_err(|error| error.to_string())
        };
        let payload = decode(&body["payload"])?;
        Ok(Self {
            header: json(&decode(&body["protected"])?)?,
            payload: if payload.is_empty() {
                Value::Null
            } else {
                json(&payload)?
            },
            input: format!("{}.{}", text("protected")?, text("payload")?).into_bytes(),
            signature: decode(&body["signature"])?,
        })
    }

    pub(super) fn verify(&self, key: &AccountKey) -> Result<(), String> {
        if self.header["alg"] != "ES256" {
            return Err("another alg".to_owned());
        }
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.point);
        let verified = key.verify(&self.input, &self.signature);
        verified.map_err(|_| "the signature is wrong".to_owned())
    }
}

/// The public key of an account.
#[derive(Clone)]
pub(super) struct AccountKey {
    jwk: Value,
    point: Vec<u8>,
}

impl AccountKey {
    pub(super) fn parse(jwk: &Value) -> Result<Self, String> {
        if jwk["kty"] != "EC" || jwk["crv"] != "P-256" || !jwk["d"].is_null() {
            return Err("another kind of key".to_owned());
        }
        let point = [vec![4], decode(&jwk["x"])?, decode(&jwk["y"])?].concat();
        let jwk = jwk.clone();
        Ok(Self { jwk, point })
    }

    /// RFC 7638.
    pub(super) fn thumbprint(&self) -> String {
        let (x, y) = (&self.jwk["x"], &self.jwk["y"]);
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{x},"y":{y}}}"#);
        URL_SAFE_NO_PAD.encode(sha256(text.as_bytes()))
    }
}

/// RFC 8555 §7.3.4: the account's key, under the key of the other account.
pub(super) fn verify_binding(
    binding: &Value,
    key_id: &str,
    key: &[u8],
    jwk: &Value,
) -> Result<(), String> {
    let signed = Signed::of(binding)?;
    if signed.header["alg"] != "HS256" || signed.header["kid"] != json!(key_id) {
        return Err("another key".to_owned());
    }
    if signed.payload != *jwk {
        return Err("another account's key is bound".to_owned());
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let verified = hmac::verify(&key, &signed.input, &signed.signature);
    verified.map_err(|_| "the binding's signature is wrong".to_owned())
}

pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

pub(super) fn decode(value: &Value) -> Result<Vec<u8>, String> {
    let text = value.as_str().ok_or("no text")?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|error| error.to_string())
}
