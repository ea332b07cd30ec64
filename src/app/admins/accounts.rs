//! Making admins and changing them.

use super::passwords::{check_password, made_password};
use super::sessions::CurrentSession;
use crate::app::admins::Admins;
use crate::app::error::{Error, Result};
use crate::base::secret::Secret;
use crate::config::SecondFactorUse;
use crate::domain::{Action, Admin, AdminName, AdminRole, AdminStatus, Origin};
use crate::store::{AdminChanged, AdminChanges, PasskeyChange, StoreError};

/// More admins than anybody has; a list shows all.
const MOST: u32 = 1_000;

/// An admin to be made.
#[derive(Clone, Debug)]
pub struct NewAdmin {
    /// What the admin will log in with.
    pub name: AdminName,
    /// The role of the admin.
    pub role: AdminRole,
}

/// A password to be.
#[derive(Clone, Debug)]
pub enum NewPassword {
    /// Made here, for somebody else to hand on: it has to be changed at the first login.
    Made,
    /// Made here, for the one who reads it.
    MadeToKeep,
    /// Chosen by its owner.
    Chosen(Secret<String>),
}

impl Admins {
    /// Makes an admin; its password, which can be had only now.
    pub async fn create(
        &self,
        by: &Origin,
        new: NewAdmin,
        password: NewPassword,
    ) -> Result<(Admin, Secret<String>)> {
        let (plain, must_change) = prepare(&new.name, password)?;
        let hash = self.secrets.hash_password(&plain, by.source).await?;
        let now = self.core.now();
        let admin = Admin {
            name: new.name,
            role: new.role,
            status: AdminStatus::Enabled,
            must_change_password: must_change,
            has_totp: false,
            passkeys: 0,
            created_at: now,
            updated_at: now,
            last_log_in_at: None,
        };
        let (store, name) = (&self.core.store, &admin.name);
        match store.insert_admin(&admin, &hash, by.at(now)).await {
            Err(StoreError::Conflict) => {
                let description = format!("the admin `{name}` exists already");
                Err(Error::conflict(description))
            }
            inserted => {
                inserted?;
                Ok((admin, plain))
            }
        }
    }

    /// Every admin, by name.
    pub async fn list(&self) -> Result<Vec<Admin>> {
        Ok(self.core.store.list_admins(None, MOST).await?)
    }

    /// The admin of this name.
    pub async fn find(&self, name: &AdminName) -> Result<Admin> {
        let found = self.core.store.find_admin(name).await?;
        found.map(|it| it.admin).ok_or_else(|| no_admin(name))
    }

    /// Gives an admin another password, which can be had only now, and takes the second factor away if `second_factor`
    /// says so: for who has lost either. Ends the admin's sessions.
    pub async fn reset(
        &self,
        by: &Origin,
        name: &AdminName,
        password: NewPassword,
        second_factor: bool,
    ) -> Result<Secret<String>> {
        let (plain, must_change) = prepare(name, password)?;
        let hash = self.secrets.hash_password(&plain, by.source).await?;
        let changes = AdminChanges {
            password: Some((hash, must_change)),
            totp_sealed: second_factor.then_some(None),
            passkeys: second_factor.then_some(PasskeyChange::RemoveAll),
            ..AdminChanges::default()
        };
        self.change(by, name, changes, Action::AdminReset, None)
            .await?;
        Ok(plain)
    }

    /// Takes the authenticator app of an admin away. Ends the admin's sessions.
    pub async fn remove_second_factor(&self, by: &Origin, name: &AdminName) -> Result<()> {
        if !self.takes_passkeys() && self.find(name).await?.passkeys > 0 {
            return Err(Error::conflict(
                "passkeys do not work here, so you could not log in without the authenticator app; remove the \
                    passkeys first",
            ));
        }
        let changes = AdminChanges {
            totp_sealed: Some(None),
            keeps_second_factor: self.core.config.admin.second_factor == SecondFactorUse::Required,
            ..AdminChanges::default()
        };
        self.change(by, name, changes, Action::AdminRemoveSecondFactor, None)
            .await
    }

    /// Lets an admin log in, or no more. Ends the admin's sessions.
    pub async fn set_status(
        &self,
        by: &Origin,
        name: &AdminName,
        status: AdminStatus,
    ) -> Result<()> {
        let action = match status {
            AdminStatus::Enabled => Action::AdminEnable,
            AdminStatus::Disabled => Action::AdminDisable,
        };
        let changes = AdminChanges {
            status: Some(status),
            ..AdminChanges::default()
        };
        self.change(by, name, changes, action, None).await
    }

    /// Gives an admin another role. Ends the admin's sessions, so that nothing goes on as it was begun.
    pub async fn set_role(&self, by: &Origin, name: &AdminName, role: AdminRole) -> Result<()> {
        let changes = AdminChanges {
            role: Some(role),
            ..AdminChanges::default()
        };
        self.change(by, name, changes, Action::AdminUpdate, None)
            .await
    }

    /// Removes an admin. What it did stays in the trail, under its name.
    pub async fn delete(&self, by: &Origin, name: &AdminName) -> Result<()> {
        let stamp = self.core.stamp(by);
        done(name, self.core.store.delete_admin(name, stamp).await?)
    }

    /// Changes an admin, and ends its sessions but for the one that is to stay.
    pub(super) async fn change(
        &self,
        by: &Origin,
        name: &AdminName,
        changes: AdminChanges,
        action: Action,
        keep: Option<&CurrentSession>,
    ) -> Result<()> {
        let (store, stamp) = (&self.core.store, self.core.stamp(by));
        let keep = keep.map_or("", |it| it.session.session_id.as_str());
        let outcome = store.update_admin(name, changes, action, keep, stamp);
        done(name, outcome.await?)
    }
}

fn prepare(name: &AdminName, password: NewPassword) -> Result<(Secret<String>, bool)> {
    match password {
        NewPassword::Made => Ok((made_password(), true)),
        NewPassword::MadeToKeep => Ok((made_password(), false)),
        NewPassword::Chosen(plain) => {
            check_password(name, &plain)?;
            Ok((plain, false))
        }
    }
}

fn done(name: &AdminName, changed: AdminChanged) -> Result<()> {
    match changed {
        AdminChanged::Changed => Ok(()),
        AdminChanged::NoAdmin => Err(no_admin(name)),
        AdminChanged::LastOwner => Err(Error::conflict(format!(
            "`{name}` is the last owner who can log in; create another owner first"
        ))),
        AdminChanged::LastSecondFactor => Err(Error::conflict(
            "this is your only second factor, and the server requires one; add another one first",
        )),
        AdminChanged::NoPasskey => Err(Error::not_found("such passkey")),
    }
}

fn no_admin(name: &AdminName) -> Error {
    Error::not_found(format_args!("admin `{name}`"))
}
