//! How the service is, on one page: what it did, what ends soon, who does most, and the replicas. Everything in it comes
//! from the database, so that each replica and the command line show the same; a few seconds' worth is missing.

use std::time::Duration;
use utoipa::ToSchema;

use serde::Serialize;
use tokio::time::timeout;

use crate::app::App;
use crate::app::error::Result;
use crate::app::usage::busiest_clients::BusiestClients;
use crate::base::clock::UnixTime;
use crate::domain::{EndingSecret, KeyId, Replica, SigningAlg, UsageIn, UsageOf, UsageSpan};

/// What ends within so many seconds is told: 30 days.
const SOON: i64 = 30 * 86_400;

/// Of each kind at most so many.
const LISTED: u32 = 10;

/// The state of the service.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The time of this state.
    pub at: UnixTime,
    /// The version of the replica.
    pub version: &'static str,
    /// The issuer of tokens.
    pub issuer: String,
    /// The algorithm that signs tokens.
    pub signing_alg: SigningAlg,
    /// The database product.
    pub database: &'static str,
    /// The replicas of the last day.
    pub replicas: Vec<Replica>,
    /// The last hour by the minute, all 60 of them.
    pub minutes: Vec<UsageIn>,
    /// The last 30 days by the hour, all 720 of them.
    pub hours: Vec<UsageIn>,
    /// The time of the count of the busiest clients, which is cached. Null: the count is running, or failed.
    pub counted_at: Option<UnixTime>,
    /// Whether it is being counted for the first time.
    pub counting: bool,
    /// The clients that were issued most tokens in the last 24 hours.
    pub most_active: Vec<UsageOf>,
    /// The clients with the most refusals in the last 24 hours.
    pub most_failing: Vec<UsageOf>,
    /// The secrets that expire first within 30 days.
    pub ending_secrets: Vec<EndingSecret>,
    /// The retired keys that the server will delete.
    pub ending_keys: Vec<EndingKey>,
    /// When the next key begins to sign; null: by hand.
    pub rotation_due: Option<UnixTime>,
}

/// A retired signing key; the server deletes it when its last token has expired.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EndingKey {
    /// Its name.
    pub kid: KeyId,
    /// Its algorithm.
    pub alg: SigningAlg,
    /// When the server deletes it.
    pub ends_at: UnixTime,
}

impl App {
    /// How the service is. Who does most takes seconds to count where clients are many: when nobody has counted yet, no
    /// longer than `patience` is waited for it.
    pub async fn overview(&self, patience: Duration) -> Result<Overview> {
        let now = self.core.now();
        let minutes = self.usage.list_last(UsageSpan::Minute, 60, now).await?;
        let hours = self.usage.list_last(UsageSpan::Hour, 30 * 24, now).await?;
        // It may fail where the rest does not.
        let (top, counting) = match timeout(patience, self.usage.find_busiest_clients()).await {
            Ok(Ok(top)) => (Some(top), false),
            Ok(Err(error)) => {
                tracing::warn!("cannot count the busiest clients: {}", error.reason());
                (None, false)
            }
            Err(_) => (None, true),
        };
        let first = |of: fn(&BusiestClients) -> &Vec<UsageOf>| -> Vec<UsageOf> {
            let list = top.iter().flat_map(|top| of(&top.value));
            list.take(LISTED as usize).cloned().collect()
        };
        self.keys.refresh().await?;
        let keys = self.keys.list().await?;
        let ending_keys = keys.into_iter().filter_map(|key| {
            Some(EndingKey {
                ends_at: key.verifies_until?,
                kid: key.kid,
                alg: key.alg,
            })
        });
        Ok(Overview {
            at: now,
            version: env!("CARGO_PKG_VERSION"),
            issuer: self.keys.current().issuer().to_string(),
            signing_alg: self.core.config.keys.signing_alg,
            database: self.core.store.product(),
            replicas: self.replication.list_replicas().await?,
            minutes,
            hours,
            counted_at: top.as_ref().map(|top| top.at),
            counting,
            most_active: first(|top| &top.active),
            most_failing: first(|top| &top.failing),
            ending_secrets: self
                .core
                .store
                .list_ending_secrets(now, now.plus(SOON), LISTED)
                .await?,
            ending_keys: ending_keys.collect(),
            rotation_due: self.keys.metrics().rotation_due,
        })
    }
}
