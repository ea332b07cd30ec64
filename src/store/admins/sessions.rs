//! Owns the rows of `admin_sessions`. Of what an admin presents it sees a digest only.

use serde_json::json;

use crate::base::clock::UnixTime;
use crate::domain::{Action, AdminName, AdminSession, SessionId, Stamp};
use crate::store::admins::row::{self as admins, AdminRecord, of_admin, read_admin};
use crate::store::db::{Row, RowsOf, ToValue, select};
use crate::store::{Result, Store, TrustedTime};

/// A session as it is kept, with the admin whose it is.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    /// Without secrets.
    pub session: AdminSession,
    /// The admin.
    pub owner: AdminRecord,
    /// The secret of an app that is being added, sealed.
    pub totp_pending: Option<String>,
    /// The challenge that it was given for a passkey, sealed.
    pub passkey_challenge: Option<String>,
}

/// What a session is known by when its admin has proved more, or chosen another password.
#[derive(Clone, Debug)]
pub struct RenewedSession {
    /// The digest of its new token.
    pub token_digest: String,
    /// Whether the admin has used a second factor in it.
    pub second_factor: bool,
    /// When it ends in any case.
    pub expires_at: UnixTime,
}

/// The columns of `admin_sessions s` that [`read_session`] reads.
const COLUMNS: &str = "s.session_id, s.name, s.second_factor, s.created_at as began_at, s.seen_at, \
    s.expires_at, s.source, s.user_agent";

impl Store {
    /// Begins a session; the event says that its admin logged in.
    pub async fn insert_admin_session(
        &self,
        session: &AdminSession,
        token_digest: &str,
        stamp: Stamp<'_>,
    ) -> Result<()> {
        const SQL: &str = "
            insert into admin_sessions (session_id, token_digest, name, second_factor, created_at, seen_at,
                expires_at, source, user_agent)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        const SEEN: &str = "update admins set last_log_in_at = $2 where name = $1";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        tx.execute(SEEN, &[&session.name, &session.created_at])
            .await?;
        let values: &[&dyn ToValue] = &[
            &session.session_id,
            &token_digest,
            &session.name,
            &session.second_factor,
            &session.created_at,
            &session.seen_at,
            &session.expires_at,
            &session.source,
            &session.user_agent,
        ];
        tx.execute(SQL, values).await?;
        let change = of_admin(Action::AdminLogIn, &session.name);
        let change = change.after(of_session(&session.session_id));
        self.commit_event(tx, stamp, change).await
    }

    /// The session of this token, over or not.
    pub async fn find_admin_session(&self, token_digest: &str) -> Result<Option<SessionRecord>> {
        const FROM: &str = "
            from admin_sessions s
            join admins a on a.name = s.name
            where s.token_digest = $1";
        const MORE: &str = "s.totp_pending, s.passkey_challenge";
        let read = |row: &Row| {
            Ok(SessionRecord {
                session: read_session(row)?,
                owner: read_admin(row)?,
                totp_pending: row.get("totp_pending")?,
                passkey_challenge: row.get("passkey_challenge")?,
            })
        };
        select(&[COLUMNS, admins::COLUMNS, MORE], FROM)
            .bind(&[&token_digest])
            .fetch_optional(&mut self.acquire_read().await?, read)
            .await
    }

    /// The sessions that have not ended, of one admin or of all, the last used first; `limit` at most.
    pub async fn list_admin_sessions(
        &self,
        name: Option<&AdminName>,
        seen_after: UnixTime,
        now: UnixTime,
        limit: u32,
    ) -> Result<Vec<AdminSession>> {
        const WHERE: &str = "
            from admin_sessions s
            where s.expires_at > $1 and s.seen_at > $2 and ($3 = '' or s.name = $3)
            order by s.seen_at desc, s.session_id
            limit $4";
        let name = name.map_or("", AdminName::as_str);
        let of = RowsOf::new("admin_sessions", "session_id");
        select(&[COLUMNS], WHERE)
            .bind(&[&now, &seen_after, &name, &limit])
            .fetch_undamaged(&mut self.acquire_read().await?, of, read_session)
            .await
    }

    /// Notes that a session is in use.
    pub async fn touch_admin_session(&self, id: &SessionId, now: UnixTime) -> Result<()> {
        const SQL: &str =
            "update admin_sessions set seen_at = $2 where session_id = $1 and seen_at < $2";
        self.execute(SQL, &[id, &now]).await.map(drop)
    }

    /// Gives a session another token, in the place of the one with this digest; false when that is no more.
    pub async fn renew_admin_session(
        &self,
        old_digest: &str,
        renewed: &RenewedSession,
    ) -> Result<bool> {
        const SQL: &str = "
            update admin_sessions
            set token_digest = $2, second_factor = $3, expires_at = $4, totp_pending = null,
                passkey_challenge = null
            where token_digest = $1";
        let values: &[&dyn ToValue] = &[
            &old_digest,
            &renewed.token_digest,
            &renewed.second_factor,
            &renewed.expires_at,
        ];
        Ok(self.execute(SQL, values).await? == 1)
    }

    /// Keeps the sealed secret of an app that is being added.
    pub async fn set_totp_pending(&self, id: &SessionId, sealed: &str) -> Result<()> {
        const SQL: &str = "update admin_sessions set totp_pending = $2 where session_id = $1";
        self.execute(SQL, &[id, &sealed]).await.map(drop)
    }

    /// Ends a session; false when there is none. Whether its own admin does so decides what the event is called.
    pub async fn delete_admin_session(
        &self,
        id: &SessionId,
        action: Action,
        stamp: Stamp<'_>,
    ) -> Result<bool> {
        const SQL: &str = "delete from admin_sessions where session_id = $1 returning name";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let name: Option<AdminName> = tx.fetch_optional(SQL, &[id], |row| row.parse(0)).await?;
        let Some(name) = name else { return Ok(false) };
        let change = of_admin(action, &name);
        let change = change.before(of_session(id));
        self.commit_event(tx, stamp, change).await?;
        Ok(true)
    }

    /// Ends every session of an admin but the one that is named; how many.
    pub async fn delete_admin_sessions(
        &self,
        name: &AdminName,
        keep: &str,
        stamp: Stamp<'_>,
    ) -> Result<u64> {
        const SQL: &str = "delete from admin_sessions where name = $1 and session_id <> $2";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let ended = tx.execute(SQL, &[name, &keep]).await?;
        if ended == 0 {
            return Ok(0);
        }
        let change = of_admin(Action::AdminEndSession, name);
        let change = change.before(json!({ "sessions": ended }));
        self.commit_event(tx, stamp, change).await?;
        Ok(ended)
    }

    /// Removes the sessions that have ended; how many.
    pub async fn prune_admin_sessions(
        &self,
        seen_before: TrustedTime,
        now: TrustedTime,
    ) -> Result<u64> {
        const SQL: &str = "delete from admin_sessions where expires_at <= $1 or seen_at <= $2";
        self.execute(SQL, &[&now.time(), &seen_before.time()]).await
    }
}

fn read_session(row: &Row) -> Result<AdminSession> {
    Ok(AdminSession {
        session_id: row.parse("session_id")?,
        name: row.parse("name")?,
        second_factor: row.get("second_factor")?,
        created_at: row.time("began_at")?,
        seen_at: row.time("seen_at")?,
        expires_at: row.time("expires_at")?,
        source: row.get("source")?,
        user_agent: row.get("user_agent")?,
    })
}

/// What an event says of a session.
fn of_session(id: &SessionId) -> serde_json::Value {
    json!({ "session_id": id.as_str() })
}
