//! Owns the rows of `admin_recovery_codes`. Sees digests only.

use serde_json::json;

use crate::domain::{Action, AdminName, Stamp};
use crate::store::admins::row::of_admin;
use crate::store::db::Tx;
use crate::store::{Result, Store, WriteOptions};

const COUNT: &str = "select count(*) from admin_recovery_codes where name = $1";

impl Store {
    /// How many codes an admin has that were not used.
    pub async fn count_recovery_codes(&self, name: &AdminName) -> Result<u64> {
        self.fetch_one(COUNT, &[name], |row| row.count(0)).await
    }

    /// Replaces the codes of an admin; false when the same request was answered before.
    pub async fn replace_recovery_codes(
        &self,
        name: &AdminName,
        digests: &[String],
        options: &WriteOptions<'_>,
        stamp: Stamp<'_>,
    ) -> Result<bool> {
        const SQL: &str =
            "insert into admin_recovery_codes (name, digest, created_at) values ($1, $2, $3)";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        stamp.by.actor.check_admin_write(name, true)?;
        if !options.store_response(&mut tx).await? {
            return Ok(false);
        }
        delete_recovery_codes(&mut tx, name).await?;
        for digest in digests {
            tx.execute(SQL, &[name, digest, &stamp.at]).await?;
        }
        let made = json!({ "recovery_codes": digests.len() });
        let event = of_admin(Action::AdminMakeRecoveryCodes, name).after(made);
        self.commit_event(tx, stamp, event).await?;
        Ok(true)
    }

    /// Uses a code up; false when there is none of this digest: of two who type the same code at once one is let in.
    pub async fn use_recovery_code(
        &self,
        name: &AdminName,
        digest: &str,
        stamp: Stamp<'_>,
    ) -> Result<bool> {
        const SQL: &str = "delete from admin_recovery_codes where name = $1 and digest = $2";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        if tx.execute(SQL, &[name, &digest]).await? == 0 {
            return Ok(false);
        }
        let left: u64 = tx.fetch_one(COUNT, &[name], |row| row.count(0)).await?;
        let event = of_admin(Action::AdminUseRecoveryCode, name);
        let event = event.after(json!({ "recovery_codes": left }));
        self.commit_event(tx, stamp, event).await?;
        Ok(true)
    }
}

/// Deletes the codes of an admin who has no second factor any more, or has none yet.
pub(in crate::store) async fn delete_recovery_codes(
    tx: &mut Tx<'_>,
    name: &AdminName,
) -> Result<()> {
    const SQL: &str = "delete from admin_recovery_codes where name = $1";
    tx.execute(SQL, &[name]).await.map(drop)
}
