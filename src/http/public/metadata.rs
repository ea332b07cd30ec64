//! The server's metadata (RFC 8414), and at the path of `OpenID` Connect Discovery the same with the two members that its readers
//! insist on, for libraries that look only there. Says what is true of this server, with two exceptions: no ID token is ever
//! issued, whatever the algorithm named for them; and an operator may have it name an authorization endpoint, which answers
//! that there is none. `/authorize` is a contract of our own.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::Error;
use crate::domain::{AuthMethod, Issuer, SigningAlg};
use crate::http::AppState;
use crate::http::openapi::MetadataErrors;
use crate::http::public::authorization_page::AUTHORIZATION;
use crate::http::public::token::GRANT_TYPES;
use crate::http::response;
use crate::jwt::assertion_algorithms;

pub(in crate::http) const OAUTH: &str = "/.well-known/oauth-authorization-server";
pub(in crate::http) const OPENID: &str = "/.well-known/openid-configuration";
/// §3.1: an issuer with a path has that path behind the well-known one.
pub(in crate::http) const OAUTH_OF_PATH: &str = "/.well-known/oauth-authorization-server/{*path}";
pub(in crate::http) const OPENID_OF_PATH: &str = "/.well-known/openid-configuration/{*path}";

pub(in crate::http) const JWKS: &str = "/.well-known/jwks.json";

/// The types of access tokens that may take the place of a client authentication (RFC 6750 §6.1.1, RFC 9449 §12.1).
const TOKEN_TYPES: [&str; 2] = ["Bearer", "DPoP"];

/// It changes with the settings only.
const MAX_AGE: &str = "public, max-age=3600";

/// RFC 8414 §2.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerMetadata)]
struct Metadata<'a> {
    #[schema(value_type = String)]
    issuer: &'a Issuer,
    /// With `AUTHORIZATION_ENDPOINT=true` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    /// Absent under HS256, which publishes no keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    jwks_uri: Option<String>,
    introspection_endpoint: String,
    revocation_endpoint: String,
    grant_types_supported: [&'a str; 2],
    /// Required, and empty: the values are for the authorization endpoint.
    response_types_supported: [&'a str; 0],
    token_endpoint_auth_methods_supported: &'a [&'a str],
    token_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    /// §2: methods of client authentication, and types of access tokens.
    introspection_endpoint_auth_methods_supported: Vec<&'a str>,
    introspection_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    revocation_endpoint_auth_methods_supported: &'a [&'a str],
    revocation_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    /// RFC 9449 §5.1.
    dpop_signing_alg_values_supported: &'a [&'a str],
    /// RFC 8705 §3.3; absent when the server takes no client certificates.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_client_certificate_bound_access_tokens: bool,
    /// RFC 9701 §7; absent under HS256, because nobody else could verify a signed answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_signing_alg_values_supported: Option<[&'a str; 1]>,
    /// `OpenID` Connect Discovery 1.0 §3, at its path alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    subject_types_supported: Option<[&'a str; 1]>,
    /// The algorithm of access tokens, because some libraries verify them by it. The server issues no ID tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id_token_signing_alg_values_supported: Option<[&'a str; 1]>,
}

/// The server's metadata, from which libraries learn its endpoints.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (status = 200, description = "the capabilities of this server", body = Metadata, headers(("cache-control"))),
    MetadataErrors,
))]
pub(in crate::http) async fn show(
    State(app): State<AppState>,
    uri: Uri,
) -> Result<Response, Error> {
    answer(&app, uri.path().strip_prefix(OAUTH), None)
}

/// The server's metadata, for libraries that use only the path of `OpenID` Connect Discovery.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (status = 200, description = "the capabilities of this server", body = Metadata, headers(("cache-control"))),
    MetadataErrors,
))]
pub(in crate::http) async fn show_openid(
    State(app): State<AppState>,
    uri: Uri,
) -> Result<Response, Error> {
    let alg = app.config().keys.signing_alg;
    if !alg.is_asymmetric() {
        return Err(Error::not_found(
            "OpenID configuration under SIGNING_ALG=HS256, which publishes no keys; see /.well-known/oauth-authorization-server",
        ));
    }
    answer(&app, uri.path().strip_prefix(OPENID), Some(alg))
}

/// The document for the issuer with the path that stands behind the well-known one, if one does; with the algorithm of ID tokens for
/// readers of `OpenID` Connect.
fn answer(
    app: &AppState,
    path: Option<&str>,
    id_token_alg: Option<SigningAlg>,
) -> Result<Response, Error> {
    let keys = app.keys.current();
    let path = path.unwrap_or_default().trim_end_matches('/');
    if !path.is_empty() && path != keys.issuer().path() {
        return Err(Error::not_found("such issuer here"));
    }
    let mut methods: Vec<&str> = app
        .authentication
        .supported_methods()
        .into_iter()
        .map(AuthMethod::as_str)
        .collect();
    // draft-ietf-oauth-spiffe-client-auth.
    if app.issuers.take_svids() {
        methods.push("spiffe_jwt");
    }
    let algorithms = &assertion_algorithms();
    let (config, issuer) = (app.config(), keys.issuer());
    let names_page = config.token.authorization_endpoint;
    let publishes_keys = config.keys.signing_alg.is_asymmetric();
    let document = Metadata {
        issuer,
        authorization_endpoint: names_page.then(|| issuer.endpoint(AUTHORIZATION)),
        token_endpoint: issuer.endpoint("/token"),
        jwks_uri: publishes_keys.then(|| issuer.endpoint(JWKS)),
        introspection_endpoint: issuer.endpoint("/introspect"),
        revocation_endpoint: issuer.endpoint("/revoke"),
        grant_types_supported: GRANT_TYPES,
        response_types_supported: [],
        token_endpoint_auth_methods_supported: &methods,
        token_endpoint_auth_signing_alg_values_supported: algorithms,
        introspection_endpoint_auth_methods_supported: [&*methods, &TOKEN_TYPES].concat(),
        introspection_endpoint_auth_signing_alg_values_supported: algorithms,
        revocation_endpoint_auth_methods_supported: &methods,
        revocation_endpoint_auth_signing_alg_values_supported: algorithms,
        dpop_signing_alg_values_supported: algorithms,
        tls_client_certificate_bound_access_tokens: app.authentication.takes_certificates(),
        introspection_signing_alg_values_supported: keys.alg_for_others().map(|alg| [alg.as_str()]),
        subject_types_supported: id_token_alg.map(|_| ["public"]),
        id_token_signing_alg_values_supported: id_token_alg.map(|alg| [alg.as_str()]),
    };
    Ok(response::cacheable_json(&document, MAX_AGE))
}
