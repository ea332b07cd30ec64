//! Owns the rows of `signing_keys`. Sees sealed keys only.

use sqlx::FromRow;

use super::changes::{tell, tell_of_rows};
use super::{Store, StoreError, in_transaction, on_feed, on_pool};
use crate::clock::UnixTime;
use crate::domain::{Change, KeyId, KeyRecord, KeyState, SigningAlg};

/// One step in the life of an algorithm's keys.
#[derive(Clone, Debug, Default)]
pub struct KeyChanges {
    /// The active key that signs no more.
    pub retire: Option<KeyId>,
    /// The next key that signs from now on.
    pub activate: Option<KeyId>,
    /// Keys that are new.
    pub insert: Vec<KeyRecord>,
}

impl Store {
    /// Every key, in the order in which they were made.
    pub async fn list_keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        const SQL: &str = "
            select kid, alg, state, state_since, created_at, sealed_key
            from signing_keys
            order by created_at, kid";
        let rows: Vec<KeyRow> = on_feed!(self, |pool| sqlx::query_as(SQL).fetch_all(pool).await)?;
        rows.into_iter().map(KeyRecord::try_from).collect()
    }

    /// Takes one step, whole or not at all; false when the keys are not as the step expects them: somebody else
    /// was quicker.
    pub async fn change_keys(
        &self,
        changes: &KeyChanges,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        match self.try_change_keys(changes, now).await {
            // A second active or next key of one algorithm, which the indexes refuse.
            Err(StoreError::Conflict) => Ok(false),
            other => other,
        }
    }

    /// The retired key is touched first: whoever comes second waits there, and then finds it retired.
    async fn try_change_keys(
        &self,
        changes: &KeyChanges,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        const MOVE: &str = "
            update signing_keys
            set state = $3, state_since = $4, used_at = $4
            where kid = $1 and state = $2";
        const INSERT: &str = "
            insert into signing_keys (kid, alg, state, state_since, created_at, used_at, sealed_key)
            values ($1, $2, $3, $4, $5, $6, $7)";
        let moves = [
            (&changes.retire, "active", "retired"),
            (&changes.activate, "next", "active"),
        ];
        in_transaction!(self, |tx| {
            for (kid, from, to) in moves {
                let Some(kid) = kid else { continue };
                let done = sqlx::query(MOVE)
                    .bind(kid.as_str())
                    .bind(from)
                    .bind(to)
                    .bind(now.0)
                    .execute(&mut *tx)
                    .await?;
                if done.rows_affected() == 0 {
                    return Ok(false);
                }
            }
            for key in &changes.insert {
                sqlx::query(INSERT)
                    .bind(key.kid.as_str())
                    .bind(key.alg.as_str())
                    .bind(key.state.as_str())
                    .bind(since(key).0)
                    .bind(key.created_at.0)
                    .bind(now.0)
                    .bind(&key.sealed)
                    .execute(&mut *tx)
                    .await?;
            }
            tell!(tx, Change::SigningKey, now);
            true
        })
    }

    /// Notes that a replica signs with this algorithm.
    pub async fn mark_keys_used(&self, alg: SigningAlg, now: UnixTime) -> Result<(), StoreError> {
        const SQL: &str = "
            update signing_keys
            set used_at = $2
            where alg = $1 and state = 'active' and used_at < $2";
        on_pool!(self, |pool| sqlx::query(SQL)
            .bind(alg.as_str())
            .bind(now.0)
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Retires the active keys of the algorithms beside `alg` that no replica has signed with since `before`, and
    /// removes their next ones; how many were retired.
    pub async fn retire_unused_keys(
        &self,
        alg: SigningAlg,
        before: UnixTime,
        now: UnixTime,
    ) -> Result<usize, StoreError> {
        const RETIRE: &str = "
            update signing_keys
            set state = 'retired', state_since = $3
            where state = 'active' and alg <> $1 and used_at < $2
            returning alg";
        const REMOVE_NEXT: &str = "delete from signing_keys where state = 'next' and alg = $1";
        in_transaction!(self, |tx| {
            let left: Vec<String> = sqlx::query_scalar(RETIRE)
                .bind(alg.as_str())
                .bind(before.0)
                .bind(now.0)
                .fetch_all(&mut *tx)
                .await?;
            for alg in &left {
                sqlx::query(REMOVE_NEXT).bind(alg).execute(&mut *tx).await?;
            }
            if !left.is_empty() {
                tell!(tx, Change::SigningKey, now);
            }
            left.len()
        })
    }

    /// Replaces a sealed key by the same key sealed anew, unless somebody else has meanwhile.
    pub async fn reseal_key(
        &self,
        kid: &KeyId,
        old: &str,
        new: &str,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        const SQL: &str =
            "update signing_keys set sealed_key = $3 where kid = $1 and sealed_key = $2";
        in_transaction!(self, |tx| {
            let updated = sqlx::query(SQL)
                .bind(kid.as_str())
                .bind(old)
                .bind(new)
                .execute(&mut *tx)
                .await?;
            tell_of_rows!(tx, updated, Change::SigningKey, now) == 1
        })
    }

    /// Removes a key; false when it is not there or no more in this state.
    pub async fn delete_key(
        &self,
        kid: &KeyId,
        state: KeyState,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "delete from signing_keys where kid = $1 and state = $2";
        in_transaction!(self, |tx| {
            let deleted = sqlx::query(SQL)
                .bind(kid.as_str())
                .bind(state.as_str())
                .execute(&mut *tx)
                .await?;
            tell_of_rows!(tx, deleted, Change::SigningKey, now) == 1
        })
    }

    /// Removes the keys that were retired at `retired_until` or before; how many that were.
    pub async fn prune_keys(
        &self,
        retired_until: UnixTime,
        now: UnixTime,
    ) -> Result<u64, StoreError> {
        const SQL: &str = "delete from signing_keys where state = 'retired' and state_since <= $1";
        in_transaction!(self, |tx| {
            let deleted = sqlx::query(SQL)
                .bind(retired_until.0)
                .execute(&mut *tx)
                .await?;
            tell_of_rows!(tx, deleted, Change::SigningKey, now)
        })
    }
}

/// When a key came into its state.
fn since(key: &KeyRecord) -> UnixTime {
    match key.state {
        KeyState::Next => key.created_at,
        KeyState::Active { activated_at } => activated_at,
        KeyState::Retired { retired_at } => retired_at,
    }
}

#[derive(FromRow)]
struct KeyRow {
    kid: String,
    alg: String,
    state: String,
    state_since: i64,
    created_at: i64,
    sealed_key: String,
}

impl TryFrom<KeyRow> for KeyRecord {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        let since = UnixTime(row.state_since);
        let state = match row.state.as_str() {
            "next" => KeyState::Next,
            "active" => KeyState::Active {
                activated_at: since,
            },
            "retired" => KeyState::Retired { retired_at: since },
            other => return Err(StoreError::Corrupt(format!("`{other}` is no key's state"))),
        };
        Ok(Self {
            kid: KeyId::parse(&row.kid)?,
            alg: SigningAlg::parse(&row.alg)?,
            state,
            created_at: UnixTime(row.created_at),
            sealed: row.sealed_key,
        })
    }
}
