//! Owns the form of a client: a text for each field, under the field's name. What is not a field cannot be set by a form,
//! whatever is sent.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::app::clients::spec::ClientSpec;
use crate::app::clients::spec::schema::field_types;
use crate::app::clients::spec::texts::{certificate_subject, text_of};
use crate::app::error::{Error, Result};
use crate::base::json;
use crate::domain::{AuthMethod, AuthMethods, Client, ClientChanges, TokenTyp};
use crate::http::portal::access::Form;
use crate::http::portal::page::FieldErrors;
use crate::http::portal::page::fields;

/// The one text for the members `tls_client_auth_…`: `san_dns=billing.example.com`.
const SUBJECT: &str = "subject";

/// The fields, as they are typed.
pub(super) struct ClientForm {
    texts: BTreeMap<&'static str, String>,
    /// Those whose box is ticked, in the order of the boxes.
    pub(super) methods: Vec<AuthMethod>,
}

impl ClientForm {
    /// The `typ` of the tokens.
    pub(super) const TOKEN_TYPS: &[fields::Choice] = &[
        ("", "TOKEN_TYP of the server"),
        (TokenTyp::AtJwt.as_str(), "at+jwt (RFC 9068)"),
        (
            TokenTyp::Jwt.as_str(),
            "JWT, for verifiers that accept nothing else",
        ),
    ];

    /// What stands in a part of the form that is closed unless one of these is filled in.
    pub(super) const KEY_FIELDS: &[&str] =
        &["jwks", "jwks_uri", SUBJECT, "token_endpoint_as_audience"];

    /// As [`Self::KEY_FIELDS`].
    pub(super) const IDENTITY_FIELDS: &[&str] = &["identities"];

    /// As [`Self::KEY_FIELDS`].
    pub(super) const ADVANCED_FIELDS: &[&str] = &[
        "description",
        "allowed_networks",
        "explicit_scopes_only",
        "token_ttl",
        "token_typ",
        "token_quota",
        "metadata",
        "identifiers",
        "exchange_rules",
        "tls_client_certificate_bound_access_tokens",
        "dpop_bound_access_tokens",
    ];

    /// When one chooses the method.
    pub(super) fn method_sentence(method: AuthMethod) -> &'static str {
        match method {
            AuthMethod::ClientSecretBasic => {
                "A secret in the header Authorization, as most OAuth libraries send it."
            }
            AuthMethod::ClientSecretPost => {
                "A secret in the body of the request. Simplest without a library."
            }
            AuthMethod::PrivateKeyJwt => {
                "A JWT that the client signs with its own private key. Needs public keys below."
            }
            AuthMethod::TlsClientAuth => {
                "A client certificate of a CA in TLS_CLIENT_CA. Needs a certificate subject below."
            }
            AuthMethod::SelfSignedTlsClientAuth => {
                "A client certificate of its own, known by its public key below."
            }
        }
    }

    /// For a client that is not there yet.
    pub(super) fn empty() -> Self {
        Self {
            texts: BTreeMap::new(),
            methods: AuthMethods::default().iter().collect(),
        }
    }

    /// What is registered.
    pub(super) fn of(client: &Client) -> Self {
        let members = serde_json::to_value(client).unwrap_or_default();
        let shown = |name: &str| match (name, text_of(&members[name])) {
            ("token_ttl", seconds) if !seconds.is_empty() => seconds + "s",
            ("allowed_networks", words) => words.replace(' ', "\n"),
            ("exchange_rules" | "metadata" | "jwks" | "identities", json) => pretty(&json),
            (_, text) => text,
        };
        let mut texts: BTreeMap<&str, String> =
            field_types().map(|(name, _)| (name, shown(name))).collect();
        let subject = client.authentication.certificate_subject.as_ref();
        texts.insert(
            SUBJECT,
            subject.map(ToString::to_string).unwrap_or_default(),
        );
        Self {
            texts,
            methods: client.authentication.auth_methods.iter().collect(),
        }
    }

    /// What was typed.
    pub(super) fn read(form: &mut Form) -> Self {
        let mut methods = AuthMethod::ALL.to_vec();
        methods.retain(|method| form.is_ticked(method.as_str()));
        let names = field_types().chain([(SUBJECT, "string")]);
        let texts = names.map(|(name, kind)| {
            let text = match kind {
                "boolean" => form.is_ticked(name).to_string(),
                _ => form.take(name).trim().replace("\r\n", "\n"),
            };
            (name, text)
        });
        Self {
            texts: texts.collect(),
            methods,
        }
    }

    /// The text of a field.
    pub(super) fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// Whether the box of a field is ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// Whether one of these fields is filled in or ticked.
    pub(super) fn has_any(&self, names: &[&str]) -> bool {
        let mut texts = names.iter().map(|name| self.text(name));
        texts.any(|text| !matches!(text, "" | "false"))
    }

    /// What it means, or `None` and what is wrong with each field. Every field is said something of: what is empty is taken
    /// away.
    pub(super) fn changes(&self, errors: &mut FieldErrors) -> Result<Option<ClientChanges>> {
        let mut members = Map::new();
        for (name, _) in field_types() {
            let value = self.value(name);
            let alone = Map::from_iter([(name.to_owned(), value.clone())]);
            let read = changes(alone).map_err(|error| without_name(name, &error));
            if errors.check(name, read).is_some() {
                members.insert(name.to_owned(), value);
            }
        }
        let subject = certificate_subject(self.text(SUBJECT));
        members.extend(errors.check(SUBJECT, subject).unwrap_or_default());
        if !errors.list().is_empty() {
            return Ok(None);
        }
        // What no field alone is wrong with, such as keys in two places.
        changes(members).map(Some)
    }

    fn value(&self, name: &str) -> Value {
        match name {
            "scopes" => {
                let scopes: Vec<&str> = self.text(name).split_ascii_whitespace().collect();
                scopes.join(" ").into()
            }
            "auth_methods" => {
                let ticked: Vec<&str> = self.methods.iter().map(|it| it.as_str()).collect();
                ticked.into()
            }
            name => self.text(name).into(),
        }
    }
}

fn changes(mut members: Map<String, Value>) -> Result<ClientChanges> {
    let changes = ClientSpec::from_texts(&mut members).and_then(|mut spec| spec.changes());
    changes.map_err(|error| Error::invalid_request(error.reason))
}

/// The error at its field, where people see the label instead of the name.
fn without_name(name: &str, error: &Error) -> Error {
    let description = error.description.as_ref();
    match description.strip_prefix(name) {
        Some(rest) if rest.starts_with(' ') => Error::invalid_request(format!("this{rest}")),
        Some(_) | None => Error::invalid_request(description.to_owned()),
    }
}

/// The field that an error of a use case is about, if it says so: `identifiers: …`, `JWKS_URI_HOSTS does not have …`.
pub(super) fn field_of(error: &Error) -> Option<&'static str> {
    if error.description.starts_with("JWKS_URI_HOSTS") {
        return Some("jwks_uri");
    }
    let (name, _) = error.description.split_once(": ")?;
    let mut fields = field_types().map(|(field, _)| field);
    fields.find(|field| *field == name)
}

/// JSON with its members on lines of their own.
pub(in crate::http::portal) fn pretty(json: &str) -> String {
    let value: serde_json::Result<Value> = json::from_str(json);
    match value {
        Ok(Value::Object(members)) if members.is_empty() => String::new(),
        Ok(value) => format!("{value:#}"),
        Err(_) => json.to_owned(),
    }
}
