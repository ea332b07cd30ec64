//! Passkeys (`WebAuthn`) as the second factor: added, used and removed. Owns whose they may be, and that each signature
//! is heard once. What a signature is worth, `webauthn` says; a build without the feature `passkeys` has `left_out` in its
//! place, and is otherwise the same.

mod challenge;
#[cfg_attr(not(feature = "passkeys"), path = "left_out.rs")]
mod webauthn;

use serde_json::value::RawValue;

pub(super) use self::webauthn::RelyingParty;
use super::second_factor::refuse_before_code;
use super::sessions::CurrentSession;
use crate::app::admins::Admins;
use crate::app::error::{Error, Result};
use crate::base::secret::Secret;
use crate::config::SecondFactorUse;
use crate::domain::{
    Action, Admin, AdminName, AdminStatus, ErrorCode, Name, Origin, Passkey, PasskeyId,
};
use crate::store::{AdminChanges, PasskeyChange, PasskeyRecord};
use challenge::Ceremony;

/// What the answer to a challenge is checked with, in JSON.
type State = Box<RawValue>;

/// More than anybody has.
const MOST: usize = 20;

impl Admins {
    /// Whether there can be passkeys, in this build and where the portal is.
    pub fn takes_passkeys(&self) -> bool {
        self.relying_party.is_some()
    }

    /// Why an admin cannot log in here: the only second factor is a passkey, and none can be used.
    pub fn lockout_reason(&self, admin: &Admin) -> Option<&'static str> {
        let has_only_passkeys = admin.passkeys > 0 && !admin.has_totp;
        (has_only_passkeys && !self.takes_passkeys()).then_some(RelyingParty::MISSING)
    }

    /// Refuses an admin whose second factor cannot be used here: the password alone is not enough in its place.
    pub(super) async fn refuse_locked_out(&self, by: &Origin, admin: &Admin) -> Result<()> {
        let Some(reason) = self.lockout_reason(admin) else {
            return Ok(());
        };
        self.record_refused_log_in(by, reason).await?;
        Err(Error::new(ErrorCode::AccessDenied, reason))
    }

    /// What to tell whoever starts the service, when there are admins who cannot log in for want of passkeys.
    pub async fn find_lockout_warning(&self) -> Result<Option<String>> {
        if !self.core.config.admin.is_on || self.takes_passkeys() {
            return Ok(None);
        }
        let all = self.list().await?.into_iter();
        let locked_out =
            all.filter(|it| it.status == AdminStatus::Enabled && self.lockout_reason(it).is_some());
        let names: Vec<String> = locked_out.map(|it| format!("`{}`", it.name)).collect();
        Ok((!names.is_empty()).then(|| {
            let (names, reason) = (names.join(", "), RelyingParty::MISSING);
            format!(
                "admins: {names} cannot log in, because a passkey is the only second factor: {reason}. `token-server \
                    admin reset` removes it"
            )
        }))
    }

    /// The passkeys of an admin, the oldest first.
    pub async fn list_passkeys(&self, name: &AdminName) -> Result<Vec<Passkey>> {
        let listed = self.core.store.list_passkeys(name).await?;
        Ok(listed.into_iter().map(|it| it.passkey).collect())
    }

    /// Begins to add one; what a browser has to know, in JSON.
    pub async fn begin_passkey(&self, current: &CurrentSession) -> Result<String> {
        refuse_before_code(current)?;
        let name = &current.admin.name;
        let there = self.core.store.list_passkeys(name).await?;
        if there.len() >= MOST {
            return Err(Error::conflict(
                "an admin can have at most 20 passkeys; remove one first",
            ));
        }
        let (options, state) = self.relying_party()?.begin_registration(name, &there)?;
        self.keep_challenge(current, Ceremony::Registration(state))
            .await?;
        Ok(options)
    }

    /// Adds the one that a browser has made. The session gets another token, and all others end.
    pub async fn add_passkey(
        &self,
        by: &Origin,
        current: &CurrentSession,
        label: &str,
        made: &str,
        password: &Secret<String>,
    ) -> Result<Secret<String>> {
        refuse_before_code(current)?;
        self.confirm_after_log_in(by, current, password).await?;
        let Ceremony::Registration(state) = self.take_challenge(current).await? else {
            return Err(other_ceremony());
        };
        let label = Name::parse(label.trim())?;
        if label.as_str().is_empty() {
            return Err(Error::invalid_request("a passkey needs a name"));
        }
        let party = self.relying_party()?;
        let (credential_id, credential) = party.finish_registration(&state, made)?;
        let added = PasskeyRecord {
            passkey: Passkey {
                passkey_id: PasskeyId::random(),
                label,
                created_at: self.core.now(),
                last_used_at: None,
            },
            credential_id,
            credential,
        };
        let changes = AdminChanges {
            passkeys: Some(PasskeyChange::Add(added)),
            ..AdminChanges::default()
        };
        let (name, keep) = (&current.admin.name, current.session.session_id.as_str());
        self.change(by, name, changes, Action::AdminAddPasskey, keep)
            .await?;
        self.renew_session(current, true).await
    }

    /// Begins to log in with one; what a browser has to know, in JSON. `None`: there is none.
    pub async fn begin_passkey_log_in(&self, current: &CurrentSession) -> Result<Option<String>> {
        let there = self.core.store.list_passkeys(&current.admin.name).await?;
        let Some(party) = self.relying_party.as_ref().filter(|_| !there.is_empty()) else {
            return Ok(None);
        };
        let (options, state) = party.begin_authentication(&there)?;
        self.keep_challenge(current, Ceremony::Authentication(state))
            .await?;
        Ok(Some(options))
    }

    /// Lets the session go on, if one of its admin's passkeys has signed its challenge. It gets another token.
    pub async fn verify_passkey(
        &self,
        by: &Origin,
        current: &CurrentSession,
        signed: &str,
    ) -> Result<Secret<String>> {
        let (party, name) = (self.relying_party()?, &current.admin.name);
        let attempt = self.throttle.begin_code(by.source, name).await?;
        let is_admitted = self.is_admitted(&attempt, Some(name), by.source).await?;
        let reason = match self.use_passkey(party, current, signed).await? {
            Ok(()) if is_admitted => {
                drop(attempt);
                return self.renew_session(current, true).await;
            }
            Ok(()) => anyhow::anyhow!("the source network is not known"),
            Err(reason) => reason,
        };
        let (told, description) = (
            reason.to_string(),
            "the passkey was not accepted; try again",
        );
        let refusal = Error::new(ErrorCode::InvalidClient, description).with_source(reason);
        Err(self.refuse_attempt(attempt, by, &told, refusal).await?)
    }

    /// Whether one of them has signed; if not, why.
    async fn use_passkey(
        &self,
        party: &RelyingParty,
        current: &CurrentSession,
        signed: &str,
    ) -> Result<Result<(), anyhow::Error>> {
        let Ceremony::Authentication(state) = self.take_challenge(current).await? else {
            return Err(other_ceremony());
        };
        let there = self.core.store.list_passkeys(&current.admin.name).await?;
        let (record, since) = match party.finish_authentication(&state, signed, there)? {
            Ok(used) => used,
            Err(reason) => return Ok(Err(reason)),
        };
        let now = self.core.now();
        if self.core.store.use_passkey(&record, &since, now).await? {
            Ok(Ok(()))
        } else {
            Ok(Err(anyhow::anyhow!(
                "two logins used the passkey at the same time"
            )))
        }
    }

    /// Removes one. Ends every session of its admin but this one.
    pub async fn remove_passkey(
        &self,
        by: &Origin,
        current: &CurrentSession,
        id: &PasskeyId,
        password: &Secret<String>,
    ) -> Result<()> {
        self.confirm_password(by, current, password).await?;
        let changes = AdminChanges {
            passkeys: Some(PasskeyChange::Remove(id.clone())),
            keeps_second_factor: self.core.config.admin.second_factor == SecondFactorUse::Required,
            ..AdminChanges::default()
        };
        let (name, keep) = (&current.admin.name, current.session.session_id.as_str());
        self.change(by, name, changes, Action::AdminRemovePasskey, keep)
            .await
    }

    fn relying_party(&self) -> Result<&RelyingParty> {
        let party = self.relying_party.as_ref();
        party.ok_or_else(|| Error::invalid_request(RelyingParty::MISSING))
    }
}

fn other_ceremony() -> Error {
    Error::invalid_request("the challenge was for another action; start again")
}
