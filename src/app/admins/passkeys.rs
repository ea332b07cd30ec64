//! Passkeys (`WebAuthn`) as the second factor: added, used and removed. What a signature is worth `webauthn-rs` says; here
//! is whose it may be, and that each is heard once.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use webauthn_rs::prelude::{
    Passkey as Credential, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::passkey_challenge::Ceremony;
use super::second_factor::refuse_before_code;
use super::sessions::CurrentSession;
use crate::app::admins::Admins;
use crate::app::error::{Error, Result};
use crate::base::json;
use crate::base::secret::Secret;
use crate::config::{Config, SecondFactorUse};
use crate::domain::{Action, AdminName, ErrorCode, Name, Origin, Passkey, PasskeyId};
use crate::store::{AdminChanges, PasskeyChange, PasskeyRecord};

/// More than anybody has.
const MOST: usize = 20;

/// Whom passkeys are for: the portal's host, as browsers see it.
pub(super) fn relying_party(config: &Config) -> Option<Webauthn> {
    let origin = match &config.admin.origin {
        Some(origin) => Url::parse(origin.as_str()).ok()?,
        None => {
            let mut issuer = Url::parse(config.token.issuer.as_str()).ok()?;
            issuer.set_path("");
            if let Some(listen) = config.admin.listen_addr {
                issuer.set_port(Some(listen.port())).ok()?;
            }
            issuer
        }
    };
    // An address is no name.
    let id = origin.domain()?;
    let builder = WebauthnBuilder::new(id, &origin).ok()?;
    builder.rp_name("TokenServer").build().ok()
}

impl Admins {
    /// Whether there can be passkeys where the portal is.
    pub fn takes_passkeys(&self) -> bool {
        self.webauthn.is_some()
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
        let there = self.credentials(name).await?;
        if there.len() >= MOST {
            return Err(Error::conflict("there are 20 passkeys; remove one first"));
        }
        let known = there.iter().map(|(_, it)| it.cred_id().clone()).collect();
        let (options, state) = self
            .webauthn()?
            .start_passkey_registration(handle(name), name.as_str(), name.as_str(), Some(known))
            .map_err(Error::internal)?;
        self.keep_challenge(current, Ceremony::Registration(state))
            .await?;
        serde_json::to_string(&options).map_err(Error::internal)
    }

    /// Adds the one that a browser has made. The session gets another token, and all others end.
    pub async fn add_passkey(
        &self,
        by: &Origin,
        current: &CurrentSession,
        label: &str,
        made: &str,
    ) -> Result<Secret<String>> {
        refuse_before_code(current)?;
        let Ceremony::Registration(state) = self.take_challenge(current).await? else {
            return Err(other_ceremony());
        };
        let label = Name::parse(label.trim())?;
        if label.as_str().is_empty() {
            return Err(Error::invalid_request("a passkey needs a name"));
        }
        let made: RegisterPublicKeyCredential =
            json::from_str(made).map_err(|error| not_accepted(error.into()))?;
        let credential = self
            .webauthn()?
            .finish_passkey_registration(&made, &state)
            .map_err(|error| not_accepted(error.into()))?;
        let added = PasskeyRecord {
            passkey: Passkey {
                passkey_id: PasskeyId::random(),
                label,
                created_at: self.core.now(),
                last_used_at: None,
            },
            credential_id: id_of(&credential),
            credential: serde_json::to_string(&credential).map_err(Error::internal)?,
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
        let there = self.credentials(&current.admin.name).await?;
        let Some(webauthn) = self.webauthn.as_ref().filter(|_| !there.is_empty()) else {
            return Ok(None);
        };
        let credentials: Vec<Credential> = there.into_iter().map(|(_, it)| it).collect();
        let (options, state) = webauthn
            .start_passkey_authentication(&credentials)
            .map_err(Error::internal)?;
        self.keep_challenge(current, Ceremony::Authentication(state))
            .await?;
        serde_json::to_string(&options)
            .map(Some)
            .map_err(Error::internal)
    }

    /// Lets the session go on, if one of its admin's passkeys has signed its challenge. It gets another token.
    pub async fn verify_passkey(
        &self,
        by: &Origin,
        current: &CurrentSession,
        signed: &str,
    ) -> Result<Secret<String>> {
        let name = &current.admin.name;
        let attempt = self.throttle.begin_code(by.source, name).await?;
        let is_admitted = self.is_admitted(&attempt, Some(name), by.source).await?;
        let reason = match self.use_passkey(current, signed).await? {
            Ok(()) if is_admitted => {
                drop(attempt);
                return self.renew_session(current, true).await;
            }
            Ok(()) => anyhow::anyhow!("the network is not known"),
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
        current: &CurrentSession,
        signed: &str,
    ) -> Result<Result<(), anyhow::Error>> {
        let Ceremony::Authentication(state) = self.take_challenge(current).await? else {
            return Err(other_ceremony());
        };
        let Ok(signed) = json::from_str::<PublicKeyCredential>(signed) else {
            return Ok(Err(anyhow::anyhow!("what came is no answer of a passkey")));
        };
        // The count of signatures is looked at here: one that does not go up is of a copy.
        let used = match self
            .webauthn()?
            .finish_passkey_authentication(&signed, &state)
        {
            Ok(used) => used,
            Err(error) => return Ok(Err(anyhow::anyhow!("the passkey: {error}"))),
        };
        let there = self.credentials(&current.admin.name).await?;
        let found = there
            .into_iter()
            .find(|(_, it)| it.cred_id() == used.cred_id());
        let Some((record, mut credential)) = found else {
            return Ok(Err(anyhow::anyhow!("the passkey was removed")));
        };
        credential.update_credential(&used);
        let since = serde_json::to_string(&credential).map_err(Error::internal)?;
        let now = self.core.now();
        if self.core.store.use_passkey(&record, &since, now).await? {
            Ok(Ok(()))
        } else {
            Ok(Err(anyhow::anyhow!("the passkey was used twice at once")))
        }
    }

    /// Removes one. Ends every session of its admin but this one.
    pub async fn remove_passkey(
        &self,
        by: &Origin,
        current: &CurrentSession,
        id: &PasskeyId,
    ) -> Result<()> {
        let changes = AdminChanges {
            passkeys: Some(PasskeyChange::Remove(id.clone())),
            keeps_second_factor: self.core.config.admin.second_factor == SecondFactorUse::Required,
            ..AdminChanges::default()
        };
        let (name, keep) = (&current.admin.name, current.session.session_id.as_str());
        self.change(by, name, changes, Action::AdminRemovePasskey, keep)
            .await
    }

    fn webauthn(&self) -> Result<&Webauthn> {
        self.webauthn.as_ref().ok_or_else(|| {
            Error::invalid_request(
                "passkeys need a portal at a name, not at an address: set ADMIN_ORIGIN",
            )
        })
    }

    async fn credentials(&self, name: &AdminName) -> Result<Vec<(PasskeyRecord, Credential)>> {
        let listed = self.core.store.list_passkeys(name).await?;
        let read = listed.into_iter().map(|record| {
            let credential = json::from_str(&record.credential).map_err(Error::internal)?;
            Ok((record, credential))
        });
        read.collect()
    }
}

/// What an authenticator keeps in the place of the name; the same for the same name.
fn handle(name: &AdminName) -> Uuid {
    let sum = digest(&SHA256, format!("admin {name}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sum.as_ref()[..16]);
    Uuid::from_bytes(bytes)
}

fn id_of(credential: &Credential) -> String {
    let id: &[u8] = credential.cred_id().as_ref();
    URL_SAFE_NO_PAD.encode(id)
}

fn other_ceremony() -> Error {
    Error::invalid_request("the challenge was for something else; begin anew")
}

fn not_accepted(reason: anyhow::Error) -> Error {
    Error::invalid_request("the passkey was not accepted; try again").with_source(reason)
}
