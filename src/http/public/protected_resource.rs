//! `GET /.well-known/oauth-protected-resource/…`: the metadata of protected resources (RFC 9728), one document for each identifier
//! of a client that is an https URL. It is found at two places: at the resource's own host, when that leads here with its name in
//! `Host` (§3.1: the path of the resource stands behind the well-known one); and at any host with the host of the resource before its path, so
//! that `resource_metadata` in a challenge needs nothing of the proxy in front of the resource.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::{Error, Result};
use crate::domain::{Audience, Issuer, PROTECTED_RESOURCE, ResourcePlace};
use crate::http::AppState;
use crate::http::openapi::{AnyErrors, NotFoundError};
use crate::http::request::caller::{Caller, proxy_header};
use crate::http::request::host::host;
use crate::http::response;

pub(in crate::http) const HOST: &str = PROTECTED_RESOURCE;
pub(in crate::http) const PATH: &str = "/.well-known/oauth-protected-resource/{*path}";

/// Identifiers change when an owner edits a client.
const MAX_AGE: &str = "public, max-age=300";

/// RFC 9728 §2. Only the resource knows its further requirements.
#[derive(Serialize, ToSchema)]
#[schema(as = ProtectedResource)]
struct Metadata<'a> {
    /// The identifier of the resource, to the letter
    #[schema(value_type = String)]
    resource: &'a Audience,
    #[schema(value_type = Vec<String>)]
    authorization_servers: [&'a Issuer; 1],
    bearer_methods_supported: [&'a str; 1],
}

/// The metadata of a protected resource: of an identifier of a client that is an https URL.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (status = 200, description = "which authorization server issues tokens for it", body = Metadata, headers(("cache-control"))),
    AnyErrors,
    NotFoundError,
))]
pub(in crate::http) async fn show(
    State(app): State<AppState>,
    peer: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    for place in places(&peer, &uri, &headers).into_iter().flatten() {
        if let Some(resource) = app.tokens.find_protected_resource(&place).await? {
            let document = Metadata {
                resource: &resource,
                authorization_servers: [&app.config().token.issuer],
                bearer_methods_supported: ["header"],
            };
            return Ok(response::cacheable_json(&document, MAX_AGE));
        }
    }
    Err(Error::not_found(
        "such protected resource: no client has this URL among its identifiers",
    ))
}

/// Where the resource may be that is asked for. A trusted proxy that tells two hosts tells none.
fn places(peer: &Caller, uri: &Uri, headers: &HeaderMap) -> [Option<ResourcePlace>; 2] {
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    let behind = target.strip_prefix(PROTECTED_RESOURCE).unwrap_or_default();
    let forwarded = if peer.is_behind_proxy {
        proxy_header(headers, "x-forwarded-host")
    } else {
        Ok(None)
    };
    let own_host = match forwarded {
        Ok(Some(host)) => Some(host),
        Ok(None) => host(uri, headers),
        Err(_) => None,
    };
    let at_host = own_host.and_then(|host| ResourcePlace::new(host, behind));
    let named = behind.strip_prefix('/').and_then(|text| {
        let (host, behind) = text.split_at(text.find(['/', '?']).unwrap_or(text.len()));
        ResourcePlace::new(host, behind)
    });
    [at_host, named]
}
