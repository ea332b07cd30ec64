//! Owns where in a JSON text something stands: an error of serde says a line and a column, and people look for a member.

use serde_json::value::RawValue;

use crate::base::json;
use crate::base::json::members::Members;

/// The member whose value an error is about, such as `identities[1].subject`; `None`: the text as a whole, or the text is
/// malformed.
pub(crate) fn member_of(bytes: &[u8], error: &serde_json::Error) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let lines = text.split_inclusive('\n');
    let before: usize = lines.take(error.line().checked_sub(1)?).map(str::len).sum();
    let mut place = Place {
        text,
        offset: before + error.column(),
        path: String::new(),
    };
    place.descend(text);
    Some(place.path).filter(|path| !path.is_empty())
}

struct Place<'a> {
    text: &'a str,
    /// What was read when the error was found.
    offset: usize,
    path: String,
}

impl<'a> Place<'a> {
    fn descend(&mut self, value: &'a str) {
        if value.trim_start().starts_with('{') {
            let Ok(Members(members)) = json::from_str::<Members<&RawValue>>(value) else {
                return;
            };
            let found = members.iter().find(|(_, value)| self.is_in(value.get()));
            if let Some((name, value)) = found {
                if !self.path.is_empty() {
                    self.path.push('.');
                }
                self.path += name;
                self.descend(value.get());
            }
        } else if value.trim_start().starts_with('[') {
            let items: Vec<&'a RawValue> = json::from_str(value).unwrap_or_default();
            let mut items = items.iter().enumerate();
            if let Some((at, item)) = items.find(|(_, item)| self.is_in(item.get())) {
                self.path += &format!("[{at}]");
                self.descend(item.get());
            }
        }
    }

    /// The reader stops before a value whose type it sees at once, and may have read the white space behind one.
    fn is_in(&self, value: &str) -> bool {
        let start = value.as_ptr() as usize - self.text.as_ptr() as usize;
        let behind = self.text.get(start + value.len()..self.offset);
        start <= self.offset && behind.is_none_or(|behind| behind.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        _list: Vec<Inner>,
        #[serde(default)]
        _number: i64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        _flag: bool,
    }

    #[test]
    fn an_error_is_found_at_its_member() {
        for (text, member) in [
            (r#"{"_list":[],"_number":"x"}"#, Some("_number")),
            (
                "{\"_list\":[],\n \"_number\" : null , \"a\":1}",
                Some("_number"),
            ),
            (
                r#"{"_list":[{"_flag":true},{"_flag":"x"}]}"#,
                Some("_list[1]._flag"),
            ),
            (r#"{"_list":[{"_flag":true},{}]}"#, Some("_list[1]")),
            (r#"{"_list":[{"_flag":true,"x":1}]}"#, Some("_list[0]")),
            (r#"{"_list":{}}"#, Some("_list")),
            (r#"{"_list":[7]}"#, Some("_list[0]")),
            (r#"{"_number":1}"#, None),
            (r#"{"_list":[],"x":1}"#, None),
            ("[", None),
            ("7", None),
        ] {
            let error = json::from_str::<Outer>(text).unwrap_err();
            let found = member_of(text.as_bytes(), &error);
            assert_eq!(found.as_deref(), member, "{text}: {error}");
        }
    }
}
