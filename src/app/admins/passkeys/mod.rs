//! Passkeys (`WebAuthn`) as the second factor: added, used and removed. Owns whose they may be, and that each signature
//! is heard once. What a signature is worth, `webauthn` says; a build without the feature `passkeys` has `left_out` in its
//! place, and is otherwise the same.

/// Compiled here so that it is linted with everything else.
#[cfg(all(test, feature = "passkeys"))]
#[expect(dead_code, reason = "the other module is in use")]
mod left_out;
#[cfg_attr(not(feature = "passkeys"), path = "left_out.rs")]
mod webauthn;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub(super) use self::webauthn::RelyingParty;
use super::second_factor::refuse_before_code;
use super::sessions::CurrentSession;
use crate::app::admins::Admins;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::base::json;
use crate::base::secret::Secret;
use crate::config::SecondFactorUse;
use crate::domain::{
    Action, Admin, AdminName, AdminStatus, ErrorCode, Name, Origin, Passkey, PasskeyId,
};
use crate::store::{AdminChanges, PasskeyChange, PasskeyRecord};

/// What the answer to a challenge is checked with, in JSON.
type State = Box<RawValue>;

/// More than anybody has.
const MOST: usize = 20;

/// Seconds. So long somebody may look for the device.
const CHALLENGE_TTL: i64 = 300;

/// What the answer to a challenge is checked with.
#[derive(Serialize, Deserialize)]
enum Ceremony {
    Registration(State),
    Authentication(State),
}

#[derive(Serialize, Deserialize)]
struct Challenge {
    expires_at: i64,
    ceremony: Ceremony,
}

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
        let (name, action) = (&current.admin.name, Action::AdminAddPasskey);
        self.change(by, name, changes, action, Some(current))
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
        let description = "the passkey was not accepted; try again";
        self.refuse_attempt(attempt, by, reason, description).await
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
        let (store, now) = (&self.core.store, self.core.now());
        if !store.use_passkey(&record, &since, now).await? {
            let twice = anyhow::anyhow!("two logins used the passkey at the same time");
            return Ok(Err(twice));
        }
        Ok(Ok(()))
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
        let (name, action) = (&current.admin.name, Action::AdminRemovePasskey);
        self.change(by, name, changes, action, Some(current)).await
    }

    /// Keeps what the answer will be checked with, in the place of what was kept before.
    async fn keep_challenge(&self, current: &CurrentSession, ceremony: Ceremony) -> Result<()> {
        let challenge = Challenge {
            expires_at: self.core.now().plus(CHALLENGE_TTL).0,
            ceremony,
        };
        let plain = serde_json::to_vec(&challenge).map_err(Error::internal)?;
        let sealed = self.sealer.seal(&owner_of(current), &Secret::new(plain))?;
        let id = &current.session.session_id;
        Ok(self.core.store.set_passkey_challenge(id, &sealed).await?)
    }

    /// Takes the challenge of a session, if it has one: whatever comes of it, it is not heard again.
    async fn take_challenge(&self, current: &CurrentSession) -> Result<Ceremony> {
        let gone = || Error::invalid_request("the challenge was used or has expired; start again");
        let Some(sealed) = &current.record.passkey_challenge else {
            return Err(gone());
        };
        let id = &current.session.session_id;
        if !self.core.store.take_passkey_challenge(id, sealed).await? {
            return Err(gone());
        }
        let opened = self.sealer.open(&owner_of(current), sealed);
        let (plain, _) = opened.ok_or_else(gone)?;
        let challenge: Challenge = json::from_slice(plain.expose()).map_err(Error::internal)?;
        if UnixTime(challenge.expires_at) <= self.core.now() {
            return Err(gone());
        }
        Ok(challenge.ceremony)
    }

    fn relying_party(&self) -> Result<&RelyingParty> {
        let party = self.relying_party.as_ref();
        party.ok_or_else(|| Error::invalid_request(RelyingParty::MISSING))
    }
}

fn other_ceremony() -> Error {
    Error::invalid_request("the challenge was for another action; start again")
}

/// No name has a space, so that nothing else that is sealed opens as a challenge.
fn owner_of(current: &CurrentSession) -> String {
    let id = &current.session.session_id;
    format!("{} passkey {id}", current.admin.name)
}
