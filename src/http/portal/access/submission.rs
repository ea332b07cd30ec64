//! Owns how what a form makes is shown once: the answer to the form is a redirect, and the page that it leads to takes the
//! value out of the database, where it is sealed for the session of the form. Whoever reloads that page finds nothing.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method};
use axum::response::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::error::{Error, Result};
use crate::app::{CurrentSession, IdempotencyKey};
use crate::base::json;
use crate::base::secret::{Secret, random_base62};
use crate::http::portal::access::PortalRequest;
use crate::http::portal::links::see;
use crate::http::{AppState, Params};

/// 131 random bits.
const LENGTH: usize = 22;

/// What browsers send with a request whose answer nobody may ever look at.
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");

/// The name of one submission of a form. The same form submitted twice, as by a double click, makes one thing.
pub(in crate::http::portal) struct Submission(String);

impl Submission {
    /// A new name.
    pub(in crate::http::portal) fn random() -> Self {
        Self(random_base62(LENGTH))
    }

    /// The name that a form brings, or a new one.
    pub(super) fn of_field(field: String) -> Self {
        let is_name = field.len() == LENGTH && field.bytes().all(|it| it.is_ascii_alphanumeric());
        if is_name { Self(field) } else { Self::random() }
    }

    /// What the value is stored under: no other session has a way to it.
    pub(in crate::http::portal) fn key(&self, session: &CurrentSession) -> IdempotencyKey {
        IdempotencyKey::of_form(&session.session.session_id, &self.0)
    }

    /// Stores a value that was not stored with what it belongs to, and redirects to the page that shows it once.
    pub(in crate::http::portal) async fn show_once<R, T>(
        request: &PortalRequest<R, T>,
        value: &impl Serialize,
        path: &str,
    ) -> Result<Response> {
        let (submission, text) = (Self::random(), sealable(value)?);
        let (idempotency, key) = (&request.app.idempotency, submission.key(request));
        idempotency.store(&key, &text).await?;
        Ok(submission.see(path))
    }

    /// Redirects to the page that shows the value.
    pub(in crate::http::portal) fn see(&self, path: &str) -> Response {
        see(&format!("{path}?submission={}", self.0))
    }

    /// The text for a form.
    pub(in crate::http::portal) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A value as it is sealed.
pub(in crate::http::portal) fn sealable(value: &impl Serialize) -> Result<Secret<String>> {
    let text = serde_json::to_string(value).map_err(Error::internal)?;
    Ok(Secret::new(text))
}

/// What a form made, taken for the page that shows it. `None`: it was shown, its time is over, or another session made it.
pub(in crate::http::portal) struct Shown<T>(pub(in crate::http::portal) Option<T>);

/// To be extracted after the session, which may not be good for it.
impl<T: DeserializeOwned> FromRequestParts<AppState> for Shown<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let session = parts.extensions.get::<Arc<CurrentSession>>().cloned();
        let name = Params::from_query(&parts.uri)?.take("submission");
        // Nobody sees the answer to a HEAD, and perhaps nobody that to a prefetch.
        let is_seen = parts.method == Method::GET && !parts.headers.contains_key(&SEC_PURPOSE);
        let (Some(session), Some(name), true) = (session, name, is_seen) else {
            return Ok(Self(None));
        };
        let taken = app
            .idempotency
            .take(&Submission(name).key(&session))
            .await?;
        let value = taken.map(|text| json::from_str(text.expose()));
        value.transpose().map(Self).map_err(Error::internal)
    }
}
