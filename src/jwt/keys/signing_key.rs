//! Owns one key: how it is made, how it signs and what of it may be published. Knows nothing of the others.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Serialize;

use crate::base::secret::Secret;
use crate::domain::{KeyId, ParseError, SigningAlg, TokenTyp};
use crate::jwt::base64url::BASE64URL;
use crate::jwt::{AccessTokenClaims, TokenHeader};

/// 128 bits of strength (NIST SP 800-57), good beyond 2030.
const RSA_SIZE: KeySize = KeySize::Rsa3072;

/// The longest signature, in base64url: that of an RSA key.
const MAX_SIGNATURE: usize = 512;

/// Why a key cannot be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// `SECRET` is a symmetric key: nobody makes it here.
    #[error("{0} has no key pair")]
    NoKeyPair(SigningAlg),
    /// These bytes are no private key of the algorithm.
    #[error("the private key does not parse")]
    Rejected(#[from] KeyRejected),
    /// The library failed.
    #[error("the cryptographic library failed")]
    Library(#[from] Unspecified),
    /// The same, in the words of the JWT library.
    #[error("the JWT library failed")]
    Jwt(#[from] jsonwebtoken::errors::Error),
    /// The library made a name that is none.
    #[error(transparent)]
    Name(#[from] ParseError),
    /// The claims do not serialize.
    #[error("the claims do not serialize")]
    Json(#[from] serde_json::Error),
}

/// A key under which tokens are signed and verified. It has one name and one algorithm for ever.
pub struct SigningKey {
    pub(in crate::jwt) kid: KeyId,
    pub(in crate::jwt) alg: SigningAlg,
    /// The algorithm as jsonwebtoken writes it.
    pub(in crate::jwt) algorithm: Algorithm,
    pub(in crate::jwt) decoding: DecodingKey,
    /// The headers of its tokens, one for each `typ`, encoded once.
    headers: [String; TokenTyp::ALL.len()],
    signer: Signer,
    /// What may be published; nothing of a symmetric key.
    jwk: Option<Jwk>,
}

/// Keys are prepared once: jsonwebtoken would do it for every token, which doubles the time of ES256.
enum Signer {
    Hmac(Box<hmac::Key>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

impl SigningKey {
    pub(in crate::jwt) fn hs256(secret: &Secret<String>) -> Result<Self, ParseError> {
        let bytes = secret.expose().as_bytes();
        let kid = symmetric_key_id(bytes)?;
        Ok(Self {
            headers: token_headers(SigningAlg::HS256, &kid),
            kid,
            alg: SigningAlg::HS256,
            algorithm: Algorithm::HS256,
            signer: Signer::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, bytes))),
            decoding: DecodingKey::from_secret(bytes),
            jwk: None,
        })
    }

    /// Makes a private key, as PKCS#8. Takes a moment for RSA.
    pub fn generate(alg: SigningAlg) -> Result<Secret<Vec<u8>>, KeyError> {
        let pkcs8 = match alg {
            SigningAlg::HS256 => return Err(KeyError::NoKeyPair(alg)),
            SigningAlg::ES256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?
                .to_pkcs8v1()?
                .as_ref()
                .to_vec(),
            SigningAlg::EdDSA => Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec(),
            SigningAlg::RS256 | SigningAlg::PS256 => {
                let der: Pkcs8V1Der<'_> = RsaKeyPair::generate(RSA_SIZE)?.as_der()?;
                der.as_ref().to_vec()
            }
        };
        Ok(Secret::new(pkcs8))
    }

    /// The key pair of a private key.
    pub fn from_pkcs8(alg: SigningAlg, pkcs8: &Secret<Vec<u8>>) -> Result<Self, KeyError> {
        let pkcs8 = pkcs8.expose();
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let pair = RsaKeyPair::from_pkcs8(pkcs8)?;
            let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
            let decoding = DecodingKey::from_rsa_raw_components(&public.n, &public.e);
            Ok::<_, KeyError>((Signer::Rsa(pair, encoding), decoding))
        };
        let (algorithm, (signer, decoding)) = match alg {
            SigningAlg::HS256 => return Err(KeyError::NoKeyPair(alg)),
            SigningAlg::ES256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)?;
                let decoding = DecodingKey::from_ec_der(pair.public_key().as_ref());
                (Algorithm::ES256, (Signer::Ec(pair), decoding))
            }
            SigningAlg::EdDSA => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8)?;
                let decoding = DecodingKey::from_ed_der(pair.public_key().as_ref());
                (Algorithm::EdDSA, (Signer::Ed(pair), decoding))
            }
            SigningAlg::RS256 => (Algorithm::RS256, rsa(&RSA_PKCS1_SHA256)?),
            SigningAlg::PS256 => (Algorithm::PS256, rsa(&RSA_PSS_SHA256)?),
        };
        let mut jwk = Jwk::from_decoding_key(&decoding, Some(algorithm))?;
        let kid = KeyId::parse(&jwk.thumbprint(ThumbprintHash::SHA256)?)?;
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        jwk.common.key_id = Some(kid.to_string());
        Ok(Self {
            headers: token_headers(alg, &kid),
            kid,
            alg,
            algorithm,
            decoding,
            signer,
            jwk: Some(jwk),
        })
    }

    /// Its name.
    pub fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// Its algorithm.
    pub fn alg(&self) -> SigningAlg {
        self.alg
    }

    pub(in crate::jwt) fn jwk(&self) -> Option<&Jwk> {
        self.jwk.as_ref()
    }

    /// The claims as an access token in compact form (RFC 7515 §3.1).
    pub(in crate::jwt) fn sign(
        self: &Arc<Self>,
        typ: TokenTyp,
        claims: &AccessTokenClaims<'_>,
    ) -> Result<Signing, KeyError> {
        self.sign_under(&self.headers[typ as usize], &claims.to_json()?)
    }

    /// The claims as a JWT of another type.
    pub(in crate::jwt) fn sign_as(
        self: &Arc<Self>,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<Signing, KeyError> {
        let header = encode_header(typ, self.alg, &self.kid);
        self.sign_under(&header, &serde_json::to_vec(claims)?)
    }

    fn sign_under(self: &Arc<Self>, header: &str, json: &[u8]) -> Result<Signing, KeyError> {
        // Room for all of it: growing would copy it.
        let mut jwt = String::with_capacity(header.len() + json.len() * 4 / 3 + MAX_SIGNATURE);
        jwt.push_str(header);
        jwt.push('.');
        BASE64URL.encode_string(json, &mut jwt);
        if self.signer.is_slow() {
            let key = Arc::clone(self);
            return Ok(Signing::Due(UnsignedJwt { key, jwt }));
        }
        self.add_signature(jwt).map(Signing::Done)
    }

    fn add_signature(&self, mut jwt: String) -> Result<String, KeyError> {
        let signature = self.signer.sign(jwt.as_bytes())?;
        jwt.push('.');
        BASE64URL.encode_string(signature, &mut jwt);
        Ok(jwt)
    }
}

/// A JWT that was signed at once, or one whose signature takes so long that the caller chooses a thread for it. Not `Debug`: a
/// token stays out of every log.
pub enum Signing {
    /// The JWT in compact form.
    Done(String),
    /// It lacks its signature.
    Due(UnsignedJwt),
}

/// A JWT without its signature, and the key that its header names. Not `Debug`: with its signature it would be a token.
pub struct UnsignedJwt {
    key: Arc<SigningKey>,
    jwt: String,
}

impl Signing {
    /// The JWT in compact form. Signs on the thread of the caller if the signature is due.
    pub fn finish(self) -> Result<String, KeyError> {
        match self {
            Self::Done(jwt) => Ok(jwt),
            Self::Due(unsigned) => unsigned.sign(),
        }
    }
}

impl UnsignedJwt {
    /// The JWT in compact form. Takes about a millisecond or more.
    pub fn sign(self) -> Result<String, KeyError> {
        self.key.add_signature(self.jwt)
    }
}

impl Signer {
    /// Whether a signature takes about a millisecond or more. The others take at most 20 µs (`docs/performance.md`), less than
    /// handing the work to another thread and back.
    fn is_slow(&self) -> bool {
        match self {
            Self::Rsa(..) => true,
            Self::Hmac(_) | Self::Ec(_) | Self::Ed(_) => false,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(match self {
            Self::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Self::Ec(pair) => pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec(),
            Self::Ed(pair) => pair.try_sign(message)?.as_ref().to_vec(),
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature)?;
                signature
            }
        })
    }
}

/// A private key stays out of every log.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("alg", &self.alg)
            .finish_non_exhaustive()
    }
}

/// By number of the `typ`.
fn token_headers(alg: SigningAlg, kid: &KeyId) -> [String; TokenTyp::ALL.len()] {
    TokenTyp::ALL.map(|typ| encode_header(typ.as_str(), alg, kid))
}

fn encode_header(typ: &str, alg: SigningAlg, kid: &KeyId) -> String {
    let header = TokenHeader {
        typ: typ.to_owned(),
        alg: alg.to_string(),
        kid: kid.to_string(),
    };
    match serde_json::to_vec(&header) {
        Ok(json) => BASE64URL.encode(json),
        Err(error) => unreachable!("three strings serialize: {error}"),
    }
}

/// A name that every replica derives alike, that changes with the secret, and from which the
/// secret cannot be found: 72 bits of an HMAC under it.
fn symmetric_key_id(secret: &[u8]) -> Result<KeyId, ParseError> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, b"token-server kid");
    KeyId::parse(&BASE64URL.encode(&tag.as_ref()[..9]))
}
