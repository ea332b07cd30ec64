//! Owns what a text of a file is when it is no secret at all: a placeholder that nobody filled in, a word for nothing, or what a
//! spreadsheet or an editor made of a secret.

use crate::domain::ParseError;

/// Words that programs write where there is nothing, or where something is hidden or went wrong.
const NOTHING: [&str; 22] = [
    "null",
    "(null)",
    "\\n",
    "none",
    "nil",
    "undefined",
    "nan",
    "n/a",
    "#n/a",
    "#ref!",
    "#value!",
    "#name?",
    "#div/0!",
    "#null!",
    "true",
    "false",
    "redacted",
    "[redacted]",
    "hidden",
    "masked",
    "changeme",
    "[object object]",
];

/// How references begin that another program would have put the secret for.
const REFERENCES: [&str; 11] = [
    "arn:aws:",
    "enc(",
    "enc[",
    "env:",
    "file:",
    "op://",
    "ref+",
    "secretref:",
    "vault:",
    "$ansible_vault;",
    "@microsoft.keyvault(",
];

/// What opens and what closes a placeholder, anywhere in the text.
const PLACEHOLDERS: [(&str, &str); 6] = [
    ("${", "}"),
    ("$(", ")"),
    ("#{", "}"),
    ("{{", "}}"),
    ("{%", "%}"),
    ("<%", "%>"),
];

/// Characters that nobody sees: Unicode's `Default_Ignorable_Code_Point`, and the specials around U+FFFD, which stands where a
/// character was lost.
const INVISIBLE: [(char, char); 19] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{fffc}', '\u{fffd}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Refuses a text that is no secret and no hash.
pub(super) fn check(text: &str) -> Result<(), ParseError> {
    let refuse = |why: String| Err(ParseError::new(why));
    if text.trim() != text {
        return refuse("it begins or ends with white space".to_owned());
    }
    if let Some(found) = text.chars().find(|c| is_unseen(*c)) {
        return refuse(format!(
            "it contains the invisible character U+{:04X}",
            u32::from(found)
        ));
    }
    let lower = text.to_lowercase();
    if let Some(word) = NOTHING.iter().find(|word| **word == lower) {
        return refuse(format!("`{word}` is not a secret"));
    }
    if let Some((open, close)) = find_placeholder(text) {
        return refuse(format!(
            "it contains the unfilled placeholder `{open}...{close}`"
        ));
    }
    if let Some(start) = REFERENCES.iter().find(|start| lower.starts_with(**start)) {
        return refuse(format!(
            "it begins with `{start}`: it is encrypted, or refers to a secret stored elsewhere"
        ));
    }
    if is_spreadsheet_number(text) {
        return refuse(
            "it is a number as spreadsheets write it (such as 1.2E+15), which has lost digits"
                .to_owned(),
        );
    }
    let mut chars = text.chars();
    let first = chars.next();
    if text.chars().nth(1).is_some() && chars.all(|c| Some(c) == first) {
        return refuse("it is one repeated character: the export hides the secret".to_owned());
    }
    Ok(())
}

fn is_unseen(c: char) -> bool {
    let is_odd_space = c.is_whitespace() && c != ' ';
    c.is_control()
        || is_odd_space
        || INVISIBLE
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&c))
}

fn find_placeholder(text: &str) -> Option<(&'static str, &'static str)> {
    let anywhere = PLACEHOLDERS.into_iter().find(|(open, close)| {
        text.split_once(open)
            .is_some_and(|(_, rest)| rest.contains(close))
    });
    let whole = |open: &'static str, close: &'static str| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        let is_name = !inner.is_empty()
            && inner
                .chars()
                .all(|c| c.is_alphanumeric() || " _.-:/".contains(c));
        is_name.then_some((open, close))
    };
    // As a shell writes a variable.
    let is_variable = text.strip_prefix('$').is_some_and(|name| {
        let in_name = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        name.contains('_') && name.bytes().all(in_name)
    });
    anywhere
        .or_else(|| is_variable.then_some(("$", "")))
        .or_else(|| whole("%", "%"))
        .or_else(|| whole("<", ">"))
        .or_else(|| whole("__", "__"))
        .or_else(|| whole("@", "@"))
        .or_else(|| whole("[", "]"))
}

/// `1.23457E+15`, also with a comma.
fn is_spreadsheet_number(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = |text: &str| is_digits(text.trim_start_matches(['+', '-']));
    match mantissa.split_once(['.', ',']) {
        Some((whole, fraction)) => unsigned(whole) && is_digits(fraction) && unsigned(exponent),
        None => unsigned(mantissa) && exponent.starts_with(['+', '-']) && unsigned(exponent),
    }
}
