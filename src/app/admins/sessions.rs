//! The sessions of admins: what a session's token is worth, and their end.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quick_cache::sync::Cache;

use crate::app::admins::Admins;
use crate::app::error::{Error, Result};
use crate::base::metrics::CacheMetrics;
use crate::base::secret::{Secret, random_base62};
use crate::base::source_network::source_network;
use crate::config::SecondFactorUse;
use crate::domain::{
    Action, Admin, AdminName, AdminRole, AdminSession, AdminStatus, Origin, SessionId,
};
use crate::store::{RenewedSession, SessionRecord};

/// 43 characters of base62 are 256 random bits.
const TOKEN_CHARACTERS: usize = 43;

/// How long somebody has who has typed the password to type the code, or to add a second factor.
pub(super) const LOGGING_IN_TTL: i64 = 600;

/// A session is said to be in use at most so often: it is a write.
const SEEN_EVERY: i64 = 60;

/// More sessions than a list can show.
const MOST: u32 = 1_000;

/// Sessions that are known to have been active; past that the least used are forgotten.
const KNOWN: usize = 1_000;

/// The digests of tokens that were those of active sessions when this replica last looked. The database is asked about
/// them in any case: what is known of them is that nobody has invented them.
pub(super) struct KnownSessions(Cache<String, ()>);

impl KnownSessions {
    pub(super) fn new() -> Self {
        Self(Cache::new(KNOWN))
    }

    pub(super) fn insert(&self, token: &Secret<String>) {
        self.0.insert(digest_of(token), ());
    }

    pub(super) fn metrics(&self) -> CacheMetrics {
        CacheMetrics::of_entries("admin_sessions", self.0.len(), self.0.capacity())
    }
}

/// A session that somebody has, and what it is good for.
#[derive(Clone, Debug)]
pub struct CurrentSession {
    /// Without secrets.
    pub session: AdminSession,
    /// Whose it is, as of now.
    pub admin: Admin,
    /// What has to be done before anything else.
    pub step: SessionStep,
    /// What each form of this session has in it.
    pub csrf_token: Secret<String>,
    pub(super) token_digest: String,
    pub(super) record: SessionRecord,
}

/// Where somebody who logs in stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStep {
    /// The password was right; a code or a passkey is needed too.
    TypeCode,
    /// Somebody else knows the password; another one is needed.
    ChangePassword,
    /// A second factor is required, and there is none yet.
    AddSecondFactor,
    /// Nothing: the session is good for all that the role permits.
    Done,
}

impl CurrentSession {
    /// Whether it is good for what `needed` may do.
    pub fn permits(&self, needed: AdminRole) -> bool {
        self.step == SessionStep::Done && self.admin.role.permits(needed)
    }
}

impl Admins {
    /// The session of this token, unless it has ended. Notes that it is in use. A source that sends tokens of no session
    /// soon gets 429, and nothing is read for it; sessions that are known here are found from there too.
    pub async fn find_session(
        &self,
        token: &Secret<String>,
        source: IpAddr,
        is_use: bool,
    ) -> Result<Option<CurrentSession>> {
        if !is_token(token) {
            return Ok(None);
        }
        let digest = digest_of(token);
        let look_up = if self.known_sessions.0.contains_key(&digest) {
            None
        } else {
            Some(self.throttle.begin_look_up(source).await?)
        };
        let found = self.read_session(token, digest.clone(), is_use).await;
        match (&found, look_up) {
            // Its place is used up.
            (Ok(None), Some(look_up)) => drop(look_up),
            (Ok(None), None) => drop(self.known_sessions.0.remove(&digest)),
            (Ok(Some(_)), Some(look_up)) => {
                self.known_sessions.0.insert(digest, ());
                look_up.give_back();
            }
            (Err(_), Some(look_up)) => look_up.give_back(),
            (Ok(Some(_)) | Err(_), None) => {}
        }
        found
    }

    async fn read_session(
        &self,
        token: &Secret<String>,
        digest: String,
        is_use: bool,
    ) -> Result<Option<CurrentSession>> {
        let store = &self.core.store;
        let Some(record) = store.find_admin_session(&digest).await? else {
            return Ok(None);
        };
        let (now, idle) = (self.core.now(), self.core.config.admin.session_idle);
        let (session, admin) = (record.session.clone(), record.owner.admin.clone());
        let unused = now.since(session.seen_at);
        // Begun or last used under a clock that was ahead: it would outlive its time by as much.
        let newest = session.seen_at.max(session.created_at);
        let is_from_the_future = newest.since(now) > self.core.config.feed.max_clock_difference;
        let has_ended = session.expires_at <= now || unused >= idle || is_from_the_future;
        if has_ended || admin.status == AdminStatus::Disabled {
            return Ok(None);
        }
        if is_use && unused >= SEEN_EVERY.min(idle / 4) {
            store.touch_admin_session(&session.session_id, now).await?;
        }
        Ok(Some(CurrentSession {
            step: self.step(&session, &admin),
            csrf_token: csrf_token(token),
            token_digest: digest,
            session,
            admin,
            record,
        }))
    }

    pub(super) fn step(&self, session: &AdminSession, admin: &Admin) -> SessionStep {
        let required = self.core.config.admin.second_factor == SecondFactorUse::Required;
        match admin {
            admin if admin.has_second_factor() && !session.second_factor => SessionStep::TypeCode,
            admin if admin.must_change_password => SessionStep::ChangePassword,
            admin if required && !admin.has_second_factor() => SessionStep::AddSecondFactor,
            _ => SessionStep::Done,
        }
    }

    /// Gives a session another token, after its admin has proved more or changed what logins need: whoever may have
    /// had the old one has nothing now.
    pub(super) async fn renew_session(
        &self,
        current: &CurrentSession,
        second_factor: bool,
    ) -> Result<Secret<String>> {
        let token = made_token();
        let mut session = current.session.clone();
        session.second_factor = second_factor;
        let store = &self.core.store;
        let found = store.find_admin(&session.name).await?;
        let owner = found.ok_or_else(session_is_over)?;
        self.note_network(&session, &owner.admin).await?;
        let renewed = RenewedSession {
            token_digest: digest_of(&token),
            second_factor,
            expires_at: session.created_at.plus(self.ttl(&session, &owner.admin)),
        };
        let old = &current.token_digest;
        if !store.renew_admin_session(old, &renewed).await? {
            return Err(session_is_over());
        }
        self.known_sessions.insert(&token);
        Ok(token)
    }

    /// Notes from where an admin has logged in, once nothing is missing: who has the password alone makes no network
    /// known.
    pub(super) async fn note_network(&self, session: &AdminSession, admin: &Admin) -> Result<()> {
        let limit = self.core.config.admin.known_networks;
        if let Ok(source) = session.source.parse::<IpAddr>()
            && self.step(session, admin) == SessionStep::Done
        {
            let (store, network) = (&self.core.store, source_network(source));
            let noted = store.note_admin_network(&admin.name, network, self.core.now(), limit);
            noted.await?;
        }
        Ok(())
    }

    pub(super) fn ttl(&self, session: &AdminSession, admin: &Admin) -> i64 {
        match self.step(session, admin) {
            SessionStep::Done => self.core.config.admin.session_ttl,
            SessionStep::TypeCode | SessionStep::ChangePassword | SessionStep::AddSecondFactor => {
                LOGGING_IN_TTL
            }
        }
    }

    /// Ends the session of who asks for it.
    pub async fn log_out(&self, by: &Origin, current: &CurrentSession) -> Result<()> {
        // That it has ended meanwhile is what was asked for.
        let id = &current.session.session_id;
        self.delete_session(by, id, Action::AdminLogOut).await?;
        Ok(())
    }

    async fn delete_session(&self, by: &Origin, id: &SessionId, action: Action) -> Result<bool> {
        let (store, stamp) = (&self.core.store, self.core.stamp(by));
        Ok(store.delete_admin_session(id, action, stamp).await?)
    }

    /// The sessions that have not ended, of one admin or of all, the last used first.
    pub async fn list_sessions(&self, name: Option<&AdminName>) -> Result<Vec<AdminSession>> {
        let (store, now) = (&self.core.store, self.core.now());
        let seen_after = now.plus(-self.core.config.admin.session_idle);
        let listed = store.list_admin_sessions(name, seen_after, now, MOST);
        Ok(listed.await?)
    }

    /// Ends a session. Only an owner ends those of others: of an admin who is none, one is as good as not there.
    pub async fn end_session(&self, by: &Origin, asking: &Admin, id: &SessionId) -> Result<()> {
        let mine = self.list_sessions(Some(&asking.name)).await?;
        let is_mine = mine.iter().any(|session| session.session_id == *id);
        if is_mine || asking.role.permits(AdminRole::Owner) {
            self.end_any_session(by, id).await
        } else {
            Err(no_session(id))
        }
    }

    /// The same, whosever it is.
    pub async fn end_any_session(&self, by: &Origin, id: &SessionId) -> Result<()> {
        let ended = self.delete_session(by, id, Action::AdminEndSession);
        if !ended.await? {
            return Err(no_session(id));
        }
        Ok(())
    }

    /// Ends all the sessions of who asks for it but the one it is asked in; how many.
    pub async fn end_other_sessions(&self, by: &Origin, current: &CurrentSession) -> Result<u64> {
        let (name, keep) = (&current.admin.name, current.session.session_id.as_str());
        let (store, stamp) = (&self.core.store, self.core.stamp(by));
        Ok(store.delete_admin_sessions(name, keep, stamp).await?)
    }

    /// Removes the sessions that have ended; how many.
    pub async fn prune_sessions(&self) -> Result<u64> {
        let now = self.core.trusted_time().await?;
        let seen_before = now.ago(self.core.config.admin.session_idle);
        let store = &self.core.store;
        Ok(store.prune_admin_sessions(seen_before, now).await?)
    }
}

pub(super) fn made_token() -> Secret<String> {
    Secret::new(random_base62(TOKEN_CHARACTERS))
}

/// Whether a text can be what [`made_token`] made.
fn is_token(text: &Secret<String>) -> bool {
    let text = text.expose().as_bytes();
    text.len() == TOKEN_CHARACTERS && text.iter().all(u8::is_ascii_alphanumeric)
}

/// The token has 256 random bits, so there is nothing to stretch.
pub(super) fn digest_of(token: &Secret<String>) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.expose().as_bytes()))
}

/// Follows from the token, so that nothing has to be kept, and does not lead back to it.
fn csrf_token(token: &Secret<String>) -> Secret<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.expose().as_bytes());
    Secret::new(URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"csrf")))
}

fn no_session(id: &SessionId) -> Error {
    Error::not_found(format_args!("session `{id}`"))
}

fn session_is_over() -> Error {
    Error::conflict("the session has ended; log in again")
}
