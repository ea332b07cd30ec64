//! Owns the one description of a client as documents have it: the bodies of the admin API, the rows of an import, the
//! clients of a manifest, the lines of an export, the portal's form, and the OpenAPI document. The doc comment of a
//! field is its description there.

#![expect(
    clippy::option_option,
    reason = "a member may be left out, be null, or have a value"
)]

pub(crate) mod members;
pub(crate) mod schema;
pub(crate) mod secret;
pub(crate) mod texts;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::app::clients::spec::members::{Lifetime, SpaceSeparated, Timestamp};
use crate::app::clients::spec::secret::SecretsSpec;
use crate::app::error::Error;
use crate::base::clock::UnixTime;
use crate::domain::{
    AllowedNetworks, Audience, AuthMethods, AuthenticationChanges, CertificateSubject,
    ClientChanges, ClientId, ClientKeys, ClientStatus, Description, ExchangeRules, Identifiers,
    Identities, JwkSet, JwksUri, ManagedBy, Metadata, Name, ParseError, Scope,
    SenderConstraintChanges, TokenQuota, TokenTyp,
};

/// A client in a document. A member that is left out says nothing, one that is null takes the value away. What a kind of
/// document may say beside the fields is its reader's business: see [`ClientSpec::refuse_others`].
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientSpec {
    /// By default the server generates one
    #[schema(value_type = Option<String>, nullable = false)]
    pub(crate) client_id: Option<ClientId>,
    /// A chosen secret of at least `MIN_SECRET_LENGTH` characters; by default the server generates one
    #[schema(nullable = false)]
    pub(crate) client_secret: Option<String>,
    /// When the secret expires, in seconds since 1970; null: never
    #[schema(value_type = Option<i64>)]
    pub(crate) client_secret_expires_at: Option<UnixTime>,
    /// `enabled` or `disabled`
    #[schema(nullable = false)]
    pub(crate) status: Option<String>,
    /// A name for people; at most 200 characters
    #[schema(nullable = false)]
    pub(crate) name: Option<String>,
    /// The purpose of the client, and a contact; at most 2000 characters
    #[schema(nullable = false)]
    pub(crate) description: Option<String>,
    /// All scopes that it may request, space-separated. The admin API gives no reserved scope: `admin:…`, `token:introspect`,
    /// `revocations:read`
    #[schema(value_type = Option<String>, nullable = false)]
    pub(crate) scopes: Option<SpaceSeparated>,
    /// Whether a request without `scope` gets no scopes, instead of all scopes of the client
    #[schema(nullable = false)]
    pub(crate) explicit_scopes_only: Option<bool>,
    /// The audiences that its tokens may have; the first is the default
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    pub(crate) audiences: Option<SpaceSeparated>,
    /// Its own audiences as a resource server, at most 5: it may introspect tokens for them. Only owners and the command
    /// line change them: over the admin API a changed value is 403
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    pub(crate) identifiers: Option<SpaceSeparated>,
    /// The services for which it may exchange the tokens of its callers (RFC 8693), by target audience:
    /// `{"https://orders.example": {"scopes": "read", "map": {"shop:view": "read"}}}`. `scopes` are the possible scopes of
    /// the new token; `map` has the scopes for each scope of the subject token, by default that scope itself
    #[schema(value_type = Option<Object>, nullable = false)]
    pub(crate) exchange_rules: Option<Map<String, Value>>,
    /// The claim `metadata` of every token
    #[schema(value_type = Option<Object>, nullable = false)]
    pub(crate) metadata: Option<Map<String, Value>>,
    /// The lifetime of its tokens in seconds, 60 to 86400; null: the server's `TOKEN_TTL`
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub(crate) token_ttl: Option<Option<Lifetime>>,
    /// The `typ` in the header of its tokens: `at+jwt`, or `JWT` for verifiers that accept nothing else; null: the server's
    /// `TOKEN_TYP`
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub(crate) token_typ: Option<Option<String>>,
    /// The most tokens in an hour, 1 to 1000000000; null: no limit
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub(crate) token_quota: Option<Option<i64>>,
    /// Networks that it may log in from, such as `10.0.0.0/8`, at most 32; none: from anywhere
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    pub(crate) allowed_networks: Option<SpaceSeparated>,
    /// `client_secret_basic`, `client_secret_post`, `private_key_jwt`, `tls_client_auth`, `self_signed_tls_client_auth`
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    pub(crate) auth_methods: Option<SpaceSeparated>,
    /// Its public keys (RFC 7517 §5), unless they are at `jwks_uri`; null: none
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    pub(crate) jwks: Option<Option<Map<String, Value>>>,
    /// The URL of its public keys; null: none
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub(crate) jwks_uri: Option<Option<String>>,
    /// The subject of its certificate (RFC 8705 §2.1.2); of the members `tls_client_auth_…` at most one has a value
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub(crate) tls_client_auth_subject_dn: Option<Option<String>>,
    /// A DNS name in its certificate
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub(crate) tls_client_auth_san_dns: Option<Option<String>>,
    /// A URI in its certificate
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub(crate) tls_client_auth_san_uri: Option<Option<String>>,
    /// An IP address in its certificate
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub(crate) tls_client_auth_san_ip: Option<Option<String>>,
    /// An email address in its certificate
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub(crate) tls_client_auth_san_email: Option<Option<String>>,
    /// Its assertions may have the URL of the token endpoint as `aud`, as before the update of RFC 7523 (RFC 10070)
    #[schema(nullable = false)]
    pub(crate) token_endpoint_as_audience: Option<bool>,
    /// Its identities at trusted issuers, at most 20: objects with `issuer`, the name of the trusted issuer, and with
    /// `subject`, the exact `sub` of its tokens, `claims`, JSON pointers with their exact values, or both. Each identity is
    /// enough to log in, regardless of `auth_methods`; null: none
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub(crate) identities: Option<Option<Vec<Value>>>,
    /// Its tokens must be bound to its certificate (RFC 8705 §3.4)
    #[schema(nullable = false)]
    pub(crate) tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Its tokens must be bound to the key of `DPoP` proofs (RFC 9449 §5.2)
    #[schema(nullable = false)]
    pub(crate) dpop_bound_access_tokens: Option<bool>,
    /// The manifest that manages it (`/transfer/apply`): its next apply overwrites changes made by hand
    #[schema(value_type = Option<String>)]
    pub(crate) managed_by: Option<ManagedBy>,
    /// Seconds since 1970, as all times
    #[schema(value_type = Option<i64>, nullable = false)]
    pub(crate) created_at: Option<Timestamp>,
    /// Seconds since 1970
    #[schema(value_type = Option<i64>, nullable = false)]
    pub(crate) updated_at: Option<Timestamp>,
    #[schema(ignore)]
    pub(crate) secrets: Option<SecretsSpec>,
}

/// A member that is there: null is a value.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What is wrong with a client in a document.
#[derive(Debug, thiserror::Error)]
#[error("{field}{reason}")]
pub(crate) struct FieldError {
    /// `scopes: `
    field: String,
    /// The sentence for people, without the field's name.
    pub(crate) reason: String,
}

impl FieldError {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            field: String::new(),
            reason: reason.into(),
        }
    }
}

impl From<FieldError> for String {
    fn from(error: FieldError) -> Self {
        error.to_string()
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::invalid_request(error.to_string())
    }
}

impl ClientSpec {
    /// What the document says of the fields of a client.
    pub(crate) fn changes(&mut self) -> Result<ClientChanges, FieldError> {
        let networks = self.allowed_networks.take();
        let ttl = self.token_ttl.take();
        Ok(ClientChanges {
            name: read("name", self.name.take(), |it| Name::parse(&it))?,
            description: read("description", self.description.take(), |it| {
                Description::parse(&it)
            })?,
            scopes: read("scopes", self.scopes.take(), |it| Scope::parse(&it.join()))?,
            explicit_scopes_only: self.explicit_scopes_only,
            audiences: read("audiences", self.audiences.take(), |it| {
                Audience::parse_list(&join_audiences(it)?)
            })?,
            identifiers: read("identifiers", self.identifiers.take(), |it| {
                Identifiers::parse(&join_audiences(it)?)
            })?,
            exchange_rules: read("exchange_rules", self.exchange_rules.take(), |it| {
                ExchangeRules::from_object(&it)
            })?,
            metadata: read("metadata", self.metadata.take(), |it| {
                Metadata::from_object(&it)
            })?,
            token_ttl: read("token_ttl", ttl, |it| it.map(Lifetime::parse).transpose())?,
            token_typ: read("token_typ", self.token_typ.take(), |it| {
                it.as_deref().map(TokenTyp::parse).transpose()
            })?,
            token_quota: read("token_quota", self.token_quota.take(), |it| {
                it.map(TokenQuota::from_count).transpose()
            })?,
            allowed_networks: read("allowed_networks", networks, |it| match it {
                SpaceSeparated::Text(text) => AllowedNetworks::parse(&text),
                SpaceSeparated::List(list) => AllowedNetworks::from_list(list),
            })?,
            authentication: AuthenticationChanges {
                auth_methods: read("auth_methods", self.auth_methods.take(), |it| {
                    AuthMethods::parse(&it.join())
                })?,
                keys: self.keys()?,
                certificate_subject: self.certificate_subject()?,
                token_endpoint_as_audience: self.token_endpoint_as_audience,
                identities: read("identities", self.identities.take(), |it| {
                    Identities::from_values(&it.unwrap_or_default())
                })?,
            },
            sender_constraint: SenderConstraintChanges {
                tls_client_certificate_bound_access_tokens: self
                    .tls_client_certificate_bound_access_tokens,
                dpop_bound_access_tokens: self.dpop_bound_access_tokens,
            },
        })
    }

    /// RFC 7591 §2: never in both places.
    fn keys(&mut self) -> Result<Option<Option<ClientKeys>>, FieldError> {
        let set = read("jwks", self.jwks.take(), |it| {
            let set = it.map(|set| JwkSet::parse(&Value::Object(set).to_string()));
            set.transpose()
        })?;
        let uri = read("jwks_uri", self.jwks_uri.take(), |it| {
            it.as_deref().map(JwksUri::parse).transpose()
        })?;
        match (set, uri) {
            (Some(Some(_)), Some(Some(_))) => Err(FieldError::new(
                "keys are in `jwks` or at `jwks_uri`, not both",
            )),
            (Some(Some(set)), _) => Ok(Some(Some(ClientKeys::Inline(set)))),
            (_, Some(Some(uri))) => Ok(Some(Some(ClientKeys::Uri(uri)))),
            (None, None) => Ok(None),
            (Some(None), _) | (_, Some(None)) => Ok(Some(None)),
        }
    }

    fn certificate_subject(&mut self) -> Result<Option<Option<CertificateSubject>>, FieldError> {
        let members = [
            ("subject_dn", self.tls_client_auth_subject_dn.take()),
            ("san_dns", self.tls_client_auth_san_dns.take()),
            ("san_uri", self.tls_client_auth_san_uri.take()),
            ("san_ip", self.tls_client_auth_san_ip.take()),
            ("san_email", self.tls_client_auth_san_email.take()),
        ];
        let is_named = members.iter().any(|(_, member)| member.is_some());
        let mut values = members
            .into_iter()
            .filter_map(|(kind, member)| Some(format!("{kind}={}", member.flatten()?)));
        let (first, another) = (values.next(), values.next());
        if another.is_some() {
            return Err(FieldError::new(
                "only one of the members `tls_client_auth_*` can have a value",
            ));
        }
        read("tls_client_auth", is_named.then_some(first), |it| {
            it.as_deref().map(CertificateSubject::parse).transpose()
        })
    }

    /// Whether the client is enabled, if the document says so.
    pub(crate) fn status(&self) -> Result<Option<ClientStatus>, FieldError> {
        let text = self.status.as_deref();
        read("status", text, ClientStatus::parse)
    }

    /// Refuses what this kind of document may not say; `own` is what it may beside the fields and the `client_id`.
    pub(crate) fn refuse_others(&self, own: &[&str]) -> Result<(), ParseError> {
        let has_end = self.client_secret_expires_at.is_some();
        let members = [
            ("client_secret", self.client_secret.is_some()),
            ("client_secret_expires_at", has_end),
            ("managed_by", self.managed_by.is_some()),
            ("created_at", self.created_at.is_some()),
            ("updated_at", self.updated_at.is_some()),
        ];
        let mut others = members
            .iter()
            .filter(|(name, is_there)| *is_there && !own.contains(name));
        match others.next() {
            Some((name, _)) => Err(ParseError::new(format!("unknown field `{name}`"))),
            None => Ok(()),
        }
    }
}

/// Parses a member, if it is there.
fn read<T, V>(
    field: &str,
    member: Option<V>,
    parse: impl FnOnce(V) -> Result<T, ParseError>,
) -> Result<Option<T>, FieldError> {
    let parsed = member.map(parse).transpose();
    parsed.map_err(|error| FieldError {
        field: format!("{field}: "),
        reason: error.0,
    })
}

/// The words as one text. A list has one audience in each place.
fn join_audiences(words: SpaceSeparated) -> Result<String, ParseError> {
    if let SpaceSeparated::List(list) = &words {
        for audience in list {
            Audience::parse(audience)?;
        }
    }
    Ok(words.join())
}
