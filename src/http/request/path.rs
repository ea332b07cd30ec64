//! Owns the reading of ids in the path of a request.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::app::error::{Error, Result};
use crate::http::AppState;

/// The parts of the path that the route leaves open, as one domain type or a tuple of them.
pub(in crate::http) struct InPath<T>(pub(in crate::http) T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for InPath<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let path = Path::<T>::from_request_parts(parts, app).await;
        path.map(|Path(value)| Self(value))
            .map_err(|rejection| Error::invalid_request(reason(rejection)))
    }
}

/// What the parser of the domain type says, without the part of the path that it refused.
fn reason(rejection: PathRejection) -> String {
    let text = rejection.body_text();
    let PathRejection::FailedToDeserializePathParams(failed) = rejection else {
        return text;
    };
    if let ErrorKind::Message(message) | ErrorKind::DeserializeError { message, .. } =
        failed.into_kind()
    {
        return message;
    }
    text
}
