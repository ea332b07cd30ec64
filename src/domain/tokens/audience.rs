//! Owns whom a token is for (`aud`) and whom it is from (`iss`).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::OneOfBuilder;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::{ParseError, ensure, text_type};

/// Whom a token is for: the name or URL of a resource server (RFC 7519 §4.1.3, RFC 8707 §2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Audience(String);

text_type!(
    Audience,
    |text| (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()),
    "an audience must be 1 to 256 printable ASCII characters without spaces"
);

impl Audience {
    /// Parses a resource indicator: an absolute URI without fragment (RFC 8707 §2).
    pub fn parse_resource(text: &str) -> Result<Self, ParseError> {
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        let absolute = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && !rest.is_empty();
        ensure!(
            absolute && !text.contains('#'),
            "a resource must be an absolute URI without fragment (RFC 8707 section 2)"
        );
        Self::parse(text)
    }

    /// Parses audiences separated by spaces, keeps their order and drops repetitions.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, ParseError> {
        let mut audiences = Vec::new();
        for word in text.split_ascii_whitespace() {
            let audience = Self::parse(word)?;
            if !audiences.contains(&audience) {
                audiences.push(audience);
            }
        }
        ensure!(
            audiences.len() <= 50,
            "a client can have at most 50 audiences"
        );
        Ok(audiences)
    }

    /// The audiences as one text, as [`parse_list`](Self::parse_list) reads it.
    pub fn join(audiences: &[Self]) -> String {
        let words: Vec<&str> = audiences.iter().map(Self::as_str).collect();
        words.join(" ")
    }
}

/// All whom one token is for: at least one, none twice. As JSON one is a string and several are a list
/// (RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audiences {
    first: Audience,
    // Empty nearly always, and then without memory of its own.
    others: Vec<Audience>,
}

impl Audiences {
    /// The most characters that several have together: a token must fit into a request head.
    pub const MAX_LENGTH: usize = 512;

    /// These, without repetitions; `None` when there is none.
    pub fn from_list(audiences: impl IntoIterator<Item = Audience>) -> Option<Self> {
        let mut audiences = audiences.into_iter();
        let mut list = Self::from(audiences.next()?);
        for audience in audiences {
            if !list.contains(&audience) {
                list.others.push(audience);
            }
        }
        Some(list)
    }

    /// Whether it is one of them.
    pub fn contains(&self, audience: &Audience) -> bool {
        self.iter().any(|ours| ours == audience)
    }

    /// The one, where there is but one.
    pub fn only(&self) -> Option<&Audience> {
        self.others.is_empty().then_some(&self.first)
    }

    /// All of them, separated by spaces.
    pub fn to_text(&self) -> Cow<'_, str> {
        if self.others.is_empty() {
            return Cow::from(self.first.as_str());
        }
        let words: Vec<&str> = self.iter().map(Audience::as_str).collect();
        Cow::from(words.join(" "))
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Audience> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl From<Audience> for Audiences {
    fn from(first: Audience) -> Self {
        Self {
            first,
            others: Vec::new(),
        }
    }
}

/// One audience or a list of them.
impl PartialSchema for Audiences {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(String::schema())
            .item(Vec::<String>::schema())
            .into()
    }
}

impl ToSchema for Audiences {}

impl Serialize for Audiences {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.others.is_empty() {
            self.first.serialize(serializer)
        } else {
            serializer.collect_seq(self.iter())
        }
    }
}

impl<'de> Deserialize<'de> for Audiences {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Audiences;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an audience or a list of audiences")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Audiences, E> {
                Audience::parse(text)
                    .map(Audiences::from)
                    .map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Audiences, A::Error> {
                let mut audiences = Vec::new();
                while let Some(audience) = list.next_element::<Audience>()? {
                    audiences.push(audience);
                }
                Audiences::from_list(audiences).ok_or_else(|| A::Error::custom("an empty list"))
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

/// The path of the admin API.
const ADMIN_API: &str = "/admin/api";

/// Whom a token is from: an `https` URL without query or fragment (RFC 8414 §2). It is also the default audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(String);

text_type!(
    Issuer,
    |text| {
        let host = text.strip_prefix("https://").unwrap_or_default();
        let is_good = |b: u8| b.is_ascii_graphic() && b != b'?' && b != b'#';
        let is_complete = !host.is_empty() && !host.starts_with('/');
        is_complete && text.len() <= Issuer::MAX_LENGTH && text.bytes().all(is_good)
    },
    "an issuer must be an https:// URL of at most 246 characters, without query or fragment"
);

impl Issuer {
    /// Longer ones would have an admin audience that is no audience.
    const MAX_LENGTH: usize = 256 - ADMIN_API.len();

    /// The audience of the admin API, which is no other's: the URL of the API.
    pub fn admin_audience(&self) -> Audience {
        Audience(self.endpoint(ADMIN_API))
    }

    /// The URL of one of its endpoints, whose path begins with a slash.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.0.trim_end_matches('/'))
    }

    /// Its path without a slash at the end; empty for an issuer that is a host alone.
    pub fn path(&self) -> &str {
        let host = self.0.strip_prefix("https://").unwrap_or_default();
        host.find('/')
            .map_or("", |start| host[start..].trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json;

    #[test]
    fn a_list_keeps_its_order_and_drops_repetitions() {
        let list = Audience::parse_list(" https://b  a https://b ").unwrap();
        assert_eq!(Audience::join(&list), "https://b a");
    }

    #[test]
    fn one_audience_is_a_string_and_several_are_a_list() {
        let json = |list: &str| {
            let list = Audience::parse_list(list).unwrap();
            serde_json::to_string(&Audiences::from_list(list).unwrap()).unwrap()
        };

        assert_eq!(json("a"), r#""a""#);
        assert_eq!(json("a b"), r#"["a","b"]"#);
        for text in [r#""a""#, r#"["a","b"]"#] {
            let read: Audiences = json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        for text in ["[]", "1", "null", r#"["a",1]"#, r#"["a b"]"#, r#""""#] {
            assert!(json::from_str::<Audiences>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_resource_is_an_absolute_uri_without_fragment() {
        for text in ["https://api.example/v1?x=y", "urn:example:a", "a+b-c.1:x"] {
            assert!(Audience::parse_resource(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "api",
            "/v1",
            "https:",
            ":a",
            "1a:b",
            "https://a#b",
            "https://a b",
        ] {
            assert!(Audience::parse_resource(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_issuer_knows_its_endpoints_its_path_and_the_audience_of_its_admin_api() {
        for (issuer, base, path) in [
            ("https://a", "https://a", ""),
            ("https://a:1/", "https://a:1", ""),
            ("https://a:1/b/", "https://a:1/b", "/b"),
            ("https://a/b/c/", "https://a/b/c", "/b/c"),
        ] {
            let issuer = Issuer::parse(issuer).unwrap();
            let admin_audience = issuer.admin_audience();
            assert_eq!(issuer.endpoint("/token"), format!("{base}/token"));
            assert_eq!(admin_audience.as_str(), format!("{base}/admin/api"));
            assert_eq!(issuer.path(), path);
        }
        let longest = Issuer::parse(&format!("https://{}", "a".repeat(238))).unwrap();
        let audience = longest.admin_audience();
        assert_eq!(Audience::parse(audience.as_str()), Ok(audience));
    }

    #[test]
    fn an_issuer_is_a_plain_https_url() {
        assert!(Issuer::parse("https://tokens.example.com/a").is_ok());
        for text in [
            "http://a",
            "https://",
            "https:///a",
            "https://a?b",
            "https://a#b",
            "https://a b",
            &format!("https://{}", "a".repeat(239)),
        ] {
            assert!(Issuer::parse(text).is_err(), "{text}");
        }
    }
}
