//! Owns how a secret of a client is shown to programs, with how it is used.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::domain::{
    ClientRecord, ClientSecret, ClientUses, IdleExpiry, SecretAdvice, SecretId, SecretOrigin,
};

/// A secret of a client, and how it is used.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedSecret<'a> {
    /// Its name
    pub secret_id: &'a SecretId,
    /// Its origin
    pub origin: SecretOrigin,
    /// Whether an operator has vouched that another server generated it
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub vouched: bool,
    /// The last 4 characters of a generated one
    pub hint: &'a str,
    /// When it was added
    pub created_at: UnixTime,
    /// Null: never
    pub expires_at: Option<UnixTime>,
    /// Null: not since it was created, or since the server has counted usage
    pub last_used_at: Option<UnixTime>,
    /// The caller's address
    pub last_used_from: Option<String>,
    /// The number of uses in the last 24 hours, and the first of these hours
    pub uses_24h: u64,
    /// Idle expiry: the secret expires this many seconds after its last use; null: none
    pub ends_unused_for: Option<IdleExpiry>,
    /// What would come of removing it
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub advice: Option<SecretAdvice>,
}

impl<'a> ListedSecret<'a> {
    /// The secrets of a client. `now`: with an advice on each.
    pub fn list(record: &'a ClientRecord, uses: &ClientUses, now: Option<UnixTime>) -> Vec<Self> {
        let listed = |secret: &'a ClientSecret| {
            let found = uses.of_secret(&secret.secret_id);
            Self {
                secret_id: &secret.secret_id,
                origin: secret.origin,
                vouched: secret.vouched,
                hint: &secret.hint,
                created_at: secret.created_at,
                expires_at: secret.expires_at,
                last_used_at: found.map(|it| it.last.used_at),
                last_used_from: found.map(|it| it.last.source.to_string()),
                uses_24h: found.map_or(0, |it| it.uses_24h),
                ends_unused_for: secret.unused_for,
                advice: now.map(|now| SecretAdvice::new(secret, record, uses, now)),
            }
        };
        record.secrets.iter().map(listed).collect()
    }
}
