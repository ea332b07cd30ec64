//! Owns whom a token is for (`aud`) and whom it is from (`iss`).

use super::{ParseError, text_type};

/// Whom a token is for: the name or URL of a resource server (RFC 7519 §4.1.3, RFC 8707 §2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Audience(String);

impl Audience {
    /// Parses 1 to 256 printable ASCII characters without spaces.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new(
                "an audience is 1 to 256 printable ASCII characters without spaces",
            ))
        }
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
        if audiences.len() > 50 {
            return Err(ParseError::new("a client has at most 50 audiences"));
        }
        Ok(audiences)
    }

    /// The audiences as one text, as [`parse_list`](Self::parse_list) reads it.
    pub fn join(audiences: &[Self]) -> String {
        let words: Vec<&str> = audiences.iter().map(Self::as_str).collect();
        words.join(" ")
    }
}

/// Whom a token is from: an `https` URL without query or fragment (RFC 8414 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(String);

impl Issuer {
    /// Parses an issuer URL of at most 256 characters: it is also the default audience.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let host = text.strip_prefix("https://").unwrap_or_default();
        let complete = !host.is_empty() && !host.starts_with('/') && text.len() <= 256;
        if complete
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b'?' && b != b'#')
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new(
                "an issuer is an https:// URL of at most 256 characters, without query or fragment",
            ))
        }
    }
}

text_type!(Audience);
text_type!(Issuer);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_order_and_drops_repetitions() {
        let list = Audience::parse_list(" https://b  a https://b ").unwrap();
        assert_eq!(Audience::join(&list), "https://b a");
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
            &format!("https://{}", "a".repeat(249)),
        ] {
            assert!(Issuer::parse(text).is_err(), "{text}");
        }
    }
}
