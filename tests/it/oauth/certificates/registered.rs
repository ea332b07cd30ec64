//! `self_signed_tls_client_auth` (RFC 8705 §2.2): certificates whose keys are registered.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, IsCa, KeyPair, date_time_ymd};
use serde_json::json;

use super::{Ca, accepted, ask, params, refused, register_key};
use crate::harness::{Holder, Served};

#[tokio::test]
async fn a_registered_certificate_proves_by_its_key_itself_or_its_hash() {
    let holder = Holder::self_signed(&params());
    let stranger = Holder::self_signed(&params());
    let mut by_certificate = stranger.jwk();
    by_certificate["x5c"] = json!([STANDARD.encode(holder.der())]);
    let mut by_hash = stranger.jwk();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &holder.der());
    by_hash["x5t#S256"] = json!(URL_SAFE_NO_PAD.encode(hash));

    for jwk in [holder.jwk(), by_certificate, by_hash] {
        let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
        register_key(&served, &jwk).await;
        assert_eq!(ask(&served, Some(&holder)).await, accepted(), "{jwk}");
    }
}

#[tokio::test]
async fn rsa_and_other_curves_are_registered_by_their_keys_too() {
    use rcgen::{PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let (x, y) = p384.public_key_raw()[1..].split_at(48);
    let p384_jwk = json!({"kty": "EC", "crv": "P-384", "x": text(x), "y": text(y)});
    let ed = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let ed_jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": text(ed.public_key_raw())});
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let der = rsa.public_key_raw();
    // RSAPublicKey of 2048 bits and e = 65537: 4 bytes, 4 of the modulus' header, 1 zero, 256, 2, 3.
    let rsa_jwk = json!({"kty": "RSA", "n": text(&der[9..265]), "e": text(&der[267..])});

    for (key, jwk) in [(p384, p384_jwk), (ed, ed_jwk), (rsa, rsa_jwk)] {
        let pem = params().self_signed(&key).unwrap().pem();
        let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
        register_key(&served, &jwk).await;
        assert_eq!(
            ask(&served, Some(&Holder { pem, key })).await,
            accepted(),
            "{jwk}"
        );
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_registered_or_expired_is_refused() {
    let ca = Ca::new();
    let served = ca.serve().await;
    let mut expired = params();
    expired.not_after = date_time_ymd(2026, 1, 1);
    let expired = Holder::self_signed(&expired);
    register_key(&served, &expired.jwk()).await;

    // Also one of the authority that is trusted: this client may not use that method.
    for holder in [Holder::self_signed(&params()), ca.sign(&params()), expired] {
        assert_eq!(ask(&served, Some(&holder)).await, refused());
    }
}

#[tokio::test]
async fn a_self_signed_certificate_as_openssl_makes_it_is_taken() {
    let mut params = params();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.extended_key_usages.clear();
    params.subject_alt_names.clear();
    let holder = Holder::self_signed(&params);
    let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
    register_key(&served, &holder.jwk()).await;

    assert_eq!(ask(&served, Some(&holder)).await, accepted());
}
