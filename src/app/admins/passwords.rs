//! Owns what an admin's password must be like, and its hash.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::app::admins::Admins;
use crate::app::admins::sessions::{CurrentSession, SessionStep};
use crate::app::error::{Error, Result};
use crate::app::secrets::hash::SecretHash;
use crate::base::secret::{Secret, random_base62};
use crate::domain::{AdminName, Origin};

/// As NIST SP 800-63B-4 §3.1.1.2 asks of a password that may be the only factor.
const MIN_CHARACTERS: usize = 15;

/// More is nobody's password, and has to be hashed.
const MAX_BYTES: usize = 1_024;

const WRONG_PASSWORD: &str = "the current password is wrong";

/// 24 characters of base62 are 142 random bits.
const MADE_CHARACTERS: usize = 24;

/// A password that nobody chose.
pub(super) fn made_password() -> Secret<String> {
    Secret::new(random_base62(MADE_CHARACTERS))
}

/// Refuses what is guessed first. What characters it is made of is nobody's business (ibid.: rules of composition only
/// make people choose alike).
pub(super) fn check_password(name: &AdminName, password: &Secret<String>) -> Result<()> {
    let text = password.expose();
    let (lower, name) = (text.to_lowercase(), name.as_str());
    let why = if text.chars().count() < MIN_CHARACTERS {
        "a password needs at least 15 characters; several words in a row are enough"
    } else if text.len() > MAX_BYTES {
        "a password can have at most 1024 bytes"
    } else if text.chars().collect::<BTreeSet<_>>().len() < 6 {
        "a password needs at least 6 different characters"
    } else if name.len() >= 4 && lower.contains(name) || lower.contains("token-server") {
        "a password must not contain the admin's name or the name of this service"
    } else {
        return Ok(());
    };
    Err(Error::invalid_request(why))
}

impl Admins {
    /// Whether an error says that the current password is wrong.
    pub fn is_wrong_password(error: &Error) -> bool {
        error.description == WRONG_PASSWORD
    }

    /// Refuses a new password that breaks a rule.
    pub fn check_new_password(
        &self,
        current: &CurrentSession,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<()> {
        if old == new {
            return Err(Error::invalid_request(
                "the new password is the same as the old one",
            ));
        }
        check_password(&current.admin.name, new)
    }

    /// Fails unless this is the password of the session's admin. Who adds or removes what logins need has to type it:
    /// whoever found an open browser does not know it.
    pub(super) async fn confirm_password(
        &self,
        by: &Origin,
        current: &CurrentSession,
        password: &Secret<String>,
    ) -> Result<()> {
        let name = &current.admin.name;
        let attempt = self.throttle.begin_code(by.source, name).await?;
        let is_admitted = self.is_admitted(&attempt, Some(name), by.source).await?;
        let hash = &current.record.owner.password_hash;
        if self.is_password(Some(hash), password, by.source).await? && is_admitted {
            return Ok(());
        }
        let refusal = Error::invalid_request(WRONG_PASSWORD);
        Err(attempt.refuse(refusal))
    }

    /// As [`confirm_password`](Self::confirm_password), but for a login that goes on: it typed the password just now.
    pub(super) async fn confirm_after_log_in(
        &self,
        by: &Origin,
        current: &CurrentSession,
        password: &Secret<String>,
    ) -> Result<()> {
        if current.step == SessionStep::AddSecondFactor {
            return Ok(());
        }
        self.confirm_password(by, current, password).await
    }

    /// Whether this is the password of that hash; without a hash, the same work in vain.
    pub(super) async fn is_password(
        &self,
        hash: Option<&str>,
        password: &Secret<String>,
        source: Option<IpAddr>,
    ) -> Result<bool> {
        // Nobody has one that long, whoever it is.
        if password.expose().len() > MAX_BYTES {
            return Ok(false);
        }
        let Some(hash) = hash else {
            self.secrets.hash_password(password, source).await?;
            return Ok(false);
        };
        self.secrets.verify_password(hash, password, source).await
    }

    /// After a good login: a hash made with other parameters than today's is made anew. It may fail without harm.
    pub(super) async fn renew_password_hash(
        &self,
        name: &AdminName,
        old: &str,
        password: &Secret<String>,
        source: Option<IpAddr>,
    ) {
        let work = self.core.config.authentication.argon2_chosen;
        if !SecretHash::parse(old).is_ok_and(|hash| hash.needs_renewal(work, password)) {
            return;
        }
        let renewed = async {
            let new = self.secrets.hash_password(password, source).await?;
            Ok::<_, Error>(self.core.store.renew_admin_hash(name, old, &new).await?)
        };
        if let Err(error) = renewed.await {
            tracing::warn!(admin = %name, "cannot renew the outdated hash of the password: {}", error.reason());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_not_what_is_tried_first() {
        let name = AdminName::parse("ann.lee").unwrap();
        let is_good = |text: &str| check_password(&name, &Secret::from(text)).is_ok();

        assert!(is_good("correct horse battery"));
        assert!(is_good("äöüß äöüß abcde"));
        assert!(is_good(made_password().expose()));
        for bad in [
            "",
            "fourteen chars",
            "aaaaaaaaaaaaaaaaaaaa",
            "i am Ann.Lee, let me in",
            "Token-Server-2026",
            &"correct horse ".repeat(80),
        ] {
            assert!(!is_good(bad), "{bad}");
        }
    }
}
