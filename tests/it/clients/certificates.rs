//! The certificates and keys of the server and of the clients, in files.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData,
};
use serde_json::json;

/// A certificate for localhost by an authority, with all that the strictest of the libraries want in both.
pub(super) fn write_certificate(folder: &Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
        .distinguished_name
        .push(DnType::CommonName, "a test's CA");
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap();
    write(folder, "ca.pem", &ca.pem());
    let ca = Issuer::new(params, key);

    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    write(
        folder,
        "cert.pem",
        &params.signed_by(&key, &ca).unwrap().pem(),
    );
    write(folder, "key.pem", &key.serialize_pem());
}

/// A client's private key, and the public one as it is registered.
pub(super) fn write_key(folder: &Path) {
    let key = KeyPair::generate().unwrap();
    let (x, y) = key.der_bytes()[1..].split_at(32);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)});
    write(folder, "client.key", &key.serialize_pem());
    write(folder, "client.jwks", &json!({ "keys": [jwk] }).to_string());
}

/// A client's certificate, which is by nobody but itself.
pub(super) fn write_client_certificate(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["billing.example.com".to_owned()]).unwrap();
    write(folder, "client-cert.pem", &made.cert.pem());
    write(folder, "client-cert.key", &made.signing_key.serialize_pem());
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}
