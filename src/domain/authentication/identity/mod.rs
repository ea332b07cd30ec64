//! Owns what of a platform's token names a client: the issuer, and an exact subject, exact claims, or both. No globs and no
//! regular expressions. Whether a token is genuine is not known here.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::authentication::subject::is_spiffe_path;
use crate::domain::parse::OrderedMap;
use crate::domain::{IssuerName, JsonPointer, ParseError, Subject, TrustAnchor, ensure, list_type};

/// One way in which a platform names a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientIdentity {
    issuer: IssuerName,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
    /// At least one where there is no subject.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    claims: OrderedMap<JsonPointer, String>,
}

/// The identities of a client, each of which is enough: at most 20, none twice. As JSON a list of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Identities(Vec<ClientIdentity>);

list_type!(Identities, ClientIdentity);

/// What an identity asks of a token, and what the token has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRule<'a> {
    /// `sub`, or a JSON pointer.
    pub claim: &'a str,
    /// The value that is asked for.
    pub expected: &'a str,
    /// The value of the token; `None`: it has none that could be compared.
    pub came: Option<Cow<'a, str>>,
    /// Whether they are equal.
    pub passed: bool,
}

impl ClientIdentity {
    /// An identity: with a subject, with claims, or with both.
    pub fn new(
        issuer: IssuerName,
        subject: Option<Subject>,
        mut claims: Vec<(JsonPointer, String)>,
    ) -> Result<Self, ParseError> {
        ensure!(
            subject.is_some() || !claims.is_empty(),
            "an identity needs a subject or a claim; without one, every token of the issuer would log in as the client"
        );
        ensure!(claims.len() <= 10, "an identity can have at most 10 claims");
        claims.sort();
        ensure!(
            claims.windows(2).all(|pair| pair[0].0 != pair[1].0),
            "an identity has a claim twice"
        );
        for (pointer, value) in &claims {
            ensure!(
                (1..=512).contains(&value.len()) && !value.chars().any(char::is_control),
                "the value of `{pointer}` must be 1 to 512 characters without control characters"
            );
        }
        Ok(Self {
            issuer,
            subject,
            claims: OrderedMap(claims),
        })
    }

    /// Parses a claim and its value as people write it, `/repository_id=74`: a pointer has no `=` in any claim that platforms
    /// write.
    pub fn parse_claim(text: &str) -> Result<(JsonPointer, String), ParseError> {
        let (pointer, value) = text.split_once('=').ok_or_else(|| {
            ParseError::new("a claim must be POINTER=VALUE, such as /repository_id=74")
        })?;
        Ok((JsonPointer::parse(pointer)?, value.to_owned()))
    }

    /// At which issuer.
    pub fn issuer(&self) -> &IssuerName {
        &self.issuer
    }

    /// The subject that is asked for.
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    /// The claims that are asked for, by their pointers.
    pub fn claims(&self) -> impl Iterator<Item = (&JsonPointer, &str)> {
        let claims = self.claims.iter();
        claims.map(|(pointer, value)| (pointer, value.as_str()))
    }

    /// Refuses an identity that no token of an issuer can have.
    pub fn check_at(&self, anchor: &TrustAnchor) -> Result<(), ParseError> {
        let Some(subject) = &self.subject else {
            return Ok(());
        };
        let base = subject.prefix().unwrap_or(subject.as_str());
        match anchor {
            TrustAnchor::Domain(domain) => ensure!(
                domain.holds(base) && is_spiffe_path(base),
                "the subject `{subject}` is not a SPIFFE ID in the trust domain `{domain}` of the issuer `{}`",
                self.issuer
            ),
            TrustAnchor::Url(_) => ensure!(
                subject.prefix().is_none(),
                "the subject `{subject}`: `/*` is for SPIFFE IDs, and the issuer `{}` is not a trust domain",
                self.issuer
            ),
        }
        Ok(())
    }

    /// What it asks of a token with these claims, rule by rule: one at least.
    pub fn judge<'a>(
        &'a self,
        claims: &'a Map<String, Value>,
        anchor: &'a TrustAnchor,
    ) -> impl Iterator<Item = IdentityRule<'a>> {
        let subject = self.subject.iter().map(|subject| {
            let came = claims.get("sub").and_then(Value::as_str);
            IdentityRule {
                claim: "sub",
                expected: subject.as_str(),
                came: came.map(Cow::Borrowed),
                passed: came.is_some_and(|sub| subject.admits(sub, anchor)),
            }
        });
        let others = self.claims.iter().map(|(pointer, expected)| {
            let came = pointer.text_in(claims);
            IdentityRule {
                claim: pointer.as_str(),
                expected,
                passed: came.as_deref() == Some(expected.as_str()),
                came,
            }
        });
        subject.chain(others)
    }

    /// The first rule that a token with these claims does not satisfy; `None`: the token is of this client.
    pub fn find_failure<'a>(
        &'a self,
        claims: &'a Map<String, Value>,
        anchor: &'a TrustAnchor,
    ) -> Option<IdentityRule<'a>> {
        self.judge(claims, anchor).find(|rule| !rule.passed)
    }

    /// As a document says it: an object with `issuer`, `subject` and `claims`.
    fn parse(value: &Value) -> Result<Self, ParseError> {
        let malformed = || {
            ParseError::new(
                "an identity must be an object with `issuer`, and with `subject`, `claims` or both",
            )
        };
        let members = value.as_object().ok_or_else(malformed)?;
        for name in members.keys() {
            let is_known = ["issuer", "subject", "claims"].contains(&name.as_str());
            ensure!(is_known, "unknown field `{name}` of an identity");
        }
        let issuer = members.get("issuer").and_then(Value::as_str);
        let issuer = IssuerName::parse(issuer.ok_or_else(malformed)?)?;
        let subject = match members.get("subject") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(Subject::parse(text)?),
            Some(_) => return Err(malformed()),
        };
        let claims = match members.get("claims") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(claims)) => claims
                .iter()
                .map(|(pointer, value)| {
                    let value = value.as_str().ok_or_else(|| {
                        ParseError::new(format!("the value of `{pointer}` must be a string"))
                    })?;
                    Ok((JsonPointer::parse(pointer)?, value.to_owned()))
                })
                .collect::<Result<_, ParseError>>()?,
            Some(_) => return Err(malformed()),
        };
        Self::new(issuer, subject, claims)
    }
}

/// As people read it: `k8s: sub=system:serviceaccount:prod:billing`.
impl fmt::Display for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.issuer)?;
        if let Some(subject) = &self.subject {
            write!(f, " sub={subject}")?;
        }
        for (pointer, value) in self.claims() {
            write!(f, " {pointer}={value}")?;
        }
        Ok(())
    }
}

impl Identities {
    /// The most that a client has.
    pub const MAX: usize = 20;

    /// A list without repetitions.
    pub fn new(list: Vec<ClientIdentity>) -> Result<Self, ParseError> {
        ensure!(
            list.len() <= Self::MAX,
            "a client can have at most {} identities",
            Self::MAX
        );
        let mut identities: Vec<ClientIdentity> = Vec::new();
        for identity in list {
            if !identities.contains(&identity) {
                identities.push(identity);
            }
        }
        Ok(Self(identities))
    }

    /// Parses the objects of a document.
    pub fn from_values(values: &[Value]) -> Result<Self, ParseError> {
        let parsed = values.iter().map(ClientIdentity::parse);
        Self::new(parsed.collect::<Result<_, _>>()?)
    }

    /// How many bytes they have about.
    pub fn size(&self) -> usize {
        let text = |it: &ClientIdentity| {
            let claims = it.claims.iter();
            let claims = claims.map(|(pointer, value)| pointer.as_str().len() + value.len() + 64);
            let subject = it.subject.as_ref().map_or(0, |it| it.as_str().len());
            it.issuer.as_str().len() + subject + 96 + claims.sum::<usize>()
        };
        self.0.iter().map(text).sum()
    }
}

#[cfg(test)]
mod tests;
