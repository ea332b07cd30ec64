//! Owns the rows of `admins`. Sees hashed passwords and sealed second factors only.

use serde::Serialize;

use crate::base::clock::UnixTime;
use crate::domain::{Action, Admin, AdminName, AdminRole, AdminStatus, Stamp};
use crate::store::admins::passkeys::{PasskeyChange, PasskeysChanged, change_passkeys};
use crate::store::admins::recovery_codes::delete_recovery_codes;
use crate::store::admins::row::{AdminRecord, COLUMNS, find_admin, of_admin, read_admin};
use crate::store::db::{Row, RowsOf, ToValue, Tx, select};
use crate::store::{Result, Store};

/// What is to be different. `None`: as it is.
#[derive(Clone, Debug, Default)]
pub struct AdminChanges {
    /// The role.
    pub role: Option<AdminRole>,
    /// Whether the admin may log in.
    pub status: Option<AdminStatus>,
    /// The hash of the password, and whether it has to be changed at the next login.
    pub password: Option<(String, bool)>,
    /// The sealed secret of the app; `Some(None)` removes it.
    pub totp_sealed: Option<Option<String>>,
    /// The passkeys.
    pub passkeys: Option<PasskeyChange>,
    /// Whether who has a second factor has to keep one.
    pub keeps_second_factor: bool,
}

/// What came of changing an admin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminChanged {
    /// It was.
    Changed,
    /// There is no such admin.
    NoAdmin,
    /// There would be no owner left who can log in.
    LastOwner,
    /// There would be no second factor left.
    LastSecondFactor,
    /// There is no such passkey.
    NoPasskey,
}

/// Waits until everybody else has done with changing who the owners are.
const LOCK: &str = "update admin_changes set count = count + 1";

/// What an event says of an admin who has one passkey more or less.
#[derive(Serialize)]
struct WithPasskey<'a> {
    #[serde(flatten)]
    admin: &'a Admin,
    #[serde(skip_serializing_if = "Option::is_none")]
    passkey: Option<&'a str>,
}

impl Store {
    /// Adds an admin; [`StoreError::Conflict`](crate::store::StoreError::Conflict) when there is one of this name.
    pub async fn insert_admin(
        &self,
        admin: &Admin,
        password_hash: &str,
        stamp: Stamp<'_>,
    ) -> Result<()> {
        const SQL: &str = "
            insert into admins (name, role, status, password_hash, must_change_password, totp_step,
                created_at, updated_at)
            values ($1, $2, $3, $4, $5, 0, $6, $6)";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        stamp.by.actor.check_admin_write(&admin.name, false)?;
        let values: &[&dyn ToValue] = &[
            &admin.name,
            &admin.role.as_str(),
            &admin.status.as_str(),
            &password_hash,
            &admin.must_change_password,
            &admin.created_at,
        ];
        tx.execute(SQL, values).await?;
        let change = of_admin(Action::AdminCreate, &admin.name).after(admin);
        self.commit_event(tx, stamp, change).await
    }

    /// The admin of this name.
    pub async fn find_admin(&self, name: &AdminName) -> Result<Option<AdminRecord>> {
        find_admin(&mut self.acquire_read().await?, name).await
    }

    /// Admins by name, those after `after`, `limit` at most.
    pub async fn list_admins(&self, after: Option<&AdminName>, limit: u32) -> Result<Vec<Admin>> {
        const ORDER: &str = "from admins a where a.name > $1 order by a.name limit $2";
        let read = |row: &Row| Ok(read_admin(row)?.admin);
        select(&[COLUMNS], ORDER)
            .bind(&[&after.map_or("", AdminName::as_str), &limit])
            .fetch_undamaged(
                &mut self.acquire_read().await?,
                RowsOf::new("admins", "name"),
                read,
            )
            .await
    }

    /// Changes an admin, and ends its sessions but for the one that is named: what they were begun with is no more.
    /// The last owner who can log in stays one.
    pub async fn update_admin(
        &self,
        name: &AdminName,
        changes: AdminChanges,
        action: Action,
        keep_session: &str,
        stamp: Stamp<'_>,
    ) -> Result<AdminChanged> {
        const END_SESSIONS: &str =
            "delete from admin_sessions where name = $1 and session_id <> $2";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let only_credentials = changes.role.is_none() && changes.status.is_none();
        stamp.by.actor.check_admin_write(name, only_credentials)?;
        tx.execute(LOCK, &[]).await?;
        let Some(before) = find_admin(&mut tx, name).await? else {
            return Ok(AdminChanged::NoAdmin);
        };
        let label = match &changes.passkeys {
            None => None,
            Some(change) => match change_passkeys(&mut tx, name, change).await? {
                PasskeysChanged::NoPasskey => return Ok(AdminChanged::NoPasskey),
                PasskeysChanged::One(label) => Some(label),
                PasskeysChanged::All => None,
            },
        };
        let must_keep = changes.keeps_second_factor && before.admin.has_second_factor();
        let after = changed(&before, changes, stamp.at);
        if must_keep && !after.admin.has_second_factor() {
            return Ok(AdminChanged::LastSecondFactor);
        }
        let is_owner_no_more = is_acting_owner(&before.admin) && !is_acting_owner(&after.admin);
        if is_owner_no_more && !has_other_owner(&mut tx, name).await? {
            return Ok(AdminChanged::LastOwner);
        }
        if before.admin.has_second_factor() != after.admin.has_second_factor() {
            delete_recovery_codes(&mut tx, name).await?;
        }
        update_row(&mut tx, &after).await?;
        tx.execute(END_SESSIONS, &[name, &keep_session]).await?;
        let said = WithPasskey {
            admin: &after.admin,
            passkey: label.as_deref(),
        };
        let change = of_admin(action, name).difference(&before.admin, said);
        self.commit_event(tx, stamp, change).await?;
        Ok(AdminChanged::Changed)
    }

    /// Removes an admin and its sessions. The last owner who can log in stays.
    pub async fn delete_admin(&self, name: &AdminName, stamp: Stamp<'_>) -> Result<AdminChanged> {
        const SQL: &str = "delete from admins where name = $1";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        stamp.by.actor.check_admin_write(name, false)?;
        tx.execute(LOCK, &[]).await?;
        let Some(before) = find_admin(&mut tx, name).await? else {
            return Ok(AdminChanged::NoAdmin);
        };
        if is_acting_owner(&before.admin) && !has_other_owner(&mut tx, name).await? {
            return Ok(AdminChanged::LastOwner);
        }
        tx.execute(SQL, &[name]).await?;
        let change = of_admin(Action::AdminDelete, name).before(&before.admin);
        self.commit_event(tx, stamp, change).await?;
        Ok(AdminChanged::Changed)
    }

    /// Uses a step of an app's codes up; false when it, or a later one, has been used: of two who type the same code
    /// at once one is let in.
    pub async fn use_totp_step(&self, name: &AdminName, step: i64) -> Result<bool> {
        const SQL: &str = "update admins set totp_step = $2 where name = $1 and totp_step < $2";
        Ok(self.execute(SQL, &[name, &step]).await? == 1)
    }

    /// Every sealed second factor, with whose it is.
    pub async fn list_sealed_totp(&self) -> Result<Vec<(String, String)>> {
        const SQL: &str =
            "select name, totp_sealed from admins where totp_sealed is not null order by name";
        self.fetch_all(SQL, &[], |row| Ok((row.get(0)?, row.get(1)?)))
            .await
    }

    /// Puts what is sealed under today's secret in the place of the same sealed under the one before.
    pub async fn reseal_totp(&self, name: &str, old: &str, new: &str) -> Result<bool> {
        const SQL: &str = "update admins set totp_sealed = $3 where name = $1 and totp_sealed = $2";
        Ok(self.execute(SQL, &[&name, &old, &new]).await? == 1)
    }

    /// Puts a hash of today's work in the place of an older one of the same password.
    pub async fn renew_admin_hash(&self, name: &AdminName, old: &str, new: &str) -> Result<bool> {
        const SQL: &str =
            "update admins set password_hash = $3 where name = $1 and password_hash = $2";
        Ok(self.execute(SQL, &[name, &old, &new]).await? == 1)
    }
}

async fn has_other_owner(tx: &mut Tx<'_>, name: &AdminName) -> Result<bool> {
    const SQL: &str = "
        select count(*)
        from admins
        where role = 'owner' and status = 'enabled' and name <> $1";
    Ok(tx.fetch_one(SQL, &[name], |row| row.count(0)).await? > 0)
}

async fn update_row(tx: &mut Tx<'_>, record: &AdminRecord) -> Result<()> {
    const SQL: &str = "
        update admins
        set role = $2, status = $3, password_hash = $4, must_change_password = $5, totp_sealed = $6,
            updated_at = $7
        where name = $1";
    let admin = &record.admin;
    let values: &[&dyn ToValue] = &[
        &admin.name,
        &admin.role.as_str(),
        &admin.status.as_str(),
        &record.password_hash,
        &admin.must_change_password,
        &record.totp_sealed,
        &admin.updated_at,
    ];
    tx.execute(SQL, values).await.map(drop)
}

fn is_acting_owner(admin: &Admin) -> bool {
    admin.role == AdminRole::Owner && admin.status == AdminStatus::Enabled
}

fn changed(before: &AdminRecord, changes: AdminChanges, now: UnixTime) -> AdminRecord {
    let mut after = before.clone();
    after.admin.role = changes.role.unwrap_or(before.admin.role);
    after.admin.status = changes.status.unwrap_or(before.admin.status);
    if let Some((hash, must_change)) = changes.password {
        after.password_hash = hash;
        after.admin.must_change_password = must_change;
    }
    if let Some(sealed) = changes.totp_sealed {
        after.admin.has_totp = sealed.is_some();
        after.totp_sealed = sealed;
    }
    after.admin.passkeys = match changes.passkeys {
        Some(PasskeyChange::Add(_)) => before.admin.passkeys.saturating_add(1),
        Some(PasskeyChange::Remove(_)) => before.admin.passkeys.saturating_sub(1),
        Some(PasskeyChange::RemoveAll) => 0,
        None => before.admin.passkeys,
    };
    after.admin.updated_at = now;
    after
}
