//! Owns the challenge that a session was given for a passkey: kept by the server, sealed for its admin and session, good
//! once and for a short time.

use serde::{Deserialize, Serialize};

use super::State;
use crate::app::admins::{Admins, CurrentSession};
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::base::json;
use crate::base::secret::Secret;

/// So long somebody may look for the device.
const TTL: i64 = 300;

/// What the answer to a challenge is checked with.
#[derive(Serialize, Deserialize)]
pub(super) enum Ceremony {
    /// It was for adding a passkey.
    Registration(State),
    /// It was for logging in with one.
    Authentication(State),
}

#[derive(Serialize, Deserialize)]
struct Challenge {
    expires_at: i64,
    ceremony: Ceremony,
}

impl Admins {
    /// Keeps what the answer will be checked with, in the place of what was kept before.
    pub(super) async fn keep_challenge(
        &self,
        current: &CurrentSession,
        ceremony: Ceremony,
    ) -> Result<()> {
        let challenge = Challenge {
            expires_at: self.core.now().plus(TTL).0,
            ceremony,
        };
        let plain = serde_json::to_vec(&challenge).map_err(Error::internal)?;
        let sealed = self.sealer.seal(&owner_of(current), &Secret::new(plain))?;
        let id = &current.session.session_id;
        Ok(self.core.store.set_passkey_challenge(id, &sealed).await?)
    }

    /// Takes the challenge of a session, if it has one: whatever comes of it, it is not heard again.
    pub(super) async fn take_challenge(&self, current: &CurrentSession) -> Result<Ceremony> {
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
}

/// No name has a space, so that nothing else that is sealed opens as a challenge.
fn owner_of(current: &CurrentSession) -> String {
    let id = &current.session.session_id;
    format!("{} passkey {id}", current.admin.name)
}
