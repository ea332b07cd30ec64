//! Owns how a client is written in requests and answers of the admin API: the members of `client show --json`. A request
//! has these and no other, so that nothing can be set by the way.

#![expect(
    clippy::option_option,
    reason = "a member may be left out, be null, or have a value"
)]

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::app::error::{Error, Result};
use crate::app::{App, NewClient, NewSecret};
use crate::base::clock::UnixTime;
use crate::base::secret::Secret;
use crate::domain::{
    AllowedNetworks, Audience, AuthMethods, AuthenticationChanges, CertificateSubject,
    ClientChanges, ClientId, ClientKeys, Description, JwkSet, JwksUri, Metadata, Name, Scope,
    SenderConstraintChanges, TokenQuota, TokenTtl,
};
use crate::http::admin_api::request::given;

/// Makes a body with the members that a client has, when it is made and later.
macro_rules! body {
    ($(#[$about:meta])* $name:ident as $schema:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[schema(as = $schema)]
        pub(in crate::http::admin_api) struct $name {
            $($own)*
            /// What people call it; at most 200 characters
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<String>, nullable = false)]
            name: Option<Name>,
            /// What it is for, whom to ask; at most 2000 characters
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<String>, nullable = false)]
            description: Option<Description>,
            /// All it may ask for, space-separated; none that is reserved: `admin:…`, `token:introspect`, `revocations:read`
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<String>, nullable = false)]
            scopes: Option<Scope>,
            /// Whom its tokens may be for; the first is the default
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<Vec<String>>, nullable = false)]
            audiences: Option<Vec<Audience>>,
            /// What every token of it says
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<Object>, nullable = false)]
            metadata: Option<Map<String, Value>>,
            /// Seconds, 60 to 86400; null: the server's `TOKEN_TTL`
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<i64>)]
            token_ttl: Option<Option<i64>>,
            /// Tokens that it may have in an hour, 1 to 1000000000; null: any number
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<i64>)]
            token_quota: Option<Option<i64>>,
            /// Networks that it may log in from, such as `10.0.0.0/8`, at most 32; none: from anywhere
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<Vec<String>>, nullable = false)]
            allowed_networks: Option<AllowedNetworks>,
            /// How it may prove who it is
            #[serde(default, deserialize_with = "given")]
            #[schema(nullable = false)]
            auth_methods: Option<Vec<String>>,
            /// Its public keys (RFC 7517 §5); null: none
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<Object>)]
            jwks: Option<Option<Map<String, Value>>>,
            /// Where its public keys are; null: nowhere
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<String>)]
            jwks_uri: Option<Option<String>>,
            /// What its certificate says; of these five one at most, and null: none (RFC 8705 §2.1.2)
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<String>)]
            tls_client_auth_subject_dn: Option<Option<String>>,
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<String>)]
            tls_client_auth_san_dns: Option<Option<String>>,
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<String>)]
            tls_client_auth_san_uri: Option<Option<String>>,
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<String>)]
            tls_client_auth_san_ip: Option<Option<String>>,
            #[serde(default, deserialize_with = "given")]
            #[schema(value_type = Option<String>)]
            tls_client_auth_san_email: Option<Option<String>>,
            /// Its tokens must be bound to its certificate (RFC 8705 §3.4)
            #[serde(default, deserialize_with = "given")]
            #[schema(nullable = false)]
            tls_client_certificate_bound_access_tokens: Option<bool>,
            /// Its tokens must be bound to the key of `DPoP` proofs (RFC 9449 §5.2)
            #[serde(default, deserialize_with = "given")]
            #[schema(nullable = false)]
            dpop_bound_access_tokens: Option<bool>,
        }

        impl $name {
            fn changes(self) -> Result<ClientChanges> {
                let subjects = [
                    ("subject_dn", self.tls_client_auth_subject_dn),
                    ("san_dns", self.tls_client_auth_san_dns),
                    ("san_uri", self.tls_client_auth_san_uri),
                    ("san_ip", self.tls_client_auth_san_ip),
                    ("san_email", self.tls_client_auth_san_email),
                ];
                let methods = self.auth_methods.map(|list| AuthMethods::parse(&list.join(" ")));
                let metadata = self.metadata.map(|object| Metadata::from_object(&object));
                Ok(ClientChanges {
                    name: self.name,
                    description: self.description,
                    scopes: self.scopes,
                    audiences: self.audiences.map(|list| audiences(&list)).transpose()?,
                    metadata: metadata.transpose()?,
                    token_ttl: self.token_ttl.map(token_ttl).transpose()?,
                    token_quota: self.token_quota.map(token_quota).transpose()?,
                    allowed_networks: self.allowed_networks,
                    authentication: AuthenticationChanges {
                        auth_methods: methods.transpose()?,
                        keys: keys(self.jwks, self.jwks_uri)?,
                        certificate_subject: subject(subjects)?,
                    },
                    sender_constraint: SenderConstraintChanges {
                        tls_client_certificate_bound_access_tokens: self
                            .tls_client_certificate_bound_access_tokens,
                        dpop_bound_access_tokens: self.dpop_bound_access_tokens,
                    },
                })
            }
        }
    };
}

body! {
    /// A client to be registered.
    NewClientBody as NewClient {
        /// What it logs in with; made up when left out
        #[serde(default, deserialize_with = "given")]
        #[schema(value_type = Option<String>, nullable = false)]
        client_id: Option<ClientId>,
        /// A secret that you chose, of at least `MIN_SECRET_LENGTH` characters; one is made when left out
        #[serde(default, deserialize_with = "given")]
        #[schema(nullable = false)]
        client_secret: Option<String>,
        /// When its secret ends, seconds since 1970; null: never
        #[serde(default)]
        #[schema(value_type = Option<i64>)]
        client_secret_expires_at: Option<UnixTime>,
    }
}

body! {
    /// What to change of a client; what is left out stays as it is.
    ClientChangesBody as ClientChanges {}
}

impl NewClientBody {
    /// The client, and its first secret if it may log in with one.
    pub(in crate::http::admin_api) fn read(
        mut self,
        app: &App,
    ) -> Result<(NewClient, Option<NewSecret>)> {
        let client_id = self.client_id.take();
        let chosen = self.client_secret.take().map(Secret::new);
        let expires_at = self.client_secret_expires_at.take();
        let new = NewClient::new(client_id, self.changes()?);
        if new.authentication.allow_secrets() {
            return Ok((new, Some(app.secrets.new_secret(chosen, expires_at)?)));
        }
        if chosen.is_some() || expires_at.is_some() {
            return Err(Error::invalid_request(
                "a client that may use no method with a secret has none",
            ));
        }
        Ok((new, None))
    }
}

impl ClientChangesBody {
    /// What to change.
    pub(in crate::http::admin_api) fn read(self) -> Result<ClientChanges> {
        let changes = self.changes()?;
        if changes.are_empty() {
            return Err(Error::invalid_request("say what to change"));
        }
        Ok(changes)
    }
}

fn audiences(list: &[Audience]) -> Result<Vec<Audience>> {
    Ok(Audience::parse_list(&Audience::join(list))?)
}

fn token_ttl(seconds: Option<i64>) -> Result<Option<TokenTtl>> {
    Ok(seconds.map(TokenTtl::from_seconds).transpose()?)
}

fn token_quota(count: Option<i64>) -> Result<Option<TokenQuota>> {
    Ok(count.map(TokenQuota::from_count).transpose()?)
}

/// RFC 7591 §2: never in both places.
fn keys(
    jwks: Option<Option<Map<String, Value>>>,
    jwks_uri: Option<Option<String>>,
) -> Result<Option<Option<ClientKeys>>> {
    let keys = match (jwks, jwks_uri) {
        (Some(Some(_)), Some(Some(_))) => {
            return Err(Error::invalid_request(
                "keys are in `jwks` or at `jwks_uri`, not both",
            ));
        }
        (Some(Some(set)), _) => Some(ClientKeys::Inline(JwkSet::parse(
            &Value::Object(set).to_string(),
        )?)),
        (_, Some(Some(uri))) => Some(ClientKeys::Uri(JwksUri::parse(&uri)?)),
        (None, None) => return Ok(None),
        (Some(None), _) | (_, Some(None)) => None,
    };
    Ok(Some(keys))
}

fn subject(
    members: [(&str, Option<Option<String>>); 5],
) -> Result<Option<Option<CertificateSubject>>> {
    let is_named = members.iter().any(|(_, member)| member.is_some());
    let mut values = members
        .into_iter()
        .filter_map(|(kind, member)| Some((kind, member.flatten()?)));
    let (first, another) = (values.next(), values.next());
    if another.is_some() {
        return Err(Error::invalid_request(
            "of `tls_client_auth_…` one member at most says how a certificate names the client",
        ));
    }
    let subject = first.map(|(kind, value)| CertificateSubject::parse(&format!("{kind}={value}")));
    Ok(is_named.then_some(subject.transpose()?))
}

/// A registered client, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = Client)]
pub(in crate::http::admin_api) struct ClientAnswer {
    client_id: String,
    name: String,
    description: String,
    /// `enabled` or `disabled`
    status: String,
    /// Space-separated
    scopes: String,
    audiences: Vec<String>,
    #[schema(value_type = Object)]
    metadata: (),
    /// Seconds; null: the server's `TOKEN_TTL`
    token_ttl: Option<i64>,
    /// Tokens that it may have in an hour; null: any number
    token_quota: Option<i64>,
    /// Networks that it may log in from; none: from anywhere
    allowed_networks: Vec<String>,
    auth_methods: Vec<String>,
    /// Not there when it has none or they are at `jwks_uri`
    #[schema(value_type = Option<Object>, nullable = false)]
    jwks: (),
    #[schema(nullable = false)]
    jwks_uri: Option<String>,
    /// Of these five one at most is there
    #[schema(nullable = false)]
    tls_client_auth_subject_dn: Option<String>,
    #[schema(nullable = false)]
    tls_client_auth_san_dns: Option<String>,
    #[schema(nullable = false)]
    tls_client_auth_san_uri: Option<String>,
    #[schema(nullable = false)]
    tls_client_auth_san_ip: Option<String>,
    #[schema(nullable = false)]
    tls_client_auth_san_email: Option<String>,
    tls_client_certificate_bound_access_tokens: bool,
    dpop_bound_access_tokens: bool,
    /// The file that keeps it (`/transfer/apply`): what is changed by hand the next application undoes
    managed_by: Option<String>,
    /// Seconds since 1970, as all times
    created_at: i64,
    updated_at: i64,
}
