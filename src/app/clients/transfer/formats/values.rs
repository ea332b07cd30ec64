//! Owns where the clients stand in a JSON file of another server: alone, one behind the other, in lists, and in objects
//! that have a list of them, such as a realm or a page.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::base::json;

/// A value that should be a client.
#[derive(Debug)]
pub(super) struct FoundClient<'a> {
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
        if !value.starts_with('[') {
            return add(&mut found, value, list);
        }
        let mut items = json::from_str::<Vec<&RawValue>>(value)?.into_iter();
        items.try_for_each(|item| add(&mut found, item.get(), list))
    })?;
    Ok(found)
}

fn add<'a>(found: &mut Vec<FoundClient<'a>>, value: &'a str, list: &str) -> serde_json::Result<()> {
    let client = |text, owner| FoundClient { text, owner };
    match inner_list(value, list) {
        None => found.push(client(value, None)),
        Some(inner) => {
            let items = json::from_str::<Vec<&RawValue>>(inner)?.into_iter();
            found.extend(items.map(|item| client(item.get(), Some(value))));
        }
    }
    Ok(())
}

/// The list that an object has under this name, if it has one.
fn inner_list<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let members: HashMap<&str, &'a RawValue> = json::from_str(text).ok()?;
    let list = members.get(name)?.get();
    list.starts_with('[').then_some(list)
}
