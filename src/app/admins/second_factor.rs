//! The codes of an authenticator app (TOTP, RFC 6238) as the second factor. A code is good once.

use anyhow::anyhow;
use totp_rs::{Builder, Totp};

use super::sessions::{CurrentSession, SessionStep};
use crate::app::admins::Admins;
use crate::app::error::{Error, Result};
use crate::base::secret::{Secret, random_bytes};
use crate::domain::{Action, AdminName, Origin};
use crate::jwt::SealedUnder;
use crate::store::AdminChanges;

/// What an app calls this service.
const ISSUER: &str = "TokenServer";

/// An app that is being added.
#[derive(Debug)]
pub struct TotpEnrolment {
    /// For the app's camera: an `otpauth://` URL.
    pub url: Secret<String>,
    /// For typing: base32.
    pub secret: Secret<String>,
}

impl Admins {
    /// Makes the secret of an app that is to be added, or shows again the one that this session was shown.
    pub async fn begin_totp(&self, current: &CurrentSession) -> Result<TotpEnrolment> {
        refuse_before_code(current)?;
        let name = &current.admin.name;
        let secret = match self.pending(current) {
            Some(secret) => secret,
            None => {
                // 160 bits, as RFC 4226 §4 recommends.
                let secret = Secret::new(random_bytes::<20>().to_vec());
                let sealed = self.sealer.seal(&pending_of(name), &secret)?;
                let id = &current.session.session_id;
                self.core.store.set_totp_pending(id, &sealed).await?;
                secret
            }
        };
        let totp = totp(&secret, name)?;
        Ok(TotpEnrolment {
            url: Secret::new(totp.to_url().map_err(Error::internal)?),
            secret: Secret::new(totp.secret().to_base32()),
        })
    }

    /// Adds the app, now that a code shows that it works. The session gets another token, and all others end.
    pub async fn confirm_totp(
        &self,
        by: &Origin,
        current: &CurrentSession,
        code: &str,
        password: &Secret<String>,
    ) -> Result<Secret<String>> {
        refuse_before_code(current)?;
        let name = &current.admin.name;
        let Some(secret) = self.pending(current) else {
            return Err(Error::invalid_request(
                "no authenticator app is being added; start again",
            ));
        };
        self.confirm_after_log_in(by, current, password).await?;
        self.use_code(by, &secret, name, code).await?;
        let changes = AdminChanges {
            totp_sealed: Some(Some(self.sealer.seal(name.as_str(), &secret)?)),
            ..AdminChanges::default()
        };
        let action = Action::AdminAddSecondFactor;
        self.change(by, name, changes, action, Some(current))
            .await?;
        self.renew_session(current, true).await
    }

    /// Removes the session's own authenticator app. Ends every session of its admin.
    pub async fn remove_own_second_factor(
        &self,
        by: &Origin,
        current: &CurrentSession,
        password: &Secret<String>,
    ) -> Result<()> {
        self.confirm_password(by, current, password).await?;
        self.remove_second_factor(by, &current.admin.name).await
    }

    /// Lets the session go on, if this is a code of its admin's app. It gets another token.
    pub async fn verify_totp(
        &self,
        by: &Origin,
        current: &CurrentSession,
        code: &str,
    ) -> Result<Secret<String>> {
        let name = &current.admin.name;
        let Some(sealed) = &current.record.owner.totp_sealed else {
            return Err(no_second_factor());
        };
        let opened = self.sealer.open(name.as_str(), sealed);
        let (secret, _) = opened.ok_or_else(|| {
            Error::internal(anyhow!(
                "neither SECRET nor SECRET_PREVIOUS decrypts the second factor of `{name}`"
            ))
        })?;
        self.use_code(by, &secret, name, code).await?;
        self.renew_session(current, true).await
    }

    /// Chooses another password. All other sessions end, and this one gets another token.
    pub async fn change_password(
        &self,
        by: &Origin,
        current: &CurrentSession,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<Secret<String>> {
        refuse_before_code(current)?;
        let name = &current.admin.name;
        self.confirm_password(by, current, old).await?;
        self.check_new_password(current, old, new)?;
        let changes = AdminChanges {
            password: Some((self.secrets.hash_password(new, by.source).await?, false)),
            ..AdminChanges::default()
        };
        let action = Action::AdminChangePassword;
        self.change(by, name, changes, action, Some(current))
            .await?;
        self.renew_session(current, current.session.second_factor)
            .await
    }

    /// Seals under `SECRET` what is still sealed under `SECRET_PREVIOUS`; how many.
    pub async fn reseal_second_factors(&self) -> Result<usize> {
        let mut resealed = 0;
        for (name, sealed) in self.core.store.list_sealed_totp().await? {
            match self.sealer.open(&name, &sealed) {
                Some((secret, SealedUnder::SecretPrevious)) => {
                    let anew = self.sealer.seal(&name, &secret)?;
                    resealed +=
                        usize::from(self.core.store.reseal_totp(&name, &sealed, &anew).await?);
                }
                Some((_, SealedUnder::Secret)) => {}
                None => tracing::error!(
                    admin = name,
                    "neither SECRET nor SECRET_PREVIOUS decrypts the second factor of `{name}`; `token-server admin \
                        reset` removes it"
                ),
            }
        }
        Ok(resealed)
    }

    /// Whether this is a code of that secret, and the first of its step.
    async fn use_code(
        &self,
        by: &Origin,
        secret: &Secret<Vec<u8>>,
        name: &AdminName,
        code: &str,
    ) -> Result<()> {
        let attempt = self.throttle.begin_code(by.source, name).await?;
        let is_admitted = self.is_admitted(&attempt, Some(name), by.source).await?;
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let seconds = u64::try_from(self.core.now().0).unwrap_or_default();
        let step = totp(secret, name)?.check(&code, seconds);
        let step = step.and_then(|step| i64::try_from(step).ok());
        let reason = match step {
            Some(_) if !is_admitted => "the source network is not known",
            Some(step) if self.core.store.use_totp_step(name, step).await? => return Ok(()),
            Some(_) => "the code was used before",
            None => "wrong code",
        };
        let description = "the code is wrong or already used; wait for the next one";
        self.refuse_attempt(attempt, by, anyhow!(reason), description)
            .await
    }

    fn pending(&self, current: &CurrentSession) -> Option<Secret<Vec<u8>>> {
        let sealed = current.record.totp_pending.as_ref()?;
        let owner = pending_of(&current.admin.name);
        Some(self.sealer.open(&owner, sealed)?.0)
    }
}

/// Who has not typed the code may change nothing that codes are for.
pub(super) fn refuse_before_code(current: &CurrentSession) -> Result<()> {
    if current.step == SessionStep::TypeCode {
        return Err(Error::invalid_request(
            "log in with your second factor first",
        ));
    }
    Ok(())
}

/// No name has a space, so that no pending secret opens as a confirmed one.
fn pending_of(name: &AdminName) -> String {
    format!("{name} pending")
}

fn totp(secret: &Secret<Vec<u8>>, name: &AdminName) -> Result<Totp> {
    let secret = totp_rs::Secret::new(secret.expose().clone().into_boxed_slice());
    // SHA-1, six digits and 30 s, one step either way: what every app understands.
    let totp = Builder::new()
        .with_secret(secret)
        .with_issuer(Some(ISSUER))
        .with_account_name(name.as_str())
        .build();
    totp.map_err(Error::internal)
}

/// Where a session does not wait for one.
pub(super) fn no_second_factor() -> Error {
    Error::invalid_request("this admin has no second factor")
}
