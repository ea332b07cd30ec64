//! Owns what was typed into a form whose errors stand at their fields: all at once, and nothing that was typed is lost.

use std::collections::BTreeMap;

use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::domain::ParseError;
use crate::http::portal::access::Form;
use crate::http::portal::page::{self, Page};

/// The fields of a form, and what is wrong with each.
#[derive(Default)]
pub(super) struct Typed {
    texts: BTreeMap<&'static str, String>,
    /// In the order in which they were found.
    errors: Vec<(&'static str, String)>,
}

impl Typed {
    /// A form that is filled in with these.
    pub(super) fn new(texts: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self {
            texts: texts.into_iter().collect(),
            errors: Vec::new(),
        }
    }

    /// Reads these fields.
    pub(super) fn read(form: &mut Form, names: &[&'static str]) -> Self {
        let texts = names.iter().map(|name| {
            let text = form.take(name);
            (*name, text.trim().replace("\r\n", "\n"))
        });
        Self::new(texts)
    }

    /// The text of a field.
    pub(super) fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// Whether a box is ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// What is wrong with a field.
    pub(super) fn error(&self, name: &str) -> Option<&str> {
        let found = self.errors.iter().find(|(field, _)| *field == name);
        found.map(|(_, why)| why.as_str())
    }

    /// Whether the field is the first that has to be mended.
    pub(super) fn is_first_wrong(&self, name: &str) -> bool {
        self.errors.first().is_some_and(|(field, _)| *field == name)
    }

    /// Notes what is wrong with a field.
    pub(super) fn refuse(&mut self, name: &'static str, why: impl std::fmt::Display) {
        self.errors.push((name, page::capitalized(why)));
    }

    /// The value of a field; `None`: it is empty, or wrong, which is noted.
    pub(super) fn parse<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, ParseError>,
    ) -> Option<T> {
        let text = self.text(name);
        if text.is_empty() {
            return None;
        }
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(name, error);
                None
            }
        }
    }

    /// The values of a field with several words or lines, in their order; the first that is wrong is noted.
    pub(super) fn parse_each<T>(
        &mut self,
        name: &'static str,
        separators: &[char],
        parse: impl FnMut(&str) -> Result<T, ParseError>,
    ) -> Vec<T> {
        let all = self.parse(name, |text| {
            let words = text.split(separators).map(str::trim);
            words.filter(|word| !word.is_empty()).map(parse).collect()
        });
        all.unwrap_or_default()
    }

    /// Refuses the form if a field is wrong.
    pub(super) fn finish(&self) -> Result<()> {
        match self.errors.as_slice() {
            [] => Ok(()),
            [(name, why)] => Err(Error::invalid_request(format!("`{name}`: {why}"))),
            [(name, _), ..] => Err(Error::invalid_request(format!(
                "{} fields are wrong, `{name}` first",
                self.errors.len()
            ))),
        }
    }
}

/// Shows the form again, if whoever filled it in can mend it there. An error that stands at a field is not said above it too.
pub(super) fn again(mut page: impl Page, error: Error, stands_at_field: bool) -> Result<Response> {
    let error = page::mendable(error)?;
    if !stands_at_field {
        page.layout().problem = Some(page::sentence(&error));
    }
    Ok(page::show_again(&page, error))
}
