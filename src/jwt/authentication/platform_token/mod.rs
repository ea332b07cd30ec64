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
    AssertionError, Header, MAX_BYTES, NumericDate, Signer,
};
use crate::jwt::tokens::verify::{LEEWAY, Parts, decode};
use crate::jwt::{JudgedRules, SignatureVerdict};

/// The longest lifetime that any issuer may have.
const MAX_LIFETIME: i64 = 24 * 60 * 60;

/// What the rule on the signature asks for.
const SIGNATURE: &str = "made with a key of the issuer";

/// A token of a platform: well-formed, and judged by nobody yet. Not `Debug`: it is a secret until it is used.
pub struct PlatformToken<'a> {
    parts: Parts<'a>,
    header: Header,
    claims: Map<String, Value>,
    known: KnownClaims,
    spiffe_id: Option<SpiffeId>,
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
    pub fn judge_alone(&self, now: UnixTime, rules: &mut JudgedRules) {
        let is_absent = self.header.crit.is_none();
        rules.add(is_absent, || {
            let came = if is_absent { "absent" } else { "there" };
            ("`crit`", "absent".to_owned(), came.to_owned())
        });
        self.judge_algorithm(&IssuerAlgorithms::default(), rules);
        self.judge_type(rules);
        let sub = self.known.sub.as_str();
        rules.add(!sub.is_empty(), || {
            ("`sub`", "a subject".to_owned(), quoted(sub))
        });
        // Whoever else it is for could present it here.
        rules.add(self.audience().is_some(), || {
            let came = self.known.aud.to_string();
            ("`aud`", "exactly one audience".to_owned(), came)
        });
        self.judge_times(now, rules);
    }

    fn judge_algorithm(&self, among: &IssuerAlgorithms, rules: &mut JudgedRules) {
        let alg = self.header.alg.as_str();
        rules.add(among.contains(alg), || {
            ("`alg`", format!("one of {among}"), quoted(alg))
        });
    }

    /// An access token (`at+jwt`) and everything else that is made for another purpose is no proof of identity
    /// (RFC 8725 §3.11).
    fn judge_type(&self, rules: &mut JudgedRules) {
        let may_be_jose = self.spiffe_id.is_some();
        let came = self.header.typ.as_deref();
        let passed = came.is_none_or(|typ| {
            typ.eq_ignore_ascii_case("JWT") || (may_be_jose && typ.eq_ignore_ascii_case("JOSE"))
        });
        rules.add(passed, || {
            let expected = if may_be_jose {
                "absent, JWT or JOSE"
            } else {
                "absent or JWT"
            };
            let came = came.map_or_else(|| "absent".to_owned(), quoted);
            ("`typ`", expected.to_owned(), came)
        });
    }

    fn audience(&self) -> Option<&str> {
        let aud = &self.known.aud;
        match aud.as_array().map(Vec::as_slice) {
            Some([one]) => one.as_str(),
            Some(_) => None,
            None => aud.as_str(),
        }
    }

    fn judge_times(&self, now: UnixTime, rules: &mut JudgedRules) {
        let (exp, latest) = (self.known.exp.0, now.plus(LEEWAY));
        rules.add(exp.plus(LEEWAY) > now, || {
            ("`exp`", format!("later than {now}"), exp.to_string())
        });
        let begun = [("`nbf`", self.known.nbf), ("`iat`", self.known.iat)];
        for (name, at) in begun {
            if let Some(NumericDate(at)) = at {
                rules.add(at <= latest, || {
                    (name, format!("not later than {now}"), at.to_string())
                });
            }
        }
        let most = MaxLifetime::from_seconds(MAX_LIFETIME).unwrap_or_default();
        self.judge_lifetime(most, rules);
    }

    /// Without `iat` nobody can tell how long a token has been good.
    fn judge_lifetime(&self, most: MaxLifetime, rules: &mut JudgedRules) {
        let lifetime = self.known.iat.map(|iat| self.known.exp.0.since(iat.0));
        let passed = lifetime.is_some_and(|it| (0..=most.seconds()).contains(&it));
        rules.add(passed, || {
            let expected = format!("`exp` at most {} s after `iat`", most.seconds());
            let came = lifetime.map_or_else(|| "without `iat`".to_owned(), |it| format!("{it} s"));
            ("lifetime", expected, came)
        });
    }

    /// The rules of an issuer, but for the signature. `own`: this server. What comes of them is for the operator only.
    pub fn judge_at(&self, issuer: &TrustedIssuer, own: &Issuer, rules: &mut JudgedRules) {
        rules.add(self.names(&issuer.anchor), || {
            let came = match &issuer.anchor {
                TrustAnchor::Url(_) => self.known.iss.as_deref().unwrap_or_default(),
                TrustAnchor::Domain(_) => self.sub(),
            };
            let (anchor, name) = (&issuer.anchor, &issuer.name);
            let expected = format!("{anchor}, as registered for the issuer `{name}`");
            ("issuer", expected, quoted(came))
        });
        self.judge_algorithm(&issuer.algorithms, rules);
        self.judge_jose(&issuer.anchor, rules);
        self.judge_audience(issuer, own, rules);
        self.judge_lifetime(issuer.max_lifetime, rules);
        if issuer.replay == Replay::Once {
            let jti = self.jti().unwrap_or_default();
            rules.add(!jti.is_empty(), || {
                let expected = "a name, because tokens of this issuer are valid once";
                ("`jti`", expected.to_owned(), quoted(jti))
            });
        }
    }

    /// `JOSE` is a type of JWT-SVIDs alone, also where another issuer has a SPIFFE ID as subject.
    fn judge_jose(&self, anchor: &TrustAnchor, rules: &mut JudgedRules) {
        let typ = self.header.typ.as_deref().unwrap_or_default();
        if typ.eq_ignore_ascii_case("JOSE") && matches!(anchor, TrustAnchor::Url(_)) {
            rules.add(false, || ("`typ`", "absent or JWT".to_owned(), quoted(typ)));
        }
    }

    fn judge_audience(&self, issuer: &TrustedIssuer, own: &Issuer, rules: &mut JudgedRules) {
        let came = self.audience();
        let passed = came.is_some_and(|aud| issuer.accepts_audience(aud, own));
        rules.add(passed, || {
            let accepted: BTreeSet<&str> = if issuer.audiences.is_empty() {
                BTreeSet::from([own.as_str()])
            } else {
                issuer.audiences.iter().map(Audience::as_str).collect()
            };
            let expected: Vec<&str> = accepted.into_iter().collect();
            ("`aud`", expected.join(" or "), self.known.aud.to_string())
        });
    }

    /// Whether one of an issuer's keys signed it: the one it names, or, naming none, any.
    pub fn judge_signature(&self, keys: &JwkSet) -> SignatureVerdict {
        match Signer::named_in(&self.header) {
            Ok(signer) => signer.judge(&self.parts, keys),
            Err(_) => SignatureVerdict::Bad,
        }
    }

    /// That no signature can be judged, since the issuer's keys cannot be had.
    pub fn add_no_keys(why: String, rules: &mut JudgedRules) {
        rules.add(false, || ("signature", SIGNATURE.to_owned(), why));
    }

    /// The verdict on the signature as a rule.
    pub fn add_signature(&self, verdict: SignatureVerdict, rules: &mut JudgedRules) {
        rules.add(verdict == SignatureVerdict::Good, || {
            let kid = self.header.kid.as_deref();
            let kid = kid.map_or_else(|| "no kid".to_owned(), |kid| format!("kid {}", quoted(kid)));
            let came = match verdict {
                SignatureVerdict::Good => format!("so signed, {kid}"),
                SignatureVerdict::UnknownKey => {
                    format!("{kid}, which no key of the issuer for this `alg` has")
                }
                SignatureVerdict::Bad => format!("{kid}, but the signature is not that key's"),
            };
            ("signature", SIGNATURE.to_owned(), came)
        });
    }
}

/// A value between quotes, so that spaces in it are seen.
fn quoted(text: &str) -> String {
    format!("`{text}`")
}

#[cfg(test)]
mod tests;
