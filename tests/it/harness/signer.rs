//! A client with a key of its own, which signs as a client does: with aws-lc-rs alone, none of our code.

use std::cell::Cell;
use std::sync::Mutex;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A private key and the algorithm it is used with.
pub(crate) struct Signer {
    alg: &'static str,
    key: Key,
}

enum Key {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

thread_local! {
    /// The RSA keys that this test has asked for. Each test has a thread of its own.
    static RSA_KEYS_ASKED: Cell<usize> = const { Cell::new(0) };
}

/// A different key for each call in one test. All tests share the keys, because making one takes long.
fn rsa_key() -> RsaKeyPair {
    static MADE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
    let number = RSA_KEYS_ASKED.replace(RSA_KEYS_ASKED.get() + 1);
    let mut made = MADE.lock().unwrap();
    while made.len() <= number {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        made.push(der.as_ref().to_vec());
    }
    RsaKeyPair::from_pkcs8(&made[number]).unwrap()
}

impl Signer {
    /// Makes a key for an algorithm.
    pub(crate) fn new(alg: &'static str) -> Self {
        let key = match alg {
            "ES256" => Key::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
            "ES384" => Key::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()),
            "EdDSA" | "Ed25519" => Key::Ed(Ed25519KeyPair::generate().unwrap()),
            _ => Key::Rsa(rsa_key()),
        };
        Self { alg, key }
    }

    /// A key in the form of PKCS #8.
    pub(crate) fn from_pem(alg: &'static str, pem: &str) -> Self {
        let lines = pem.lines().filter(|line| !line.starts_with('-'));
        let der = STANDARD.decode(lines.collect::<String>()).unwrap();
        let key = match alg {
            "ES256" => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der);
                Key::Ec(pair.unwrap())
            }
            _ => Key::Rsa(RsaKeyPair::from_pkcs8(&der).unwrap()),
        };
        Self { alg, key }
    }

    /// The same key, used with another algorithm.
    pub(crate) fn with(self, alg: &'static str) -> Self {
        Self { alg, ..self }
    }

    /// The public key, named `kid`.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.key {
            Key::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": crv, "kid": kid, "x": text(x), "y": text(y)})
            }
            Key::Ed(pair) => {
                let x = text(pair.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x})
            }
            Key::Rsa(pair) => {
                let n = pair.public_key().modulus();
                let e = pair.public_key().exponent();
                json!({"kty": "RSA", "kid": kid, "n": text(n.big_endian_without_leading_zero()),
                    "e": text(e.big_endian_without_leading_zero())})
            }
        }
    }

    /// A JWK set with the public key alone.
    pub(crate) fn jwks(&self, kid: &str) -> String {
        json!({"keys": [self.jwk(kid)]}).to_string()
    }

    /// A JWT with the key's `alg` in its header.
    pub(crate) fn sign(&self, mut header: Value, claims: &Value) -> String {
        if header.is_object() && header.get("alg").is_none() {
            header["alg"] = self.alg.into();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.signature(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let pair = match &self.key {
            Key::Ec(pair) => return pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::Ed(pair) => return pair.sign(message).as_ref().to_vec(),
            Key::Rsa(pair) => pair,
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        let signed = match self.alg {
            "RS256" => pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature),
            "RS384" => pair.sign(&RSA_PKCS1_SHA384, &random, message, &mut signature),
            "RS512" => pair.sign(&RSA_PKCS1_SHA512, &random, message, &mut signature),
            "PS256" => pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature),
            "PS384" => pair.sign(&RSA_PSS_SHA384, &random, message, &mut signature),
            "PS512" => pair.sign(&RSA_PSS_SHA512, &random, message, &mut signature),
            other => panic!("{other}"),
        };
        signed.unwrap();
        signature
    }
}
