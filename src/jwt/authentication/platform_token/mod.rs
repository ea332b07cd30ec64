//! Judges tokens that a platform gave to a client (RFC 7523 §3, JWT-SVID §3): each rule apart, so that logging in and
//! explaining are one code. Whose keys there are, and whether a token was used before, are the use case's questions.
//!
//! A header member that names a key or where to get one (`jwk`, `jku`, `x5u`, `x5c`) is never read.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::base::clock::UnixTime;
use crate::domain::{
    Audience, Issuer, IssuerAlgorithms, JwkSet, MaxLifetime, Replay, SpiffeId, TrustAnchor,
    TrustedIssuer,
};
use crate::jwt::authentication::client_assertion::{
    AssertionError, MAX_BYTES, NumericDate, Signer,
};
use crate::jwt::tokens::verify::{LEEWAY, Parts, decode};
use crate::jwt::{JudgedRule, SignatureVerdict};

/// The longest lifetime that any issuer may have.
const MAX_LIFETIME: i64 = 24 * 60 * 60;

/// A token of a platform: well-formed, and judged by nobody yet.
pub struct PlatformToken<'a> {
    parts: Parts<'a>,
    header: Header,
    claims: Map<String, Value>,
    known: KnownClaims,
    spiffe_id: Option<SpiffeId>,
}

#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// The registered claims (RFC 7519 §4.1).
#[derive(Deserialize)]
struct KnownClaims {
    iss: Option<String>,
    sub: String,
    aud: Value,
    exp: NumericDate,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    jti: Option<String>,
}

/// A token is a secret until it is used: its text stays out of every log.
impl std::fmt::Debug for PlatformToken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlatformToken")
            .field("iss", &self.known.iss)
            .field("sub", &self.known.sub)
            .finish_non_exhaustive()
    }
}

impl<'a> PlatformToken<'a> {
    /// Reads a token.
    pub fn parse(jwt: &'a str) -> Result<Self, AssertionError> {
        let malformed = |_| AssertionError::Malformed;
        if jwt.len() > MAX_BYTES {
            return Err(AssertionError::Malformed);
        }
        let parts = Parts::split(jwt).map_err(malformed)?;
        let header: Header = decode(parts.header).map_err(malformed)?;
        let claims: Map<String, Value> = decode(parts.payload).map_err(malformed)?;
        let known: KnownClaims = decode(parts.payload).map_err(malformed)?;
        let spiffe_id = SpiffeId::parse(&known.sub).ok();
        Ok(Self {
            parts,
            header,
            claims,
            known,
            spiffe_id,
        })
    }

    /// The claim `iss`.
    pub fn iss(&self) -> Option<&str> {
        self.known.iss.as_deref()
    }

    /// The claim `sub`.
    pub fn sub(&self) -> &str {
        &self.known.sub
    }

    /// The claim `jti`.
    pub fn jti(&self) -> Option<&str> {
        self.known.jti.as_deref()
    }

    /// Whether it says that somebody else than its subject signed it, as the tokens of platforms do.
    pub fn is_of_platform(&self) -> bool {
        match self.iss() {
            Some(iss) => iss != self.sub(),
            None => self.spiffe_id.is_some(),
        }
    }

    /// All claims.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The SPIFFE ID that the subject is.
    pub fn spiffe_id(&self) -> Option<&SpiffeId> {
        self.spiffe_id.as_ref()
    }

    /// Until when it may be presented, leeway included.
    pub fn good_until(&self) -> UnixTime {
        self.known.exp.0.plus(LEEWAY)
    }

    /// Whether it says that it is of this issuer: by the exact `iss`, or by the trust domain of its subject.
    pub fn names(&self, anchor: &TrustAnchor) -> bool {
        match anchor {
            TrustAnchor::Url(url) => self.iss() == Some(url.as_str()),
            TrustAnchor::Domain(domain) => {
                let id = self.spiffe_id.as_ref();
                id.is_some_and(|id| id.trust_domain() == domain)
            }
        }
    }

    /// Whether it names its key. Without a name a key that is new at the issuer cannot be missed.
    pub fn names_its_key(&self) -> bool {
        self.header.kid.is_some()
    }

    /// The rules that need nothing but the token and the time: whoever sent it may hear of each.
    pub fn judge_alone(&self, now: UnixTime) -> Vec<JudgedRule> {
        let mut rules = vec![
            self.judge_critical(),
            self.judge_algorithm(),
            self.judge_type(),
        ];
        rules.push(JudgedRule::new(
            "`sub`",
            "a subject",
            quoted(&self.known.sub),
            !self.known.sub.is_empty(),
        ));
        rules.push(self.judge_one_audience());
        rules.extend(self.judge_times(now));
        rules
    }

    fn judge_critical(&self) -> JudgedRule {
        let is_absent = self.header.crit.is_none();
        let came = if is_absent { "absent" } else { "there" };
        JudgedRule::new("`crit`", "absent", came, is_absent)
    }

    fn judge_algorithm(&self) -> JudgedRule {
        let all = IssuerAlgorithms::default();
        let alg = self.header.alg.as_str();
        JudgedRule::new(
            "`alg`",
            format!("one of {all}"),
            quoted(alg),
            all.contains(alg),
        )
    }

    /// An access token (`at+jwt`) and everything else that is made for another purpose is no proof of identity
    /// (RFC 8725 §3.11).
    fn judge_type(&self) -> JudgedRule {
        let may_be_jose = self.spiffe_id.is_some();
        let passed = match self.header.typ.as_deref() {
            None => true,
            Some(typ) => {
                typ.eq_ignore_ascii_case("JWT") || (may_be_jose && typ.eq_ignore_ascii_case("JOSE"))
            }
        };
        let expected = if may_be_jose {
            "absent, JWT or JOSE"
        } else {
            "absent or JWT"
        };
        let came = self.header.typ.as_deref();
        JudgedRule::new(
            "`typ`",
            expected,
            came.map_or_else(|| "absent".to_owned(), quoted),
            passed,
        )
    }

    fn audience(&self) -> Option<&str> {
        let aud = &self.known.aud;
        match aud.as_array().map(Vec::as_slice) {
            Some([one]) => one.as_str(),
            Some(_) => None,
            None => aud.as_str(),
        }
    }

    /// Whoever else it is for could present it here.
    fn judge_one_audience(&self) -> JudgedRule {
        let came = self.known.aud.to_string();
        let is_one = self.audience().is_some();
        JudgedRule::new("`aud`", "exactly one audience", came, is_one)
    }

    fn judge_times(&self, now: UnixTime) -> Vec<JudgedRule> {
        let (exp, latest) = (self.known.exp.0, now.plus(LEEWAY));
        let mut rules = vec![JudgedRule::new(
            "`exp`",
            format!("later than {now}"),
            exp.to_string(),
            exp.plus(LEEWAY) > now,
        )];
        let begun = [("`nbf`", self.known.nbf), ("`iat`", self.known.iat)];
        for (name, at) in begun {
            if let Some(NumericDate(at)) = at {
                let expected = format!("not later than {now}");
                rules.push(JudgedRule::new(
                    name,
                    expected,
                    at.to_string(),
                    at <= latest,
                ));
            }
        }
        let most = MaxLifetime::from_seconds(MAX_LIFETIME).unwrap_or_default();
        rules.push(self.judge_lifetime(most));
        rules
    }

    /// Without `iat` nobody can tell how long a token has been good.
    fn judge_lifetime(&self, most: MaxLifetime) -> JudgedRule {
        let expected = format!("`exp` at most {} s after `iat`", most.seconds());
        match self.known.iat {
            None => JudgedRule::new("lifetime", expected, "without `iat`", false),
            Some(NumericDate(iat)) => {
                let lifetime = self.known.exp.0.since(iat);
                let passed = (0..=most.seconds()).contains(&lifetime);
                JudgedRule::new("lifetime", expected, format!("{lifetime} s"), passed)
            }
        }
    }

    /// The rules of an issuer, but for the signature. `own`: this server. What comes of them is for the operator only.
    pub fn judge_at(&self, issuer: &TrustedIssuer, own: &Issuer) -> Vec<JudgedRule> {
        let is_named = self.names(&issuer.anchor);
        let came = match &issuer.anchor {
            TrustAnchor::Url(_) => self.known.iss.as_deref().unwrap_or_default(),
            TrustAnchor::Domain(_) => self.sub(),
        };
        let mut rules = vec![JudgedRule::new(
            "issuer",
            format!("{}, as the issuer `{}` has it", issuer.anchor, issuer.name),
            quoted(came),
            is_named,
        )];
        let alg = self.header.alg.as_str();
        rules.push(JudgedRule::new(
            "`alg`",
            format!("one of {}", issuer.algorithms),
            quoted(alg),
            issuer.algorithms.contains(alg),
        ));
        rules.extend(self.judge_jose(&issuer.anchor));
        rules.push(self.judge_audience(issuer, own));
        rules.push(self.judge_lifetime(issuer.max_lifetime));
        if issuer.replay == Replay::Once {
            let jti = self.jti().unwrap_or_default();
            rules.push(JudgedRule::new(
                "`jti`",
                "a name, since tokens of this issuer are good once",
                quoted(jti),
                !jti.is_empty(),
            ));
        }
        rules
    }

    /// `JOSE` is a type of JWT-SVIDs alone, also where another issuer has a SPIFFE ID as subject.
    fn judge_jose(&self, anchor: &TrustAnchor) -> Option<JudgedRule> {
        let typ = self.header.typ.as_deref()?;
        let is_jose = typ.eq_ignore_ascii_case("JOSE");
        let is_url = matches!(anchor, TrustAnchor::Url(_));
        (is_jose && is_url).then(|| JudgedRule::new("`typ`", "absent or JWT", quoted(typ), false))
    }

    fn judge_audience(&self, issuer: &TrustedIssuer, own: &Issuer) -> JudgedRule {
        let accepted: BTreeSet<&str> = if issuer.audiences.is_empty() {
            BTreeSet::from([own.as_str()])
        } else {
            issuer.audiences.iter().map(Audience::as_str).collect()
        };
        let expected: Vec<&str> = accepted.into_iter().collect();
        let passed = self
            .audience()
            .is_some_and(|aud| issuer.accepts_audience(aud, own));
        JudgedRule::new(
            "`aud`",
            expected.join(" or "),
            self.known.aud.to_string(),
            passed,
        )
    }

    /// Whether one of an issuer's keys signed it: the one it names, or, naming none, any.
    pub fn judge_signature(&self, keys: &JwkSet) -> SignatureVerdict {
        match Signer::named_in(&self.parts) {
            Ok(signer) => signer.judge(&self.parts, keys),
            Err(_) => SignatureVerdict::Bad,
        }
    }

    /// The verdict on the signature as a rule.
    pub fn signature_rule(&self, verdict: SignatureVerdict) -> JudgedRule {
        let kid = self.header.kid.as_deref();
        let kid = kid.map_or_else(|| "no kid".to_owned(), |kid| format!("kid {}", quoted(kid)));
        let came = match verdict {
            SignatureVerdict::Good => format!("so signed, {kid}"),
            SignatureVerdict::UnknownKey => {
                format!("{kid}, which none of its keys for this `alg` has")
            }
            SignatureVerdict::Bad => format!("{kid}, and the signature is not of that key"),
        };
        let expected = "made with a key of the issuer";
        JudgedRule::new(
            "signature",
            expected,
            came,
            verdict == SignatureVerdict::Good,
        )
    }
}

/// A value between quotes, so that spaces in it are seen.
fn quoted(text: &str) -> String {
    format!("`{text}`")
}

#[cfg(test)]
mod tests;
