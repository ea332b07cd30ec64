//! Owns the writing of revocations of single tokens, which may come in floods: those that wait together share a
//! transaction, and so one move of the head that all changes wait for.
//!
//! A task of its own writes. So a caller that goes away takes nothing from the others.

use std::collections::{HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, ClientId, NewEvent, Origin, Revocation, RevocationId, Revoked, RevokedToken, Stamp,
    Target, TokenId,
};
use crate::store::audit::append::Appends;
use crate::store::audit::head_row::lock_head;
use crate::store::db::{ToValue, Tx, query};
use crate::store::{Result, Store, StoreError};

/// Revocations of one transaction, which may be one statement.
const BATCH: usize = 250;

/// How the audit trail learns of the revocation of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationTrail {
    /// By an event of its own.
    Event,
    /// By an event of several, which the caller writes.
    Count,
}

#[derive(Clone, Debug)]
pub(in crate::store) struct TokenRevocation {
    pub(in crate::store) token: RevokedToken,
    pub(in crate::store) client_id: ClientId,
    pub(in crate::store) revoked_at: UnixTime,
    /// Who is to stand in the event; `None`: there is to be none.
    pub(in crate::store) recorded_by: Option<Origin>,
}

impl TokenRevocation {
    pub(in crate::store) fn new(
        token: RevokedToken,
        client_id: &ClientId,
        trail: RevocationTrail,
        stamp: Stamp<'_>,
    ) -> Self {
        Self {
            token,
            client_id: client_id.clone(),
            revoked_at: stamp.at,
            recorded_by: (trail == RevocationTrail::Event).then(|| stamp.by.clone()),
        }
    }

    /// What is to be inserted. It gets its id when it is appended.
    pub(in crate::store) fn revocation(&self) -> Revocation {
        Revocation {
            revocation_id: RevocationId::default(),
            client_id: self.client_id.clone(),
            revoked: Revoked::Token(self.token),
            revoked_at: self.revoked_at,
            expires_at: self.token.expires_at,
        }
    }

    pub(in crate::store) fn event(&self) -> Option<(&Origin, NewEvent)> {
        let by = self.recorded_by.as_ref()?;
        let target = Target::Token(self.token.jti);
        let event = NewEvent::of_client(Action::TokenRevoke, &self.client_id, target)
            .after(json!({ "expires_at": self.token.expires_at }));
        Some((by, event))
    }
}

/// Those of the tokens that are revoked already.
async fn list_revoked(
    tx: &mut Tx<'_>,
    revocations: &[&TokenRevocation],
) -> Result<HashSet<String>> {
    let tokens: Vec<String> = revocations
        .iter()
        .map(|it| it.token.jti.to_string())
        .collect();
    let mut query = query("select jti from revocations where jti in ");
    query.push_list(tokens.iter().map(ToValue::to_value));
    let found = query.fetch_all(tx, |row| row.get(0)).await?;
    Ok(found.into_iter().collect())
}

#[derive(Debug, Default)]
pub(in crate::store) struct RevocationQueue(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Whether a task writes until none waits.
    is_writing: bool,
}

/// Whether the token was not revoked before.
type Answer = Result<bool>;

#[derive(Debug)]
struct Waiting {
    revocation: TokenRevocation,
    reply: oneshot::Sender<Answer>,
}

impl RevocationQueue {
    /// Whether the caller has to start the task that writes.
    fn push(&self, waiting: Waiting) -> bool {
        let mut queue = self.lock();
        queue.waiting.push_back(waiting);
        !std::mem::replace(&mut queue.is_writing, true)
    }

    /// The next to be written, without those whose callers have gone away; none: the task ends.
    fn next_batch(&self) -> Vec<Waiting> {
        let mut queue = self.lock();
        let mut batch = Vec::new();
        while batch.len() < BATCH
            && let Some(waiting) = queue.waiting.pop_front()
        {
            if !waiting.reply.is_closed() {
                batch.push(waiting);
            }
        }
        queue.is_writing = !batch.is_empty();
        batch
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Revokes one token, with all that are to be revoked meanwhile; false if it was revoked before.
    pub async fn revoke_token(
        &self,
        token: RevokedToken,
        client_id: &ClientId,
        trail: RevocationTrail,
        stamp: Stamp<'_>,
    ) -> Result<bool> {
        let revocation = TokenRevocation::new(token, client_id, trail, stamp);
        let (reply, answer) = oneshot::channel();
        if self.revocations.push(Waiting { revocation, reply }) {
            tokio::spawn(self.clone().write_queued());
        }
        // The batch that is being written, and the next one.
        match timeout(2 * self.deadline, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::Unavailable(sqlx::Error::WorkerCrashed)),
            Err(late) => Err(sqlx::Error::Io(late.into()).into()),
        }
    }

    async fn write_queued(self) {
        loop {
            let batch = self.revocations.next_batch();
            if batch.is_empty() {
                return;
            }
            // A batch that panics drops its callers' channels, which tells them. Those that wait go on.
            let _ = AssertUnwindSafe(self.write_batch(batch))
                .catch_unwind()
                .await;
        }
    }

    async fn write_batch(&self, mut batch: Vec<Waiting>) {
        let revocations: Vec<_> = batch.iter().map(|it| &it.revocation).collect();
        match self.write_revocations(&revocations).await {
            Ok(mut new) => {
                for Waiting { revocation, reply } in batch {
                    let _ = reply.send(Ok(new.remove(&revocation.token.jti)));
                }
            }
            Err(error) if batch.len() == 1 => {
                if let Some(only) = batch.pop() {
                    let _ = only.reply.send(Err(error));
                }
            }
            Err(error) if is_of_all(&error) => fail_all(batch, &error),
            Err(_) => self.write_each(batch).await,
        }
    }

    /// Writes each alone, so that the one that cannot be written fails alone.
    async fn write_each(&self, batch: Vec<Waiting>) {
        let mut batch = batch.into_iter();
        while let Some(Waiting { revocation, reply }) = batch.next() {
            let written = self.write_revocations(&[&revocation]).await;
            if let Err(error) = &written
                && is_of_all(error)
            {
                fail_all(batch.by_ref().collect(), error);
            }
            let _ = reply.send(written.map(|new| new.contains(&revocation.token.jti)));
        }
    }

    /// Writes revocations, all or none; which of the tokens were not revoked before.
    pub(in crate::store) async fn write_revocations(
        &self,
        revocations: &[&TokenRevocation],
    ) -> Result<HashSet<TokenId>> {
        let mut names = HashSet::new();
        let mut new: Vec<_> = revocations.to_vec();
        new.retain(|it| names.insert(it.token.jti));
        let mut conn = self.acquire().await?;
        let appends = Appends::of_revocations(&new);
        match self.append_at_once(&mut conn, &appends).await {
            Ok(true) => return Ok(names),
            // A number or a name is taken: most probably a token is revoked already, and else it fails again.
            Ok(false) | Err(StoreError::Conflict | StoreError::AuditTrail(_)) => {}
            Err(error) => return Err(error),
        }
        let mut tx = conn.begin().await?;
        // From here on nobody else revokes.
        lock_head(&mut tx).await?;
        let revoked = list_revoked(&mut tx, &new).await?;
        new.retain(|it| !revoked.contains(&it.token.jti.to_string()));
        self.commit_appends(tx, &Appends::of_revocations(&new))
            .await?;
        Ok(new.iter().map(|it| it.token.jti).collect())
    }
}

/// Whether each of a batch would meet this error alone too.
fn is_of_all(error: &StoreError) -> bool {
    error.is_transient() || matches!(error, StoreError::AuditTrail(_))
}

fn fail_all(batch: Vec<Waiting>, error: &StoreError) {
    for waiting in batch {
        let _ = waiting.reply.send(Err(copy_of(error)));
    }
}

fn copy_of(error: &StoreError) -> StoreError {
    if let StoreError::AuditTrail(why) = error {
        return StoreError::AuditTrail(why.clone());
    }
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let cause = sqlx::Error::Protocol(cause.unwrap_or_default());
    if let StoreError::Faulty(fault, _) = error {
        return StoreError::Faulty(*fault, cause);
    }
    StoreError::Unavailable(cause)
}
