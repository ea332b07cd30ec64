//! Owns the rows of `admin_sessions`. Of what an admin presents it sees a digest only.

use serde_json::json;
use sqlx::FromRow;

use crate::base::clock::UnixTime;
use crate::domain::{Action, AdminName, AdminSession, SessionId, Stamp};
use crate::store::admins::accounts::{AdminRecord, AdminRow, of_admin, of_session};
use crate::store::audit::append::AuditLog;
use crate::store::{Store, StoreError, TrustedTime, execute, in_transaction, on_pool};

/// A session as it is kept, with the admin whose it is.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    /// Without secrets.
    pub session: AdminSession,
    /// Whose it is.
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
    /// Whether a second factor was proved in it.
    pub second_factor: bool,
    /// When it ends at the latest.
    pub expires_at: UnixTime,
}

const DELETE: &str = "delete from admin_sessions where session_id = $1 returning name";

impl Store {
    /// Begins a session; the event says that its admin logged in.
    pub async fn insert_admin_session(
        &self,
        session: &AdminSession,
        token_digest: &str,
        stamp: Stamp<'_>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into admin_sessions (session_id, token_digest, name, second_factor, created_at, seen_at,
                expires_at, source, user_agent)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        const SEEN: &str = "update admins set last_log_in_at = $2 where name = $1";
        in_transaction!(self, |tx| {
            sqlx::query(SEEN)
                .bind(session.name.as_str())
                .bind(session.created_at.0)
                .execute(&mut *tx)
                .await?;
            sqlx::query(SQL)
                .bind(session.session_id.as_str())
                .bind(token_digest)
                .bind(session.name.as_str())
                .bind(session.second_factor)
                .bind(session.created_at.0)
                .bind(session.seen_at.0)
                .bind(session.expires_at.0)
                .bind(&session.source)
                .bind(&session.user_agent)
                .execute(&mut *tx)
                .await?;
            let said = of_session(session.session_id.as_str());
            let change = of_admin(Action::AdminLogIn, &session.name).after(said);
            tx.append(&self.audit_keys, stamp, vec![change]).await?;
        })
    }

    /// The session of this token, over or not.
    pub async fn find_admin_session(
        &self,
        token_digest: &str,
    ) -> Result<Option<SessionRecord>, StoreError> {
        const SQL: &str = "
            select a.name, a.role, a.status, a.password_hash, a.must_change_password, a.totp_sealed,
                a.created_at, a.updated_at, a.last_log_in_at, s.totp_pending, s.passkey_challenge, s.session_id,
                s.second_factor, (select count(*) from admin_passkeys p where p.name = a.name) as passkeys,
                s.created_at as began_at, s.seen_at, s.expires_at, s.source, s.user_agent
            from admin_sessions s
            join admins a on a.name = s.name
            where s.token_digest = $1";
        let row: Option<JoinedRow> = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(token_digest)
            .fetch_optional(pool)
            .await)?;
        row.map(SessionRecord::try_from).transpose()
    }

    /// The sessions that have not ended, of one admin or of all, the last used first; `limit` at most.
    pub async fn list_admin_sessions(
        &self,
        name: Option<&AdminName>,
        seen_after: UnixTime,
        now: UnixTime,
        limit: u32,
    ) -> Result<Vec<AdminSession>, StoreError> {
        const SQL: &str = "
            select session_id, name, second_factor, created_at as began_at, seen_at, expires_at, source, user_agent
            from admin_sessions
            where expires_at > $1 and seen_at > $2 and ($3 = '' or name = $3)
            order by seen_at desc, session_id
            limit $4";
        let rows: Vec<SessionRow> = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(now.0)
            .bind(seen_after.0)
            .bind(name.map_or("", AdminName::as_str))
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(AdminSession::try_from).collect()
    }

    /// Notes that a session is in use.
    pub async fn touch_admin_session(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        const SQL: &str =
            "update admin_sessions set seen_at = $2 where session_id = $1 and seen_at < $2";
        execute!(self, SQL, id.as_str(), now.0).map(drop)?;
        Ok(())
    }

    /// Gives a session another token, in the place of the one with this digest; false when that is no more.
    pub async fn renew_admin_session(
        &self,
        old_digest: &str,
        renewed: &RenewedSession,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            update admin_sessions
            set token_digest = $2, second_factor = $3, expires_at = $4, totp_pending = null,
                passkey_challenge = null
            where token_digest = $1";
        let done = execute!(
            self,
            SQL,
            old_digest,
            &renewed.token_digest,
            renewed.second_factor,
            renewed.expires_at.0
        )?;
        Ok(done == 1)
    }

    /// Keeps the sealed secret of an app that is being added.
    pub async fn set_totp_pending(&self, id: &SessionId, sealed: &str) -> Result<(), StoreError> {
        const SQL: &str = "update admin_sessions set totp_pending = $2 where session_id = $1";
        execute!(self, SQL, id.as_str(), sealed).map(drop)?;
        Ok(())
    }

    /// Ends a session; false when there is none. Whether its own admin does so decides what the event is called.
    pub async fn delete_admin_session(
        &self,
        id: &SessionId,
        action: Action,
        stamp: Stamp<'_>,
    ) -> Result<bool, StoreError> {
        in_transaction!(self, |tx| {
            let name: Option<String> = sqlx::query_scalar(DELETE)
                .bind(id.as_str())
                .fetch_optional(&mut *tx)
                .await?;
            let Some(name) = name else { return Ok(false) };
            let change = of_admin(action, &AdminName::parse(&name)?);
            let change = change.before(of_session(id.as_str()));
            tx.append(&self.audit_keys, stamp, vec![change]).await?;
            true
        })
    }

    /// Ends every session of an admin but the one that is named; how many.
    pub async fn delete_admin_sessions(
        &self,
        name: &AdminName,
        keep: &str,
        stamp: Stamp<'_>,
    ) -> Result<u64, StoreError> {
        const SQL: &str = "delete from admin_sessions where name = $1 and session_id <> $2";
        in_transaction!(self, |tx| {
            let ended = sqlx::query(SQL)
                .bind(name.as_str())
                .bind(keep)
                .execute(&mut *tx)
                .await?
                .rows_affected();
            if ended == 0 {
                return Ok(0);
            }
            let change = of_admin(Action::AdminEndSession, name);
            let change = change.before(json!({ "sessions": ended }));
            tx.append(&self.audit_keys, stamp, vec![change]).await?;
            ended
        })
    }

    /// Removes the sessions that have ended; how many.
    pub async fn prune_admin_sessions(
        &self,
        seen_before: TrustedTime,
        now: TrustedTime,
    ) -> Result<u64, StoreError> {
        const SQL: &str = "delete from admin_sessions where expires_at <= $1 or seen_at <= $2";
        Ok(execute!(self, SQL, now.time().0, seen_before.time().0)?)
    }
}

#[derive(FromRow)]
struct SessionRow {
    session_id: String,
    name: String,
    second_factor: bool,
    began_at: i64,
    seen_at: i64,
    expires_at: i64,
    source: String,
    user_agent: String,
}

impl TryFrom<SessionRow> for AdminSession {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        Ok(Self {
            session_id: SessionId::parse(&row.session_id)?,
            name: AdminName::parse(&row.name)?,
            second_factor: row.second_factor,
            created_at: UnixTime(row.began_at),
            seen_at: UnixTime(row.seen_at),
            expires_at: UnixTime(row.expires_at),
            source: row.source,
            user_agent: row.user_agent,
        })
    }
}

#[derive(FromRow)]
struct JoinedRow {
    #[sqlx(flatten)]
    session: SessionRow,
    #[sqlx(flatten)]
    owner: AdminRow,
    totp_pending: Option<String>,
    passkey_challenge: Option<String>,
}

impl TryFrom<JoinedRow> for SessionRecord {
    type Error = StoreError;

    fn try_from(row: JoinedRow) -> Result<Self, StoreError> {
        Ok(Self {
            session: row.session.try_into()?,
            owner: row.owner.try_into()?,
            totp_pending: row.totp_pending,
            passkey_challenge: row.passkey_challenge,
        })
    }
}
