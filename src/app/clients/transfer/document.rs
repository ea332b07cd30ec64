//! Owns what a document may say of a client, and how its members may be written; the names are those of `client show
//! --json`. Made into a type twice: for our own exports and for the files of `client apply`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::clients::transfer::members::Moment;
use crate::app::clients::transfer::secrets::SecretRules;
use crate::base::clock::UnixTime;
use crate::domain::{
    AuthMethods, AuthenticationSettings, CertificateSubject, ClientId, ClientKeys, ClientSecret,
    JwkSet, JwksUri, ParseError, SecretId, SecretOrigin, UnusedFor,
};

/// Makes a document with the members that are said of every client, and `own` ones.
macro_rules! client_document {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(in crate::app) struct $name {
            pub(in crate::app) client_id: $crate::domain::ClientId,
            #[serde(default)]
            name: $crate::domain::Name,
            #[serde(default)]
            description: $crate::domain::Description,
            status: Option<$crate::domain::ClientStatus>,
            #[serde(default)]
            scopes: $crate::app::clients::transfer::members::Words,
            #[serde(default)]
            audiences: $crate::app::clients::transfer::members::Words,
            #[serde(default)]
            metadata: serde_json::Map<String, serde_json::Value>,
            token_ttl: Option<$crate::app::clients::transfer::members::Lifetime>,
            token_quota: Option<i64>,
            #[serde(default)]
            allowed_networks: $crate::app::clients::transfer::members::Words,
            auth_methods: Option<$crate::app::clients::transfer::members::Words>,
            jwks: Option<serde_json::Map<String, serde_json::Value>>,
            jwks_uri: Option<String>,
            tls_client_auth_subject_dn: Option<String>,
            tls_client_auth_san_dns: Option<String>,
            tls_client_auth_san_uri: Option<String>,
            tls_client_auth_san_ip: Option<String>,
            tls_client_auth_san_email: Option<String>,
            #[serde(default)]
            tls_client_certificate_bound_access_tokens: bool,
            #[serde(default)]
            dpop_bound_access_tokens: bool,
            $($own)*
        }

        impl $name {
            /// The client, as far as every document says it.
            pub(in crate::app) fn client(
                &mut self,
            ) -> Result<$crate::domain::Client, $crate::domain::ParseError> {
                use $crate::app::clients::transfer::document::{authentication, take_keys};
                let keys = take_keys(self.jwks.take(), self.jwks_uri.as_deref())?;
                let subjects = [
                    ("subject_dn", self.tls_client_auth_subject_dn.take()),
                    ("san_dns", self.tls_client_auth_san_dns.take()),
                    ("san_uri", self.tls_client_auth_san_uri.take()),
                    ("san_ip", self.tls_client_auth_san_ip.take()),
                    ("san_email", self.tls_client_auth_san_email.take()),
                ];
                let methods = self.auth_methods.as_ref().map(|words| words.0.as_str());
                Ok($crate::domain::Client {
                    client_id: self.client_id.clone(),
                    name: std::mem::take(&mut self.name),
                    description: std::mem::take(&mut self.description),
                    status: self.status.unwrap_or($crate::domain::ClientStatus::Enabled),
                    scopes: $crate::domain::Scope::parse(&self.scopes.0)?,
                    audiences: $crate::domain::Audience::parse_list(&self.audiences.0)?,
                    metadata: $crate::domain::Metadata::from_object(&self.metadata)?,
                    token_ttl: self.token_ttl.as_ref().map(|it| it.parse()).transpose()?,
                    token_quota: self
                        .token_quota
                        .map($crate::domain::TokenQuota::from_count)
                        .transpose()?,
                    allowed_networks: $crate::domain::AllowedNetworks::parse(
                        &self.allowed_networks.0,
                    )?,
                    authentication: authentication(methods, keys, &subjects)?,
                    sender_constraint: $crate::domain::SenderConstraint {
                        tls_client_certificate_bound_access_tokens: self
                            .tls_client_certificate_bound_access_tokens,
                        dpop_bound_access_tokens: self.dpop_bound_access_tokens,
                    },
                    managed_by: None,
                    created_at: $crate::base::clock::UnixTime(0),
                    updated_at: $crate::base::clock::UnixTime(0),
                })
            }
        }
    };
}
pub(in crate::app) use client_document;

/// A secret as a document says it: its hash, and what is known of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::app) struct SecretDocument {
    pub(in crate::app) secret_id: Option<SecretId>,
    origin: Option<String>,
    secret_hash: String,
    #[serde(default)]
    hint: String,
    pub(in crate::app) created_at: Option<Moment>,
    expires_at: Option<Moment>,
    ends_unused_for: Option<i64>,
}

impl SecretDocument {
    /// The secret; what is left out is made up: the id from the hash, so that it is the same each time.
    pub(in crate::app) fn read(
        &self,
        client_id: &ClientId,
        now: UnixTime,
        rules: &SecretRules,
    ) -> Result<ClientSecret, ParseError> {
        let secret_hash = rules
            .read_hash(&self.secret_hash)
            .map_err(|error| ParseError::new(format!("secret_hash: {error}")))?;
        let origin = match &self.origin {
            Some(word) => SecretOrigin::parse(word)?,
            None => SecretOrigin::Chosen,
        };
        let secret_id = match &self.secret_id {
            Some(id) => id.clone(),
            None if origin == SecretOrigin::Generated => {
                return Err(ParseError::new(
                    "a generated secret names its row: its secret_id is missing",
                ));
            }
            None => SecretId::derived(client_id, &self.secret_hash),
        };
        if self.hint.chars().count() > 4 || self.hint.chars().any(char::is_control) {
            return Err(ParseError::new("a hint has at most 4 characters"));
        }
        Ok(ClientSecret {
            secret_id,
            origin,
            secret_hash,
            hint: self.hint.clone(),
            created_at: self.created_at.map_or(now, |it| it.0),
            expires_at: self.expires_at.map(|it| it.0),
            unused_for: self
                .ends_unused_for
                .map(UnusedFor::from_seconds)
                .transpose()?,
        })
    }
}

/// A secret as an export has it.
#[derive(Debug, Serialize)]
pub(in crate::app) struct ExportedSecret<'a> {
    #[serde(flatten)]
    secret: &'a ClientSecret,
    secret_hash: &'a str,
}

impl<'a> From<&'a ClientSecret> for ExportedSecret<'a> {
    fn from(secret: &'a ClientSecret) -> Self {
        Self {
            secret,
            secret_hash: &secret.secret_hash,
        }
    }
}

/// RFC 7591 §2: never in both places.
pub(in crate::app) fn take_keys(
    jwks: Option<Map<String, Value>>,
    jwks_uri: Option<&str>,
) -> Result<Option<ClientKeys>, ParseError> {
    match (jwks, jwks_uri) {
        (Some(_), Some(_)) => Err(ParseError::new(
            "keys are in `jwks` or at `jwks_uri`, not both",
        )),
        (Some(set), None) => {
            let set = JwkSet::parse(&Value::Object(set).to_string())?;
            Ok(Some(ClientKeys::Inline(set)))
        }
        (None, Some(uri)) => Ok(Some(ClientKeys::Uri(JwksUri::parse(uri)?))),
        (None, None) => Ok(None),
    }
}

pub(in crate::app) fn authentication(
    methods: Option<&str>,
    keys: Option<ClientKeys>,
    subjects: &[(&str, Option<String>); 5],
) -> Result<AuthenticationSettings, ParseError> {
    let mut named = subjects
        .iter()
        .filter_map(|(kind, value)| Some(format!("{kind}={}", value.as_deref()?)));
    let subject = named.next();
    if named.next().is_some() {
        return Err(ParseError::new(
            "of `tls_client_auth_…` one member at most says how a certificate names the client",
        ));
    }
    let subject = subject.as_deref().map(CertificateSubject::parse);
    Ok(AuthenticationSettings {
        auth_methods: match methods {
            Some(words) => words.parse()?,
            None => AuthMethods::default(),
        },
        keys,
        certificate_subject: subject.transpose()?,
    })
}
