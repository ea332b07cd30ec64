//! Owns which way of client authentication a request uses: HTTP Basic or parameters (RFC 6749 §2.3.1), an
//! assertion (RFC 7521 §4.2) or the certificate of the connection (RFC 8705 §2). Parses untrusted bytes; proves
//! nothing.

use axum::http::HeaderMap;
use utoipa::ToSchema;

use crate::app::error::{Error, Result};
use crate::app::{AssertionType, ClientAuthentication, Credentials, PresentedAssertion};
use crate::base::secret::Secret;
use crate::domain::AuthMethod;
use crate::http::request::authorization::{basic, behind_basic};
use crate::http::request::caller::Caller;
use crate::http::request::params::Params;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// draft-ietf-oauth-spiffe-client-auth.
const JWT_SPIFFE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";

/// The client authentication in a body.
#[derive(ToSchema)]
#[schema(as = ClientAuthentication)]
#[expect(clippy::struct_field_names, reason = "the RFCs' names")]
pub(in crate::http) struct ClientAuthenticationForm {
    /// With `client_secret`, or over a connection with a certificate
    client_id: Option<String>,
    /// Not together with another authentication method
    #[schema(value_type = Option<String>)]
    client_secret: Option<Secret<String>>,
    /// A JWT under a key of the client (RFC 7523 §2.2), or of a trusted issuer; then `client_id` is optional if exactly one
    /// client has an identity with its `sub`
    #[schema(value_type = Option<String>)]
    client_assertion: Option<Secret<String>>,
    /// With `client_assertion`
    #[schema(pattern = "^urn:ietf:params:oauth:client-assertion-type:jwt-(bearer|spiffe)$")]
    client_assertion_type: Option<String>,
}

impl ClientAuthenticationForm {
    /// The client that is named, proved or not.
    pub(in crate::http) fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    pub(in crate::http) fn take(params: &mut Params) -> Self {
        Self {
            client_id: params.take("client_id"),
            client_secret: params.take("client_secret").map(Secret::new),
            client_assertion: params.take("client_assertion").map(Secret::new),
            client_assertion_type: params.take("client_assertion_type"),
        }
    }

    fn refuse_several(&self, has_basic: bool) -> Result<()> {
        let ways = [
            (has_basic, "HTTP Basic"),
            (self.client_secret.is_some(), "client_secret"),
            (self.client_assertion.is_some(), "client_assertion"),
        ];
        let there = ways.into_iter().filter(|(is_there, _)| *is_there);
        if there.clone().count() > 1 {
            let there: Vec<&str> = there.map(|(_, name)| name).collect();
            return Err(Error::invalid_request(format!(
                "a request must have exactly one client authentication, and this one has {}",
                there.join(" and ")
            )));
        }
        match (
            &self.client_assertion,
            self.client_assertion_type.as_deref(),
        ) {
            (None, None) | (Some(_), Some(JWT_BEARER | JWT_SPIFFE)) => Ok(()),
            (None, Some(_)) => Err(Error::invalid_request(
                "the request has a client_assertion_type, but no client_assertion",
            )),
            (Some(_), None) => Err(Error::invalid_request(format!(
                "a client_assertion needs the client_assertion_type {JWT_BEARER}"
            ))),
            // RFC 6749 §5.2: an unsupported authentication method.
            (Some(_), Some(_)) => Err(Error::invalid_authentication(format!(
                "the client_assertion_type here is {JWT_BEARER}, or {JWT_SPIFFE} for a JWT-SVID"
            ))),
        }
    }
}

/// The client authentication of a request to an OAuth endpoint, which has to be there: without one the answer is
/// 401 (RFC 6749 §5.2).
pub(in crate::http) fn client_authentication(
    headers: &HeaderMap,
    form: ClientAuthenticationForm,
    caller: Caller,
    endpoint: &'static str,
) -> Result<ClientAuthentication> {
    find_client_authentication(headers, form, caller, endpoint)?.ok_or_else(|| {
        Error::invalid_authentication(
            "the request has no client authentication: HTTP Basic, client_id with client_secret, client_assertion, or \
                client_id with a certificate",
        )
    })
}

/// The client authentication of a request, if there is one. More than one is refused (RFC 6749 §2.3). A certificate
/// counts only where nothing else is there: beside another method it is what a token may be bound to.
pub(in crate::http) fn find_client_authentication(
    headers: &HeaderMap,
    form: ClientAuthenticationForm,
    caller: Caller,
    endpoint: &'static str,
) -> Result<Option<ClientAuthentication>> {
    let basic = behind_basic(headers)?;
    form.refuse_several(basic.is_some())?;
    if let Some(encoded) = basic {
        return from_basic(encoded, form.client_id.as_deref()).map(Some);
    }
    if let Some(client_secret) = form.client_secret {
        let client_id = form.client_id.ok_or_else(|| {
            Error::invalid_request("the request has a client_secret, but no client_id")
        })?;
        return Ok(Some(ClientAuthentication::Secret {
            method: AuthMethod::ClientSecretPost,
            readings: vec![Credentials {
                client_id,
                client_secret,
            }],
        }));
    }
    if let Some(assertion) = form.client_assertion {
        return Ok(Some(ClientAuthentication::Assertion(PresentedAssertion {
            client_id: form.client_id,
            assertion_type: match form.client_assertion_type.as_deref() {
                Some(JWT_SPIFFE) => AssertionType::JwtSpiffe,
                _ => AssertionType::JwtBearer,
            },
            assertion,
            endpoint,
        })));
    }
    let by_certificate = |(certificate, client_id)| ClientAuthentication::Certificate {
        client_id,
        certificate,
    };
    Ok(caller.certificate.zip(form.client_id).map(by_certificate))
}

fn from_basic(encoded: &str, client_id: Option<&str>) -> Result<ClientAuthentication> {
    let readings = basic(encoded)?;
    match client_id {
        Some(other) if readings.iter().all(|reading| reading.client_id != other) => Err(
            Error::invalid_request("HTTP Basic and the body name different clients"),
        ),
        _ => Ok(ClientAuthentication::Secret {
            method: AuthMethod::ClientSecretBasic,
            readings,
        }),
    }
}
