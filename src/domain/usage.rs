//! Owns the words of usage: what is counted of clients and secrets. Knows nothing of how it is counted and kept.

use std::collections::BTreeMap;
use std::net::IpAddr;
use utoipa::ToSchema;

use serde::Serialize;

use super::{
    Audience, ClientId, ClientIdentity, IdentityDigest, IdentityUse, SecretId, TokenQuota,
    TokenTtl, word_enum,
};
use crate::base::clock::UnixTime;

/// What happened in some span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsageCounts {
    /// Tokens that were given out.
    pub issued: u64,
    /// Requests for a token, and log-ins, that were refused.
    pub refused: u64,
    /// Tokens that were found good.
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
    /// How long the spans are in which all clients together are counted.
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

/// A span of time, and what happened in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = UsageOfSpan)]
pub struct UsageIn {
    /// The second in which it begins.
    pub start: UnixTime,
    /// What happened.
    #[serde(flatten)]
    pub counts: UsageCounts,
}

/// A client, and what happened to it in some span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = UsageOfClient)]
pub struct UsageOf {
    /// The client.
    pub client_id: ClientId,
    /// What happened.
    #[serde(flatten)]
    pub counts: UsageCounts,
}

/// How often a client exchanged a token for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExchangeUsage {
    /// The audience of the tokens that resulted.
    pub target: Audience,
    /// How often.
    pub exchanges: u64,
}

/// When something was last used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LastUsed {
    /// When.
    #[serde(rename = "last_used_at")]
    pub used_at: UnixTime,
    /// From which address.
    #[serde(rename = "last_used_from")]
    pub source: IpAddr,
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

/// How many tokens a client was issued, and how many it needed: one for each lifetime in which it had one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExcessTokens)]
pub struct ExcessTokens {
    /// The client.
    pub client_id: ClientId,
    /// How long its tokens live.
    pub token_ttl: TokenTtl,
    /// How many it may have in an hour.
    pub token_quota: Option<TokenQuota>,
    /// Tokens that it was given.
    pub issued: u64,
    /// Tokens that one instance of it needed, keeping each until its end.
    pub needed: u64,
}

impl ExcessTokens {
    /// Tokens that it did not need.
    pub fn wasted(&self) -> u64 {
        self.issued.saturating_sub(self.needed)
    }
}
