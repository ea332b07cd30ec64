//! Owns what all endpoints have in common in the document: its title, how a client or a token is presented, and
//! what operations refer to.

use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi as Openapi, Required};

use crate::http::openapi::headers;
use crate::http::response::error;

const ABOUT: &str = "Access tokens for machines: OAuth 2.0 client credentials, and their verification. \
                     Bodies are forms or JSON objects of strings; the admin API accepts only JSON.";

#[derive(OpenApi)]
#[openapi(
    info(title = "token-server", description = ABOUT),
    components(schemas(error::Body)),
    tags(
        (name = "Clients", description = "for clients that need tokens"),
        (name = "Verification", description = "for microservices, and proxies in front of them"),
        (name = "Administration", description = "for operators' programs: tokens for the audience ISSUER/admin/api with the scope admin:read, admin:write or admin:export"),
        (name = "Tools", description = "for people, libraries and orchestrators"),
    )
)]
pub(super) struct Document;

/// How a client or a token is presented.
fn security_schemes() -> Value {
    json!({
        "client_secret_basic": {"type": "http", "scheme": "basic", "description":
            "client_id and client_secret, each form-encoded (RFC 6749 §2.3.1). Instead, the body may have client_id \
                and client_secret (client_secret_post), or client_assertion, a JWT signed with a key of the client, \
                with client_assertion_type (private_key_jwt, RFC 7523 §2.2): OpenAPI has no scheme for these"},
        "tls_client_auth": {"type": "mutualTLS", "description":
            "a certificate that names the client, from an authority that the server trusts (RFC 8705 §2.1); client_id \
                in the body"},
        "self_signed_tls_client_auth": {"type": "mutualTLS", "description":
            "a certificate whose key the client registered (RFC 8705 §2.2); client_id in the body"},
        "access_token": {"type": "http", "scheme": "bearer", "description":
            "a token of this server (RFC 6750 §2.1)"},
        "bound_access_token": {"type": "apiKey", "in": "header", "name": "Authorization", "description":
            "`DPoP` and a token of this server, with a proof in the header `DPoP` (RFC 9449 §7.1): OpenAPI has no scheme \
             for it"},
    })
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

/// The document as JSON, with the references that `utoipa` does not make.
pub(super) fn finish(document: &Openapi) -> Value {
    let mut document = json!(document);
    let mut parameters = Map::new();
    let operations = members(&mut document["paths"]).flat_map(members);
    for operation in operations.filter_map(Value::as_object_mut) {
        for parameter in operation.get_mut("parameters").into_iter().flat_map(items) {
            refer_to_parameter(parameter, &mut parameters);
        }
        let responses = operation.get_mut("responses").into_iter();
        refer_to_headers(responses.flat_map(members));
    }
    let components = &mut document["components"];
    let errors = members(&mut components["responses"]);
    refer_to_headers(errors.map(narrow));
    components["headers"] = headers::components();
    components["parameters"] = Value::Object(parameters);
    components["securitySchemes"] = security_schemes();
    document
}

/// A reference with what narrows it beside it, in place of both in `allOf`. By JSON Schema that is the same; a generator
/// makes no type of its own for it.
fn narrow(error: &mut Value) -> &mut Value {
    if let Some(schema) = error.pointer_mut("/content/application~1json/schema") {
        let parts = schema.get_mut("allOf").into_iter().flat_map(items);
        let members = parts.filter_map(|part| part.as_object().cloned()).flatten();
        *schema = Value::Object(members.filter(|(name, _)| name != "type").collect());
    }
    error
}

/// The document as text: an indent of one space, and what has one member alone on one line, for there is much of it.
pub(super) fn write(document: &Value) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in format!("{document:#}").lines() {
        let text = line.trim_start();
        if text.starts_with(['}', ']'])
            && let [.., opening, only] = lines.as_mut_slice()
            && opening.ends_with(['{', '['])
            && !only.ends_with([',', '{', '['])
        {
            opening.push_str(only.trim_start());
            opening.push_str(text);
            lines.pop();
            continue;
        }
        let indent = " ".repeat((line.len() - text.len()) / 2);
        lines.push(indent + text);
    }
    lines.push(String::new());
    lines.join("\n")
}

fn refer_to_headers<'a>(responses: impl Iterator<Item = &'a mut Value>) {
    let responses = responses.filter_map(Value::as_object_mut);
    responses
        .filter(|response| !response.contains_key("$ref"))
        .for_each(headers::refer);
}

/// A parameter of a header or the path is a component, unless there is another of its name. No parameter is null.
fn refer_to_parameter(parameter: &mut Value, components: &mut Map<String, Value>) {
    if let Some(types) = parameter["schema"]["type"].as_array() {
        let mut types = types.iter().filter(|it| *it != "null");
        if let (Some(only), None) = (types.next(), types.next()) {
            parameter["schema"]["type"] = only.clone();
        }
    }
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    if parameter["in"] == "query" {
        return;
    }
    let component = components
        .entry(&*name)
        .or_insert_with(|| parameter.clone());
    if component == parameter {
        *parameter = json!({"$ref": format!("#/components/parameters/{name}")});
    }
}

fn members(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    let object = value.as_object_mut().into_iter();
    object.flat_map(Map::values_mut)
}

fn items(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_array_mut().into_iter().flatten()
}
