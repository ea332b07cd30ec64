//! Owns the public keys of clients as JWKs (RFC 7517, 7518 §6, 8037). Only what is public parses: a key
//! with a private or symmetric member is refused, for it is a secret that must not be kept here.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::domain::{ParseError, ensure, word_enum};

/// RFC 7518 §6.2.2, §6.3.2, §6.4: what makes a key private or symmetric.
pub(in crate::domain) const PRIVATE_MEMBERS: [&str; 8] =
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

word_enum! {
    /// A curve of RFC 7518 §6.2.1.1.
    pub enum Curve, "a curve" {
        /// NIST P-256.
        P256 = "P-256",
        /// NIST P-384.
        P384 = "P-384",
        /// NIST P-521.
        P521 = "P-521",
    }
}

impl Curve {
    /// How many bytes a coordinate has.
    fn coordinate_length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A public key, in the one form in which two can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// A point of a curve, uncompressed: 4, x, y.
    Ec {
        /// The curve.
        curve: Curve,
        /// The point.
        point: Vec<u8>,
    },
    /// An Ed25519 key.
    Ed25519(Vec<u8>),
    /// An RSA key, numbers in big-endian bytes without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// An RSA key of numbers that may have leading zeros; 2,048 to 8,192 bits.
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self, ParseError> {
        let without_zeros = |number: &[u8]| {
            let zeros = number.iter().take_while(|byte| **byte == 0).count();
            number[zeros..].to_vec()
        };
        let (n, e) = (without_zeros(n), without_zeros(e));
        let has_first_bit = n.first().is_some_and(|first| *first >= 0x80);
        ensure!(
            (257..=1_024).contains(&n.len()) || (n.len() == 256 && has_first_bit),
            "an RSA key must have 2048 to 8192 bits"
        );
        let is_odd = e.last().is_some_and(|last| last % 2 == 1);
        ensure!(
            e.len() <= 4 && is_odd && e != [1],
            "an RSA key's exponent must be odd and have at most 32 bits"
        );
        Ok(Self::Rsa { n, e })
    }
}

/// One key of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    /// Its name, `kid`.
    pub kid: Option<String>,
    /// The only algorithm it is for, `alg`.
    pub alg: Option<String>,
    /// Whether it may verify signatures, as far as `use` and `key_ops` say.
    pub verifies: bool,
    /// The key.
    pub key: PublicKey,
    /// The DER of the certificate in `x5c`, the first of the chain.
    pub certificate: Option<Vec<u8>>,
    /// The SHA-256 of a certificate, `x5t#S256`.
    pub thumbprint: Option<Vec<u8>>,
}

impl Jwk {
    /// The key, or `None` for a kind of key unknown here.
    pub fn parse(value: &Value) -> Result<Option<Self>, ParseError> {
        let Value::Object(members) = value else {
            return Err(ParseError::new("it is not a JSON object"));
        };
        for name in PRIVATE_MEMBERS {
            ensure!(
                !members.contains_key(name),
                "it has the member `{name}`: it is a private or symmetric key, which only its owner should have"
            );
        }
        let key = match text(members, "kty")? {
            Some("EC") => ec(members)?,
            Some("OKP") => okp(members)?,
            Some("RSA") => Some(PublicKey::rsa(
                &bytes(members, "n")?,
                &bytes(members, "e")?,
            )?),
            Some("oct") => return Err(ParseError::new("it is a symmetric key (`oct`)")),
            Some(_) => None,
            None => return Err(ParseError::new("it has no `kty`")),
        };
        let Some(key) = key else { return Ok(None) };
        Ok(Some(Self {
            kid: text(members, "kid")?.map(str::to_owned),
            alg: text(members, "alg")?.map(str::to_owned),
            verifies: text(members, "use")?.is_none_or(|word| word == "sig") && may_verify(members),
            key,
            certificate: certificate(members)?,
            thumbprint: if members.contains_key("x5t#S256") {
                Some(bytes(members, "x5t#S256")?)
            } else {
                None
            },
        }))
    }
}

fn ec(members: &Map<String, Value>) -> Result<Option<PublicKey>, ParseError> {
    let Some(Ok(curve)) = text(members, "crv")?.map(Curve::parse) else {
        return Ok(None);
    };
    let (x, y) = (bytes(members, "x")?, bytes(members, "y")?);
    ensure!(
        [x.len(), y.len()] == [curve.coordinate_length(); 2],
        "`x` and `y` do not have the length of the curve"
    );
    let point = [&[4], x.as_slice(), &y].concat();
    Ok(Some(PublicKey::Ec { curve, point }))
}

fn okp(members: &Map<String, Value>) -> Result<Option<PublicKey>, ParseError> {
    if text(members, "crv")? != Some("Ed25519") {
        return Ok(None);
    }
    let x = bytes(members, "x")?;
    ensure!(x.len() == 32, "`x` does not have 32 bytes");
    Ok(Some(PublicKey::Ed25519(x)))
}

fn may_verify(members: &Map<String, Value>) -> bool {
    match members.get("key_ops") {
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        _ => true,
    }
}

/// `x5c` is base64, not base64url (RFC 7517 §4.7).
fn certificate(members: &Map<String, Value>) -> Result<Option<Vec<u8>>, ParseError> {
    let Some(chain) = members.get("x5c") else {
        return Ok(None);
    };
    let first = chain.get(0).and_then(Value::as_str);
    let der = first.and_then(|text| STANDARD.decode(text).ok());
    der.map(Some)
        .ok_or_else(|| ParseError::new("`x5c` is not a list of certificates in base64"))
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, ParseError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ParseError::new(format!("`{name}` is not a string"))),
    }
}

fn bytes(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, ParseError> {
    let text =
        text(members, name)?.ok_or_else(|| ParseError::new(format!("it has no `{name}`")))?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| ParseError::new(format!("`{name}` is not base64url without padding")))
}
