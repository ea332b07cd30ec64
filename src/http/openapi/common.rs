//! Owns what all endpoints have in common in the document: its title, how a client or a token is presented, and
//! what operations refer to.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi as Openapi, Required};

use crate::http::openapi::headers;
use crate::http::response::error;

const ABOUT: &str = "Access tokens for machines: OAuth 2.0 client credentials, and their verification. \
                     Bodies are forms or JSON objects of strings; the admin API accepts only JSON. Each response has \
                     `x-content-type-options: nosniff`, and `cache-control: no-store` unless its own `cache-control` is \
                     listed.";

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
    let errors = members(&mut document["components"]["responses"]);
    errors.map(narrow).for_each(headers::refer);
    let mut times: HashMap<String, usize> = HashMap::new();
    for operation in operations(&mut document) {
        for part in parameters(operation).map(tidy) {
            *times.entry(part.to_string()).or_default() += 1;
        }
        for part in responses(operation) {
            headers::refer(part);
            *times.entry(part.to_string()).or_default() += 1;
        }
    }
    let is_repeated = |part: &Value| times.get(&part.to_string()).is_some_and(|times| *times > 1);
    let mut components = document["components"].take();
    components["parameters"] = json!({});
    for operation in operations(&mut document) {
        for part in parameters(operation) {
            if part["in"] != "query" || is_repeated(part) {
                let name = part["name"].as_str().unwrap_or_default().to_owned();
                share(part, "parameters", &name, &mut components);
            }
        }
        for part in responses(operation).filter(|part| is_repeated(part)) {
            let schema = part.pointer("/content/application~1json/schema/$ref");
            let name = schema
                .and_then(Value::as_str)
                .and_then(|it| it.rsplit('/').next());
            if let Some(name) = name.map(str::to_owned) {
                share(part, "responses", &name, &mut components);
            }
        }
    }
    components["headers"] = headers::components();
    components["securitySchemes"] = security_schemes();
    document["components"] = components;
    document
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    members(&mut document["paths"]).flat_map(members)
}

fn parameters(operation: &mut Value) -> impl Iterator<Item = &mut Value> {
    let list = operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

/// The responses that are not references.
fn responses(operation: &mut Value) -> impl Iterator<Item = &mut Value> {
    let all = operation.get_mut("responses").into_iter().flat_map(members);
    all.filter(|it| it.get("$ref").is_none())
}

/// Makes a part a reference to the component of its name, unless that is another one.
fn share(part: &mut Value, kind: &str, name: &str, components: &mut Value) {
    if components[kind][name].is_null() {
        components[kind][name] = part.clone();
    }
    if components[kind][name] == *part {
        *part = json!({"$ref": format!("#/components/{kind}/{name}")});
    }
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

/// The document as text. What fits in a line is in one: there is much of it.
pub(super) fn write(document: &Value) -> String {
    let mut text = String::new();
    write_part(&mut text, document, 0);
    text.push('\n');
    text
}

fn write_part(text: &mut String, part: &Value, depth: usize) {
    const WIDTH: usize = 120;
    let line = part.to_string();
    let start = text.rfind('\n').map_or(0, |at| at + 1);
    if text.len() - start + line.len() < WIDTH {
        return text.push_str(&line);
    }
    let (opening, items, closing): (_, Vec<_>, _) = if let Value::Object(members) = part {
        let items = members.iter();
        let items = items.map(|(name, item)| (format!("{}: ", json!(name)), item));
        ('{', items.collect(), '}')
    } else if let Value::Array(items) = part {
        let items = items.iter().map(|item| (String::new(), item));
        ('[', items.collect(), ']')
    } else {
        return text.push_str(&line);
    };
    text.push(opening);
    for (n, (name, item)) in items.into_iter().enumerate() {
        text.push_str(if n == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(depth + 1));
        text.push_str(&name);
        write_part(text, item, depth + 1);
    }
    text.push('\n');
    text.push_str(&" ".repeat(depth));
    text.push(closing);
}

/// A parameter is never null, and is optional unless `required` is true.
fn tidy(parameter: &mut Value) -> &mut Value {
    if let Some(types) = parameter["schema"]["type"].as_array() {
        let mut types = types.iter().filter(|it| *it != "null");
        if let (Some(only), None) = (types.next(), types.next()) {
            parameter["schema"]["type"] = only.clone();
        }
    }
    if let Some(members) = parameter.as_object_mut() {
        members.retain(|name, value| name != "required" || *value == true);
    }
    parameter
}

fn members(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    let object = value.as_object_mut().into_iter();
    object.flat_map(Map::values_mut)
}

fn items(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_array_mut().into_iter().flatten()
}
