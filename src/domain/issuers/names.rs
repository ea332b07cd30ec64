//! Owns how trusted issuers are named: by operators, in the claim `iss`, and as SPIFFE trust domains. All are compared byte
//! by byte.

use std::fmt;

use crate::domain::{ClientId, Issuer, JwksUri, ParseError, text_type};

/// What SPIFFE IDs begin with.
const SPIFFE: &str = "spiffe://";

/// What operators call a trusted issuer. Identities of clients belong to the issuer of this name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerName(String);

text_type!(
    IssuerName,
    |text| {
        let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        (1..=64).contains(&text.len())
            && text.bytes().next().is_some_and(is_word)
            && text.bytes().all(|b| is_word(b) || b"-_.".contains(&b))
    },
    "the name of an issuer is 1 to 64 characters of a-z, 0-9, `-`, `_` and `.`, and begins with a letter or a digit"
);

/// The exact claim `iss` of an issuer's tokens: an `https` URL, to the letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IssuerUrl(String);

text_type!(
    IssuerUrl,
    |text| {
        text.starts_with("https://")
            && JwksUri::parse(text).is_ok_and(|uri| uri.url().query().is_none())
            && text.bytes().all(|b| b.is_ascii_graphic() && b != b'?')
    },
    "the `iss` of an issuer must be an https:// URL of at most 512 characters, without user name, query or fragment"
);

impl IssuerUrl {
    /// The URL of the issuer's metadata: the default of `OpenID` Connect Discovery 1.0 §4.
    pub fn discovery_url(&self) -> Result<JwksUri, ParseError> {
        let base = self.0.trim_end_matches('/');
        JwksUri::parse(&format!("{base}/.well-known/openid-configuration"))
    }

    /// Whether a person would take it for this server: the same URL but for case and a slash at the end.
    pub fn is_like(&self, issuer: &Issuer) -> bool {
        let plain = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
        let parsed = |text: &str| JwksUri::parse(text).map(|it| plain(it.as_str()));
        plain(&self.0) == plain(issuer.as_str())
            || matches!((parsed(&self.0), parsed(issuer.as_str())), (Ok(a), Ok(b)) if a == b)
    }
}

/// A SPIFFE trust domain (SPIFFE-ID §2.1): the part of a SPIFFE ID behind `spiffe://` and before the path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TrustDomain(String);

text_type!(
    TrustDomain,
    |text| {
        let is_good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
        (1..=255).contains(&text.len()) && text.bytes().all(is_good)
    },
    "a trust domain must be 1 to 255 characters of a-z, 0-9, `.`, `-` and `_`, without `spiffe://`"
);

impl TrustDomain {
    /// Its SPIFFE ID, to which the path of a workload is appended.
    pub fn id(&self) -> String {
        format!("{SPIFFE}{}", self.0)
    }

    /// Whether a text is its ID, or begins as the ID of a workload in it.
    pub fn holds(&self, text: &str) -> bool {
        let rest = text.strip_prefix(SPIFFE);
        let rest = rest.and_then(|rest| rest.strip_prefix(self.0.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The ID of a workload: a trust domain and a path of at least one segment (SPIFFE-ID §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpiffeId {
    trust_domain: TrustDomain,
    text: String,
}

impl SpiffeId {
    /// The most bytes of an ID (SPIFFE-ID §2.3).
    const MAX_LENGTH: usize = 2_048;

    /// Parses an ID: segments of letters, digits, `.`, `-` and `_`, none of them empty, `.` or `..`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let parsed = text.strip_prefix(SPIFFE).and_then(|rest| {
            let (domain, path) = rest.split_once('/')?;
            let is_good = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
            let is_segment =
                |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_good);
            let domain = TrustDomain::parse(domain).ok()?;
            path.split('/').all(is_segment).then_some(domain)
        });
        match parsed {
            Some(trust_domain) if text.len() <= Self::MAX_LENGTH => Ok(Self {
                trust_domain,
                text: text.to_owned(),
            }),
            Some(_) | None => Err(ParseError::new(
                "a SPIFFE ID must be spiffe://TRUST_DOMAIN/PATH, with segments of letters, digits, `.`, `-` and `_`",
            )),
        }
    }

    /// The trust domain.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The IDs above it, each of which names a whole segment at its end: the ID with 1, 2 and so on segments less.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        let start = SPIFFE.len() + self.trust_domain.as_str().len();
        let slashes = self.text.match_indices('/').map(|(at, _)| at);
        slashes
            .filter(move |at| *at >= start)
            .map(|at| &self.text[..at])
    }
}

/// Whose tokens a trusted issuer signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustAnchor {
    /// Those with exactly this `iss`.
    Url(IssuerUrl),
    /// SPIFFE JWT-SVIDs of this trust domain.
    Domain(TrustDomain),
}

impl TrustAnchor {
    /// Whether a client id would be taken for the issuer or for a workload of it.
    pub fn claims_client_id(&self, id: &ClientId) -> bool {
        match self {
            Self::Url(url) => url.as_str() == id.as_str(),
            Self::Domain(domain) => domain.holds(id.as_str()),
        }
    }
}

/// The text by which it is found: the `iss`, or `spiffe://` and the trust domain.
impl fmt::Display for TrustAnchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::Domain(domain) => f.write_str(&domain.id()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iss_is_a_plain_https_url_kept_to_the_letter() {
        for text in [
            "https://kubernetes.default.svc.cluster.local",
            "https://Token.Actions.example/",
            "https://oidc.example:8443/id/AB",
        ] {
            assert_eq!(IssuerUrl::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "http://a.example",
            "HTTPS://a.example",
            "kubernetes/serviceaccount",
            "https://",
            "https://u@a.example",
            "https://u:p@a.example",
            "https://a.example?x",
            "https://a.example/?",
            "https://a.example#x",
            "https://a.example/ ",
            "https://ä.example",
        ] {
            assert!(IssuerUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn discovery_is_behind_the_iss_without_a_slash_at_its_end() {
        for iss in ["https://a.example/x", "https://a.example/x/"] {
            let url = IssuerUrl::parse(iss).unwrap().discovery_url().unwrap();
            assert_eq!(
                url.as_str(),
                "https://a.example/x/.well-known/openid-configuration"
            );
        }
    }

    #[test]
    fn this_server_is_known_in_every_spelling() {
        let server = Issuer::parse("https://tokens.example").unwrap();
        for text in [
            "https://tokens.example",
            "https://tokens.example/",
            "https://Tokens.Example",
            "https://tokens.example:443",
        ] {
            assert!(IssuerUrl::parse(text).unwrap().is_like(&server), "{text}");
        }
        for text in ["https://tokens.example/x", "https://token.example"] {
            assert!(!IssuerUrl::parse(text).unwrap().is_like(&server), "{text}");
        }
    }

    #[test]
    fn a_trust_domain_holds_whole_ids_only() {
        let domain = TrustDomain::parse("acme.example").unwrap();
        for text in ["spiffe://acme.example", "spiffe://acme.example/a"] {
            assert!(domain.holds(text), "{text}");
        }
        for text in [
            "spiffe://acme.example.org/a",
            "spiffe://acme.exampl",
            "acme.example",
            "SPIFFE://acme.example/a",
        ] {
            assert!(!domain.holds(text), "{text}");
        }
        for text in ["", "Acme", "a/b", "spiffe://a", "a:1"] {
            assert!(TrustDomain::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_spiffe_id_has_whole_segments() {
        let id = SpiffeId::parse("spiffe://acme.example/ns/a/sa/b").unwrap();
        assert_eq!(id.trust_domain().as_str(), "acme.example");
        let parents: Vec<&str> = id.parents().collect();
        assert_eq!(
            parents,
            [
                "spiffe://acme.example",
                "spiffe://acme.example/ns",
                "spiffe://acme.example/ns/a",
                "spiffe://acme.example/ns/a/sa",
            ]
        );
        for text in [
            "spiffe://acme.example",
            "spiffe://acme.example/",
            "spiffe://acme.example/a/",
            "spiffe://acme.example//a",
            "spiffe://acme.example/../a",
            "spiffe://acme.example/a?b",
            "spiffe://acme.example/a%2fb",
            "spiffe://Acme.example/a",
            "https://acme.example/a",
        ] {
            assert!(SpiffeId::parse(text).is_err(), "{text}");
        }
    }
}
