//! Owns where the clients stand in a JSON file of another server: alone, one behind the other, in lists, and in objects
//! that have a list of them, such as a realm or a page.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::base::json;

/// A value that should be a client.
#[derive(Debug)]
pub(super) struct FoundClient<'a> {
    /// Where it begins in the file.
    pub(super) offset: usize,
    pub(super) text: &'a str,
    /// The object that has it in its list.
    pub(super) owner: Option<&'a str>,
}

/// The clients of a file, in their order. `list` is the member under which an object has its list.
#[expect(clippy::disallowed_methods, reason = "many values; no struct is read")]
pub(super) fn find<'a>(text: &'a str, list: &str) -> serde_json::Result<Vec<FoundClient<'a>>> {
    let mut found = Vec::new();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&'a RawValue>();
    values.try_for_each(|value| {
        let value = value?.get();
        if value.starts_with('[') {
            for item in json::from_str::<Vec<&RawValue>>(value)? {
                add(&mut found, text, item.get(), list)?;
            }
            return Ok(());
        }
        add(&mut found, text, value, list)
    })?;
    Ok(found)
}

fn add<'a>(
    found: &mut Vec<FoundClient<'a>>,
    file: &'a str,
    value: &'a str,
    list: &str,
) -> serde_json::Result<()> {
    let offset = |text: &str| text.as_ptr() as usize - file.as_ptr() as usize;
    let Some(inner) = inner_list(value, list) else {
        found.push(FoundClient {
            offset: offset(value),
            text: value,
            owner: None,
        });
        return Ok(());
    };
    for item in json::from_str::<Vec<&RawValue>>(inner)? {
        found.push(FoundClient {
            offset: offset(item.get()),
            text: item.get(),
            owner: Some(value),
        });
    }
    Ok(())
}

/// The list that an object has under this name, if it has one.
fn inner_list<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let members: HashMap<&str, &'a RawValue> = json::from_str(text).ok()?;
    let list = members.get(name)?.get();
    list.starts_with('[').then_some(list)
}
