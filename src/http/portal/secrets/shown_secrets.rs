//! Owns how the page of a client shows its secrets, and how far a rotation is.

use crate::base::clock::UnixTime;
use crate::domain::{ClientRecord, ClientSecret, ClientUses, SecretAdvice, SecretUses};
use crate::http::portal::secrets::name_of;
use crate::http::portal::secrets::rotate::old_secrets;

/// A secret that expires within this many seconds expires soon: 7 days.
const SOON: i64 = 7 * 86_400;

/// A secret on the page of its client.
pub(in crate::http::portal) struct ShownSecret {
    pub(in crate::http::portal) secret: ClientSecret,
    /// How people tell it from others.
    pub(in crate::http::portal) name: String,
    pub(in crate::http::portal) is_live: bool,
    /// A word, and its colour.
    pub(in crate::http::portal) state: (&'static str, &'static str),
    pub(in crate::http::portal) uses: Option<SecretUses>,
    pub(in crate::http::portal) advice: SecretAdvice,
}

/// A rotation that nobody has finished.
pub(in crate::http::portal) struct Rotation {
    pub(in crate::http::portal) new: ShownSecret,
    pub(in crate::http::portal) old: Vec<OldSecret>,
}

/// A secret that the new one replaces.
pub(in crate::http::portal) struct OldSecret {
    pub(in crate::http::portal) shown: ShownSecret,
    /// The last use, if it was after the new one was created.
    pub(in crate::http::portal) still_used: Option<SecretUses>,
}

impl ShownSecret {
    /// One of those of `record`.
    fn new(secret: &ClientSecret, record: &ClientRecord, uses: &ClientUses, now: UnixTime) -> Self {
        let is_live = secret.is_live(now);
        let ends_soon = secret.expires_at.is_some_and(|at| at.since(now) <= SOON);
        Self {
            secret: secret.clone(),
            name: name_of(secret),
            is_live,
            state: match (is_live, ends_soon) {
                (true, true) => ("expires soon", "warn"),
                (true, false) => ("active", "good"),
                (false, _) => ("expired", ""),
            },
            uses: uses.of_secret(&secret.secret_id).cloned(),
            advice: SecretAdvice::new(secret, record, uses, now),
        }
    }

    /// All of a client.
    pub(in crate::http::portal) fn all(
        record: &ClientRecord,
        uses: &ClientUses,
        now: UnixTime,
    ) -> Vec<Self> {
        let secrets = record.secrets.iter();
        secrets.map(|it| Self::new(it, record, uses, now)).collect()
    }
}

impl Rotation {
    /// `None`: there is nothing to finish.
    pub(in crate::http::portal) fn of(
        record: &ClientRecord,
        uses: &ClientUses,
        now: UnixTime,
    ) -> Option<Self> {
        let (new, old) = old_secrets(&record.secrets, now)?;
        let since = new.created_at;
        let old = old.into_iter().map(|it| {
            let shown = ShownSecret::new(it, record, uses, now);
            OldSecret {
                still_used: shown.uses.clone().filter(|it| it.last.used_at >= since),
                shown,
            }
        });
        Some(Self {
            old: old.collect(),
            new: ShownSecret::new(new, record, uses, now),
        })
    }
}
