//! Owns the URL at which a client publishes its keys. Whether the server may fetch it is not known here.

use url::Url;

use crate::domain::{ParseError, text_traits};

/// An `https` URL with a host, without userinfo or fragment; at most 512 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JwksUri(Url);

impl JwksUri {
    /// Parses a URL.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refuse = |why: &str| Err(ParseError::new(format!("a jwks_uri {why}")));
        let Ok(url) = Url::parse(text) else {
            return refuse("must be a URL");
        };
        if url.scheme() != "https" || url.host_str().is_none_or(str::is_empty) {
            return refuse("must begin with https:// and a host");
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return refuse("cannot have a user name, a password or a fragment");
        }
        if text.len() > 512 || url.as_str().len() > 512 {
            return refuse("can have at most 512 characters");
        }
        Ok(Self(url))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL in its parts.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The host, and the port where it is not 443.
    pub fn authority(&self) -> &str {
        self.0.authority()
    }
}

text_traits!(JwksUri: Display, FromStr, Serialize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_has_the_port_where_it_is_not_443() {
        let authority = |text: &str| JwksUri::parse(text).unwrap().authority().to_owned();

        assert_eq!(authority("https://Keys.example:443/a?b"), "keys.example");
        assert_eq!(
            authority("https://keys.example:8443/a"),
            "keys.example:8443"
        );
        assert_eq!(authority("https://[::1]/a"), "[::1]");
    }

    #[test]
    fn anything_but_a_plain_https_url_is_refused() {
        for text in [
            "",
            "keys.example",
            "http://keys.example/",
            "file:///etc/passwd",
            "https://",
            "https://user@keys.example/",
            "https://:secret@keys.example/",
            "https://keys.example/#a",
            &format!("https://keys.example/{}", "a".repeat(500)),
        ] {
            assert!(JwksUri::parse(text).is_err(), "{text}");
        }
    }
}
