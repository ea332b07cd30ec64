//! Owns how a file of SQLite is migrated: each migration in one transaction, which takes the only lock there is before it
//! looks whether it is still to be done.

use futures_util::FutureExt;
use futures_util::future::ready;
use sqlx::migrate::Migrate;

use super::event::{MigrationEvent, Tell, Wait, told_while};
use super::files::File;
use super::{TABLE, in_order};
use crate::store::db::sqlite::is_locked;
use crate::store::db::{Driver, Session, Tx};
use crate::store::{Result, Store, StoreError};

/// SQLite does not know which process it is.
const HOLDER: &str = "another process that writes to the database file";

pub(super) async fn migrate(store: &Store, pending: &[&File], tell: Tell<'_>) -> Result<()> {
    let mut conn = store.acquire_unhurried().await?;
    for (place, file) in in_order(pending) {
        let mut wait = Wait::new(tell);
        loop {
            match conn.begin().await {
                Ok(mut tx) => {
                    if is_pending(&mut tx, file).await? {
                        tell(&MigrationEvent::Begun(place.clone()));
                        let nothing = || ready(None).boxed();
                        told_while(apply(&mut tx, file), &place, tell, nothing).await?;
                        tx.commit().await?;
                        tell(&MigrationEvent::Applied(place));
                    }
                    break;
                }
                // Having waited as long as a statement may for a lock.
                Err(StoreError::Unavailable(error)) if is_locked(&error) => {
                    wait.for_holder(HOLDER.to_owned());
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

async fn is_pending(tx: &mut Tx<'_>, file: &File) -> Result<bool> {
    let (Driver::Sqlite(conn), _) = tx.parts() else {
        unreachable!("a transaction of SQLite");
    };
    let applied = async {
        conn.ensure_migrations_table(TABLE).await?;
        conn.list_applied_migrations(TABLE).await
    };
    let applied = applied.await.map_err(StoreError::Migration)?;
    Ok(applied.iter().all(|it| it.version != file.version()))
}

async fn apply(tx: &mut Tx<'_>, file: &File) -> Result<()> {
    let (Driver::Sqlite(conn), _) = tx.parts() else {
        unreachable!("a transaction of SQLite");
    };
    let applied = conn.apply(TABLE, &file.sqlite).await;
    applied.map(drop).map_err(StoreError::Migration)
}
