//! Owns what every request to the admin API goes through: whether its token is good here, has the scope and is in the
//! hands of whom it was issued to. And what every answer has.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::error::{Error, Result};
use crate::domain::{ADMIN_ISSUERS_SCOPE, Actor, ClientId, Origin};
use crate::http::AppState;
use crate::http::middleware::observe::RequestId;
use crate::http::request::caller::Caller;
use crate::http::request::{authorization, proof_of_possession};
use crate::http::response::WithLogContext;

/// Who asks: a client whose token was found good for the route.
#[derive(Clone)]
pub(super) struct Operator {
    pub(super) app: AppState,
    pub(super) client_id: ClientId,
    /// Where what it asks for comes from.
    pub(super) by: Origin,
    /// Whether its token has the scope of trusted issuers, whichever scope the route asks for.
    pub(super) may_write_issuers: bool,
}

/// Lets a request through to its handler if its token has the scope of the route, or not.
pub(super) async fn guard(
    State((app, scope)): State<(AppState, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let admitted = admit(&app, &parts, scope).await;
    let admitted = admitted.and_then(|operator| app.core.require_database().map(|()| operator));
    match admitted {
        Ok(operator) => {
            let client_id = operator.client_id.clone();
            parts.extensions.insert(operator);
            let response = next.run(Request::from_parts(parts, body)).await;
            let mut noted = WithLogContext::from(response);
            noted.note.client_id = Some(client_id);
            noted.into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn admit(app: &AppState, parts: &Parts, scope: &str) -> Result<Operator> {
    let sent = authorization::token(&parts.headers)?.ok_or_else(Error::missing_token)?;
    let (scheme, token) = sent;
    let verified = app.tokens.verify_admin(token, scope).await;
    let verified = verified.map_err(|error| error.with_scheme(scheme))?;
    let claims = &verified.claims;
    proof_of_possession::check_here(app, parts, sent, claims).await?;
    let client_id = claims.client_id.clone().into_owned();
    let source = Caller::of(parts, &app.config().proxies)?.source;
    let actor = Actor::Client(client_id.clone());
    let request_id = parts.extensions.get::<RequestId>().ok_or_else(unguarded)?;
    let mut scopes = claims.scope.tokens();
    Ok(Operator {
        app: app.clone(),
        may_write_issuers: scopes.any(|it| it == ADMIN_ISSUERS_SCOPE),
        client_id,
        by: request_id.origin(actor, source),
    })
}

/// A handler that asks for it is behind the guard; else it does not run.
impl FromRequestParts<AppState> for Operator {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self> {
        let operator = parts.extensions.get::<Self>();
        operator.cloned().ok_or_else(unguarded)
    }
}

fn unguarded() -> Error {
    Error::internal(anyhow::anyhow!("a request that went around its guard"))
}
