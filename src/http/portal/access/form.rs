//! Owns the reading of the portal's forms: nothing in one counts unless the session's own token is in it too.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};

use crate::app::CurrentSession;
use crate::app::error::{Error, Result};
use crate::base::secret::Secret;
use crate::domain::ErrorCode;
use crate::http::portal::access::Submission;
use crate::http::request::body::BodyParams;
use crate::http::{AppState, Params};

/// The fields of a form that one of this session's pages had.
pub(in crate::http::portal) struct Form(Params);

impl Form {
    /// A field that has to be filled in.
    pub(in crate::http::portal) fn need(&mut self, name: &str) -> Result<String> {
        let value = self.0.take(name);
        value.ok_or_else(|| Error::invalid_request(format!("fill in the field `{name}`")))
    }

    /// A field that may be left empty.
    pub(in crate::http::portal) fn take(&mut self, name: &str) -> String {
        self.0.take(name).unwrap_or_default()
    }

    /// A secret that may be left empty.
    pub(in crate::http::portal) fn take_secret(&mut self, name: &str) -> Option<Secret<String>> {
        self.0.take(name).map(Secret::new)
    }

    /// The name of this submission, for what it makes.
    pub(in crate::http::portal) fn submission(&mut self) -> Submission {
        Submission::of_field(self.take("submission"))
    }

    /// The password that was asked for again; empty where none was.
    pub(in crate::http::portal) fn take_password(&mut self) -> Secret<String> {
        Secret::new(self.take("password"))
    }

    /// Whether a box is ticked.
    pub(in crate::http::portal) fn is_ticked(&mut self, name: &str) -> bool {
        self.0.take(name).is_some()
    }

    /// Refuses the form unless the name of what it destroys was typed.
    pub(in crate::http::portal) fn confirm(&mut self, name: &str) -> Result<()> {
        if self.take("typed").trim() == name {
            return Ok(());
        }
        let description = format!("the typed name is not `{name}`");
        Err(Error::invalid_request(description))
    }
}

/// What stands in a field that may be left empty, unless it was.
pub(in crate::http::portal) fn filled_in(field: &str) -> Option<&str> {
    Some(field).filter(|text| !text.is_empty())
}

impl FromRequest<AppState> for Form {
    type Rejection = Error;

    async fn from_request(request: Request, app: &AppState) -> Result<Self> {
        let session = request.extensions().get::<Arc<CurrentSession>>().cloned();
        let BodyParams(params) = BodyParams::from_request(request, app).await?;
        Self::of(session, params)
    }
}

/// A form with a file of clients in one of its fields.
pub(in crate::http::portal) struct FileForm(pub(in crate::http::portal) Form);

impl FromRequest<AppState> for FileForm {
    type Rejection = Error;

    async fn from_request(request: Request, app: &AppState) -> Result<Self> {
        let session = request.extensions().get::<Arc<CurrentSession>>().cloned();
        let BodyParams(params) = BodyParams::read_with_file(request, app).await?;
        Form::of(session, params).map(Self)
    }
}

impl Form {
    fn of(session: Option<Arc<CurrentSession>>, mut params: Params) -> Result<Self> {
        params.require_texts()?;
        let sent = params.take("csrf").map(Secret::new);
        match session.zip(sent) {
            Some((session, sent)) if session.csrf_token == sent => Ok(Self(params)),
            Some(_) | None => Err(Error::new(
                ErrorCode::AccessDenied,
                "the form is from another session; go back, reload the page and try again",
            )),
        }
    }
}
