//! Owns the reading of the `Authorization` header: HTTP Basic for clients (RFC 6749 §2.3.1), Bearer and `DPoP`
//! for tokens (RFC 6750 §2.1, RFC 9449 §7.1), and at `/verify` a token without a scheme. Parses untrusted bytes; proves
//! nothing.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::app::Credentials;
use crate::app::error::{Error, Result, TokenScheme};
use crate::base::secret::Secret;
use crate::http::request::params::decode;

/// The registered schemes (RFC 9110 §16.4.1): such a word alone is a scheme without credentials, and no token.
const SCHEMES: [&str; 14] = [
    "Basic",
    "Bearer",
    "Concealed",
    "Digest",
    "DPoP",
    "GNAP",
    "HOBA",
    "Mutual",
    "Negotiate",
    "OAuth",
    "PrivateToken",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "vapid",
];

/// A token to be verified, and how it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct PresentedToken<'a> {
    pub(in crate::http) text: &'a str,
    pub(in crate::http) source: TokenSource,
}

/// How a token was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum TokenSource {
    /// In `Authorization`, behind a scheme.
    Scheme(TokenScheme),
    /// As the whole value of `Authorization`.
    Bare,
    /// As a parameter in the body.
    Body,
}

impl TokenSource {
    /// `None`: the token came without a scheme.
    pub(in crate::http) fn scheme(self) -> Option<TokenScheme> {
        match self {
            Self::Scheme(scheme) => Some(scheme),
            Self::Bare | Self::Body => None,
        }
    }
}

/// The token in the header, when there is one, and how it is sent.
pub(in crate::http) fn token(headers: &HeaderMap) -> Result<Option<(TokenScheme, &str)>> {
    Ok(header_value(headers)?.and_then(token_behind_scheme))
}

/// The same for `/verify`, where the value may also be a token without a scheme.
pub(in crate::http) fn token_or_bare(headers: &HeaderMap) -> Result<Option<PresentedToken<'_>>> {
    let Some(value) = header_value(headers)? else {
        return Ok(None);
    };
    let found = match token_behind_scheme(value) {
        Some((scheme, token)) => Some((TokenSource::Scheme(scheme), token)),
        None => bare_token(value).map(|token| (TokenSource::Bare, token)),
    };
    Ok(found.map(|(source, text)| PresentedToken { text, source }))
}

/// What stands behind `Basic` in the one `Authorization` header.
pub(in crate::http) fn behind_basic(headers: &HeaderMap) -> Result<Option<&str>> {
    Ok(header_value(headers)?.and_then(|value| behind_scheme(value, "Basic")))
}

/// The value of the one `Authorization` header.
fn header_value(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), another) = (values.next(), values.next()) else {
        return Ok(None);
    };
    if another.is_some() {
        return Err(Error::invalid_request(
            "the request has more than one Authorization header",
        ));
    }
    let text = value
        .to_str()
        .map_err(|_| Error::invalid_request("the Authorization header is not ASCII"))?;
    Ok(Some(text))
}

fn token_behind_scheme(value: &str) -> Option<(TokenScheme, &str)> {
    let found = match behind_scheme(value, "Bearer") {
        Some(token) => Some((TokenScheme::Bearer, token)),
        None => behind_scheme(value, "DPoP").map(|token| (TokenScheme::Dpop, token)),
    };
    found.filter(|(_, token)| !token.is_empty())
}

fn behind_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (theirs, rest) = value.split_once(' ').unwrap_or((value, ""));
    theirs.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

/// A value that is one word, and not the name of a scheme.
fn bare_token(value: &str) -> Option<&str> {
    let word = value.trim();
    let is_scheme = || SCHEMES.iter().any(|name| name.eq_ignore_ascii_case(word));
    let is_token = !word.is_empty() && !word.contains(char::is_whitespace) && !is_scheme();
    is_token.then_some(word)
}

/// RFC 6749 §2.3.1 has both parts form-encoded before base64; half the world sends them raw. Where the
/// two readings differ, both are returned, the standard's first.
pub(in crate::http) fn basic(encoded: &str) -> Result<Vec<Credentials>> {
    let malformed =
        || Error::invalid_request("the Basic credentials are not base64 of `id:secret`");
    let bytes = STANDARD.decode(encoded).map_err(|_| malformed())?;
    let text = Secret::new(String::from_utf8(bytes).map_err(|_| malformed())?);
    if text.expose().contains('\0') {
        return Err(malformed());
    }
    let (id, secret) = text.expose().split_once(':').ok_or_else(malformed)?;
    let raw = Credentials {
        client_id: id.to_owned(),
        client_secret: Secret::from(secret),
    };
    let (Ok(client_id), Ok(client_secret)) = (decode(id), decode(secret).map(Secret::new)) else {
        return Ok(vec![raw]);
    };
    let standard = Credentials {
        client_id,
        client_secret,
    };
    let same = standard.client_id == raw.client_id && standard.client_secret == raw.client_secret;
    Ok(if same {
        vec![standard]
    } else {
        vec![standard, raw]
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(value).unwrap())])
    }

    fn pairs(userinfo: &str) -> Vec<(String, String)> {
        basic(&STANDARD.encode(userinfo))
            .unwrap()
            .into_iter()
            .map(|c| (c.client_id, c.client_secret.expose().clone()))
            .collect()
    }

    fn pair(id: &str, secret: &str) -> (String, String) {
        (id.to_owned(), secret.to_owned())
    }

    #[test]
    fn basic_is_form_decoded_and_also_read_raw() {
        assert_eq!(pairs("a:b:c"), [pair("a", "b:c")]);
        assert_eq!(
            pairs("a%3Ab:c+d"),
            [pair("a:b", "c d"), pair("a%3Ab", "c+d")]
        );
        assert_eq!(pairs("a:100%"), [pair("a", "100%")]);
        assert_eq!(pairs("a:%ff"), [pair("a", "%ff")]);
    }

    #[test]
    fn the_scheme_is_not_case_sensitive_and_another_scheme_is_no_token() {
        let bearer = Some((TokenScheme::Bearer, "abc"));
        assert_eq!(token(&headers("bearer  abc ")).unwrap(), bearer);
        let dpop = Some((TokenScheme::Dpop, "abc"));
        assert_eq!(token(&headers("dpop abc")).unwrap(), dpop);
        for text in ["Basic abc", "Bearer", "DPoP "] {
            assert_eq!(token(&headers(text)).unwrap(), None);
        }
    }

    #[test]
    fn one_word_is_a_bare_token_unless_it_names_a_scheme() {
        let found = |text: &str| {
            let headers = headers(text);
            let token = token_or_bare(&headers).unwrap();
            token.map(|token| (token.source, token.text.to_owned()))
        };

        for text in ["eyJ.a.b", " eyJ.a.b ", "rubbish"] {
            let bare = (TokenSource::Bare, text.trim().to_owned());
            assert_eq!(found(text), Some(bare));
            assert_eq!(token(&headers(text)).unwrap(), None);
        }
        let bearer = TokenSource::Scheme(TokenScheme::Bearer);
        assert_eq!(found("Bearer a"), Some((bearer, "a".to_owned())));
        for text in [
            "",
            "Bearer",
            "dpop ",
            "BASIC",
            "negotiate",
            "Basic YTpi",
            "a b",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,60}", bytes in any::<Vec<u8>>()) {
            let _ = basic(&text);
            let _ = basic(&STANDARD.encode(&bytes));
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
                let _ = token(&headers);
                let _ = token_or_bare(&headers);
            }
        }
    }
}
