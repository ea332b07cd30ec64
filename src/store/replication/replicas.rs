//! Owns the rows of `replicas`: who runs against this database.

use crate::base::clock::UnixTime;
use crate::domain::Replica;
use crate::store::db::{Row, ToValue};
use crate::store::{Result, Store, TrustedTime};

impl Store {
    /// Keeps what a replica says of itself.
    pub async fn upsert_replica(&self, replica: &Replica) -> Result<()> {
        const SQL: &str = "
            insert into replicas (replica_id, name, version, started_at, seen_at, changes_read_at, listening,
                certificate_expires_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (replica_id) do update
            set seen_at = excluded.seen_at, changes_read_at = excluded.changes_read_at,
                listening = excluded.listening, certificate_expires_at = excluded.certificate_expires_at";
        let values: &[&dyn ToValue] = &[
            &replica.replica_id,
            &replica.name,
            &replica.version,
            &replica.started_at,
            &replica.seen_at,
            &replica.changes_read_at,
            &replica.listening,
            &replica.certificate_expires_at,
        ];
        self.execute(SQL, values).await.map(drop)
    }

    /// Those that were heard of since a time.
    pub async fn list_replicas(&self, since: UnixTime) -> Result<Vec<Replica>> {
        const SQL: &str = "
            select replica_id, name, version, started_at, seen_at, changes_read_at, listening, certificate_expires_at
            from replicas
            where seen_at >= $1
            order by name, started_at, replica_id";
        self.fetch_all(SQL, &[&since], read_replica).await
    }

    /// Forgets a replica that has stopped.
    pub async fn delete_replica(&self, replica_id: &str) -> Result<()> {
        const SQL: &str = "delete from replicas where replica_id = $1";
        self.execute(SQL, &[&replica_id]).await.map(drop)
    }

    /// Forgets those that were not heard of since a time.
    pub async fn prune_replicas(&self, end: TrustedTime) -> Result<u64> {
        const SQL: &str = "delete from replicas where seen_at < $1";
        self.execute(SQL, &[&end.time()]).await
    }
}

fn read_replica(row: &Row) -> Result<Replica> {
    Ok(Replica {
        replica_id: row.get("replica_id")?,
        name: row.get("name")?,
        version: row.get("version")?,
        started_at: row.time("started_at")?,
        seen_at: row.time("seen_at")?,
        changes_read_at: row.optional_time("changes_read_at")?,
        listening: row.get("listening")?,
        certificate_expires_at: row.optional_time("certificate_expires_at")?,
    })
}
