//! Says what is wrong with a private key that no TLS client could use, and with a chain whose first certificate is not that of
//! the key. rustls refuses both without a word on the reason.

use anyhow::bail;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::asn1_rs::{Any, DerParser, Error, FromDer, Oid, SequenceIterator, Tag};
use x509_parser::certificate::X509Certificate;

/// How a key is made that every client knows.
const MAKE_ONE: &str = "make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`, and get a certificate for it";

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const ED25519: &str = "1.3.101.112";

/// What rustls signs with.
const CURVES: [&str; 3] = [
    "1.2.840.10045.3.1.7", // P-256
    "1.3.132.0.34",        // P-384
    "1.3.132.0.35",        // P-521
];

/// What else operators may have, with the name by which OpenSSL calls it.
const OTHERS: [(&str, &str); 10] = [
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.132.0.33", "P-224"),
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"),
    ("1.3.101.113", "Ed448"),
    ("1.3.101.110", "X25519"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
];

/// Fails when the key is of a kind that is not supported.
pub(super) fn check_key(key: &PrivateKeyDer<'_>) -> anyhow::Result<()> {
    match kind_of(key) {
        Some(Kind::Rsa(bits)) if bits < 2_048 => {
            bail!(
                "it is an RSA key of {bits} bits, which is too weak: the minimum is 2048; {MAKE_ONE}"
            )
        }
        Some(Kind::Rsa(bits)) if bits > 8_192 => {
            bail!("it is an RSA key of {bits} bits: the maximum is 8192; {MAKE_ONE}")
        }
        Some(Kind::Ec(curve)) if !CURVES.contains(&&*curve) => bail!(
            "it is a key on the unsupported curve {}: use P-256, P-384 or P-521; {MAKE_ONE}",
            name_of(&curve)
        ),
        Some(Kind::Other(algorithm)) => bail!(
            "it is an unsupported key for {}: use ECDSA, Ed25519 or RSA; {MAKE_ONE}",
            name_of(&algorithm)
        ),
        Some(Kind::Rsa(_) | Kind::Ec(_)) | None => Ok(()),
    }
}

/// Fails when another certificate than the first is that of the key.
pub(super) fn check_order(
    chain: &[CertificateDer<'_>],
    key: &PrivateKeyDer<'_>,
) -> anyhow::Result<()> {
    let Ok(key) = any_supported_type(key) else {
        return Ok(());
    };
    let Some(public) = key.public_key() else {
        return Ok(());
    };
    let is_of_key = |certificate: &CertificateDer<'_>| {
        X509Certificate::from_der(certificate)
            .is_ok_and(|(_, parsed)| parsed.public_key().raw == public.as_ref())
    };
    match chain.iter().position(is_of_key) {
        None | Some(0) => Ok(()),
        Some(place) => bail!(
            "its {} certificates are in the wrong order: the one for TLS_KEY is number {}; put it first, and after \
                each certificate that of its issuer",
            chain.len(),
            place + 1
        ),
    }
}

enum Kind {
    /// With as many bits.
    Rsa(usize),
    /// On the curve with this OID.
    Ec(String),
    /// For the algorithm with this OID.
    Other(String),
}

/// The kind of a key; `None` for one that is supported and has no kinds, or that is malformed.
fn kind_of(key: &PrivateKeyDer<'_>) -> Option<Kind> {
    match key {
        PrivateKeyDer::Pkcs1(key) => rsa(key.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(key) => sec1(key.secret_sec1_der()),
        PrivateKeyDer::Pkcs8(key) => pkcs8(key.secret_pkcs8_der()),
        _ => None,
    }
}

/// RFC 5958 §2: the version, the algorithm, and the key in an octet string.
fn pkcs8(der: &[u8]) -> Option<Kind> {
    let [_, algorithm, key] = members(der)?.try_into().ok()?;
    let mut algorithm = parts(algorithm.data)?.into_iter();
    let oid = text_of(&algorithm.next()?)?;
    match oid.as_str() {
        RSA => rsa(key.data),
        EC => Some(Kind::Ec(text_of(&algorithm.next()?)?)),
        ED25519 => None,
        _ => Some(Kind::Other(oid)),
    }
}

/// RFC 8017 appendix A.1.2: the version, the modulus, and more.
fn rsa(der: &[u8]) -> Option<Kind> {
    let members = members(der)?;
    let modulus = members.get(1)?.data;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let modulus = modulus.get(zeros..)?;
    let unused = modulus.first()?.leading_zeros();
    let bits = modulus.len() * 8 - usize::try_from(unused).ok()?;
    Some(Kind::Rsa(bits))
}

/// RFC 5915 §3: the version, the key, and the curve in the tag 0.
fn sec1(der: &[u8]) -> Option<Kind> {
    let members = members(der)?;
    let curve = members.iter().find(|member| member.tag() == Tag(0))?;
    let (_, curve) = Any::from_der(curve.data).ok()?;
    Some(Kind::Ec(text_of(&curve)?))
}

/// What is in a sequence; at most three of it.
fn members(der: &[u8]) -> Option<Vec<Any<'_>>> {
    let (_, sequence) = Any::from_der(der).ok()?;
    (sequence.tag() == Tag::Sequence)
        .then(|| parts(sequence.data))
        .flatten()
}

fn parts(der: &[u8]) -> Option<Vec<Any<'_>>> {
    let parts = SequenceIterator::<Any<'_>, DerParser, Error>::new(der);
    parts.take(3).collect::<Result<_, _>>().ok()
}

fn text_of(value: &Any<'_>) -> Option<String> {
    let oid = Oid::try_from(value).ok()?;
    Some(oid.to_id_string())
}

fn name_of(oid: &str) -> String {
    let name = OTHERS.iter().find(|(theirs, _)| *theirs == oid);
    name.map_or_else(
        || format!("with the OID {oid}"),
        |(_, name)| format!("{name} (OID {oid})"),
    )
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

    use super::*;

    fn tagged(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
        let contents = contents.concat();
        let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
        let length = if contents.len() < 128 {
            vec![length[1]]
        } else {
            vec![0x82, length[0], length[1]]
        };
        [vec![tag], length, contents].concat()
    }

    fn sequence(contents: &[&[u8]]) -> Vec<u8> {
        tagged(0x30, contents)
    }

    fn number(bytes: &[u8]) -> Vec<u8> {
        tagged(0x02, &[bytes])
    }

    /// Of an RSA key what is looked at: the rest is missing.
    fn rsa_key(bytes: usize) -> Vec<u8> {
        let modulus = [vec![0], vec![0xc5; bytes]].concat();
        sequence(&[&number(&[0]), &number(&modulus), &number(&[1, 0, 1])])
    }

    fn oid(text: &str) -> Vec<u8> {
        let numbers: Vec<u64> = text.split('.').map(|part| part.parse().unwrap()).collect();
        tagged(0x06, &[Oid::from(&numbers).unwrap().as_bytes()])
    }

    fn in_pkcs8(algorithm: &[&[u8]], key: &[u8]) -> PrivateKeyDer<'static> {
        let key = tagged(0x04, &[key]);
        PrivatePkcs8KeyDer::from(sequence(&[&number(&[0]), &sequence(algorithm), &key])).into()
    }

    fn on_curve(curve: &str) -> [PrivateKeyDer<'static>; 2] {
        let key = tagged(0x04, &[&[7; 32]]);
        let sec1 = sequence(&[&number(&[1]), &key, &tagged(0xa0, &[&oid(curve)])]);
        [
            PrivateSec1KeyDer::from(sec1.clone()).into(),
            in_pkcs8(&[&oid(EC), &oid(curve)], &sec1),
        ]
    }

    #[track_caller]
    fn assert_refused(key: &PrivateKeyDer<'_>, named: &str) {
        let told = check_key(key).unwrap_err().to_string();
        assert!(told.contains(named), "{told}");
        assert!(told.contains("openssl genpkey"), "{told}");
    }

    #[test]
    fn a_weak_rsa_key_is_named_with_its_size() {
        let key = |bytes: usize| {
            [
                PrivatePkcs1KeyDer::from(rsa_key(bytes)).into(),
                in_pkcs8(&[&oid(RSA), &[5, 0]], &rsa_key(bytes)),
            ]
        };
        for key in key(128) {
            assert_refused(&key, "an RSA key of 1024 bits, which is too weak");
        }
        for key in key(2_048) {
            assert_refused(&key, "an RSA key of 16384 bits");
        }
        for key in key(256).into_iter().chain(key(512)) {
            assert!(check_key(&key).is_ok());
        }
    }

    #[test]
    fn a_curve_and_an_algorithm_that_are_not_supported_are_named() {
        for (curve, name) in [
            (
                "1.3.132.0.10",
                "the unsupported curve secp256k1 (OID 1.3.132.0.10)",
            ),
            (
                "1.3.36.3.3.2.8.1.1.7",
                "the unsupported curve brainpoolP256r1",
            ),
            ("1.2.3.4", "the unsupported curve with the OID 1.2.3.4"),
        ] {
            for key in on_curve(curve) {
                assert_refused(&key, name);
            }
        }
        for curve in CURVES {
            for key in on_curve(curve) {
                assert!(check_key(&key).is_ok(), "{curve}");
            }
        }
        assert_refused(&in_pkcs8(&[&oid("1.3.101.113")], &[7; 57]), "Ed448");
        assert!(check_key(&in_pkcs8(&[&oid(ED25519)], &[7; 32])).is_ok());
    }

    #[test]
    fn what_is_no_key_is_left_to_rustls() {
        for bytes in [
            vec![],
            vec![0x30, 0x80],
            vec![0x30, 0],
            sequence(&[&number(&[0])]),
        ] {
            assert!(check_key(&PrivatePkcs8KeyDer::from(bytes.clone()).into()).is_ok());
            assert!(check_key(&PrivatePkcs1KeyDer::from(bytes).into()).is_ok());
        }
    }

    #[test]
    fn a_reversed_chain_is_named_with_the_place_of_the_right_certificate() {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let pair = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["a".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&pair, &issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let (leaf, issuer) = (leaf.der().clone(), issuer.der().clone());

        assert!(check_order(&[leaf.clone(), issuer.clone()], &key).is_ok());
        // Not the order is wrong there.
        assert!(check_order(std::slice::from_ref(&issuer), &key).is_ok());
        let told = check_order(&[issuer, leaf], &key).unwrap_err().to_string();
        assert!(
            told.contains("its 2 certificates are in the wrong order"),
            "{told}"
        );
        assert!(told.contains("number 2; put it first"), "{told}");
    }
}
