//! Owns the comparing of the URLs of HTTP requests: two spellings of one are equal (RFC 9449 §4.3), and what
//! stands behind the path does not count. Knows nothing of whose they are.

use url::Url;

use crate::domain::ParseError;

/// The http or https URL of a request without query and fragment, normalised (RFC 3986 §6.2.2 and §6.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUri(String);

impl HttpUri {
    /// Parses an absolute URL.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let malformed = || ParseError::new("it is not an http or https URL of a request");
        // A parser for browsers would mend these.
        if text.contains(['\\', '\t', '\r', '\n', ' ']) {
            return Err(malformed());
        }
        let url = Url::parse(text).map_err(|_| malformed())?;
        let is_http = matches!(url.scheme(), "http" | "https");
        if !is_http || !url.username().is_empty() || url.password().is_some() {
            return Err(malformed());
        }
        // Scheme and host in lower case, no default port, no dot segments: that is the parser's work.
        let origin = url.origin().ascii_serialization();
        let path = normalise_escapes(url.path()).ok_or_else(malformed)?;
        Ok(Self(format!("{origin}{path}")))
    }
}

/// RFC 3986 §6.2.2.1 and §6.2.2.2: what needs no escape has none, and the others are in upper case. `None` for a `%`
/// that is no escape: beside an escaped digit it would become one.
fn normalise_escapes(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        let escaped = after
            .get(..2)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())?;
        if escaped.is_ascii_alphanumeric() || b"-._~".contains(&escaped) {
            normal.push(char::from(escaped));
        } else {
            normal.push_str(&format!("%{escaped:02X}"));
        }
        rest = &after[2..];
    }
    normal.push_str(rest);
    Some(normal)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> HttpUri {
        HttpUri::parse(text).unwrap()
    }

    #[test]
    fn spellings_of_one_url_are_equal() {
        let plain = parsed("https://api.example.com/a/b~c%2Fd");
        for text in [
            "HTTPS://API.example.com:443/a/b~c%2Fd",
            "https://api.example.com/a/b%7Ec%2fd",
            "https://api.example.com/a/x/../b~c%2Fd",
            "https://api.example.com/a/./b~c%2Fd?query=1#fragment",
        ] {
            assert_eq!(parsed(text), plain, "{text}");
        }
        assert_eq!(parsed("https://a.example"), parsed("https://a.example/"));
    }

    #[test]
    fn other_urls_are_not() {
        let plain = parsed("https://api.example.com/a");
        for text in [
            "http://api.example.com/a",
            "https://api.example.com:8443/a",
            "https://api.example.com/a/",
            "https://api.example.com/A",
            "https://api.example.com.evil.example/a",
        ] {
            assert_ne!(parsed(text), plain, "{text}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_request_is_refused() {
        for text in [
            "",
            "/a",
            "//a.example/a",
            "ftp://a.example/a",
            "https://user@a.example/a",
            "https://:p@a.example/a",
            "https:\\\\a.example/a",
            "https://a.example/a\n",
            "https://a.example/%",
            "https://a.example/%a%30",
            "https://",
        ] {
            assert!(HttpUri::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>(), path in "[%0-9a-fA-F./é]{0,20}") {
            let _ = HttpUri::parse(&text);
            if let Ok(uri) = HttpUri::parse(&format!("https://a.example/{path}")) {
                prop_assert_eq!(HttpUri::parse(&uri.0), Ok(uri));
            }
        }
    }
}
