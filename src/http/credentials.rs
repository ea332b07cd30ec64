//! Owns the reading of the `Authorization` header: HTTP Basic for clients (RFC 6749 §2.3.1), Bearer and `DPoP`
//! for tokens (RFC 6750 §2.1, RFC 9449 §7.1). Parses untrusted bytes; proves nothing.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::params::decode;
use crate::app::Credentials;
use crate::error::{Error, Result, TokenScheme};
use crate::secret::Secret;

/// The token in the header, when there is one, and how it is sent.
pub(super) fn token(headers: &HeaderMap) -> Result<Option<(TokenScheme, &str)>> {
    let found = match authorization(headers, "Bearer")? {
        Some(token) => Some((TokenScheme::Bearer, token)),
        None => authorization(headers, "DPoP")?.map(|token| (TokenScheme::Dpop, token)),
    };
    Ok(found.filter(|(_, token)| !token.is_empty()))
}

/// What stands behind `scheme` in the one `Authorization` header.
pub(super) fn authorization<'a>(headers: &'a HeaderMap, scheme: &str) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), another) = (values.next(), values.next()) else {
        return Ok(None);
    };
    if another.is_some() {
        return Err(Error::invalid_request(
            "there is more than one Authorization header",
        ));
    }
    let text = value
        .to_str()
        .map_err(|_| Error::invalid_request("the Authorization header is not ASCII"))?;
    let (theirs, rest) = text.split_once(' ').unwrap_or((text, ""));
    Ok(theirs.eq_ignore_ascii_case(scheme).then(|| rest.trim()))
}

/// RFC 6749 §2.3.1 has both parts form-encoded before base64; half the world sends them raw. Where the
/// two readings differ, both are returned, the standard's first.
pub(super) fn basic(encoded: &str) -> Result<Vec<Credentials>> {
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

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,60}", bytes in any::<Vec<u8>>()) {
            let _ = basic(&text);
            let _ = basic(&STANDARD.encode(&bytes));
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let _ = token(&HeaderMap::from_iter([(AUTHORIZATION, value)]));
            }
        }
    }
}
