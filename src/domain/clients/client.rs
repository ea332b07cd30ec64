//! Owns what a registered client is.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::base::redact::holds_secret;
use crate::domain::{
    AllowedNetworks, Audience, AuthenticationChanges, AuthenticationSettings, ClientSecret,
    ClientVersion, Description, ExchangeRules, Generation, Identifiers, ManagedBy, Metadata, Name,
    ParseError, Scope, SenderConstraint, SenderConstraintChanges, TokenQuota, TokenTyp, ensure,
    seconds_type, text_type, word_enum,
};

/// The name a client logs in with (RFC 6749 §2.2). Any of its characters survives a header, a log line and a URL
/// (escaped).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

text_type!(
    ClientId,
    |text| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()),
    "a client_id must be 1 to 128 printable ASCII characters without spaces"
);

impl ClientId {
    /// [`parse`](Self::parse) for a client that is new. One called `.` or `..` could not be named in a URL: browsers and libraries
    /// take such a segment of a path for a step up, in whichever way it is written.
    pub fn parse_new(text: &str) -> Result<Self, ParseError> {
        let id = Self::parse(text)?;
        id.check_new()?;
        Ok(id)
    }

    /// Fails for what no new client may be called. An id stands in every log line in clear.
    pub fn check_new(&self) -> Result<(), ParseError> {
        ensure!(
            !matches!(self.as_str(), "." | ".."),
            "a client_id cannot be `.` or `..`, which a URL cannot contain"
        );
        ensure!(
            !holds_secret(self.as_str()),
            "a client_id cannot look like a client secret or a token"
        );
        Ok(())
    }
}

word_enum! {
    /// Whether a client may get tokens.
    pub enum ClientStatus, "a status" {
        /// It may.
        Enabled = "enabled",
        /// It may not; its record and secrets stay.
        Disabled = "disabled",
    }
}

/// The token lifetime of a client: 1 minute to 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
pub struct TokenTtl(i64);

impl TokenTtl {
    /// The longest: no token of ours is good for longer.
    pub const MAX: Self = Self(24 * 60 * 60);

    /// The shortest.
    pub const MIN: Self = Self(60);
}

seconds_type!(
    TokenTtl,
    TokenTtl::MIN.0..=TokenTtl::MAX.0,
    "a token lifetime must be 60 to 86400 seconds (24 hours)"
);

/// Lists the fields of a client once, and makes the types that have them: the client, one to be registered, and a change.
macro_rules! client_fields {
    ($($(#[$about:meta])+ $name:ident: $type:ty,)+) => {
        /// A registered machine.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        pub struct Client {
            /// Its name in requests.
            pub client_id: ClientId,
            /// Whether it gets tokens.
            pub status: ClientStatus,
            $($(#[$about])+ pub $name: $type,)+
            /// How it authenticates.
            #[serde(flatten)]
            pub authentication: AuthenticationSettings,
            /// To what its tokens must be bound.
            #[serde(flatten)]
            pub sender_constraint: SenderConstraint,
            /// The manifest that manages it; `None`: none.
            pub managed_by: Option<ManagedBy>,
            /// When it was registered.
            pub created_at: UnixTime,
            /// When it was last changed; its secrets have times of their own.
            pub updated_at: UnixTime,
            /// Changes with it and its secrets; no part of any document.
            #[serde(skip)]
            pub version: ClientVersion,
            /// The generation of its tokens; no part of any document.
            #[serde(skip)]
            pub generation: Generation,
        }

        /// A client to be registered.
        #[derive(Clone, Debug, Default)]
        pub struct NewClient {
            /// `None`: the server makes one.
            pub client_id: Option<ClientId>,
            $($(#[$about])+ pub $name: $type,)+
            /// How it authenticates.
            pub authentication: AuthenticationSettings,
            /// To what its tokens must be bound.
            pub sender_constraint: SenderConstraint,
        }

        /// What to change of a client; `None` leaves a field as it is.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct ClientChanges {
            $($(#[$about])+ pub $name: Option<$type>,)+
            /// How it authenticates.
            pub authentication: AuthenticationChanges,
            /// To what its tokens must be bound.
            pub sender_constraint: SenderConstraintChanges,
        }

        impl Client {
            /// A client with nothing but defaults.
            pub fn new(client_id: ClientId, created_at: UnixTime) -> Self {
                NewClient::default().register(client_id, created_at)
            }
        }

        impl NewClient {
            /// A client with these fields.
            pub fn new(client_id: Option<ClientId>, fields: ClientChanges) -> Self {
                Self {
                    client_id,
                    $($name: fields.$name.unwrap_or_default(),)+
                    authentication: AuthenticationSettings::default().changed(fields.authentication),
                    sender_constraint: SenderConstraint::default().changed(fields.sender_constraint),
                }
            }

            /// The client, registered now under this id. The store begins its version and its generation.
            pub fn register(self, client_id: ClientId, now: UnixTime) -> Client {
                Client {
                    client_id,
                    status: ClientStatus::Enabled,
                    $($name: self.$name,)+
                    authentication: self.authentication,
                    sender_constraint: self.sender_constraint,
                    managed_by: None,
                    created_at: now,
                    updated_at: now,
                    version: ClientVersion::default(),
                    generation: Generation::default(),
                }
            }
        }

        impl ClientChanges {
            /// Makes the changes; the times stay.
            pub fn apply_to(self, client: &mut Client) {
                $(if let Some(value) = self.$name { client.$name = value; })+
                let authentication = std::mem::take(&mut client.authentication);
                client.authentication = authentication.changed(self.authentication);
                client.sender_constraint = client.sender_constraint.changed(self.sender_constraint);
            }
        }
    };
}

client_fields! {
    /// What people call it.
    name: Name,
    /// What it is for.
    description: Description,
    /// All scopes that it may ask for.
    scopes: Scope,
    /// Whether a token has no other scopes than those that its request names. Else one that names none gets all of them.
    explicit_scopes_only: bool,
    /// The audiences that its tokens may have; the first is the default. Empty: the server's `AUDIENCE`.
    audiences: Vec<Audience>,
    /// The audiences that it is, as a resource server. Written by owners and at the command line only.
    identifiers: Identifiers,
    /// For which services it may exchange the tokens that it is called with, and which scopes may result.
    exchange_rules: ExchangeRules,
    /// The claim `metadata` of every token.
    metadata: Metadata,
    /// The lifetime of its tokens; `None`: the server's `TOKEN_TTL`.
    token_ttl: Option<TokenTtl>,
    /// The `typ` in the header of its tokens; `None`: the server's `TOKEN_TYP`.
    token_typ: Option<TokenTyp>,
    /// The most tokens in an hour; `None`: any number.
    token_quota: Option<TokenQuota>,
    /// The networks that it may log in from.
    allowed_networks: AllowedNetworks,
}

impl Client {
    /// Fails when the client may not log in at all.
    pub fn may_log_in(&self) -> Result<(), &'static str> {
        match self.status {
            ClientStatus::Enabled => Ok(()),
            ClientStatus::Disabled => Err("the client is disabled"),
        }
    }
}

impl ClientChanges {
    /// Whether there is nothing to change.
    pub fn are_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A client with its secrets: what logging in needs, read in one go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientRecord {
    /// The client.
    #[serde(flatten)]
    pub client: Client,
    /// Its secrets, oldest first, expired ones among them.
    pub secrets: Vec<ClientSecret>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_short_printable_ascii() {
        assert!(ClientId::parse("billing@example.com:2").is_ok());
        for text in ["", "a b", "a\0", "é", &"x".repeat(129)] {
            assert!(ClientId::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_new_client_has_a_name_that_a_url_can_have() {
        for text in [".", ".."] {
            assert!(ClientId::parse(text).is_ok() && ClientId::parse_new(text).is_err());
        }
        for text in ["...", ".a", "a."] {
            assert!(ClientId::parse_new(text).is_ok(), "{text}");
        }
        assert!(ClientId::parse_new("a b").is_err());
    }

    #[test]
    fn a_token_lives_from_a_minute_to_a_day() {
        assert!(TokenTtl::from_seconds(60).is_ok());
        assert!(TokenTtl::from_seconds(86_400).is_ok());
        for seconds in [i64::MIN, 0, 59, 86_401, i64::MAX] {
            assert!(TokenTtl::from_seconds(seconds).is_err(), "{seconds}");
        }
    }
}
