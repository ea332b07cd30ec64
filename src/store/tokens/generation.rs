//! Owns how generations are begun and raised. Postgres asks its own clock in the same statement, so that no clock of a
//! replica takes part; SQLite has no clock but that of the machine.

use crate::base::clock::UnixTime;
use crate::domain::{ClientId, Generation};
use crate::store::clients::find::AT_ONCE;
use crate::store::db::{Pool, ToValue, Tx, Value, query};
use crate::store::{Result, Store};

/// Postgres' time in milliseconds since 1970.
const POSTGRES_TIME: &str = "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";

impl Store {
    /// The lowest generation to which a replica may raise a client that has seen `highest` and has this time.
    pub fn generation_floor(&self, highest: Generation, now: UnixTime) -> Generation {
        let floor = highest.next();
        if matches!(self.pool, Pool::Postgres(_)) {
            floor
        } else {
            floor.max(Generation::at(now))
        }
    }
}

/// Begins the generations of clients that were just inserted, and their versions with them: each above all that a deleted
/// client of its id had. To be called after the insertion: only then has the deletion committed that it may have waited for.
pub(in crate::store) async fn begin_generations(
    tx: &mut Tx<'_>,
    ids: &[&ClientId],
    now: UnixTime,
) -> Result<()> {
    const BEGIN: &str = "
        update clients
        set (generation, version) = (
            select max(value), max(value)
            from (
                select ";
    const ABOVE_DELETED: &str = " as value
                union all
                select r.generation + 1
                from revocations r
                where r.client_id = clients.client_id and r.jti is null
            ) as candidates)
        where client_id in ";
    for ids in ids.chunks(AT_ONCE) {
        let mut query = query(BEGIN);
        if tx.is_postgres() {
            query.push(POSTGRES_TIME);
        } else {
            query.push_bind(Value::Number(Some(Generation::at(now).number())));
        }
        query.push(ABOVE_DELETED);
        query.push_list(ids.iter().map(|id| id.to_value()));
        query.execute(tx).await?;
    }
    Ok(())
}

/// Raises the generation of a client that is locked; what it is now. It is above the version as well: a client that is
/// registered again under the id begins its version above the generation.
pub(in crate::store) async fn raise_generation(
    tx: &mut Tx<'_>,
    id: &ClientId,
    floor: Generation,
) -> Result<Generation> {
    const RAISE: &str = "
        update clients
        set generation = (
            select max(value)
            from (
                select clients.generation + 1 as value
                union all select clients.version + 1
                union all select ";
    const OF_CLIENT: &str = "
            ) as candidates)
        where client_id = ";
    let mut query = query(RAISE);
    query.push_bind(floor.to_value());
    // On SQLite the time is in the floor.
    if tx.is_postgres() {
        query.push(" union all select ").push(POSTGRES_TIME);
    }
    query.push(OF_CLIENT).push_bind(id.to_value());
    query.push(" returning generation");
    query.fetch_one(tx, |row| row.generation(0)).await
}
