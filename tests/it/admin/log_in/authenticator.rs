//! A passkey as a device keeps it (`WebAuthn` Level 3 §6), with which a test may also lie.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use token_server::base::secret::random_bytes;

use crate::harness::Answer;

/// The user is there and was recognised (§6.1).
const PRESENT_AND_VERIFIED: u8 = 0x05;

/// The data has a new credential in it.
const ATTESTED: u8 = 0x40;

pub(super) struct Authenticator {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    /// Where the browser says that it is.
    pub(super) origin: &'static str,
    /// How often it has signed.
    pub(super) counter: u32,
}

/// What a page tells the browser of a passkey.
pub(super) fn options(page: &Answer) -> Value {
    let (_, rest) = page.text().split_once("data-options=\"").unwrap();
    let text = rest.split('"').next().unwrap();
    let text = text.replace("&#34;", "\"").replace("&quot;", "\"");
    token_server::base::json::from_str(&text).unwrap()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Authenticator {
    pub(super) fn new() -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            id: random_bytes::<16>().to_vec(),
            origin: "https://tokens.test",
            counter: 0,
        }
    }

    /// Makes a credential, for what a page asks.
    pub(super) fn create(&self, options: &Value) -> String {
        let host = options["publicKey"]["rp"]["id"].as_str().unwrap();
        let mut data = self.data(host, PRESENT_AND_VERIFIED | ATTESTED);
        data.extend([0; 16]);
        data.extend([0, 16]);
        data.extend(&self.id);
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        // EC2, ES256, P-256 (RFC 9053 §7.1).
        data.extend(b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20");
        data.extend(x);
        data.extend(b"\x22\x58\x20");
        data.extend(y);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(&data);
        self.answer(&json!({
            "clientDataJSON": encode(&self.client_data("webauthn.create", options)),
            "attestationObject": encode(&object),
        }))
    }

    /// Signs once more, for what a page asks.
    pub(super) fn sign(&mut self, options: &Value) -> String {
        self.counter += 1;
        let host = options["publicKey"]["rpId"].as_str().unwrap();
        let data = self.data(host, PRESENT_AND_VERIFIED);
        let client_data = self.client_data("webauthn.get", options);
        let hash = digest(&SHA256, &client_data);
        let signed = [&data, hash.as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.answer(&json!({
            "clientDataJSON": encode(&client_data),
            "authenticatorData": encode(&data),
            "signature": encode(signature.as_ref()),
        }))
    }

    fn data(&self, host: &str, flags: u8) -> Vec<u8> {
        let hash = digest(&SHA256, host.as_bytes());
        [hash.as_ref(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = &options["publicKey"]["challenge"];
        let said = json!({"type": kind, "challenge": challenge, "origin": self.origin});
        said.to_string().into_bytes()
    }

    fn answer(&self, response: &Value) -> String {
        let id = encode(&self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "response": response,
            "clientExtensionResults": {},
        })
        .to_string()
    }
}
