//! Owns the column `clients.search`: what it contains, and the patterns that find a text in it.
//!
//! Texts are folded here and not by the databases, of which each knows other letters.

use crate::domain::{Client, ParseError};

/// SQLite refuses longer patterns.
const LONGEST: usize = 1_000;

/// The id, the name and the scopes of a client, folded, each on a line. A name has no line breaks.
pub(in crate::store) fn search_text(client: &Client) -> String {
    let (id, name, scopes) = (&client.client_id, &client.name, &client.scopes);
    fold(&format!("{id}\n{name}\n{scopes}"))
}

/// A pattern for `like … escape '\\'`: the text is part of the id, the name or the scopes.
pub(in crate::store) fn containing(text: &str) -> String {
    format!("%{}%", escape(text))
}

/// A pattern for `like … escape '\\'`: the name starts with the text.
pub(in crate::store) fn with_name_prefix(text: &str) -> String {
    format!("%\n{}%\n%", escape(text))
}

/// Fails for a text that no database can search for, or that no client can have.
pub(in crate::store) fn check_text(text: &str) -> Result<(), ParseError> {
    if text.len() > LONGEST || text.contains(char::is_control) {
        return Err(ParseError::new(
            "a search text can have at most 1000 bytes and no control characters",
        ));
    }
    Ok(())
}

/// Lower case, letter by letter: a letter is folded alike wherever it stands in a word.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in fold(text).chars() {
        if matches!(letter, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_a_text_is_a_wildcard() {
        assert_eq!(containing(r"50%_\A"), r"%50\%\_\\a%");
        assert_eq!(with_name_prefix("ÜÄ_"), "%\nüä\\_%\n%");
    }
}
