//! Owns the rows of `replicas`: who runs against this database.

use sqlx::FromRow;

use crate::base::clock::UnixTime;
use crate::domain::Replica;
use crate::store::{Store, StoreError, TrustedTime, execute, on_pool};

impl Store {
    /// Keeps what a replica says of itself.
    pub async fn upsert_replica(&self, replica: &Replica) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into replicas (replica_id, name, version, started_at, seen_at, changes_read_at, listening,
                certificate_expires_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (replica_id) do update
            set seen_at = excluded.seen_at, changes_read_at = excluded.changes_read_at,
                listening = excluded.listening, certificate_expires_at = excluded.certificate_expires_at";
        execute!(
            self,
            SQL,
            &replica.replica_id,
            &replica.name,
            &replica.version,
            replica.started_at.0,
            replica.seen_at.0,
            replica.changes_read_at.map(|at| at.0),
            replica.listening,
            replica.certificate_expires_at.map(|at| at.0),
        )?;
        Ok(())
    }

    /// Those that were heard of since a time.
    pub async fn list_replicas(&self, since: UnixTime) -> Result<Vec<Replica>, StoreError> {
        const SQL: &str = "
            select replica_id, name, version, started_at, seen_at, changes_read_at, listening, certificate_expires_at
            from replicas
            where seen_at >= $1
            order by name, started_at, replica_id";
        let rows: Vec<Row> = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(since.0)
            .fetch_all(pool)
            .await)?;
        Ok(rows.into_iter().map(Replica::from).collect())
    }

    /// Forgets a replica that has stopped.
    pub async fn delete_replica(&self, replica_id: &str) -> Result<(), StoreError> {
        const SQL: &str = "delete from replicas where replica_id = $1";
        execute!(self, SQL, replica_id)?;
        Ok(())
    }

    /// Forgets those that were not heard of since a time.
    pub async fn prune_replicas(&self, end: TrustedTime) -> Result<u64, StoreError> {
        const SQL: &str = "delete from replicas where seen_at < $1";
        Ok(execute!(self, SQL, end.time().0)?)
    }
}

#[derive(FromRow)]
struct Row {
    replica_id: String,
    name: String,
    version: String,
    started_at: i64,
    seen_at: i64,
    changes_read_at: Option<i64>,
    listening: bool,
    certificate_expires_at: Option<i64>,
}

impl From<Row> for Replica {
    fn from(row: Row) -> Self {
        Self {
            replica_id: row.replica_id,
            name: row.name,
            version: row.version,
            started_at: UnixTime(row.started_at),
            seen_at: UnixTime(row.seen_at),
            changes_read_at: row.changes_read_at.map(UnixTime),
            listening: row.listening,
            certificate_expires_at: row.certificate_expires_at.map(UnixTime),
        }
    }
}
