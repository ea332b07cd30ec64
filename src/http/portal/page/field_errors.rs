//! Owns what a form is not accepted for: a sentence for each field, all at once. Knows no form.

use crate::app::error::{Error, Result};
use crate::domain::ErrorCode;
use crate::http::portal::page::sentence;

/// Why fields were not accepted, in the order in which they were read. A field has the first of its errors.
#[derive(Default)]
pub(in crate::http::portal) struct FieldErrors(Vec<FieldError>);

/// Why a field was not accepted.
pub(in crate::http::portal) struct FieldError {
    /// The id of its input.
    pub(in crate::http::portal) field: String,
    pub(in crate::http::portal) sentence: String,
}

impl FieldErrors {
    /// One error at one field.
    pub(in crate::http::portal) fn at(field: &str, error: &Error) -> Self {
        let mut errors = Self::default();
        errors.add(field, error);
        errors
    }

    /// The value of a field, or `None` and its error.
    pub(in crate::http::portal) fn check<T, E: Into<Error>>(
        &mut self,
        field: &str,
        read: Result<T, E>,
    ) -> Option<T> {
        read.map_err(|error| self.add(field, &error.into())).ok()
    }

    /// Refuses a field that was left empty.
    pub(in crate::http::portal) fn require(&mut self, field: &str, text: &str) {
        if text.is_empty() {
            self.add(field, &Error::invalid_request("fill in this field"));
        }
    }

    fn add(&mut self, field: &str, error: &Error) {
        if self.find(field).is_none() {
            let (field, sentence) = (field.to_owned(), sentence(error));
            self.0.push(FieldError { field, sentence });
        }
    }

    /// The value that was read if every field was accepted.
    pub(in crate::http::portal) fn finish<T>(&self, value: Option<T>) -> Result<T> {
        match (value, self.0.as_slice()) {
            (Some(value), []) => Ok(value),
            (_, errors) => {
                let fields = errors.iter().map(|it| it.field.as_str());
                let fields: Vec<&str> = fields.collect();
                let description = format!("not accepted: {}", fields.join(", "));
                Err(Error::new(ErrorCode::InvalidRequest, description))
            }
        }
    }

    /// All of them.
    pub(in crate::http::portal) fn list(&self) -> &[FieldError] {
        &self.0
    }

    /// The sentence about a field.
    pub(in crate::http::portal) fn find(&self, field: &str) -> Option<&str> {
        let found = self.0.iter().find(|it| it.field == field);
        found.map(|it| it.sentence.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_first_error_and_no_value_is_read_then() {
        let mut errors = FieldErrors::default();
        let refused = |text: &'static str| Err::<(), _>(Error::invalid_request(text));

        assert_eq!(errors.check("a", Ok::<_, Error>(1)), Some(1));
        assert_eq!(errors.finish(Some(1)).unwrap(), 1);
        assert_eq!(errors.check("b", refused("too long")), None);
        assert_eq!(errors.check("b", refused("too short")), None);
        assert_eq!(errors.check("c", refused("empty")), None);

        errors.require("c", "");
        errors.require("a", "text");

        assert_eq!(errors.find("b"), Some("Too long."));
        assert_eq!(errors.find("a"), None);
        let error = errors.finish(Some(1)).unwrap_err();
        assert_eq!(error.description, "not accepted: b, c");
    }
}
