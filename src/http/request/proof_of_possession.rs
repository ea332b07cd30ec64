//! Owns what a request shows of what its sender has (RFC 9449, RFC 8705 §3), and which request it is about: this one,
//! or the one before a trusted proxy. Parses; proves nothing.

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use utoipa::IntoParams;

use crate::app::error::{Error, Result, TokenScheme};
use crate::app::{PeerCertificate, PresentedProof, SenderProofs};
use crate::base::secret::Secret;
use crate::domain::HttpUri;
use crate::http::AppState;
use crate::http::request::caller::{Caller, NotSingle, proxy_header, single_value};
use crate::jwt;
use crate::jwt::AccessTokenClaims;

const DPOP: HeaderName = HeaderName::from_static("dpop");
pub(in crate::http) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The header of a `DPoP` proof. It is read by `dpop`, whose errors differ from those of a parameter.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by `dpop`")]
pub(in crate::http) struct ProofHeader {
    /// A `DPoP` proof (RFC 9449 §4), a JWT of this method, this URL and, with a token, of that
    #[param(rename = "DPoP", nullable = false)]
    dpop: Option<String>,
}

/// The nonce for the next proof (RFC 9449 §8.2), when a proof came with a request.
pub(in crate::http) fn next_nonce(app: &AppState, headers: &HeaderMap) -> Option<HeaderValue> {
    if !headers.contains_key(DPOP) {
        return None;
    }
    // It is base64url.
    HeaderValue::try_from(app.tokens.dpop_nonce()?).ok()
}

/// What the sender of a token request, by POST to `path`, shows.
pub(in crate::http) fn of_token_request(
    app: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    path: &str,
) -> Result<SenderProofs> {
    proofs(caller, dpop(headers)?, || {
        Ok(("POST".to_owned(), app.tokens.endpoint_uri(path)?))
    })
}

/// What the sender of a request with a token shows. A proof counts only where the token is not sent as Bearer: else
/// who has stolen a token could have it taken for one that is not bound.
pub(in crate::http) fn of_token(
    app: &AppState,
    parts: &Parts,
    as_bearer: bool,
) -> Result<SenderProofs> {
    let caller = Caller::of(parts, &app.config().proxies)?;
    let dpop = dpop(&parts.headers)?.filter(|_| !as_bearer);
    proofs(&caller, dpop, || original(app, parts, &caller))
}

/// The certificate of a caller, and its `DPoP` proof with the method and the URL of the request that it has to be about.
fn proofs(
    caller: &Caller,
    dpop: Option<Secret<String>>,
    request: impl FnOnce() -> Result<(String, HttpUri)>,
) -> Result<SenderProofs> {
    let certificate = caller.certificate.as_ref().map(PeerCertificate::thumbprint);
    let present = |jwt| request().map(|(method, uri)| PresentedProof { jwt, method, uri });
    let dpop = dpop.map(present).transpose()?;
    Ok(SenderProofs { certificate, dpop })
}

/// Whether the sender of a request to this server itself has what its token is bound to. The scheme of the error is the
/// token's.
pub(in crate::http) async fn check_here(
    app: &AppState,
    parts: &Parts,
    (scheme, token): (TokenScheme, &str),
    claims: &AccessTokenClaims<'_>,
) -> Result<()> {
    if claims.cnf.is_none() && scheme != TokenScheme::Dpop {
        return Ok(());
    }
    let possessed = async {
        let caller = Caller::of(parts, &app.config().proxies)?;
        let dpop = dpop(&parts.headers)?.filter(|_| scheme != TokenScheme::Bearer);
        // No proxy speaks for another request here.
        let proofs = proofs(&caller, dpop, || here(app, parts))?;
        require_proof(Some(scheme), &proofs)?;
        app.tokens.check_possession(token, claims, &proofs).await
    };
    let checked = possessed.await;
    checked.map_err(|error| error.with_scheme(scheme_of(claims, scheme)))
}

/// The scheme that an answer about a token asks for: the token's own, whatever it was sent with.
pub(in crate::http) fn scheme_of(claims: &AccessTokenClaims<'_>, sent: TokenScheme) -> TokenScheme {
    match claims.cnf {
        Some(jwt::Confirmation { jkt: Some(_), .. }) => TokenScheme::Dpop,
        Some(_) | None => sent,
    }
}

/// Refuses a token that is sent with the scheme `DPoP` without a proof.
pub(in crate::http) fn require_proof(
    scheme: Option<TokenScheme>,
    proofs: &SenderProofs,
) -> Result<()> {
    if scheme == Some(TokenScheme::Dpop) && proofs.dpop.is_none() {
        return Err(Error::invalid_dpop_proof(
            "a token with the scheme DPoP needs a DPoP proof in the header DPoP",
        ));
    }
    Ok(())
}

/// The one `DPoP` header (RFC 9449 §4.3, checks 1 and 2).
fn dpop(headers: &HeaderMap) -> Result<Option<Secret<String>>> {
    let text = single_value(headers, DPOP).map_err(|NotSingle| {
        Error::invalid_dpop_proof(
            "the request has more than one DPoP header, or one that is not ASCII",
        )
    })?;
    Ok(text.map(Secret::from))
}

/// The request that a token came with: what a trusted proxy says of it, else this one.
fn original(app: &AppState, parts: &Parts, caller: &Caller) -> Result<(String, HttpUri)> {
    let header = |name: &str| proxy_header(&parts.headers, name);
    if caller.is_behind_proxy {
        let proto = header("x-forwarded-proto")?.unwrap_or("https");
        if let Some(uri) = header("x-forwarded-uri")? {
            let told = header("x-forwarded-method")?.zip(header("x-forwarded-host")?);
            let (method, host) = told.ok_or_else(|| {
                Error::invalid_request(
                    "the proxy sent X-Forwarded-Uri without X-Forwarded-Method and X-Forwarded-Host",
                )
            })?;
            return Ok((method.to_owned(), absolute(proto, host, uri)?));
        }
        if let Some(path) = path_behind_requirements(parts.uri.path()) {
            let authority = parts.uri.authority().map(Authority::as_str);
            let host = match authority {
                Some(authority) => authority,
                None => header("host")?.unwrap_or_default(),
            };
            let method = parts.method.as_str().to_owned();
            return Ok((method, absolute(proto, host, path)?));
        }
    }
    here(app, parts)
}

fn here(app: &AppState, parts: &Parts) -> Result<(String, HttpUri)> {
    let uri = app.tokens.endpoint_uri(parts.uri.path())?;
    Ok((parts.method.as_str().to_owned(), uri))
}

/// The path of the original request behind `/verify/requiring/{requirements}`, slash included.
fn path_behind_requirements(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/verify/requiring/")?;
    rest.find('/').map(|start| &rest[start..])
}

fn absolute(proto: &str, host: &str, uri: &str) -> Result<HttpUri> {
    let malformed = || {
        Error::invalid_request("the proxy's X-Forwarded-Proto, -Host and -Uri do not form a URL")
    };
    // No request has a fragment: what the service takes for the path must not be taken for one here.
    let is_path = uri.starts_with('/') && !uri.contains('#');
    if host.is_empty() || host.contains(['/', '?', '#', '@']) || !is_path {
        return Err(malformed());
    }
    HttpUri::parse(&format!("{proto}://{host}{uri}")).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_path_stands_behind_the_requirements() {
        let path = |path| path_behind_requirements(path);

        assert_eq!(path("/verify/requiring/scope=a/x/y"), Some("/x/y"));
        assert_eq!(path("/verify/requiring/scope=a/"), Some("/"));
        assert_eq!(path("/verify"), None);
    }

    #[test]
    fn what_looks_like_a_host_in_the_path_is_none() {
        for (uri, same) in [
            ("/x?y", "https://a.example/x"),
            ("//evil.example/x", "https://a.example//evil.example/x"),
            ("/@evil.example", "https://a.example/@evil.example"),
            ("/:80/x", "https://a.example/:80/x"),
        ] {
            let parsed = absolute("https", "a.example", uri).unwrap();
            assert_eq!(parsed, HttpUri::parse(same).unwrap(), "{uri}");
            let evil = HttpUri::parse("https://evil.example/x").unwrap();
            assert_ne!(parsed, evil, "{uri}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        assert!(absolute("https", "a.example:8443", "/x?y").is_ok());
        for (proto, host, uri) in [
            ("https", "a.example/b", "/x"),
            ("https", "user@a.example", "/x"),
            ("https", "", "/x"),
            ("https", "a.example", "x"),
            ("https", "a.example", "https://a.example/x"),
            ("https", "a.example", "/x#y"),
            ("ftp", "a.example", "/x"),
            ("https", "a.example, b.example", "/x"),
        ] {
            assert!(absolute(proto, host, uri).is_err(), "{proto} {host} {uri}");
        }
    }
}
