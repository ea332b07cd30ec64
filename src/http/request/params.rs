//! Owns the reading of parameters: from a query, a form or a JSON object, all into one type, so that
//! a handler cannot tell which it was. Parses untrusted bytes: what is repeated, not UTF-8, holds
//! a NUL or is no text is refused here and nowhere else.

use std::fmt;

use axum::http::Uri;
use memchr::memchr2;
use percent_encoding::percent_decode_str;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::app::error::{Error, Result};
use crate::base::json;
use crate::base::redact::redact;

/// What may be there more than once (RFC 8707 §2): in JSON as a list.
const REPEATABLE: &str = "resource";

/// Named texts, each name once but for `resource`. A parameter without a value counts as absent (RFC 6749 §3.2).
#[derive(Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// Without the values: one of them is a secret.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| printable(name));
        f.debug_list().entries(names).finish()
    }
}

impl Params {
    /// Parses `application/x-www-form-urlencoded` bytes: a body or a query.
    pub fn from_form(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Error::invalid_request("the form is not UTF-8"))?;
        let mut params = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            params.insert(decode(name)?, decode(value)?)?;
        }
        Ok(params)
    }

    /// Parses the query of a request.
    pub(in crate::http) fn from_query(uri: &Uri) -> Result<Self> {
        Self::from_form(uri.query().unwrap_or_default().as_bytes())
    }

    /// Parses a JSON object whose members are texts; other members may be there, but not be used.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let Members(members) = json::from_slice(bytes)
            .map_err(|_| Error::invalid_request("the body is not a JSON object"))?;
        let mut params = Self::default();
        for (name, value) in members {
            match value {
                Value::String(text) => params.insert(name, text)?,
                // As in a form: without a value it counts as absent.
                Value::Null => params.insert(name, String::new())?,
                // The name is there, so that `refuse_others` finds it.
                Value::Array(list) if name == REPEATABLE && list.is_empty() => {
                    params.insert(name, String::new())?;
                }
                Value::Array(list) if name == REPEATABLE => {
                    for member in list {
                        let Value::String(text) = member else {
                            return Err(not_text(&name));
                        };
                        params.insert(name.clone(), text)?;
                    }
                }
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(not_text(&name));
                }
            }
        }
        Ok(params)
    }

    /// Takes a parameter out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(theirs, _)| theirs == name)?;
        Some(self.0.remove(place).1).filter(|value| !value.is_empty())
    }

    /// Takes a parameter out. An empty value is an error: a parameter that restricts must not count as absent only
    /// because a variable was not set.
    pub(in crate::http) fn take_nonempty(&mut self, name: &str) -> Result<Option<String>> {
        let Some(place) = self.0.iter().position(|(theirs, _)| theirs == name) else {
            return Ok(None);
        };
        let (_, value) = self.0.remove(place);
        if value.is_empty() {
            return Err(Self::empty(name));
        }
        Ok(Some(value))
    }

    /// The error of a parameter that has no value.
    pub(in crate::http) fn empty(name: &str) -> Error {
        Error::invalid_request(format!("the parameter `{name}` is empty"))
    }

    /// Adds the parameters of another part of the same request. None may be in both.
    pub(in crate::http) fn append(&mut self, others: Self) -> Result<()> {
        for (name, value) in others.0 {
            self.insert(name, value)?;
        }
        Ok(())
    }

    /// Takes every value of a parameter that may be repeated, in order.
    pub fn take_all(&mut self, name: &str) -> Vec<String> {
        std::iter::from_fn(|| {
            let place = self.0.iter().position(|(theirs, _)| theirs == name)?;
            Some(self.0.remove(place).1)
        })
        .filter(|value| !value.is_empty())
        .collect()
    }

    /// Refuses what nobody has taken.
    pub(in crate::http) fn refuse_others(self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Error::invalid_request(format!(
                "unknown parameter `{}`",
                printable(name)
            ))),
        }
    }

    fn insert(&mut self, name: String, value: String) -> Result<()> {
        if name != REPEATABLE && self.0.iter().any(|(theirs, _)| *theirs == name) {
            return Err(Error::invalid_request(format!(
                "the parameter `{}` is there more than once",
                printable(&name)
            )));
        }
        if name.as_bytes().contains(&0) || value.as_bytes().contains(&0) {
            return Err(Error::invalid_request("a parameter holds a NUL"));
        }
        self.0.push((name, value));
        Ok(())
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
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Error::invalid_request("a parameter is not UTF-8"))
}

fn not_text(name: &str) -> Error {
    Error::invalid_request(format!(
        "the parameter `{}` must be a string",
        printable(name)
    ))
}

/// A name from the wire, fit to be shown. It is redacted before it is cut: the beginning of a secret is harder to recognise.
fn printable(name: &str) -> String {
    redact(name)
        .chars()
        .take(40)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// The members of a JSON object in order, repeated ones included: a map would keep the last silently.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
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
    fn repeated_parameters_nul_and_bad_utf_8_are_refused() {
        for text in [
            "a=1&a=2",
            "a=&a=",
            "unknown=1&unknown=1",
            "a=%00",
            "a=%ff",
            "%ff=a",
        ] {
            assert!(form(text).is_err(), "{text}");
        }
        assert!(Params::from_form(b"a=\xff").is_err());
    }

    #[test]
    fn json_members_are_texts_each_once() {
        let json = |text: &str| Params::from_json(text.as_bytes());

        assert_eq!(
            json(r#"{"a":"1","b":null}"#).unwrap().take("a").as_deref(),
            Some("1")
        );
        for text in [
            r#"{"a":"1","a":"2"}"#,
            r#"{"a":["1"]}"#,
            r#"{"a":{"$ne":""}}"#,
            r#"{"a":1}"#,
            "[]",
            "\"a\"",
            "",
            r#"{"a":"\u0000"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"1"} x"#,
        ] {
            assert!(json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_parameter_is_once_in_all_parts_of_a_request_together() {
        let mut params = form("scope=a").unwrap();
        params.append(form("audience=b").unwrap()).unwrap();
        assert!(params.append(form("scope=a").unwrap()).is_err());

        assert_eq!(params.take_nonempty("scope").unwrap(), Some("a".to_owned()));
        assert_eq!(params.take_nonempty("scope").unwrap(), None);
        assert!(form("scope=").unwrap().take_nonempty("scope").is_err());
        assert!(params.refuse_others().is_err());
    }

    #[test]
    fn an_empty_list_of_resources_is_there_and_has_no_value() {
        let none = || Params::from_json(br#"{"resource":[]}"#).unwrap();

        assert!(none().take_all("resource").is_empty());
        assert!(none().refuse_others().is_err());
    }

    #[test]
    fn a_resource_may_be_repeated_and_keeps_its_order() {
        let list = br#"{"resource":["a:1","","a:2"]}"#;
        for mut params in [
            form("resource=a:1&x=1&resource=&resource=a%3A2").unwrap(),
            Params::from_json(list).unwrap(),
        ] {
            params.take("x");
            assert_eq!(params.take_all("resource"), ["a:1", "a:2"]);
        }
        for text in [r#"{"resource":[1]}"#, r#"{"scope":["a"]}"#] {
            assert!(Params::from_json(text.as_bytes()).is_err(), "{text}");
        }
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
