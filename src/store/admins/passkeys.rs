//! Owns the rows of `admin_passkeys`; adding and removing one is a change of its admin. What is in a credential it does
//! not know.

use crate::base::clock::UnixTime;
use crate::domain::{AdminName, Passkey, PasskeyId, SessionId};
use crate::store::db::{Row, ToValue, Tx};
use crate::store::{Result, Store};

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
    pub async fn list_passkeys(&self, name: &AdminName) -> Result<Vec<PasskeyRecord>> {
        const SQL: &str = "
            select passkey_id, label, credential_id, credential, created_at, last_used_at
            from admin_passkeys
            where name = $1
            order by created_at, passkey_id";
        self.fetch_all(SQL, &[name], read_passkey).await
    }

    /// Notes that a passkey was used, and what its credential is since; false when it was used otherwise, or removed,
    /// since it was read.
    pub async fn use_passkey(
        &self,
        read: &PasskeyRecord,
        credential: &str,
        now: UnixTime,
    ) -> Result<bool> {
        const SQL: &str = "
            update admin_passkeys
            set credential = $3, last_used_at = $4
            where passkey_id = $1 and credential = $2";
        let id = read.passkey.passkey_id.as_str();
        let values: [&dyn ToValue; 4] = [&id, &read.credential, &credential, &now];
        Ok(self.execute(SQL, &values).await? == 1)
    }

    /// Gives a session a challenge, in the place of one that it may have.
    pub async fn set_passkey_challenge(&self, id: &SessionId, sealed: &str) -> Result<()> {
        const SQL: &str = "update admin_sessions set passkey_challenge = $2 where session_id = $1";
        self.execute(SQL, &[id, &sealed]).await.map(drop)
    }

    /// Takes the challenge of a session away; false when it has been already: of two who answer it one is heard.
    pub async fn take_passkey_challenge(&self, id: &SessionId, sealed: &str) -> Result<bool> {
        const SQL: &str = "
            update admin_sessions
            set passkey_challenge = null
            where session_id = $1 and passkey_challenge = $2";
        Ok(self.execute(SQL, &[id, &sealed]).await? == 1)
    }
}

pub(in crate::store) enum PasskeysChanged {
    /// There is one more or one less; its label.
    One(String),
    /// None is left.
    All,
    /// There is no such passkey.
    NoPasskey,
}

pub(in crate::store) async fn change_passkeys(
    tx: &mut Tx<'_>,
    name: &AdminName,
    change: &PasskeyChange,
) -> Result<PasskeysChanged> {
    const INSERT: &str = "
        insert into admin_passkeys (passkey_id, name, label, credential_id, credential, created_at)
        values ($1, $2, $3, $4, $5, $6)";
    const DELETE: &str =
        "delete from admin_passkeys where name = $1 and passkey_id = $2 returning label";
    const DELETE_ALL: &str = "delete from admin_passkeys where name = $1";
    match change {
        PasskeyChange::Add(new) => {
            let values: &[&dyn ToValue] = &[
                &new.passkey.passkey_id.as_str(),
                name,
                &new.passkey.label.as_str(),
                &new.credential_id,
                &new.credential,
                &new.passkey.created_at,
            ];
            tx.execute(INSERT, values).await?;
            Ok(PasskeysChanged::One(new.passkey.label.to_string()))
        }
        PasskeyChange::Remove(id) => {
            let values: [&dyn ToValue; 2] = [name, &id.as_str()];
            let label = tx.fetch_optional(DELETE, &values, |row| row.get(0)).await?;
            Ok(label.map_or(PasskeysChanged::NoPasskey, PasskeysChanged::One))
        }
        PasskeyChange::RemoveAll => {
            tx.execute(DELETE_ALL, &[name]).await?;
            Ok(PasskeysChanged::All)
        }
    }
}

fn read_passkey(row: &Row) -> Result<PasskeyRecord> {
    Ok(PasskeyRecord {
        passkey: Passkey {
            passkey_id: row.parse("passkey_id")?,
            label: row.parse("label")?,
            created_at: row.time("created_at")?,
            last_used_at: row.optional_time("last_used_at")?,
        },
        credential_id: row.get("credential_id")?,
        credential: row.get("credential")?,
    })
}
