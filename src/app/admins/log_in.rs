//! Logging in with a name and a password.
//!
//! An unknown name, a disabled admin and a wrong password are one answer, in text and in time: each costs one reading of
//! the store, one hash and one event. Over a limit that others can use up, each costs one more reading and no event.

use std::net::IpAddr;

use anyhow::anyhow;

use super::sessions::{digest_of, made_token};
use super::throttle::AdminAttempt;
use crate::app::admins::Admins;
use crate::app::error::{Error, Result};
use crate::base::redact::redact;
use crate::base::secret::Secret;
use crate::base::source_network::source_network;
use crate::domain::{
    Action, Actor, AdminName, AdminSession, AdminStatus, ErrorCode, NewEvent, Origin, SessionId,
    Target,
};
use crate::store::AdminRecord;

/// What is kept of what a browser calls itself.
const USER_AGENT_CHARACTERS: usize = 200;

/// What somebody presents to log in, unchecked.
#[derive(Debug)]
pub struct AdminLogIn {
    /// As it was typed.
    pub name: String,
    /// As it was typed.
    pub password: Secret<String>,
    /// From where.
    pub source: IpAddr,
    /// What the browser calls itself.
    pub user_agent: String,
}

/// A session that has begun.
#[derive(Debug)]
pub struct StartedSession {
    /// What it is used with; this is the only time it can be had.
    pub token: Secret<String>,
    /// The admin.
    pub name: AdminName,
}

impl Admins {
    /// Begins a session. What is missing until it is good for anything, [`SessionStep`](super::SessionStep) says.
    pub async fn log_in(
        &self,
        request_id: Option<String>,
        presented: AdminLogIn,
    ) -> Result<StartedSession> {
        let source = presented.source;
        let claimed = AdminName::parse(presented.name.trim()).ok();
        let claimed = claimed.as_ref();
        let attempt = self.throttle.begin(source, claimed).await?;
        let found = match claimed {
            Some(name) => self.core.store.find_admin(name).await?,
            None => None,
        };
        let is_admitted = self.is_admitted(&attempt, claimed, Some(source)).await?;
        let hash = found.as_ref().map(|it| it.password_hash.as_str());
        let password = &presented.password;
        let is_right = self.is_password(hash, password, Some(source)).await?;
        // Nobody has rights by a password alone.
        let origin = |name| Origin {
            actor: Actor::Admin { name, role: None },
            source: Some(source),
            request_id,
        };
        match judge(found, is_right, is_admitted) {
            Ok(record) => {
                drop(attempt);
                let name = record.admin.name.clone();
                let by = origin(name.to_string());
                self.refuse_locked_out(&by, &record.admin).await?;
                let started = self
                    .begin_session(&by, &record, presented.user_agent)
                    .await?;
                let hash = &record.password_hash;
                self.renew_password_hash(&name, hash, password, Some(source))
                    .await;
                Ok(started)
            }
            Err((known, reason)) => {
                let by = origin(known);
                let description = "the name is unknown or the password is wrong";
                self.refuse_attempt(attempt, &by, anyhow!(reason), description)
                    .await
            }
        }
    }

    async fn begin_session(
        &self,
        by: &Origin,
        record: &AdminRecord,
        user_agent: String,
    ) -> Result<StartedSession> {
        let (token, now) = (made_token(), self.core.now());
        let mut session = AdminSession {
            session_id: SessionId::random(),
            name: record.admin.name.clone(),
            second_factor: false,
            created_at: now,
            seen_at: now,
            expires_at: now,
            source: by
                .source
                .map_or_else(String::new, |it| it.to_canonical().to_string()),
            user_agent: redact(&user_agent)
                .chars()
                .take(USER_AGENT_CHARACTERS)
                .collect(),
        };
        session.expires_at = now.plus(self.ttl(&session, &record.admin));
        self.note_network(&session, &record.admin).await?;
        let (store, digest) = (&self.core.store, digest_of(&token));
        let inserted = store.insert_admin_session(&session, &digest, by.at(now));
        inserted.await?;
        self.known_sessions.insert(&token);
        Ok(StartedSession {
            token,
            name: session.name,
        })
    }

    /// Whether an attempt may succeed. When failures of others have used up a limit, it may from a network from which
    /// this admin logged in before.
    pub(super) async fn is_admitted(
        &self,
        attempt: &AdminAttempt<'_>,
        name: Option<&AdminName>,
        source: Option<IpAddr>,
    ) -> Result<bool> {
        if !attempt.needs_known_network() {
            return Ok(true);
        }
        match (name, source.map(source_network)) {
            (Some(name), Some(network)) => {
                Ok(self.core.store.is_admin_network(name, network).await?)
            }
            _ => Ok(false),
        }
    }

    /// Counts a failed attempt, and fails with its answer. Attempts over a limit do not fill the audit trail.
    pub(super) async fn refuse_attempt<T>(
        &self,
        attempt: AdminAttempt<'_>,
        by: &Origin,
        reason: anyhow::Error,
        description: &'static str,
    ) -> Result<T> {
        let is_throttled = attempt.needs_known_network();
        let told = reason.to_string();
        let refusal = Error::new(ErrorCode::InvalidClient, description).with_source(reason);
        let refusal = attempt.refuse(refusal);
        if !is_throttled {
            self.record_refused_log_in(by, &told).await?;
        }
        Err(refusal)
    }

    pub(super) async fn record_refused_log_in(&self, by: &Origin, reason: &str) -> Result<()> {
        let target = Target::Admin(by.actor.name().to_owned());
        let said = serde_json::json!({ "reason": reason });
        let change = NewEvent::new(Action::AdminLogInRefused, target).after(said);
        self.audit.record(by, change).await
    }
}

/// The admin; else what the trail is to know of who tried, and why it failed. A name that is none of ours is not kept:
/// people type their password there by mistake.
fn judge(
    found: Option<AdminRecord>,
    is_right: bool,
    is_admitted: bool,
) -> Result<AdminRecord, (String, &'static str)> {
    let Some(record) = found else {
        return Err((String::new(), "unknown name"));
    };
    let name = record.admin.name.to_string();
    match record.admin.status {
        _ if !is_right => Err((name, "wrong password")),
        AdminStatus::Disabled => Err((name, "the admin is disabled")),
        AdminStatus::Enabled if !is_admitted => Err((name, "the source network is not known")),
        AdminStatus::Enabled => Ok(record),
    }
}
