//! Judges tokens: ours, under one of our keys, and good now. Whether one was revoked is the use
//! case's question, not this file's.
//!
//! RFC 8725: the algorithm is the key's, never the header's (§3.1); `typ` is required (§3.11); a header
//! parameter we did not write is refused, and with it `crit`, `jku`, `x5u`, `jwk` and whatever comes.
//!
//! A token may have the `typ` JWT, which says nothing. What keeps our other JWTs apart is then that each of them has a `typ` of its
//! own, which no token may have, and that a token has all the claims of one (RFC 8725 §3.12).

use base64::Engine;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::clock::UnixTime;
use crate::base::json;
use crate::domain::{KeyId, TokenTtl, TokenTyp};
use crate::jwt::base64url::BASE64URL;
use crate::jwt::{AccessTokenClaims, KeySet};

/// Seconds by which the clocks of two replicas may differ. A revocation is kept this much longer
/// than its token.
pub const LEEWAY: i64 = 5;

/// Longer than any token that a client gets for itself: 8 KiB of metadata and 2 KiB of scopes in base64. No longer one is
/// exchanged.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Why a token is no good. The texts are public: they tell a developer what to look at, and a
/// forger nothing that the token did not say already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not three parts of base64url of which the first two are JSON objects.
    #[error("the token is malformed")]
    Malformed,
    /// A JWT whose header or claims are not those that we write, though it may be signed with a secret that we share.
    #[error("the token was not issued by this server: its header or its claims differ")]
    Foreign,
    /// No key of ours has this `kid`, or `alg` is not that key's.
    #[error(
        "the token was not issued by this server: this server has no key with its `kid` and `alg`"
    )]
    UnknownKey,
    /// The signature does not fit.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// `exp` has passed.
    #[error("the token is expired")]
    Expired,
    /// `nbf` or `iat` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is not this server.
    #[error("the token was not issued by this server: it is from another issuer")]
    WrongIssuer,
    /// It claims to live longer than any token of ours.
    #[error("this server does not issue tokens with this lifetime")]
    WrongLifetime,
}

/// The header of a token of ours (RFC 9068 §2.1), and nothing else.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenHeader {
    /// The media type, `at+jwt` or `JWT`.
    pub typ: String,
    /// The algorithm it claims.
    pub alg: String,
    /// The key it claims.
    pub kid: String,
}

impl KeySet {
    /// The claims of `token`, if it is one of ours and good at `now`.
    pub fn verify(
        &self,
        token: &str,
        now: UnixTime,
    ) -> Result<AccessTokenClaims<'static>, VerifyError> {
        let signed = self.verify_signature(token)?;
        signed.claims.check_times(now)?;
        Ok(signed.claims)
    }

    /// What `token` says, if it is one of ours, at whatever time. This part of the verdict is the same as long
    /// as its key is one of ours.
    pub fn verify_signature(&self, token: &str) -> Result<SignedClaims, VerifyError> {
        let parts = Parts::split(token)?;
        let header = read_header(&parts)?;
        let key = self.find(&header.kid).ok_or(VerifyError::UnknownKey)?;
        if header.alg != key.alg.as_str() {
            return Err(VerifyError::UnknownKey);
        }
        let signed = parts.signed.as_bytes();
        match jsonwebtoken::crypto::verify(parts.signature, signed, &key.decoding, key.algorithm) {
            Ok(true) => {}
            Ok(false) | Err(_) => return Err(VerifyError::BadSignature),
        }
        let json =
            String::from_utf8(decode_base64(parts.payload)?).map_err(|_| VerifyError::Malformed)?;
        let claims: AccessTokenClaims<'static> =
            json::from_str(&json).map_err(|_| self.judge_foreign(&json))?;
        if *claims.iss != self.issuer {
            return Err(VerifyError::WrongIssuer);
        }
        // As we write it, so that whoever passes it on may build on that.
        if !json.starts_with("{\"") {
            return Err(VerifyError::Malformed);
        }
        Ok(SignedClaims {
            kid: key.kid.clone(),
            claims,
            json,
        })
    }

    /// What is wrong with claims that we did not write, though their signature is good. Others have the key of HS256, and write no
    /// `iss` and `jti` as ours.
    fn judge_foreign(&self, json: &str) -> VerifyError {
        let claims: serde_json::Result<Map<String, Value>> = json::from_str(json);
        let has = |claims: &Map<String, Value>, name: &str| {
            claims.get(name).is_some_and(Value::is_string)
        };
        match claims {
            Ok(claims) if claims.get("iss") != Some(&self.issuer.as_str().into()) => {
                VerifyError::Foreign
            }
            Ok(claims) if !has(&claims, "jti") => VerifyError::Foreign,
            Ok(_) | Err(_) => VerifyError::Malformed,
        }
    }
}

/// Claims under a signature of ours, and whose key made it. Their times are not judged yet.
#[derive(Clone, Debug)]
pub struct SignedClaims {
    /// The key.
    pub kid: KeyId,
    /// What the token says.
    pub claims: AccessTokenClaims<'static>,
    /// The same as a JSON object, to the letter as it was signed.
    pub json: String,
}

/// The key that a token claims to be signed with, known or not.
pub fn claimed_key_id(token: &str) -> Option<KeyId> {
    let header: TokenHeader = decode(Parts::split(token).ok()?.header).ok()?;
    KeyId::parse(&header.kid).ok()
}

/// The header and the claims of a text that looks like a JWT, judged by nobody. For showing only.
pub fn decode_unverified(token: &str) -> Result<(Value, Value), VerifyError> {
    let parts = Parts::split(token)?;
    Ok((decode(parts.header)?, decode(parts.payload)?))
}

impl AccessTokenClaims<'_> {
    /// Whether the token is valid at `now`. `exp` is the first second at which it is not (RFC 7519 §4.1.4).
    pub fn check_times(&self, now: UnixTime) -> Result<(), VerifyError> {
        if self.exp.plus(LEEWAY) <= now {
            return Err(VerifyError::Expired);
        }
        if self.nbf.max(self.iat) > now.plus(LEEWAY) {
            return Err(VerifyError::NotYetValid);
        }
        let lifetime = self.exp.since(self.iat);
        if !(0..=TokenTtl::MAX.seconds()).contains(&lifetime) {
            return Err(VerifyError::WrongLifetime);
        }
        Ok(())
    }
}

pub(in crate::jwt) struct Parts<'a> {
    pub(in crate::jwt) header: &'a str,
    pub(in crate::jwt) payload: &'a str,
    pub(in crate::jwt) signature: &'a str,
    pub(in crate::jwt) signed: &'a str,
}

impl<'a> Parts<'a> {
    pub(in crate::jwt) fn split(token: &'a str) -> Result<Self, VerifyError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(VerifyError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(VerifyError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(VerifyError::Malformed)?;
        Ok(Self {
            header,
            payload,
            signature,
            signed,
        })
    }
}

pub(in crate::jwt) fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, VerifyError> {
    json::from_slice(&decode_base64(part)?).map_err(|_| VerifyError::Malformed)
}

/// Strict base64url: no padding, no stray bits, so that a token has one spelling.
pub(in crate::jwt) fn decode_base64(part: &str) -> Result<Vec<u8>, VerifyError> {
    BASE64URL.decode(part).map_err(|_| VerifyError::Malformed)
}

/// The header, if it is one that we write.
fn read_header(parts: &Parts<'_>) -> Result<TokenHeader, VerifyError> {
    let json = decode_base64(parts.header)?;
    let header: TokenHeader = json::from_slice(&json).map_err(|_| {
        let object: serde_json::Result<Map<String, Value>> = json::from_slice(&json);
        object.map_or(VerifyError::Malformed, |_| VerifyError::Foreign)
    })?;
    if is_access_token_type(&header.typ) {
        Ok(header)
    } else {
        Err(VerifyError::Foreign)
    }
}

/// RFC 9068 §4 with RFC 7515 §4.1.9: the prefix may be there, and case does not matter. `JWT` is to the letter as we write it.
fn is_access_token_type(typ: &str) -> bool {
    typ.eq_ignore_ascii_case(TokenTyp::AtJwt.as_str())
        || typ.eq_ignore_ascii_case("application/at+jwt")
        || typ == TokenTyp::Jwt.as_str()
}
