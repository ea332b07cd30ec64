//! Parses parameters from the bytes of a query, a form or a JSON object.

use std::borrow::Cow;

use axum::http::Uri;
use memchr::memchr2;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{LISTS, Params, STRINGS, Shape, not_text, printable};
use crate::app::error::{Error, Result};
use crate::base::json;
use crate::base::json::members::Members;

impl Params {
    /// Parses `application/x-www-form-urlencoded` bytes: a body or a query.
    pub fn from_form(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_| not_utf8_in_form(bytes))?;
        let mut params = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            let value = decode(value).map_err(|_| not_utf8(&name))?;
            params.insert(name, value)?;
        }
        Ok(params)
    }

    pub(in crate::http) fn from_query(uri: &Uri) -> Result<Self> {
        Self::from_form(uri.query().unwrap_or_default().as_bytes())
    }

    /// Parses a JSON object. The members that an endpoint knows are texts, some of them lists of texts; others may be of any type.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let Members(members) =
            json::from_slice::<Members<Value>>(bytes).map_err(|_| malformed_json(bytes))?;
        let mut params = Self::default();
        for (name, value) in members {
            match value {
                Value::String(text) => params.insert(name, text)?,
                // As in a form: without a value it counts as absent.
                Value::Null => params.insert(name, String::new())?,
                Value::Array(list) if LISTS.contains(&&*name) => params.insert_list(name, list)?,
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    if STRINGS.contains(&&*name) {
                        return Err(not_text(&name));
                    }
                    params.insert_as(name, String::new(), Shape::NotText)?;
                }
            }
        }
        Ok(params)
    }
}

/// A form's `+` is a space; what stands behind `%` must be UTF-8 in the end.
pub(in crate::http) fn decode(text: &str) -> Result<String> {
    if memchr2(b'+', b'%', text.as_bytes()).is_none() {
        return Ok(text.to_owned());
    }
    let text = text.replace('+', " ");
    percent_decode_str(&text)
        .decode_utf8()
        .map(Cow::into_owned)
        .map_err(|_| name_not_utf8())
}

fn name_not_utf8() -> Error {
    Error::invalid_request("the name of a parameter is not UTF-8")
}

fn not_utf8(name: &str) -> Error {
    Error::invalid_request(format!("the parameter `{}` is not UTF-8", printable(name)))
}

/// The error of a form that is not UTF-8: it names the first parameter that is not.
fn not_utf8_in_form(bytes: &[u8]) -> Error {
    let mut pairs = bytes.split(|byte| *byte == b'&');
    let is_wrong = |pair: &&[u8]| std::str::from_utf8(pair).is_err();
    let pair = pairs.find(is_wrong).unwrap_or_default();
    let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
    match std::str::from_utf8(name).map(decode) {
        Ok(Ok(name)) => not_utf8(&name),
        Ok(Err(error)) => error,
        Err(_) => name_not_utf8(),
    }
}

/// The error of a body that is no JSON object. When it only is not UTF-8, it names the member that is not.
fn malformed_json(bytes: &[u8]) -> Error {
    let text = String::from_utf8_lossy(bytes);
    let is_wrong = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
    if let Cow::Owned(text) = &text
        && let Ok(Members(members)) = json::from_str::<Members<Value>>(text)
    {
        let mut members = members.iter();
        let found = members.find(|(name, value)| is_wrong(name) || is_wrong(&value.to_string()));
        return match found {
            Some((name, _)) if !is_wrong(name) => not_utf8(name),
            Some(_) | None => name_not_utf8(),
        };
    }
    Error::invalid_request("the body is not a JSON object")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(text: &str) -> Result<Params> {
        Params::from_form(text.as_bytes())
    }

    #[test]
    fn a_form_is_percent_decoded_and_plus_is_a_space() {
        let mut params = form("scope=a+b%2Bc&empty=&client_id=%C3%BC").unwrap();

        assert_eq!(params.take("scope").as_deref(), Some("a b+c"));
        assert_eq!(params.take("client_id").as_deref(), Some("ü"));
        assert_eq!(params.take("empty"), None);
        assert_eq!(params.take("missing"), None);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_refused_by_the_name_of_their_parameter() {
        let told = |params: Result<Params>| params.unwrap_err().description.into_owned();
        let named = "the parameter `b` is not UTF-8";
        for form in [
            &b"a=1&b=\xfc&c=2"[..],
            b"a=1&b=%fc",
            b"b=%ff\xff",
            b"%62=\xc3&a=",
        ] {
            assert_eq!(told(Params::from_form(form)), named, "{form:?}");
        }
        for json in [
            &b"{\"a\":\"1\",\"b\":\"\xfc\"}"[..],
            b"{\"b\":[{\"c\":\"\xff\"}]}",
        ] {
            assert_eq!(told(Params::from_json(json)), named, "{json:?}");
        }
        let nameless = "the name of a parameter is not UTF-8";
        for form in [&b"\xfc=1"[..], b"%fc=1", b"a=1&\xff"] {
            assert_eq!(told(Params::from_form(form)), nameless, "{form:?}");
        }
        assert_eq!(told(Params::from_json(b"{\"\xfc\":1}")), nameless);
        let no_object = "the body is not a JSON object";
        assert_eq!(told(Params::from_json(b"\xff\xfe{\0")), no_object);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(bytes in any::<Vec<u8>>()) {
            let _ = Params::from_form(&bytes);
            let _ = Params::from_json(&bytes);
        }

        #[test]
        fn what_was_encoded_is_decoded(value in "[^\u{0}]{1,40}") {
            let encoded = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
            let mut params = form(&format!("a={encoded}")).unwrap();
            prop_assert_eq!(params.take("a"), Some(value));
        }
    }
}
