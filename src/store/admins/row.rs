//! Owns the columns of `admins`, and what events say of admins.

use crate::domain::{Action, Admin, AdminName, NewEvent, Target};
use crate::store::Result;
use crate::store::db::{Row, Session, select};

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

/// The columns of `admins a` that [`read_admin`] reads.
pub(in crate::store) const COLUMNS: &str = "a.name, a.role, a.status, a.password_hash, \
    a.must_change_password, a.totp_sealed, a.created_at, a.updated_at, a.last_log_in_at, \
    (select count(*) from admin_passkeys p where p.name = a.name) as passkeys";

pub(in crate::store) fn read_admin(row: &Row) -> Result<AdminRecord> {
    let totp_sealed: Option<String> = row.get("totp_sealed")?;
    Ok(AdminRecord {
        admin: Admin {
            name: row.parse("name")?,
            role: row.parse("role")?,
            status: row.parse("status")?,
            must_change_password: row.get("must_change_password")?,
            has_totp: totp_sealed.is_some(),
            passkeys: u32::try_from(row.count("passkeys")?).unwrap_or(u32::MAX),
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
            last_log_in_at: row.optional_time("last_log_in_at")?,
        },
        password_hash: row.get("password_hash")?,
        totp_sealed,
    })
}

pub(in crate::store) async fn find_admin(
    on: &mut dyn Session,
    name: &AdminName,
) -> Result<Option<AdminRecord>> {
    select(&[COLUMNS], "from admins a where a.name = $1")
        .bind(&[name])
        .fetch_optional(on, read_admin)
        .await
}

pub(in crate::store) fn of_admin(action: Action, name: &AdminName) -> NewEvent {
    NewEvent::new(action, Target::Admin(name.to_string()))
}
