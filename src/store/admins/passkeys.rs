//! Owns the rows of `admin_passkeys`; adding and removing one is a change of its admin. What is in a credential it does
//! not know.

use sqlx::FromRow;

use crate::base::clock::UnixTime;
use crate::domain::{AdminName, Name, Passkey, PasskeyId, SessionId};
use crate::store::{Store, StoreError, execute, on_pool};

/// A passkey with what its signatures are checked with.
#[derive(Clone, Debug)]
pub struct PasskeyRecord {
    /// Without it.
    pub passkey: Passkey,
    /// As the authenticator names it, in base64url.
    pub credential_id: String,
    /// JSON.
    pub credential: String,
}

/// What is to become of an admin's passkeys.
#[derive(Clone, Debug)]
pub enum PasskeyChange {
    /// One more.
    Add(PasskeyRecord),
    /// One less.
    Remove(PasskeyId),
    /// None is left.
    RemoveAll,
}

impl Store {
    /// The passkeys of an admin, the oldest first.
    pub async fn list_passkeys(&self, name: &AdminName) -> Result<Vec<PasskeyRecord>, StoreError> {
        const SQL: &str = "
            select passkey_id, label, credential_id, credential, created_at, last_used_at
            from admin_passkeys
            where name = $1
            order by created_at, passkey_id";
        let rows: Vec<PasskeyRow> = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(name.as_str())
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(PasskeyRecord::try_from).collect()
    }

    /// Notes that a passkey was used, and what its credential is since; false when it was used otherwise, or removed,
    /// since it was read.
    pub async fn use_passkey(
        &self,
        read: &PasskeyRecord,
        credential: &str,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            update admin_passkeys
            set credential = $3, last_used_at = $4
            where passkey_id = $1 and credential = $2";
        let id = read.passkey.passkey_id.as_str();
        Ok(execute!(self, SQL, id, &read.credential, credential, now.0)? == 1)
    }

    /// Gives a session a challenge, in the place of one that it may have.
    pub async fn set_passkey_challenge(
        &self,
        id: &SessionId,
        sealed: &str,
    ) -> Result<(), StoreError> {
        const SQL: &str = "update admin_sessions set passkey_challenge = $2 where session_id = $1";
        execute!(self, SQL, id.as_str(), sealed).map(drop)?;
        Ok(())
    }

    /// Takes the challenge of a session away; false when it has been already: of two who answer it one is heard.
    pub async fn take_passkey_challenge(
        &self,
        id: &SessionId,
        sealed: &str,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            update admin_sessions
            set passkey_challenge = null
            where session_id = $1 and passkey_challenge = $2";
        Ok(execute!(self, SQL, id.as_str(), sealed)? == 1)
    }
}

#[derive(FromRow)]
struct PasskeyRow {
    passkey_id: String,
    label: String,
    credential_id: String,
    credential: String,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl TryFrom<PasskeyRow> for PasskeyRecord {
    type Error = StoreError;

    fn try_from(row: PasskeyRow) -> Result<Self, StoreError> {
        Ok(Self {
            passkey: Passkey {
                passkey_id: PasskeyId::parse(&row.passkey_id)?,
                label: Name::parse(&row.label)?,
                created_at: UnixTime(row.created_at),
                last_used_at: row.last_used_at.map(UnixTime),
            },
            credential_id: row.credential_id,
            credential: row.credential,
        })
    }
}
