//! Owns how a JSON document is written as YAML. Numbers keep their digits, and a text that could be read as something else
//! stands in quotes: JSON's are YAML's.

use serde_json::value::RawValue;

use crate::base::json;
use crate::base::json::members::Members;

/// The document as YAML.
pub(super) fn from_json(document: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    write(&mut text, document.trim(), 0)?;
    Ok(text.trim_start().to_owned())
}

/// The member `id` of the document, or of each item of the list that it is or has; one a line.
pub(super) fn list_ids(document: &str, id: &str) -> anyhow::Result<String> {
    let document = document.trim();
    if document.starts_with('{') {
        let Members(members) = json::from_str::<Members<&RawValue>>(document)?;
        if let Some((_, value)) = members.iter().find(|(name, _)| name == id) {
            return line(value);
        }
        let mut lists = members.iter().map(|(_, value)| value.get());
        let list = lists.find(|text| text.starts_with('['));
        return list.map_or_else(|| Ok(String::new()), |list| ids_of(list, id));
    }
    ids_of(document, id)
}

fn ids_of(list: &str, id: &str) -> anyhow::Result<String> {
    let mut lines = String::new();
    for item in json::from_str::<Vec<&RawValue>>(list)? {
        let Members(members) = json::from_str::<Members<&RawValue>>(item.get())?;
        for (_, value) in members.iter().filter(|(name, _)| name == id) {
            lines += &line(value)?;
        }
    }
    Ok(lines)
}

/// A text without its quotes, or a number.
fn line(value: &RawValue) -> anyhow::Result<String> {
    match value.get() {
        "null" => Ok(String::new()),
        text if text.starts_with('"') => Ok(json::from_str::<String>(text)? + "\n"),
        number => Ok(format!("{number}\n")),
    }
}

/// Writes a value behind what is there: a scalar on the same line, the rest on lines of their own.
fn write(out: &mut String, value: &str, depth: usize) -> anyhow::Result<()> {
    let indent = "  ".repeat(depth);
    match value.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = json::from_str::<Members<&RawValue>>(value)?;
            if members.is_empty() {
                *out += " {}\n";
                return Ok(());
            }
            *out += "\n";
            for (name, value) in members {
                *out += &format!("{indent}{}:", scalar(&serde_json::to_string(&name)?));
                write(out, value.get(), depth + 1)?;
            }
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = json::from_str(value)?;
            if items.is_empty() {
                *out += " []\n";
                return Ok(());
            }
            *out += "\n";
            for item in items {
                let mut text = String::new();
                write(&mut text, item.get(), depth + 1)?;
                // The first member of an object stands beside the dash.
                *out += &format!("{indent}- {}", text.trim_start());
            }
        }
        Some(_) | None => *out += &format!(" {}\n", scalar(value)),
    }
    Ok(())
}

/// A scalar of JSON; the quotes go where no reader of YAML, new or old, takes the word for something else.
fn scalar(json: &str) -> &str {
    const WORDS: [&str; 11] = [
        "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf",
    ];
    let Some(word) = json.strip_prefix('"').and_then(|it| it.strip_suffix('"')) else {
        return json;
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    let is_word = word.bytes().all(is_plain)
        && word.starts_with(|first: char| first.is_ascii_alphabetic())
        && !WORDS.iter().any(|it| it.eq_ignore_ascii_case(word));
    if is_word { word } else { json }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;
    use serde_json::Value;

    use super::*;

    const DOCUMENT: &str = r#"{"clients":[{"client_id":"a","name":"NO","metadata":{"big":123456789012345678901234567890,
        "nested":[[1,2],[{"x":"a: b"}]],"empty":{},"none":[]},"after":null},{"client_id":"b","name":"two\nlines"}],"after":"01"}"#;

    #[test]
    fn yaml_says_what_the_json_says() {
        let yaml = from_json(DOCUMENT).unwrap();
        let read: Value = serde_saphyr::with_deserializer_from_str_with_options(
            &yaml,
            serde_saphyr::Options::default(),
            |it| Value::deserialize(it),
        )
        .unwrap();
        let mut expected: Value = json::from_str(DOCUMENT).unwrap();
        let mut read = read;
        // Neither reader keeps these digits.
        for document in [&mut read, &mut expected] {
            document["clients"][0]["metadata"]["big"].take();
        }
        assert_eq!(read, expected, "{yaml}");
        assert!(
            yaml.contains("big: 123456789012345678901234567890\n"),
            "{yaml}"
        );
        assert!(yaml.contains("name: \"NO\"\n"), "{yaml}");
        assert!(
            yaml.starts_with("clients:\n  - client_id: a\n    name:"),
            "{yaml}"
        );
    }

    #[test]
    fn the_ids_of_a_list_and_of_one_thing_are_alone_on_their_lines() {
        assert_eq!(list_ids(DOCUMENT, "client_id").unwrap(), "a\nb\n");
        assert_eq!(list_ids("[{\"n\":1},{\"n\":2}]", "n").unwrap(), "1\n2\n");
        assert_eq!(list_ids("{\"n\":\"x\",\"l\":[]}", "n").unwrap(), "x\n");
        assert_eq!(list_ids("[]", "n").unwrap(), "");
    }
}
