//! Owns how what is said of a client is written in a form: the texts of its fields, and what they mean. What is not a
//! field here cannot be set by a form, whatever is sent.

use crate::app::error::{Error, Result};
use crate::base::json;
use crate::config::parse_seconds;
use crate::domain::{
    AllowedNetworks, Audience, AuthMethod, AuthMethods, AuthenticationChanges, CertificateSubject,
    Client, ClientChanges, ClientKeys, Description, JwkSet, JwksUri, Metadata, Name, Scope,
    SenderConstraintChanges, TokenQuota, TokenTtl,
};
use crate::http::portal::access::form::Form;

/// The fields, as they are typed.
pub(in crate::http::portal) struct ClientForm {
    pub(in crate::http::portal) name: String,
    pub(in crate::http::portal) description: String,
    pub(in crate::http::portal) scopes: String,
    pub(in crate::http::portal) audiences: String,
    pub(in crate::http::portal) metadata: String,
    pub(in crate::http::portal) token_ttl: String,
    pub(in crate::http::portal) token_quota: String,
    pub(in crate::http::portal) allowed_networks: String,
    pub(in crate::http::portal) methods: Vec<Choice>,
    pub(in crate::http::portal) jwks: String,
    pub(in crate::http::portal) jwks_uri: String,
    pub(in crate::http::portal) tls_client_auth: String,
    pub(in crate::http::portal) is_certificate_bound: bool,
    pub(in crate::http::portal) is_dpop_bound: bool,
}

/// A box to tick.
pub(in crate::http::portal) struct Choice {
    pub(in crate::http::portal) method: AuthMethod,
    pub(in crate::http::portal) is_ticked: bool,
}

impl ClientForm {
    /// For a client that is not there yet.
    pub(in crate::http::portal) fn empty() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            scopes: String::new(),
            audiences: String::new(),
            metadata: String::new(),
            token_ttl: String::new(),
            token_quota: String::new(),
            allowed_networks: String::new(),
            methods: choices(AuthMethods::default()),
            jwks: String::new(),
            jwks_uri: String::new(),
            tls_client_auth: String::new(),
            is_certificate_bound: false,
            is_dpop_bound: false,
        }
    }

    /// What is registered.
    pub(in crate::http::portal) fn of(client: &Client) -> Self {
        let authentication = &client.authentication;
        let (jwks, jwks_uri) = match &authentication.keys {
            Some(ClientKeys::Inline(set)) => (pretty(set.as_str()), String::new()),
            Some(ClientKeys::Uri(uri)) => (String::new(), uri.to_string()),
            None => (String::new(), String::new()),
        };
        let constraint = client.sender_constraint;
        let subject = authentication.certificate_subject.as_ref();
        Self {
            name: client.name.to_string(),
            description: client.description.to_string(),
            scopes: client.scopes.to_string(),
            audiences: Audience::join(&client.audiences),
            metadata: pretty(client.metadata.as_str()),
            token_ttl: client
                .token_ttl
                .map_or_else(String::new, |ttl| format!("{}s", ttl.seconds())),
            token_quota: client
                .token_quota
                .map_or_else(String::new, |quota| quota.to_string()),
            allowed_networks: client.allowed_networks.lines(),
            methods: choices(authentication.auth_methods),
            jwks,
            jwks_uri,
            tls_client_auth: subject.map(ToString::to_string).unwrap_or_default(),
            is_certificate_bound: constraint.tls_client_certificate_bound_access_tokens,
            is_dpop_bound: constraint.dpop_bound_access_tokens,
        }
    }

    /// What was typed.
    pub(in crate::http::portal) fn read(form: &mut Form) -> Self {
        let methods = AuthMethod::ALL.map(|method| Choice {
            method,
            is_ticked: form.is_ticked(method.as_str()),
        });
        let mut text = |name: &str| form.take(name).trim().replace("\r\n", "\n");
        Self {
            name: text("name"),
            description: text("description"),
            scopes: text("scopes"),
            audiences: text("audiences"),
            metadata: text("metadata"),
            token_ttl: text("token_ttl"),
            token_quota: text("token_quota"),
            allowed_networks: text("allowed_networks"),
            methods: methods.into(),
            jwks: text("jwks"),
            jwks_uri: text("jwks_uri"),
            tls_client_auth: text("subject"),
            is_certificate_bound: form.is_ticked("certificate_bound"),
            is_dpop_bound: form.is_ticked("dpop_bound"),
        }
    }

    /// What it means. Every field is said something of: what is empty is taken away.
    pub(in crate::http::portal) fn changes(&self) -> Result<ClientChanges> {
        let ticked = self.methods.iter().filter(|it| it.is_ticked);
        let methods: Vec<&str> = ticked.map(|it| it.method.as_str()).collect();
        let subject = some(&self.tls_client_auth).map(CertificateSubject::parse);
        Ok(ClientChanges {
            name: Some(Name::parse(&self.name)?),
            description: Some(Description::parse(&self.description)?),
            scopes: Some(Scope::parse(&words(&self.scopes))?),
            audiences: Some(Audience::parse_list(&words(&self.audiences))?),
            metadata: Some(match some(&self.metadata) {
                Some(json) => Metadata::parse(json)?,
                None => Metadata::default(),
            }),
            token_ttl: Some(some(&self.token_ttl).map(parse_ttl).transpose()?),
            token_quota: Some(some(&self.token_quota).map(parse_quota).transpose()?),
            allowed_networks: Some(AllowedNetworks::parse(&self.allowed_networks)?),
            authentication: AuthenticationChanges {
                auth_methods: Some(AuthMethods::parse(&methods.join(" "))?),
                keys: Some(self.keys()?),
                certificate_subject: Some(subject.transpose()?),
            },
            sender_constraint: SenderConstraintChanges {
                tls_client_certificate_bound_access_tokens: Some(self.is_certificate_bound),
                dpop_bound_access_tokens: Some(self.is_dpop_bound),
            },
        })
    }

    fn keys(&self) -> Result<Option<ClientKeys>> {
        match (some(&self.jwks), some(&self.jwks_uri)) {
            (None, None) => Ok(None),
            (Some(set), None) => Ok(Some(ClientKeys::Inline(JwkSet::parse(set)?))),
            (None, Some(uri)) => Ok(Some(ClientKeys::Uri(JwksUri::parse(uri)?))),
            (Some(_), Some(_)) => Err(Error::invalid_request(
                "the public keys are either here or at a URL, not both",
            )),
        }
    }
}

fn choices(ticked: AuthMethods) -> Vec<Choice> {
    let choice = |method| Choice {
        method,
        is_ticked: ticked.contains(method),
    };
    AuthMethod::ALL.into_iter().map(choice).collect()
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Words that may stand on lines of their own.
fn words(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn parse_ttl(text: &str) -> Result<TokenTtl> {
    let seconds = parse_seconds(text).map_err(Error::invalid_request)?;
    Ok(TokenTtl::from_seconds(seconds)?)
}

fn parse_quota(text: &str) -> Result<TokenQuota> {
    // What is no number is no quota either, and is told so.
    Ok(TokenQuota::from_count(text.parse().unwrap_or_default())?)
}

/// JSON with its members on lines of their own.
pub(in crate::http::portal) fn pretty(json: &str) -> String {
    let value: serde_json::Result<serde_json::Value> = json::from_str(json);
    match value {
        Ok(serde_json::Value::Object(members)) if members.is_empty() => String::new(),
        Ok(value) => format!("{value:#}"),
        Err(_) => json.to_owned(),
    }
}
