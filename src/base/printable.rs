//! Makes text of foreign origin fit to be stored and shown.

use crate::base::redact::redact;

/// A text that others chose: redacted, without control characters (Postgres stores no NUL). To be cut afterwards only: the
/// beginning of a secret is harder to recognise.
pub(crate) fn clean(text: &str) -> String {
    redact(text).replace(char::is_control, "\u{fffd}")
}

/// A text that others chose, [`clean`], and at most `most` characters and an ellipsis long.
pub(crate) fn printable(text: &str, most: usize) -> String {
    let mut text = clean(text);
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_text_is_redacted_and_cut_and_has_no_control_characters() {
        let shown = |text: &str| printable(text, 20);
        assert_eq!(shown("job 7"), "job 7");
        assert_eq!(shown("a\0b\nc"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(shown(&"ä".repeat(21)), format!("{}…", "ä".repeat(20)));
        let secret = format!("x Bearer {}", "A1".repeat(20));
        assert!(!printable(&secret, 300).contains("A1A1"));
    }
}
