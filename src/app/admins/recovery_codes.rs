//! Recovery codes: each takes the place of a lost second factor once. The database has their digests only.

use super::second_factor::{no_second_factor, refuse_before_code};
use super::sessions::{CurrentSession, SessionStep, digest_of};
use crate::app::admins::Admins;
use crate::app::core::idempotency::IdempotencyKey;
use crate::app::error::{Error, Result};
use crate::base::secret::{Secret, random_bytes};
use crate::domain::{AdminName, Origin};
use crate::store::{StoredResponse, WriteOptions};

/// Codes that are made at once.
const CODES: usize = 10;

/// Without the characters that people take for one another: l and 1, o and 0.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Characters of a code: 80 random bits.
const CHARACTERS: usize = 16;

impl Admins {
    /// How many recovery codes an admin has left.
    pub async fn count_recovery_codes(&self, name: &AdminName) -> Result<u64> {
        Ok(self.core.store.count_recovery_codes(name).await?)
    }

    /// Replaces the recovery codes of the admin by new ones. The server keeps their digests, and `answer` sealed under `once`
    /// until somebody takes it. The same request sent twice makes them once.
    pub async fn make_recovery_codes(
        &self,
        by: &Origin,
        current: &CurrentSession,
        password: &Secret<String>,
        once: &IdempotencyKey,
        answer: impl FnOnce(&[Secret<String>]) -> Result<Secret<String>>,
    ) -> Result<()> {
        refuse_before_code(current)?;
        if !current.admin.has_second_factor() {
            return Err(Error::invalid_request(
                "recovery codes replace a second factor; add a second factor first",
            ));
        }
        self.confirm_password(by, current, password).await?;
        let make = async {
            let codes: Vec<Secret<String>> = (0..CODES).map(|_| made_code()).collect();
            let digests: Vec<String> = codes.iter().map(digest).collect();
            Ok((digests, answer(&codes)?))
        };
        let insert = async |digests: Vec<String>, stored: Option<StoredResponse>| {
            let (name, stamp) = (&current.admin.name, self.core.stamp(by));
            let options = WriteOptions {
                response: stored.as_ref(),
                ..WriteOptions::default()
            };
            let store = &self.core.store;
            let replaced = store.replace_recovery_codes(name, &digests, &options, stamp);
            Ok(replaced.await?)
        };
        let answered = self.idempotency.make_once(Some(once), make, insert);
        answered.await.map(drop)
    }

    /// Lets the session go on, if this is a recovery code of its admin that was not used. It gets another token.
    pub async fn verify_recovery_code(
        &self,
        by: &Origin,
        current: &CurrentSession,
        code: &Secret<String>,
    ) -> Result<Secret<String>> {
        let name = &current.admin.name;
        if current.step != SessionStep::TypeCode {
            return Err(no_second_factor());
        }
        let attempt = self.throttle.begin_code(by.source, name).await?;
        let is_admitted = self.is_admitted(&attempt, Some(name), by.source).await?;
        let (digest, stamp) = (digest(code), self.core.stamp(by));
        let store = &self.core.store;
        let reason = if !is_admitted {
            "the source network is not known"
        } else if store.use_recovery_code(name, &digest, stamp).await? {
            drop(attempt);
            return self.renew_session(current, true).await;
        } else {
            "wrong recovery code"
        };
        let description = "the recovery code is wrong or already used";
        self.refuse_attempt(attempt, by, anyhow::anyhow!(reason), description)
            .await
    }
}

/// Four groups of four characters.
fn made_code() -> Secret<String> {
    let mut code = String::with_capacity(CHARACTERS + 3);
    for (place, byte) in random_bytes::<CHARACTERS>().into_iter().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            code.push('-');
        }
        // Of the eight random bits, five.
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Secret::new(code)
}

/// Of the characters alone, in lower case: what stands between them is for people.
fn digest(code: &Secret<String>) -> String {
    let characters = code.expose().chars().filter(char::is_ascii_alphanumeric);
    let characters = characters.map(|character| character.to_ascii_lowercase());
    digest_of(&Secret::new(characters.collect()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_differ_and_are_read_however_they_are_typed() {
        let codes: BTreeSet<String> = (0..100).map(|_| made_code().expose().clone()).collect();
        assert_eq!(codes.len(), 100);
        for code in codes {
            assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 4]);
            let typed = format!(" {} ", code.replace('-', "  ").to_uppercase());
            assert_eq!(digest(&Secret::new(typed)), digest(&Secret::new(code)));
        }
    }
}
