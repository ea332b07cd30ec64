//! Judges client assertions (RFC 7523 §2.2 and §3): JWTs with which a client proves that it has the private
//! key of a public one it registered. Whether one was used before is the use case's question.
//!
//! A header member that names a key or where to get one (`jwk`, `jku`, `x5u`, `x5c`) is never read.

use jsonwebtoken::Algorithm;
use serde::{Deserialize, Deserializer};

use crate::base::clock::UnixTime;
use crate::domain::{ClientId, Jwk, JwkSet};
use crate::jwt::public_key;
use crate::jwt::tokens::verify::{Parts, decode};

/// Seconds by which a client's clock may differ: those are not ours to set.
pub const ASSERTION_LEEWAY: i64 = 30;

/// Far more than any assertion needs.
pub(in crate::jwt) const MAX_BYTES: usize = 8 * 1024;

/// A client assertion that is right in all that can be said without the client's keys. Not `Debug`: an assertion is a secret
/// until it is used.
pub struct ClientAssertion<'a> {
    /// Who it says it is from.
    pub client_id: ClientId,
    /// Its name, which may be used once.
    pub jti: String,
    /// Until when it is good, leeway included.
    pub good_until: UnixTime,
    /// Whether its `aud` is the URL of the token endpoint, which only some clients may still send.
    pub is_for_token_endpoint: bool,
    signer: Signer,
    parts: Parts<'a>,
}

/// How a JWT says it was signed.
pub(in crate::jwt) struct Signer {
    kid: Option<String>,
    algorithm: Algorithm,
}

/// What an assertion has to satisfy here.
#[derive(Clone, Copy, Debug)]
pub struct AssertionRules<'a> {
    /// This server: the only `aud` (draft-ietf-oauth-rfc7523bis §4, RFC 10070).
    pub issuer: &'a str,
    /// The URL of the token endpoint, which RFC 7523 §3 allowed as `aud` before.
    pub token_endpoint: &'a str,
    /// The longest lifetime, in seconds.
    pub max_ttl: i64,
}

/// Why an assertion is no good, whoever sent it. The texts are public: all of it stands in the assertion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// Not three parts of base64url with a header and claims.
    #[error("the client_assertion is not a JWT with the claims iss, sub, aud, exp and jti")]
    Malformed,
    /// It has the member `crit`, and nothing critical is understood.
    #[error("the client_assertion's header has `crit`, and this server supports no extension")]
    Critical,
    /// Made for another purpose.
    #[error("the client_assertion's `typ` is not absent, JWT or client-authentication+jwt")]
    WrongType,
    /// Not an algorithm in which a client may sign.
    #[error("the client_assertion's `alg` is not one of {}", public_key::assertion_algorithms().join(", "))]
    Algorithm,
    /// Not from a client about itself.
    #[error("the client_assertion's `iss` and `sub` are not both the client_id")]
    WrongSubject,
    /// For somebody else.
    #[error("the client_assertion's `aud` is not only this server: it must be {0}")]
    WrongAudience(String),
    /// Too late.
    #[error("the client_assertion is expired")]
    Expired,
    /// Too early.
    #[error("the client_assertion's `nbf` or `iat` is in the future")]
    NotYetValid,
    /// Good for too long.
    #[error("the client_assertion is valid for longer than {0} seconds")]
    TooLong(i64),
    /// No name to remember it by.
    #[error("the client_assertion's `jti` is missing or unusable")]
    NoName,
}

/// What a key set says of an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureVerdict {
    /// One of the keys made it.
    Good,
    /// There is no key with its `kid`.
    UnknownKey,
    /// No key made it.
    Bad,
}

#[derive(Deserialize)]
pub(in crate::jwt) struct Header {
    pub(in crate::jwt) typ: Option<String>,
    pub(in crate::jwt) alg: String,
    pub(in crate::jwt) kid: Option<String>,
    pub(in crate::jwt) crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: OneOrMany,
    exp: NumericDate,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    #[serde(default)]
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Seconds since 1970, maybe with a fraction (RFC 7519 §2), which is dropped.
#[derive(Clone, Copy)]
pub(in crate::jwt) struct NumericDate(pub(in crate::jwt) UnixTime);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a number out of range becomes the nearest one in it"
        )]
        let seconds = match number.as_i64() {
            Some(seconds) => seconds,
            None => number.as_f64().unwrap_or_default() as i64,
        };
        Ok(Self(UnixTime(seconds)))
    }
}

impl<'a> ClientAssertion<'a> {
    /// Reads an assertion and checks all that needs no key.
    pub fn parse(
        jwt: &'a str,
        rules: AssertionRules<'_>,
        now: UnixTime,
    ) -> Result<Self, AssertionError> {
        if jwt.len() > MAX_BYTES {
            return Err(AssertionError::Malformed);
        }
        let parts = Parts::split(jwt).map_err(|_| AssertionError::Malformed)?;
        let header: Header = decode(parts.header).map_err(|_| AssertionError::Malformed)?;
        let signer = Signer::named_in(&header)?;
        check_type(header.typ.as_deref())?;
        let claims: Claims = decode(parts.payload).map_err(|_| AssertionError::Malformed)?;
        if claims.iss != claims.sub {
            return Err(AssertionError::WrongSubject);
        }
        let client_id = ClientId::parse(&claims.sub).map_err(|_| AssertionError::WrongSubject)?;
        let is_for_token_endpoint = check_audience(&claims.aud, rules)?;
        check_times(&claims, rules.max_ttl, now)?;
        if claims.jti.is_empty() {
            return Err(AssertionError::NoName);
        }
        Ok(Self {
            client_id,
            jti: claims.jti,
            good_until: claims.exp.0.plus(ASSERTION_LEEWAY),
            is_for_token_endpoint,
            signer,
            parts,
        })
    }

    /// Whether one of `keys` signed it: the one it names, or, naming none, any.
    pub fn judge_signature(&self, keys: &JwkSet) -> SignatureVerdict {
        self.signer.judge(&self.parts, keys)
    }

    /// Whether it names its key. Without a name a key that is new at its `jwks_uri` cannot be missed.
    pub fn names_its_key(&self) -> bool {
        self.signer.kid.is_some()
    }
}

impl Signer {
    pub(in crate::jwt) fn named_in(header: &Header) -> Result<Self, AssertionError> {
        if header.crit.is_some() {
            return Err(AssertionError::Critical);
        }
        let algorithm = public_key::algorithm(&header.alg).ok_or(AssertionError::Algorithm)?;
        Ok(Self {
            kid: header.kid.clone(),
            algorithm,
        })
    }

    pub(in crate::jwt) fn judge(&self, parts: &Parts<'_>, keys: &JwkSet) -> SignatureVerdict {
        let mut verdict = SignatureVerdict::UnknownKey;
        for jwk in keys.keys().iter().filter(|jwk| self.may_be(jwk)) {
            verdict = SignatureVerdict::Bad;
            let signed = parts.signed.as_bytes();
            if public_key::is_signature_of(&jwk.key, self.algorithm, signed, parts.signature) {
                return SignatureVerdict::Good;
            }
        }
        verdict
    }

    fn may_be(&self, jwk: &Jwk) -> bool {
        let named = self.kid.is_none() || self.kid == jwk.kid;
        // `Ed25519` and `EdDSA` are two names of one algorithm here.
        let alg = |name: &String| public_key::algorithm(name) == Some(self.algorithm);
        named && jwk.verifies && jwk.alg.as_ref().is_none_or(alg)
    }
}

/// An assertion that was made for another purpose proves nothing (RFC 8725 §3.11).
fn check_type(typ: Option<&str>) -> Result<(), AssertionError> {
    let Some(typ) = typ else {
        return Ok(());
    };
    // RFC 7515 §4.1.9: the prefix may be left out, and case does not matter.
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/").unwrap_or(&typ) {
        "jwt" | "client-authentication+jwt" => Ok(()),
        _ => Err(AssertionError::WrongType),
    }
}

/// It is for this server alone, so that nobody else whom it is for can use it here; whether it names the token endpoint.
fn check_audience(aud: &OneOrMany, rules: AssertionRules<'_>) -> Result<bool, AssertionError> {
    let only = match aud {
        OneOrMany::One(one) => Some(one),
        OneOrMany::Many(many) => many.first().filter(|_| many.len() == 1),
    };
    match only {
        Some(aud) if aud == rules.issuer => Ok(false),
        Some(aud) if aud == rules.token_endpoint => Ok(true),
        Some(_) | None => Err(AssertionError::WrongAudience(rules.issuer.to_owned())),
    }
}

fn check_times(claims: &Claims, max_ttl: i64, now: UnixTime) -> Result<(), AssertionError> {
    let exp = claims.exp.0;
    if exp.plus(ASSERTION_LEEWAY) <= now {
        return Err(AssertionError::Expired);
    }
    let latest = now.plus(ASSERTION_LEEWAY);
    let begun = [claims.nbf, claims.iat].into_iter().flatten();
    if begun.into_iter().any(|begin| begin.0 > latest) {
        return Err(AssertionError::NotYetValid);
    }
    let issued = claims.iat.map_or(now, |iat| iat.0);
    if exp.since(issued) > max_ttl || exp.since(latest) > max_ttl {
        return Err(AssertionError::TooLong(max_ttl));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>(), header in any::<Vec<u8>>(), claims in any::<Vec<u8>>()) {
            use base64::Engine;
            use base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let rules = AssertionRules { issuer: "https://tokens.test", token_endpoint: "https://tokens.test/token", max_ttl: 60 };
            let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let jwt = format!("{}.{}.", part(&header), part(&claims));
            for jwt in [text, jwt] {
                let _ = ClientAssertion::parse(&jwt, rules, UnixTime(1_800_000_000));
            }
        }
    }
}
