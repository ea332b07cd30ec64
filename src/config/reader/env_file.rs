//! Owns how the text of a `.env` file is read. dotenvy parses it; it would also put the value of a variable where a `$` stands,
//! silently and in `SECRET` too, and nothing turns that off. So it never sees a `$` that it would replace.

use std::collections::BTreeMap;

use anyhow::anyhow;

/// The names and values in their order; a name may be there twice. A byte order mark at the start is passed over.
pub(in crate::config) fn parse(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    let text = without_mark(text);
    let stand_in = unused_character(text);
    let text = hide_dollars(text, stand_in);
    let pairs = dotenvy::from_read_iter(text.as_bytes());
    pairs
        .map(|pair| {
            let (name, value) = pair.map_err(|error| without_the_line(&text, error))?;
            Ok((name, value.replace(stand_in, "$")))
        })
        .collect()
}

/// The names of those `values` that 0.1.0 read otherwise, since it let dotenvy replace `$`.
pub(in crate::config) fn changed_since_0_1_0(
    text: &str,
    values: &BTreeMap<String, String>,
) -> Vec<String> {
    let before = dotenvy::from_read_iter(without_mark(text).as_bytes());
    before
        .map_while(Result::ok)
        .filter(|(name, value)| values.get(name).is_some_and(|now| now != value))
        .map(|(name, _)| name)
        .collect()
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// One that has no meaning anywhere and is not in the text. There are 6,400 for private use; a text with them all keeps its
/// last one changed.
fn unused_character(text: &str) -> char {
    let mut candidates = '\u{e000}'..='\u{f8ff}';
    candidates
        .find(|c| !text.contains(*c))
        .unwrap_or('\u{f8ff}')
}

/// The text with `stand_in` for each `$` but an escaped one, which dotenvy takes as it is. In single quotes a backslash escapes
/// nothing, but there dotenvy takes a `$` as it is too.
fn hide_dollars(text: &str, stand_in: char) -> String {
    let mut is_escaped = false;
    let hide = |c: char| {
        let hidden = if c == '$' && !is_escaped { stand_in } else { c };
        is_escaped = c == '\\' && !is_escaped;
        hidden
    };
    text.chars().map(hide).collect()
}

/// The parser's own error quotes the line, which may hold a secret.
fn without_the_line(text: &str, error: dotenvy::Error) -> anyhow::Error {
    let dotenvy::Error::LineParse(bad, _) = error else {
        return error.into();
    };
    // It has the line, or from its value on. More than one like it, and which it was is not known.
    let bad = bad.lines().next().unwrap_or_default().trim();
    let mut alike = (1..)
        .zip(text.lines())
        .filter_map(|(number, line): (u64, _)| line.contains(bad).then_some(number));
    let place = match (alike.next(), alike.next()) {
        (Some(number), None) => format!("line {number}"),
        _ => "a line".to_owned(),
    };
    anyhow!("{place} is not NAME=value; write a value with spaces, quotes or # in 'single quotes'")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str) -> String {
        let pairs = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(pairs.len(), 1, "{text:?}");
        pairs[0].1.clone()
    }

    #[test]
    fn a_dollar_stands_for_itself_however_it_is_written() {
        for (line, expected) in [
            ("A=https://a$b.example", "https://a$b.example"),
            ("A=$HOME", "$HOME"),
            ("A=${HOME}x$", "${HOME}x$"),
            ("A=$$", "$$"),
            ("A=\"a $PATH b\"", "a $PATH b"),
            ("A='$PATH'", "$PATH"),
            (r"A=\$PATH", "$PATH"),
            (r"A=\\$PATH", r"\$PATH"),
            (r#"A="\$PATH""#, "$PATH"),
            (r"A='\\$PATH'", r"\\$PATH"),
            ("A=b # $PATH", "b"),
            ("export A=$PATH", "$PATH"),
        ] {
            assert_eq!(value(line), expected, "{line}");
        }
    }

    #[test]
    fn an_earlier_line_is_not_put_into_a_later_one() {
        let pairs = parse("A=secret\nB=x$A\nC=${A}").unwrap();
        let values: Vec<&str> = pairs.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["secret", "x$A", "${A}"]);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(parse("\u{feff}A=b\nC=d").unwrap().len(), 2);
        assert!(parse("A=b\n\u{feff}C=d").is_err());
    }

    #[test]
    fn what_0_1_0_replaced_is_named() {
        let text = "A=x$y\nB='x$y'\nC=plain\nD=$C\nE=\\$C";
        let now = parse(text).unwrap().into_iter().collect();
        assert_eq!(changed_since_0_1_0(text, &now), ["A", "D"]);
    }

    /// A character that stands for itself in a value without quotes.
    const PLAIN: &str = r"[!$%&()*+,./:;<=>?@A-Z\[\]^_`a-z{|}~0-9-]{1,40}";

    proptest! {
        #[test]
        fn a_plain_value_is_read_as_it_is_written(value in PLAIN) {
            prop_assert_eq!(super::tests::value(&format!("A={value}")), value.clone());
            prop_assert_eq!(super::tests::value(&format!("A=\"{value}\"")), value.clone());
            prop_assert_eq!(super::tests::value(&format!("A='{value}'")), value);
        }

        #[test]
        fn without_a_dollar_it_is_what_dotenvy_reads(text in "([A-C]=|[a-c]|[ \t\n\r#'\"\\\\=]|\u{e000}|\u{e001}|é){0,40}") {
            let theirs: Result<Vec<_>, _> = dotenvy::from_read_iter(text.as_bytes()).collect();
            prop_assert_eq!(parse(&text).ok(), theirs.ok());
        }

        #[test]
        fn no_variable_gets_into_a_value(text in "([A-C]=|[a-c]|\\$(A|B|PATH|\\{PATH\\}|HOME)?|[ \t\n'\"\\\\]){0,30}") {
            let Ok(pairs) = parse(&format!("A='the value of A'\n{text}")) else { return Ok(()) };
            for (_, value) in &pairs[1..] {
                prop_assert!(!value.contains("the value of A") && !value.contains("/bin"), "{}", value);
                let dollars = |text: &str| text.matches('$').count();
                prop_assert!(dollars(value) <= dollars(&text));
            }
        }
    }
}
