//! Owns what all endpoints have in common in the document: its title, how a client or a token is presented, and
//! the headers of every answer.

use serde_json::{Value, json};
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Openapi, Required};
use utoipa::{Modify, OpenApi};

use crate::http::response::error;

/// Headers that an answer has only where there is something to tell.
const SOMETIMES: [&str; 3] = ["dpop-nonce", "ratelimit", "ratelimit-policy"];

const ABOUT: &str = "Access tokens for machines: OAuth 2.0 client credentials, and what is needed to verify them. \
                     Bodies are forms or JSON objects of strings, whichever the caller likes; the admin API \
                     takes JSON alone.";

#[derive(OpenApi)]
#[openapi(
    info(title = "token-server", description = ABOUT),
    components(schemas(error::Body)),
    modifiers(&Schemes),
    tags(
        (name = "Clients", description = "for those who want tokens"),
        (name = "Verification", description = "for microservices, and proxies in front of them"),
        (name = "Administration", description = "for operators' programs: tokens with the scope admin:read, admin:write or admin:export"),
        (name = "Tools", description = "for people, libraries and orchestrators"),
    )
)]
pub(super) struct Document;

/// The ways to say who one is.
struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut Openapi) {
        let http = |scheme, description: &str| {
            let http = HttpBuilder::new()
                .scheme(scheme)
                .description(Some(description));
            SecurityScheme::Http(http.build())
        };
        let mutual_tls = |description: &str| SecurityScheme::MutualTls {
            description: Some(description.to_owned()),
            deprecated: None,
            extensions: None,
        };
        let components = document.components.get_or_insert_default();
        for (name, scheme) in [
            (
                "client_secret_basic",
                http(
                    HttpAuthScheme::Basic,
                    "client_id and client_secret, each form-encoded (RFC 6749 §2.3.1). Instead of it the body may have \
                     client_id and client_secret (client_secret_post), or client_assertion, a JWT under a key of the \
                     client, with client_assertion_type (private_key_jwt, RFC 7523 §2.2): OpenAPI has no scheme for these",
                ),
            ),
            (
                "tls_client_auth",
                mutual_tls(
                    "a certificate of an authority that the server trusts, which names the client (RFC 8705 §2.1); \
                     client_id in the body",
                ),
            ),
            (
                "self_signed_tls_client_auth",
                mutual_tls(
                    "a certificate whose key the client registered (RFC 8705 §2.2); client_id in the body",
                ),
            ),
            (
                "access_token",
                http(
                    HttpAuthScheme::Bearer,
                    "a token of this server (RFC 6750 §2.1)",
                ),
            ),
            (
                "bound_access_token",
                SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                    "Authorization",
                    "`DPoP` and a token of this server, with a proof in the header `DPoP` (RFC 9449 §7.1): OpenAPI has \
                     no scheme for it",
                ))),
            ),
        ] {
            components.add_security_scheme(name, scheme);
        }
    }
}

/// `post` at `/token` is `post_token`.
pub(super) fn operation_id(method: &str, path: &str) -> String {
    let words = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    std::iter::once(method)
        .chain(words)
        .collect::<Vec<_>>()
        .join("_")
}

/// Adds the parameters that stand in the path.
pub(super) fn name_parameters(operation: &mut Operation, path: &str) {
    let names = path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    for name in names {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        let parameters = operation.parameters.get_or_insert_default();
        parameters.push(parameter.build().into());
    }
}

/// The document as JSON, with what `utoipa` has no words for.
pub(super) fn finish(document: &Openapi) -> Value {
    let mut document = json!(document);
    let operations = members(&mut document["paths"]).flat_map(members);
    let answers = operations.flat_map(|operation| members(&mut operation["responses"]));
    for answer in answers {
        if answer.get("headers").is_none() {
            answer["headers"] = json!({});
        }
        let headers = &mut answer["headers"];
        headers["x-request-id"] = json!({
            "description": "the request's own if it is sane, else a new one",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:/+=-]{1,128}$"},
        });
        headers["x-content-type-options"] =
            json!({"schema": {"type": "string", "enum": ["nosniff"]}});
        // What is documented is there.
        for (name, header) in headers.as_object_mut().into_iter().flatten() {
            header["required"] = (!SOMETIMES.contains(&name.as_str())).into();
        }
    }
    document
}

fn members(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value
        .as_object_mut()
        .into_iter()
        .flat_map(|object| object.values_mut())
}
