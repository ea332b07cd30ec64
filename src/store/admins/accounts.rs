//! Owns the rows of `admins`. Sees hashed passwords and sealed second factors only.

use serde::Serialize;
use serde_json::json;
use sqlx::FromRow;

use crate::base::clock::UnixTime;
use crate::domain::{Action, Admin, AdminName, AdminRole, AdminStatus, NewEvent, Stamp, Target};
use crate::store::admins::passkeys::PasskeyChange;
use crate::store::audit::append::AuditLog;
use crate::store::{Store, StoreError, execute, in_transaction, on_pool};

/// An admin with what proves who it is.
#[derive(Clone, Debug)]
pub struct AdminRecord {
    /// Without secrets.
    pub admin: Admin,
    /// A PHC string.
    pub password_hash: String,
    /// The secret of the authenticator app, sealed.
    pub totp_sealed: Option<String>,
}

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

macro_rules! columns {
    () => {
        "name, role, status, password_hash, must_change_password, totp_sealed, created_at, updated_at, \
         last_log_in_at, (select count(*) from admin_passkeys p where p.name = admins.name) as passkeys"
    };
}

/// Waits until everybody else has done with changing who the owners are.
const LOCK: &str = "update admin_changes set count = count + 1";

const FIND: &str = concat!("select ", columns!(), " from admins where name = $1");

const OTHER_OWNERS: &str = "
    select count(*)
    from admins
    where role = 'owner' and status = 'enabled' and name <> $1";

const END_SESSIONS: &str = "delete from admin_sessions where name = $1 and session_id <> $2";

const ADD_PASSKEY: &str = "
    insert into admin_passkeys (passkey_id, name, label, credential_id, credential, created_at)
    values ($1, $2, $3, $4, $5, $6)";

const REMOVE_PASSKEY: &str =
    "delete from admin_passkeys where name = $1 and passkey_id = $2 returning label";

const REMOVE_PASSKEYS: &str = "delete from admin_passkeys where name = $1";

/// What an event says of an admin who has one passkey more or less.
#[derive(Serialize)]
struct WithPasskey<'a> {
    #[serde(flatten)]
    admin: &'a Admin,
    #[serde(skip_serializing_if = "Option::is_none")]
    passkey: Option<&'a str>,
}

impl Store {
    /// Adds an admin; [`StoreError::Conflict`] when there is one of this name.
    pub async fn insert_admin(
        &self,
        admin: &Admin,
        password_hash: &str,
        stamp: Stamp<'_>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into admins (name, role, status, password_hash, must_change_password, totp_step,
                created_at, updated_at)
            values ($1, $2, $3, $4, $5, 0, $6, $6)";
        in_transaction!(self, |tx| {
            stamp.by.actor.check_admin_write(&admin.name, false)?;
            sqlx::query(SQL)
                .bind(admin.name.as_str())
                .bind(admin.role.as_str())
                .bind(admin.status.as_str())
                .bind(password_hash)
                .bind(admin.must_change_password)
                .bind(admin.created_at.0)
                .execute(&mut *tx)
                .await?;
            let change = of_admin(Action::AdminCreate, &admin.name).after(admin);
            tx.append(&self.audit_keys, stamp, vec![change]).await?;
        })
    }

    /// The admin of this name.
    pub async fn find_admin(&self, name: &AdminName) -> Result<Option<AdminRecord>, StoreError> {
        let row: Option<AdminRow> = on_pool!(self, |pool| sqlx::query_as(FIND)
            .bind(name.as_str())
            .fetch_optional(pool)
            .await)?;
        row.map(AdminRecord::try_from).transpose()
    }

    /// Admins by name, those after `after`, `limit` at most.
    pub async fn list_admins(
        &self,
        after: Option<&AdminName>,
        limit: u32,
    ) -> Result<Vec<Admin>, StoreError> {
        const SQL: &str = concat!(
            "select ",
            columns!(),
            " from admins where name > $1 order by name limit $2"
        );
        let rows: Vec<AdminRow> = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(after.map_or("", AdminName::as_str))
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await)?;
        let records = rows.into_iter().map(AdminRecord::try_from);
        records.map(|it| it.map(|record| record.admin)).collect()
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
    ) -> Result<AdminChanged, StoreError> {
        const SQL: &str = "
            update admins
            set role = $2, status = $3, password_hash = $4, must_change_password = $5, totp_sealed = $6,
                updated_at = $7
            where name = $1";
        in_transaction!(self, |tx| {
            let only_credentials = changes.role.is_none() && changes.status.is_none();
            stamp.by.actor.check_admin_write(name, only_credentials)?;
            sqlx::query(LOCK).execute(&mut *tx).await?;
            let row: Option<AdminRow> = sqlx::query_as(FIND)
                .bind(name.as_str())
                .fetch_optional(&mut *tx)
                .await?;
            let Some(before) = row.map(AdminRecord::try_from).transpose()? else {
                return Ok(AdminChanged::NoAdmin);
            };
            let mut label = None;
            match &changes.passkeys {
                Some(PasskeyChange::Add(new)) => {
                    sqlx::query(ADD_PASSKEY)
                        .bind(new.passkey.passkey_id.as_str())
                        .bind(name.as_str())
                        .bind(new.passkey.label.as_str())
                        .bind(&new.credential_id)
                        .bind(&new.credential)
                        .bind(new.passkey.created_at.0)
                        .execute(&mut *tx)
                        .await?;
                    label = Some(new.passkey.label.to_string());
                }
                Some(PasskeyChange::Remove(id)) => {
                    label = sqlx::query_scalar(REMOVE_PASSKEY)
                        .bind(name.as_str())
                        .bind(id.as_str())
                        .fetch_optional(&mut *tx)
                        .await?;
                    if label.is_none() {
                        return Ok(AdminChanged::NoPasskey);
                    }
                }
                Some(PasskeyChange::RemoveAll) => {
                    sqlx::query(REMOVE_PASSKEYS)
                        .bind(name.as_str())
                        .execute(&mut *tx)
                        .await?;
                }
                None => {}
            }
            let must_keep = changes.keeps_second_factor && before.admin.has_second_factor();
            let after = changed(&before, changes, stamp.at);
            if must_keep && !after.admin.has_second_factor() {
                return Ok(AdminChanged::LastSecondFactor);
            }
            if is_acting_owner(&before.admin) && !is_acting_owner(&after.admin) {
                let others: i64 = sqlx::query_scalar(OTHER_OWNERS)
                    .bind(name.as_str())
                    .fetch_one(&mut *tx)
                    .await?;
                if others == 0 {
                    return Ok(AdminChanged::LastOwner);
                }
            }
            sqlx::query(SQL)
                .bind(name.as_str())
                .bind(after.admin.role.as_str())
                .bind(after.admin.status.as_str())
                .bind(&after.password_hash)
                .bind(after.admin.must_change_password)
                .bind(&after.totp_sealed)
                .bind(stamp.at.0)
                .execute(&mut *tx)
                .await?;
            sqlx::query(END_SESSIONS)
                .bind(name.as_str())
                .bind(keep_session)
                .execute(&mut *tx)
                .await?;
            let said = WithPasskey {
                admin: &after.admin,
                passkey: label.as_deref(),
            };
            let change = of_admin(action, name).difference(&before.admin, said);
            tx.append(&self.audit_keys, stamp, vec![change]).await?;
            AdminChanged::Changed
        })
    }

    /// Removes an admin and its sessions. The last owner who can log in stays.
    pub async fn delete_admin(
        &self,
        name: &AdminName,
        stamp: Stamp<'_>,
    ) -> Result<AdminChanged, StoreError> {
        const SQL: &str = "delete from admins where name = $1";
        in_transaction!(self, |tx| {
            stamp.by.actor.check_admin_write(name, false)?;
            sqlx::query(LOCK).execute(&mut *tx).await?;
            let row: Option<AdminRow> = sqlx::query_as(FIND)
                .bind(name.as_str())
                .fetch_optional(&mut *tx)
                .await?;
            let Some(before) = row.map(AdminRecord::try_from).transpose()? else {
                return Ok(AdminChanged::NoAdmin);
            };
            let others: i64 = sqlx::query_scalar(OTHER_OWNERS)
                .bind(name.as_str())
                .fetch_one(&mut *tx)
                .await?;
            if is_acting_owner(&before.admin) && others == 0 {
                return Ok(AdminChanged::LastOwner);
            }
            sqlx::query(SQL)
                .bind(name.as_str())
                .execute(&mut *tx)
                .await?;
            let change = of_admin(Action::AdminDelete, name).before(&before.admin);
            tx.append(&self.audit_keys, stamp, vec![change]).await?;
            AdminChanged::Changed
        })
    }

    /// Uses a step of an app's codes up; false when it, or a later one, has been used: of two who type the same code
    /// at once one is let in.
    pub async fn use_totp_step(&self, name: &AdminName, step: i64) -> Result<bool, StoreError> {
        const SQL: &str = "update admins set totp_step = $2 where name = $1 and totp_step < $2";
        Ok(execute!(self, SQL, name.as_str(), step)? == 1)
    }

    /// Every sealed second factor, with whose it is.
    pub async fn list_sealed_totp(&self) -> Result<Vec<(String, String)>, StoreError> {
        const SQL: &str =
            "select name, totp_sealed from admins where totp_sealed is not null order by name";
        Ok(on_pool!(self, |pool| sqlx::query_as(SQL)
            .fetch_all(pool)
            .await)?)
    }

    /// Puts what is sealed under today's secret in the place of the same sealed under the one before.
    pub async fn reseal_totp(&self, name: &str, old: &str, new: &str) -> Result<bool, StoreError> {
        const SQL: &str = "update admins set totp_sealed = $3 where name = $1 and totp_sealed = $2";
        Ok(execute!(self, SQL, name, old, new)? == 1)
    }

    /// Puts a hash of today's work in the place of an older one of the same password.
    pub async fn renew_admin_hash(
        &self,
        name: &AdminName,
        old: &str,
        new: &str,
    ) -> Result<bool, StoreError> {
        const SQL: &str =
            "update admins set password_hash = $3 where name = $1 and password_hash = $2";
        Ok(execute!(self, SQL, name.as_str(), old, new)? == 1)
    }
}

pub(in crate::store) fn of_admin(action: Action, name: &AdminName) -> NewEvent {
    NewEvent::new(action, Target::Admin(name.to_string()))
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

#[derive(FromRow)]
pub(in crate::store) struct AdminRow {
    name: String,
    role: String,
    status: String,
    password_hash: String,
    must_change_password: bool,
    totp_sealed: Option<String>,
    created_at: i64,
    updated_at: i64,
    last_log_in_at: Option<i64>,
    passkeys: i64,
}

impl TryFrom<AdminRow> for AdminRecord {
    type Error = StoreError;

    fn try_from(row: AdminRow) -> Result<Self, StoreError> {
        Ok(Self {
            admin: Admin {
                name: AdminName::parse(&row.name)?,
                role: row.role.parse()?,
                status: row.status.parse()?,
                must_change_password: row.must_change_password,
                has_totp: row.totp_sealed.is_some(),
                passkeys: u32::try_from(row.passkeys).unwrap_or(u32::MAX),
                created_at: UnixTime(row.created_at),
                updated_at: UnixTime(row.updated_at),
                last_log_in_at: row.last_log_in_at.map(UnixTime),
            },
            password_hash: row.password_hash,
            totp_sealed: row.totp_sealed,
        })
    }
}

/// What an event says of a session.
pub(in crate::store) fn of_session(session_id: &str) -> serde_json::Value {
    json!({ "session_id": session_id })
}
