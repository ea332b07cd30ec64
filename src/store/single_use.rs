//! Owns the rows of `single_use_values`: what may be used once, on all replicas together.

use crate::base::clock::UnixTime;
use crate::store::{Result, Store, TrustedTime};

impl Store {
    /// Uses a value up until `expires_at`; false when somebody has already. Of two replicas that try at
    /// once one wins: the database decides.
    pub async fn use_once(&self, key: &str, expires_at: UnixTime, now: UnixTime) -> Result<bool> {
        // A row that is over counts as none, so that pruning it sooner or later changes nothing.
        const SQL: &str = "
            insert into single_use_values (key, expires_at)
            values ($1, $2)
            on conflict (key) do update
            set expires_at = excluded.expires_at
            where single_use_values.expires_at <= $3";
        Ok(self.execute(SQL, &[&key, &expires_at, &now]).await? == 1)
    }

    /// Forgets what has expired; how many that were.
    pub async fn prune_single_use_values(&self, now: TrustedTime) -> Result<u64> {
        const SQL: &str = "delete from single_use_values where expires_at <= $1";
        self.execute(SQL, &[&now.time()]).await
    }
}
