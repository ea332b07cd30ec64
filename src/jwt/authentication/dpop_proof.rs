//! Judges `DPoP` proofs (RFC 9449 §4.3): JWTs with which a client proves, for one request, that it has the private key
//! of the public one in them. Whether one was used before, and whether its nonce is ours, are the use case's questions.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use crate::base::clock::UnixTime;
use crate::domain::{HttpUri, Jwk, Thumbprint};
use crate::jwt::authentication::client_assertion::NumericDate;
use crate::jwt::public_key;
use crate::jwt::tokens::verify::{Parts, decode};

/// Seconds by which a client's clock may be ahead of ours.
pub const DPOP_LEEWAY: i64 = 30;

/// Far more than any proof needs, with an RSA key and a certificate in it.
const MAX_BYTES: usize = 8 * 1024;

/// Longer than any name that is drawn at random; only a hash of it is kept.
const MAX_JTI_BYTES: usize = 256;

/// What a proof has to be about. Not `Debug`: the access token stays out of every log.
#[derive(Clone, Copy)]
pub struct DpopRules<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The URL of the request.
    pub uri: &'a HttpUri,
    /// The access token that it is to go with, at a resource.
    pub access_token: Option<&'a str>,
    /// For how many seconds after its `iat` a proof is good.
    pub max_age: i64,
}

/// A proof that is right in all that can be said without memory.
#[derive(Clone, Debug)]
pub struct DpopProof {
    /// The thumbprint of its key (RFC 7638).
    pub jkt: Thumbprint,
    /// Its name, which may be used once.
    pub jti: String,
    /// When it expires.
    pub good_until: UnixTime,
    /// The nonce in it.
    pub nonce: Option<String>,
}

/// Why a proof is no good. The texts are public: all of it stands in the proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// Not three parts of base64url with a header and claims.
    #[error("the DPoP proof is not a JWT with the claims jti, htm, htu and iat")]
    Malformed,
    /// `typ` is another.
    #[error("the DPoP proof's `typ` is not dpop+jwt")]
    WrongType,
    /// It has the member `crit`, and nothing critical is understood.
    #[error("the DPoP proof's header has `crit`, and this server supports no extension")]
    Critical,
    /// Not an algorithm in which a client may sign; `none` and symmetric ones among them.
    #[error("the DPoP proof's `alg` is not one of {}", public_key::assertion_algorithms().join(", "))]
    Algorithm,
    /// No public key of a known kind that may sign with the algorithm.
    #[error("the DPoP proof's `jwk` is not a public key for its `alg`: {0}")]
    Key(String),
    /// The key did not sign it.
    #[error("the DPoP proof's signature is wrong")]
    Signature,
    /// For another method.
    #[error("the DPoP proof's `htm` is not {0}")]
    WrongMethod(String),
    /// For another URL. Which one is not told where a proxy said it.
    #[error("the DPoP proof's `htu` is not the URL of this request")]
    WrongUri,
    /// Too old, or too new.
    #[error("the DPoP proof's `iat` is not now: a proof is valid for {0} seconds")]
    WrongTime(i64),
    /// No name to remember it by.
    #[error("the DPoP proof's `jti` is missing or unusable")]
    NoName,
    /// For another token, or for none.
    #[error("the DPoP proof's `ath` is not the hash of the access token")]
    WrongToken,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    typ: String,
    alg: String,
    jwk: Option<Value>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: NumericDate,
    ath: Option<String>,
    nonce: Option<String>,
}

impl DpopProof {
    /// Reads a proof and checks all but its nonce and that it is new.
    pub fn check(jwt: &str, rules: DpopRules<'_>, now: UnixTime) -> Result<Self, DpopError> {
        if jwt.len() > MAX_BYTES {
            return Err(DpopError::Malformed);
        }
        let parts = Parts::split(jwt).map_err(|_| DpopError::Malformed)?;
        let header: Header = decode(parts.header).map_err(|_| DpopError::Malformed)?;
        let claims: Claims = decode(parts.payload).map_err(|_| DpopError::Malformed)?;
        let jkt = check_signature(&header, &parts)?;
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI_BYTES {
            return Err(DpopError::NoName);
        }
        claims.check(rules, now)?;
        Ok(Self {
            jkt,
            jti: claims.jti,
            good_until: claims.iat.0.plus(rules.max_age),
            nonce: claims.nonce,
        })
    }
}

/// The thumbprint of the key in the header, if it signed the proof.
fn check_signature(header: &Header, parts: &Parts<'_>) -> Result<Thumbprint, DpopError> {
    if header.typ != "dpop+jwt" {
        return Err(DpopError::WrongType);
    }
    if header.crit.is_some() {
        return Err(DpopError::Critical);
    }
    let algorithm = public_key::algorithm(&header.alg).ok_or(DpopError::Algorithm)?;
    let not_a_key = |why: &str| DpopError::Key(why.to_owned());
    let jwk = header.jwk.as_ref();
    let jwk = jwk.ok_or_else(|| not_a_key("there is none"))?;
    // The parser refuses a private or symmetric key.
    let jwk = Jwk::parse(jwk)
        .map_err(|error| DpopError::Key(error.0))?
        .ok_or_else(|| not_a_key("its type is unknown"))?;
    let alg = |name: &String| public_key::algorithm(name) == Some(algorithm);
    if !jwk.verifies || !jwk.alg.as_ref().is_none_or(alg) {
        return Err(not_a_key("it is for another use"));
    }
    let signed = parts.signed.as_bytes();
    if public_key::is_signature_of(&jwk.key, algorithm, signed, parts.signature) {
        Ok(public_key::thumbprint(&jwk.key))
    } else {
        Err(DpopError::Signature)
    }
}

impl Claims {
    fn check(&self, rules: DpopRules<'_>, now: UnixTime) -> Result<(), DpopError> {
        // RFC 9110 §9.1: methods are case-sensitive.
        if self.htm != rules.method {
            return Err(DpopError::WrongMethod(rules.method.to_owned()));
        }
        if HttpUri::parse(&self.htu).as_ref() != Ok(rules.uri) {
            return Err(DpopError::WrongUri);
        }
        let iat = self.iat.0;
        if iat.plus(rules.max_age) <= now || iat > now.plus(DPOP_LEEWAY) {
            return Err(DpopError::WrongTime(rules.max_age));
        }
        if let Some(token) = rules.access_token {
            let ath = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()));
            if self.ath.as_ref() != Some(&ath) {
                return Err(DpopError::WrongToken);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixTime = UnixTime(1_562_262_616);

    fn check(
        jwt: &str,
        access_token: Option<&str>,
        method: &str,
        uri: &str,
    ) -> Result<DpopProof, DpopError> {
        let uri = HttpUri::parse(uri).unwrap();
        let rules = DpopRules {
            method,
            uri: &uri,
            access_token,
            max_age: 60,
        };
        DpopProof::check(jwt, rules, NOW)
    }

    /// RFC 9449 §4.1, figure 2, and the thumbprint of its key in §6.1, figure 8.
    #[test]
    fn the_example_of_the_rfc_is_good() {
        let jwt = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik\
            VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR\
            nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE\
            QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj\
            oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia\
            WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg\
            4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
        let uri = "https://server.example.com/token";

        let proof = check(jwt, None, "POST", uri).unwrap();

        assert_eq!(
            proof.jkt.to_string(),
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
        );
        assert_eq!(proof.jti, "-BwC3ESc6acc2lTc");
        assert_eq!(proof.good_until, NOW.plus(60));
        assert_eq!(
            check(jwt, None, "post", uri).unwrap_err(),
            DpopError::WrongMethod("post".to_owned())
        );
        assert_eq!(
            check(jwt, Some("token"), "POST", uri).unwrap_err(),
            DpopError::WrongToken
        );
    }

    proptest! {
        #[test]
        fn checking_never_panics(text in any::<String>(), header in any::<Vec<u8>>(), claims in any::<Vec<u8>>()) {
            let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let jwt = format!("{}.{}.", part(&header), part(&claims));
            for jwt in [text, jwt] {
                prop_assert!(check(&jwt, None, "POST", "https://a.example/").is_err());
            }
        }
    }
}
