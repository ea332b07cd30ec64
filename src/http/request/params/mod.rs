//! Owns the reading of parameters: from a query, a form or a JSON object, all into one type, so that
//! a handler cannot tell which it was. Parses untrusted bytes: what is repeated, not UTF-8, holds
//! a NUL or should be text and is not is refused here and nowhere else.

mod parse;

use std::fmt;

use serde_json::Value;

use crate::app::error::{Error, Result};
use crate::base::printable::clean;
pub(in crate::http) use parse::decode;

/// Those that may be there more than once (RFC 8707 §2, RFC 8693 §2.1).
const REPEATABLE: [&str; 2] = ["audience", "resource"];

/// Those that JSON may have as a list of strings.
const LISTS: [&str; 3] = ["scope", "audience", "resource"];

/// All that an OAuth endpoint takes out with `take`: in JSON a string, and those of `LISTS` a string or a list.
const STRINGS: [&str; 16] = [
    "grant_type",
    "scope",
    "audience",
    "resource",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "token",
    "token_type_hint",
    "access_token",
    // RFC 8693 §2.1.
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "requested_token_type",
];

/// The most parameters of a request, members of lists included: each is compared with those before it, and anybody may send them.
const MOST: usize = 1_000;

/// Named texts, each name once but for those that may be repeated. A parameter without a value counts as absent (RFC 6749
/// §3.2).
#[derive(Default, PartialEq, Eq)]
pub struct Params(Vec<Param>);

#[derive(PartialEq, Eq)]
struct Param {
    name: String,
    /// Empty unless it is a text.
    value: String,
    shape: Shape,
}

/// How the value of a parameter was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    /// As one of a JSON list.
    InList,
    /// As another JSON value. No endpoint that knows the name takes it.
    NotText,
}

/// Without the values: one of them is a secret.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|param| printable(&param.name));
        f.debug_list().entries(names).finish()
    }
}

impl Params {
    /// Takes a parameter out that may be there once.
    ///
    /// # Panics
    ///
    /// For a name that is not among `STRINGS` and has another JSON value. It is a mistake of the code, and to take it for absent
    /// would be to forget a restriction.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let param = self.remove(name)?;
        assert!(
            param.shape != Shape::NotText,
            "`{name}` is read and does not stand in STRINGS"
        );
        Some(param.value).filter(|value| !value.is_empty())
    }

    /// Takes a parameter out. An empty value is an error: a parameter that restricts must not count as absent only
    /// because a variable was not set. It is there once, and a text.
    pub(in crate::http) fn take_nonempty(&mut self, name: &str) -> Result<Option<String>> {
        let Some(param) = self.remove(name) else {
            return Ok(None);
        };
        match param.shape {
            Shape::InList | Shape::NotText => Err(not_text(name)),
            Shape::Text if self.has(name) => Err(repeated(name)),
            Shape::Text if param.value.is_empty() => Err(Self::empty(name)),
            Shape::Text => Ok(Some(param.value)),
        }
    }

    /// The error of a parameter that has no value.
    pub(in crate::http) fn empty(name: &str) -> Error {
        Error::invalid_request(format!("the parameter `{name}` is empty"))
    }

    /// Adds the parameters of another part of the same request. None may be in both.
    pub(in crate::http) fn append(&mut self, others: Self) -> Result<()> {
        for param in others.0 {
            self.insert_as(param.name, param.value, param.shape)?;
        }
        Ok(())
    }

    /// Takes every value of a parameter that may be repeated or a list, in order.
    pub fn take_all(&mut self, name: &str) -> Vec<String> {
        let is_taken = |param: &mut Param| param.name == name;
        let taken = self.0.extract_if(.., is_taken).map(|param| param.value);
        taken.filter(|value| !value.is_empty()).collect()
    }

    /// Takes a parameter out that is words with spaces between them, in JSON also as a list.
    pub(in crate::http) fn take_words(&mut self, name: &str) -> Option<String> {
        let mut words = self.take_all(name);
        match words.len() {
            0 | 1 => words.pop(),
            _ => Some(words.join(" ")),
        }
    }

    /// Refuses what nobody has taken.
    pub(in crate::http) fn refuse_others(self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some(param) => Err(Error::invalid_request(format!(
                "unknown parameter `{}`",
                printable(&param.name)
            ))),
        }
    }

    /// Refuses JSON values that are neither text nor null, whatever they are called.
    pub(in crate::http) fn require_texts(&self) -> Result<()> {
        match self.0.iter().find(|param| param.shape != Shape::Text) {
            None => Ok(()),
            Some(param) => Err(not_text(&param.name)),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|param| param.name == name)
    }

    fn remove(&mut self, name: &str) -> Option<Param> {
        let place = self.0.iter().position(|param| param.name == name)?;
        Some(self.0.remove(place))
    }

    fn insert(&mut self, name: String, value: String) -> Result<()> {
        self.insert_as(name, value, Shape::Text)
    }

    fn insert_list(&mut self, name: String, list: Vec<Value>) -> Result<()> {
        if self.has(&name) {
            return Err(repeated(&name));
        }
        if list.is_empty() {
            // The name is there, so that `refuse_others` finds it.
            return self.insert_as(name, String::new(), Shape::InList);
        }
        for member in list {
            let Value::String(text) = member else {
                return Err(not_text(&name));
            };
            self.push(name.clone(), text, Shape::InList)?;
        }
        Ok(())
    }

    fn insert_as(&mut self, name: String, value: String, shape: Shape) -> Result<()> {
        if !REPEATABLE.contains(&&*name) && self.has(&name) {
            return Err(repeated(&name));
        }
        self.push(name, value, shape)
    }

    fn push(&mut self, name: String, value: String, shape: Shape) -> Result<()> {
        if name.as_bytes().contains(&0) || value.as_bytes().contains(&0) {
            return Err(Error::invalid_request("a parameter contains a NUL"));
        }
        if self.0.len() == MOST {
            return Err(Error::invalid_request(format!(
                "a request can have at most {MOST} parameters"
            )));
        }
        self.0.push(Param { name, value, shape });
        Ok(())
    }
}

fn repeated(name: &str) -> Error {
    Error::invalid_request(format!("the parameter `{}` is repeated", printable(name)))
}

fn not_text(name: &str) -> Error {
    let or_list = if LISTS.contains(&name) {
        " (or, at OAuth endpoints, a list of strings)"
    } else {
        ""
    };
    Error::invalid_request(format!(
        "the parameter `{}` must be a string{or_list}",
        printable(name)
    ))
}

/// A name from the wire, fit to be shown.
fn printable(name: &str) -> String {
    clean(name).chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Result<Params> {
        Params::from_form(text.as_bytes())
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
            r#"{"a":1,"a":2}"#,
            r#"{"client_id":["1"]}"#,
            r#"{"client_id":{"$ne":""}}"#,
            r#"{"client_id":1}"#,
            r#"{"client_id":true}"#,
            r#"{"scope":{"a":"b"}}"#,
            r#"{"audience":["a",1]}"#,
            "[]",
            "\"a\"",
            "",
            r#"{"a":"\u0000"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"1"} x"#,
        ] {
            assert!(json(text).is_err(), "{text}");
        }
        let told = |text: &str| json(text).unwrap_err().description;
        let id = told(r#"{"client_id":1}"#);
        assert_eq!(id, "the parameter `client_id` must be a string");
        let scope = told(r#"{"scope":{}}"#);
        let or_list = " (or, at OAuth endpoints, a list of strings)";
        assert_eq!(
            scope,
            format!("the parameter `scope` must be a string{or_list}")
        );
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
    fn a_member_that_nobody_knows_may_be_of_any_type_and_is_still_there() {
        for value in ["1", "true", "[1]", r#"{"b":{}}"#, r#"["a"]"#] {
            let json = format!(r#"{{"x":{value},"client_id":"a"}}"#);
            let mut params = Params::from_json(json.as_bytes()).unwrap();

            assert!(params.require_texts().is_err(), "{json}");
            assert_eq!(params.take("client_id").as_deref(), Some("a"));
            assert!(params.take_nonempty("x").is_err(), "{json}");
            let again = Params::from_json(json.as_bytes()).unwrap();
            assert!(again.refuse_others().is_err(), "{json}");
        }
    }

    #[test]
    fn there_is_an_end_to_parameters_and_lists() {
        let text = |count| {
            let pairs: Vec<String> = (0..count).map(|n| format!("a{n}=")).collect();
            pairs.join("&")
        };
        assert!(form(&text(MOST)).is_ok());
        assert!(form(&text(MOST + 1)).is_err());
        assert!(form(&"resource=a&".repeat(MOST + 1)).is_err());
        let list = |count| format!(r#"{{"scope":["a"{}]}}"#, r#","a""#.repeat(count - 1));
        assert!(Params::from_json(list(MOST).as_bytes()).is_ok());
        assert!(Params::from_json(list(MOST + 1).as_bytes()).is_err());
    }

    /// Taken as absent, it would restrict nothing.
    #[test]
    #[should_panic(expected = "does not stand in STRINGS")]
    fn a_parameter_that_is_read_stands_in_the_list() {
        let mut params = Params::from_json(br#"{"x":1}"#).unwrap();
        params.take("x");
    }

    #[test]
    fn an_empty_list_is_there_and_has_no_value() {
        for name in LISTS {
            let json = format!(r#"{{"{name}":[]}}"#);
            let none = || Params::from_json(json.as_bytes()).unwrap();

            assert!(none().take_all(name).is_empty());
            assert_eq!(none().take_words(name), None);
            assert!(none().take_nonempty(name).is_err());
            assert!(none().refuse_others().is_err());
        }
    }

    #[test]
    fn a_scope_may_be_a_list_and_is_there_once() {
        let words = |json: &str| {
            let params = Params::from_json(json.as_bytes());
            params.map(|mut params| params.take_words("scope"))
        };

        assert_eq!(
            words(r#"{"scope":["a","b c",""]}"#).unwrap().unwrap(),
            "a b c"
        );
        assert_eq!(words(r#"{"scope":"a b"}"#).unwrap().unwrap(), "a b");
        for json in [
            r#"{"scope":["a"],"scope":["b"]}"#,
            r#"{"scope":"a","scope":["b"]}"#,
            r#"{"scope":["a"],"scope":"b"}"#,
            r#"{"scope":["a\u0000"]}"#,
            r#"{"scope":[["a"]]}"#,
            r#"{"audience":["a"],"audience":["b"]}"#,
        ] {
            assert!(words(json).is_err(), "{json}");
        }
        assert!(form("scope=a&scope=b").is_err());
    }

    #[test]
    fn what_may_be_repeated_is_refused_where_one_value_is_asked_for() {
        for mut params in [
            form("audience=a&audience=b").unwrap(),
            Params::from_json(br#"{"audience":["a"]}"#).unwrap(),
        ] {
            assert!(params.take_nonempty("audience").is_err());
        }
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
        assert!(Params::from_json(br#"{"resource":[1]}"#).is_err());
    }
}
