//! Owns the headers of responses in the document: each stands once in `components`, and responses refer to it by name.

use serde_json::{Map, Value, json};

/// Every header of a documented response, and what it says.
fn descriptions() -> Value {
    json!({
        "cache-control": "how long caches may use the response",
        "dpop-nonce": "for the next DPoP proof, if there was one",
        "etag": "the version, for `If-Match` or `If-None-Match`",
        "location": "the URL of the new resource, relative to this one",
        "pragma": "`no-cache` (RFC 6749 §5.1)",
        "ratelimit": "the rest of the client's quota, once four fifths are used",
        "ratelimit-policy": "the client's quota, beside `RateLimit`",
        "retry-after": "seconds",
        "vary": "the request headers that the answer depends on",
        "www-authenticate": "RFC 6749 §5.2 for a client, RFC 6750 §3 or RFC 9449 §7.1 for a token",
        "x-request-id": "the request's own if it is well-formed, else a new one",
        "x-token-actor": "the client that acts for the subject (RFC 8693); empty unless the token comes from an exchange",
        "x-token-audience": "the token's audiences, separated by spaces",
        "x-token-client-id": "the token's client",
        "x-token-expires": "seconds since 1970",
        "x-token-metadata": "the token's `metadata` as JSON in base64url, if the request has `metadata=true`",
        "x-token-scope": "the token's scopes, separated by spaces",
        "x-token-subject": "the client that the token is about: the token's client, or the first caller of an exchanged token",
    })
}

/// Headers that a response has only where they say something.
const OPTIONAL: [&str; 4] = [
    "dpop-nonce",
    "ratelimit",
    "ratelimit-policy",
    "x-token-metadata",
];

fn schema(name: &str) -> Value {
    match name {
        "x-request-id" => json!({"type": "string", "pattern": "^[A-Za-z0-9_.:/+=-]{1,128}$"}),
        "x-token-expires" => json!({"type": "integer", "format": "int64"}),
        _ => json!({"type": "string"}),
    }
}

/// `components.headers`.
pub(super) fn components() -> Value {
    let descriptions = descriptions();
    let headers = descriptions.as_object().into_iter().flatten();
    let headers: Map<String, Value> = headers
        .map(|(name, description)| {
            let required = !OPTIONAL.contains(&&**name);
            let header =
                json!({"description": description, "required": required, "schema": schema(name)});
            (name.clone(), header)
        })
        .collect();
    headers.into()
}

/// Makes the headers that a response names references, and adds the one that every response has.
pub(super) fn refer(response: &mut Value) {
    if response["headers"].is_null() {
        response["headers"] = json!({});
    }
    let headers = &mut response["headers"];
    headers["x-request-id"] = Value::Null;
    for (name, header) in headers.as_object_mut().into_iter().flatten() {
        *header = json!({"$ref": format!("#/components/headers/{name}")});
    }
}
