//! Owns how a client is warned that its quota of tokens is nearly used up: by two headers of an answer with a token.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use crate::domain::{Client, QUOTA_WINDOW, QuotaState};
use crate::http::AppState;

/// Both as the httpapi working group of the IETF drafts them.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Adds the warning to an answer with a token, where one is due.
pub(in crate::http) fn warn(app: &AppState, client: &Client, response: &mut Response) {
    if client.token_quota.is_some() {
        warn_of_quota(app, client, response);
    }
}

#[cold]
fn warn_of_quota(app: &AppState, client: &Client, response: &mut Response) {
    let Some(state) = app.tokens.quota_warning(client) else {
        return;
    };
    let QuotaState { quota, ends_at, .. } = state;
    let rest = ends_at.since(app.clock().now());
    let headers = response.headers_mut();
    for (name, value) in [
        (POLICY, format!(r#""tokens";q={quota};w={QUOTA_WINDOW}"#)),
        (
            LIMIT,
            format!(r#""tokens";r={};t={rest}"#, state.remaining()),
        ),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}
