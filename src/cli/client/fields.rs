//! Owns the fields of a client at the command line: the options of `client create` and `client update`, and the lines of
//! `client show`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value};

use crate::app::clients::spec::ClientSpec;
use crate::app::clients::spec::texts::{certificate_subject, text_of};
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{Client, ClientChanges, ClientKeys, JwkSet, SenderConstraint};

#[derive(Args)]
pub(in crate::cli) struct ClientFields {
    /// A name for people
    #[arg(long)]
    name: Option<String>,
    /// The purpose of the client, and a contact
    #[arg(long)]
    description: Option<String>,
    /// A scope that the client may request; several separated by spaces, or the option repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Option<Vec<String>>,
    /// Give a request without `scope` no scopes; by default it gets all scopes of the client
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    explicit_scopes_only: Option<bool>,
    /// An audience that its tokens may have; the first one is the default; may be repeated
    #[arg(long = "audience", value_name = "AUDIENCE")]
    audiences: Option<Vec<String>>,
    /// An own audience of the client, as a resource server: it may introspect tokens for it; may be repeated, up to 5
    #[arg(long = "identifier", value_name = "AUDIENCE")]
    identifiers: Option<Vec<String>>,
    /// The services for which the client may exchange the tokens of its callers (RFC 8693), as JSON:
    /// `{"https://orders.example": {"scopes": "read"}}`; `{}`: none
    #[arg(long, value_name = "JSON", value_parser = filled)]
    exchange_rules: Option<String>,
    /// The claim `metadata` of every token: a JSON object
    #[arg(long, value_name = "JSON", value_parser = filled)]
    metadata: Option<String>,
    /// The lifetime of its tokens: `15m`, `1h`, or `default` for the server's `TOKEN_TTL`
    #[arg(long, value_name = "DURATION", value_parser = filled)]
    token_ttl: Option<String>,
    /// The `typ` in the header of its tokens: `at+jwt`, `JWT`, or `default` for the server's `TOKEN_TYP`
    #[arg(long, value_name = "TYP", value_parser = filled)]
    token_typ: Option<String>,
    /// The most tokens that the client gets in an hour, or `none` for no limit
    #[arg(long, value_name = "TOKENS", value_parser = filled)]
    token_quota: Option<String>,
    /// A network that the client may log in from, such as `10.0.0.0/8`, `2001:db8::/32` or an address; may be repeated.
    /// Replaces the current networks
    #[arg(long = "allowed-network", value_name = "CIDR")]
    allowed_networks: Option<Vec<String>>,
    /// Let the client log in from any network
    #[arg(long, conflicts_with = "allowed_networks")]
    any_network: bool,
    /// An authentication method: `client_secret_basic`, `client_secret_post`, `private_key_jwt`, `tls_client_auth`,
    /// `self_signed_tls_client_auth`; may be repeated
    #[arg(long = "auth-method", value_name = "METHOD", value_parser = filled)]
    auth_methods: Option<Vec<String>>,
    /// Its public keys: a file with a JWK set
    #[arg(long, value_name = "FILE", group = "keys")]
    jwks: Option<PathBuf>,
    /// The URL of its public keys, at a host in `JWKS_URI_HOSTS`
    #[arg(long, value_name = "URL", group = "keys", value_parser = filled)]
    jwks_uri: Option<String>,
    /// Remove its public keys
    #[arg(long, group = "keys")]
    no_keys: bool,
    /// The subject of its certificate, for `tls_client_auth`: one of `subject_dn=CN=billing,O=Acme`,
    /// `san_dns=billing.example.com`, `san_uri=URI`, `san_ip=ADDRESS`, `san_email=ADDRESS`
    #[arg(long, value_name = "SUBJECT", group = "subject", value_parser = filled)]
    tls_client_auth: Option<String>,
    /// Remove the subject of its certificate
    #[arg(long, group = "subject")]
    no_tls_client_auth: bool,
    /// Accept the URL of the token endpoint as `aud` of its assertions, for libraries from before 2026
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    token_endpoint_as_audience: Option<bool>,
    /// An identity at a trusted issuer, as JSON: {"issuer":"k8s","subject":"system:serviceaccount:prod:billing"}; may be
    /// repeated, and `none` removes all. Replaces the current identities
    #[arg(long = "identity", value_name = "JSON", value_parser = filled)]
    identities: Option<Vec<String>>,
    /// Bind its tokens to its TLS client certificate, which is then required (RFC 8705)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Bind its tokens to the key of its `DPoP` proofs, which are then required (RFC 9449)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dpop_bound_access_tokens: Option<bool>,
}

impl ClientFields {
    /// The changes; reads the file of `--jwks`.
    pub(in crate::cli) fn changes(self) -> Result<ClientChanges> {
        let text = |text: Option<String>| text.map(Value::from);
        let flag = |flag: Option<bool>| flag.map(Value::from);
        let words = |words: Option<Vec<String>>| words.map(|it| it.join(" ").into());
        let unless = |word: &str, text: Option<String>| {
            text.map(|text| Some(text).filter(|text| text != word).into())
        };
        let identities = self.identities.map(|it| match it.as_slice() {
            [one] if one == "none" => "[]".to_owned(),
            many => format!("[{}]", many.join(",")),
        });
        let networks = self.allowed_networks.map(Value::from);
        let keys = self.jwks.as_deref().map(read_keys).transpose()?;
        let said = [
            ("name", text(self.name)),
            ("description", text(self.description)),
            ("scopes", words(self.scopes)),
            ("explicit_scopes_only", flag(self.explicit_scopes_only)),
            ("audiences", words(self.audiences)),
            ("identifiers", words(self.identifiers)),
            ("exchange_rules", text(self.exchange_rules)),
            ("metadata", text(self.metadata)),
            ("token_ttl", unless("default", self.token_ttl)),
            ("token_typ", unless("default", self.token_typ)),
            ("token_quota", unless("none", self.token_quota)),
            (
                "allowed_networks",
                networks.or(self.any_network.then_some(Value::Null)),
            ),
            ("auth_methods", words(self.auth_methods)),
            ("jwks", keys.or(self.no_keys.then_some(Value::Null))),
            ("jwks_uri", text(self.jwks_uri)),
            (
                "token_endpoint_as_audience",
                flag(self.token_endpoint_as_audience),
            ),
            ("identities", text(identities)),
            (
                "tls_client_certificate_bound_access_tokens",
                flag(self.tls_client_certificate_bound_access_tokens),
            ),
            (
                "dpop_bound_access_tokens",
                flag(self.dpop_bound_access_tokens),
            ),
        ];
        let said = said.into_iter();
        let mut members: Map<_, _> = said
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        let subject = self.no_tls_client_auth.then(String::new);
        if let Some(subject) = self.tls_client_auth.or(subject) {
            members.extend(certificate_subject(&subject)?);
        }
        Ok(ClientSpec::from_texts(&mut members)?.changes()?)
    }
}

/// Nothing is taken away by a variable that a script forgot to set.
fn filled(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        return Err("the value is empty");
    }
    Ok(text.to_owned())
}

fn read_keys(path: &Path) -> Result<Value> {
    let whole = |why: String| Error::invalid_request(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| whole(error.to_string()))?;
    let set = JwkSet::parse(&text).map_err(|error| whole(error.to_string()))?;
    Ok(Value::from(set.as_str()))
}

/// The lines of `client show`: every member that `--json` has, in words.
pub(in crate::cli) fn lines(client: &Client) -> Vec<(String, String)> {
    let Ok(Value::Object(members)) = serde_json::to_value(client) else {
        return Vec::new();
    };
    let line = |(name, value): (String, Value)| {
        let text = match (name.as_str(), &value) {
            ("jwks", _) => key_names(client),
            ("token_ttl", Value::Null) => "the server's TOKEN_TTL".to_owned(),
            ("token_ttl", seconds) => format!("{seconds} s"),
            ("token_typ", Value::Null) => "the server's TOKEN_TYP".to_owned(),
            ("token_quota", Value::Null) => "none".to_owned(),
            ("token_quota", tokens) => format!("{tokens} per hour"),
            ("allowed_networks", Value::Array(list)) if list.is_empty() => "any".to_owned(),
            ("created_at" | "updated_at", at) => {
                UnixTime(at.as_i64().unwrap_or_default()).to_string()
            }
            (_, other) => text_of(other),
        };
        match name.strip_prefix("tls_client_auth_") {
            Some(kind) => ("tls_client_auth".to_owned(), format!("{kind}={text}")),
            None => (name, text),
        }
    };
    members.into_iter().map(line).collect()
}

fn key_names(client: &Client) -> String {
    let Some(ClientKeys::Inline(set)) = &client.authentication.keys else {
        return String::new();
    };
    let names = set.keys().iter();
    let names: Vec<&str> = names
        .map(|jwk| jwk.kid.as_deref().unwrap_or("(no kid)"))
        .collect();
    format!("{} here: {}", names.len(), names.join(", "))
}

/// To what the tokens must be bound, as `client list` shows it.
pub(in crate::cli) fn bound_to(constraint: SenderConstraint) -> String {
    let bound = [
        (
            constraint.tls_client_certificate_bound_access_tokens,
            "certificate",
        ),
        (constraint.dpop_bound_access_tokens, "dpop"),
    ];
    let words = bound.iter().filter(|(is, _)| *is).map(|(_, word)| *word);
    words.collect::<Vec<_>>().join(" ")
}
