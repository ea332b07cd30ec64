//! Owns which plain words of YAML are refused: those that its versions read differently (`NO`, `y`, `01234`, `1_000`), and
//! numbers that would lose digits (`1.10`). In quotes they are texts.

use serde::Deserialize;
use serde_json::Value;

/// Checks a document that was read already.
pub(super) fn check(text: &str) -> Result<(), String> {
    let old = serde_saphyr::options! {
        with_snippet: false,
        legacy_octal_numbers: true,
    };
    let new = serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
    };
    let [old, new] = [old, new].map(|options| {
        serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
            Value::deserialize(yaml)
        })
        .map_err(|error| error.to_string())
    });
    check_value(&old?, &new?, "")
}

fn check_value(old: &Value, new: &Value, place: &str) -> Result<(), String> {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) if old.len() == new.len() => old
            .iter()
            .zip(new)
            .try_for_each(|((name, old), (other, new))| {
                let inner = if place.is_empty() {
                    name.clone()
                } else {
                    format!("{place}.{name}")
                };
                if name == other {
                    check_value(old, new, &inner)
                } else {
                    Err(ambiguous(place))
                }
            }),
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => (0..)
            .zip(old.iter().zip(new))
            .try_for_each(|(at, (old, new)): (usize, _)| {
                check_value(old, new, &format!("{place}[{at}]"))
            }),
        (_, Value::Number(number)) if number.is_f64() => Err(format!(
            "{place}: a number with a fraction or with many digits can lose digits: write it in quotes"
        )),
        _ if old == new => Ok(()),
        _ => Err(ambiguous(place)),
    }
}

fn ambiguous(place: &str) -> String {
    format!(
        "{place}: versions of YAML read this word differently: write it in quotes, or write `true` or `false`"
    )
}
