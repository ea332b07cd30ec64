//! Owns the words of usage: what is counted of clients and secrets. Knows nothing of how it is counted and kept.

use std::collections::BTreeMap;
use std::net::IpAddr;
use utoipa::ToSchema;

use serde::Serialize;

use super::{
    Audience, ClientId, ClientIdentity, IdentityDigest, IdentityUse, SecretId, TokenQuota,
    TokenTtl, span_in_words, word_enum,
};
use crate::base::clock::UnixTime;

/// Counts of a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsageCounts {
    /// Issued tokens.
    pub issued: u64,
    /// Refused token requests and logins.
    pub refused: u64,
    /// Verified tokens.
    pub verified: u64,
}

impl UsageCounts {
    /// Adds what happened beside this.
    pub fn add(&mut self, other: Self) {
        self.issued = self.issued.saturating_add(other.issued);
        self.refused = self.refused.saturating_add(other.refused);
        self.verified = self.verified.saturating_add(other.verified);
    }
}

word_enum! {
    /// The length of the spans of the counts of all clients.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum UsageSpan, "a span" {
        /// A minute.
        Minute = "minute",
        /// An hour.
        Hour = "hour",
    }
}

impl UsageSpan {
    /// In seconds.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }

    /// The second in which the span of this time begins.
    pub fn start(self, now: UnixTime) -> UnixTime {
        UnixTime(now.0 - now.0.rem_euclid(self.seconds()))
    }
}

/// Counts of a span of time, with its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = UsageOfSpan)]
pub struct UsageIn {
    /// Its first second.
    pub start: UnixTime,
    /// The counts.
    #[serde(flatten)]
    pub counts: UsageCounts,
}

/// A client, and its counts of a span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = UsageOfClient)]
pub struct UsageOf {
    /// The client.
    pub client_id: ClientId,
    /// The counts.
    #[serde(flatten)]
    pub counts: UsageCounts,
}

/// The number of exchanges of a client for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExchangeUsage {
    /// The audience of the tokens that resulted.
    pub target: Audience,
    /// The number of exchanges.
    pub exchanges: u64,
}

/// When something was last used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LastUsed {
    /// The time.
    #[serde(rename = "last_used_at")]
    pub used_at: UnixTime,
    /// The source address.
    #[serde(rename = "last_used_from")]
    pub source: IpAddr,
}

impl LastUsed {
    /// When, seen from `now`, and from which address: `5 minutes ago from 192.0.2.7`.
    pub(crate) fn in_words(&self, now: UnixTime) -> String {
        let span = span_in_words(now.since(self.used_at));
        format!("{span} ago from {}", self.source)
    }
}

/// How a secret was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretUses {
    /// Which one.
    pub secret_id: SecretId,
    /// The last time.
    #[serde(flatten)]
    pub last: LastUsed,
    /// How often in the last 24 hours, and the hour in which they begin.
    pub uses_24h: u64,
}

/// How a client and its secrets were used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClientUses {
    /// The last time that it proved who it is, in any way.
    #[serde(flatten)]
    pub last: Option<LastUsed>,
    /// Its secrets that were used.
    pub secrets: Vec<SecretUses>,
    /// Its identities that were used.
    #[serde(skip)]
    pub identities: BTreeMap<IdentityDigest, IdentityUse>,
}

impl ClientUses {
    /// How this secret was used, if it ever was.
    pub fn of_secret(&self, id: &SecretId) -> Option<&SecretUses> {
        self.secrets.iter().find(|uses| uses.secret_id == *id)
    }

    /// When this identity was last used, if it ever was.
    pub fn of_identity(&self, identity: &ClientIdentity) -> Option<&IdentityUse> {
        self.identities.get(&IdentityDigest::of(identity))
    }
}

/// The tokens that a client got, and the tokens that it needed: one for each token lifetime in which it got one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExcessTokens)]
pub struct ExcessTokens {
    /// The client.
    pub client_id: ClientId,
    /// Its token lifetime.
    pub token_ttl: TokenTtl,
    /// Its quota per hour.
    pub token_quota: Option<TokenQuota>,
    /// Tokens issued to it.
    pub issued: u64,
    /// Tokens that one instance of it needs, if it uses each until it expires.
    pub needed: u64,
}

impl ExcessTokens {
    /// Tokens that it did not need.
    pub fn wasted(&self) -> u64 {
        self.issued.saturating_sub(self.needed)
    }
}
