//! Owns the rows of `signing_keys`. Sees sealed keys only.

use serde_json::json;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, Change, KeyId, KeyRecord, KeyState, NewEvent, SigningAlg, Stamp, Target,
};
use crate::store::db::{Row, RowsOf, ToValue, query};
use crate::store::{Result, Store, StoreError, TrustedTime};

/// One step in the life of an algorithm's keys.
#[derive(Clone, Debug, Default)]
pub struct KeyChanges {
    /// The active key that signs no more, and since when: by that it is removed later.
    pub retire: Option<(KeyId, TrustedTime)>,
    /// The next key that signs from now on.
    pub activate: Option<KeyId>,
    /// Keys that are new.
    pub insert: Vec<KeyRecord>,
}

impl Store {
    /// Every key, in the order in which they were made. A damaged one is an error: without it nobody could tell which key
    /// signs, or whether the next one has to be made.
    pub async fn list_keys(&self) -> Result<Vec<KeyRecord>> {
        const SQL: &str = "
            select kid, alg, state, state_since, created_at, sealed_key
            from signing_keys
            order by created_at, kid";
        let of = RowsOf::new("signing_keys", "kid");
        query(SQL)
            .fetch_readable(&mut self.acquire_feed().await?, of, read_key)
            .await?
            .into_all()
    }

    /// Takes one step, whole or not at all; false when the keys are not as the step expects them: somebody else
    /// was quicker.
    pub async fn change_keys(&self, changes: &KeyChanges, stamp: Stamp<'_>) -> Result<bool> {
        match self.try_change_keys(changes, stamp).await {
            // A second active or next key of one algorithm, which the indexes refuse.
            Err(StoreError::Conflict) => Ok(false),
            other => other,
        }
    }

    /// The retired key is touched first: whoever comes second waits there, and then finds it retired.
    async fn try_change_keys(&self, changes: &KeyChanges, stamp: Stamp<'_>) -> Result<bool> {
        const MOVE: &str = "
            update signing_keys
            set state = $3, state_since = $4, used_at = $4
            where kid = $1 and state = $2
            returning alg";
        const INSERT: &str = "
            insert into signing_keys (kid, alg, state, state_since, created_at, used_at, sealed_key)
            values ($1, $2, $3, $4, $5, $6, $7)";
        let retire = changes.retire.as_ref();
        let retire = retire.map(|(kid, at)| (kid, "active", "retired", at.time()));
        let activate = changes.activate.as_ref();
        let activate = activate.map(|kid| (kid, "next", "active", stamp.at));
        let moves = [(retire, Action::KeyRetire), (activate, Action::KeyActivate)];
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        stamp.by.actor.check_key_write()?;
        let mut events = Vec::new();
        for (moved, action) in moves {
            let Some((kid, from, to, at)) = moved else {
                continue;
            };
            let alg: Option<String> = tx
                .fetch_optional(MOVE, &[kid, &from, &to, &at], |row| row.get(0))
                .await?;
            let Some(alg) = alg else { return Ok(false) };
            let event = of_key(action, kid).before(state(&alg, from));
            events.push(event.after(state(&alg, to)));
        }
        for key in &changes.insert {
            let (alg, name) = (key.alg.as_str(), key.state.as_str());
            let values: &[&dyn ToValue] = &[
                &key.kid,
                &alg,
                &name,
                &since(key),
                &key.created_at,
                &stamp.at,
                &key.sealed,
            ];
            tx.execute(INSERT, values).await?;
            events.push(of_key(Action::KeyCreate, &key.kid).after(state(alg, name)));
        }
        self.commit_change_if_recorded(tx, stamp, Change::SigningKey, events)
            .await?;
        Ok(true)
    }

    /// Notes that a replica signs with this algorithm.
    pub async fn mark_keys_used(&self, alg: SigningAlg, now: UnixTime) -> Result<()> {
        const SQL: &str = "
            update signing_keys
            set used_at = $2
            where alg = $1 and state = 'active' and used_at < $2";
        self.execute(SQL, &[&alg.as_str(), &now]).await.map(drop)
    }

    /// Retires the active keys of the algorithms beside `alg` that no replica has signed with since `before`, and
    /// removes their next ones; how many were retired.
    pub async fn retire_unused_keys(
        &self,
        alg: SigningAlg,
        before: TrustedTime,
        stamp: Stamp<'_>,
    ) -> Result<usize> {
        const RETIRE: &str = "
            update signing_keys
            set state = 'retired', state_since = $3
            where state = 'active' and alg <> $1 and used_at < $2
            returning kid, alg";
        const REMOVE_NEXT: &str =
            "delete from signing_keys where state = 'next' and alg = $1 returning kid";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let (alg, before) = (alg.as_str(), before.time());
        let values: [&dyn ToValue; 3] = [&alg, &before, &stamp.at];
        let left = tx.fetch_all(RETIRE, &values, read_kid).await?;
        let mut events = Vec::new();
        for (kid, alg) in &left {
            let event = of_key(Action::KeyRetire, kid);
            let event = event.before(state(alg, "active"));
            events.push(event.after(state(alg, "retired")));
            let removed: Vec<KeyId> = tx
                .fetch_all(REMOVE_NEXT, &[alg], |row| row.parse("kid"))
                .await?;
            for kid in removed {
                let event = of_key(Action::KeyDelete, &kid);
                events.push(event.before(state(alg, "next")));
            }
        }
        self.commit_change_if_recorded(tx, stamp, Change::SigningKey, events)
            .await?;
        Ok(left.len())
    }

    /// Replaces a sealed key by the same key sealed anew, unless somebody else has meanwhile.
    pub async fn reseal_key(
        &self,
        kid: &KeyId,
        old: &str,
        new: &str,
        stamp: Stamp<'_>,
    ) -> Result<bool> {
        const SQL: &str =
            "update signing_keys set sealed_key = $3 where kid = $1 and sealed_key = $2";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        if tx.execute(SQL, &[kid, &old, &new]).await? == 0 {
            return Ok(false);
        }
        let event = of_key(Action::KeyReseal, kid);
        self.commit_changes(tx, stamp, vec![Change::SigningKey], vec![event])
            .await?;
        Ok(true)
    }

    /// Removes a key; false when it is not there or no more in this state.
    pub async fn delete_key(&self, kid: &KeyId, from: KeyState, stamp: Stamp<'_>) -> Result<bool> {
        const SQL: &str = "delete from signing_keys where kid = $1 and state = $2 returning alg";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        stamp.by.actor.check_key_write()?;
        let alg: Option<String> = tx
            .fetch_optional(SQL, &[kid, &from.as_str()], |row| row.get(0))
            .await?;
        let Some(alg) = alg else { return Ok(false) };
        let event = of_key(Action::KeyDelete, kid).before(state(&alg, from.as_str()));
        self.commit_changes(tx, stamp, vec![Change::SigningKey], vec![event])
            .await?;
        Ok(true)
    }

    /// Removes the keys that were retired at `retired_until` or before; how many that were.
    pub async fn prune_keys(&self, retired_until: TrustedTime, stamp: Stamp<'_>) -> Result<usize> {
        const SQL: &str = "
            delete from signing_keys
            where state = 'retired' and state_since <= $1
            returning kid, alg";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let retired_until = retired_until.time();
        let gone = tx.fetch_all(SQL, &[&retired_until], read_kid).await?;
        let deleted = |(kid, alg): &(KeyId, String)| {
            of_key(Action::KeyDelete, kid).before(state(alg, "retired"))
        };
        let events = gone.iter().map(deleted).collect();
        self.commit_change_if_recorded(tx, stamp, Change::SigningKey, events)
            .await?;
        Ok(gone.len())
    }
}

fn of_key(action: Action, kid: &KeyId) -> NewEvent {
    NewEvent::new(action, Target::Key(kid.clone()))
}

fn state(alg: &str, state: &str) -> serde_json::Value {
    json!({ "alg": alg, "state": state })
}

/// When a key came into its state.
fn since(key: &KeyRecord) -> UnixTime {
    match key.state {
        KeyState::Next => key.created_at,
        KeyState::Active { activated_at } => activated_at,
        KeyState::Retired { retired_at } => retired_at,
    }
}

fn read_key(row: &Row) -> Result<KeyRecord> {
    let since = row.time("state_since")?;
    let state = match row.get("state")? {
        "next" => KeyState::Next,
        "active" => KeyState::Active {
            activated_at: since,
        },
        "retired" => KeyState::Retired { retired_at: since },
        other => return Err(StoreError::Corrupt(format!("`{other}` is not a key state"))),
    };
    Ok(KeyRecord {
        kid: row.parse("kid")?,
        alg: SigningAlg::parse(row.get("alg")?)?,
        state,
        created_at: row.time("created_at")?,
        sealed: row.get("sealed_key")?,
    })
}

/// A key and its algorithm, in the columns `kid` and `alg`.
fn read_kid(row: &Row) -> Result<(KeyId, String)> {
    Ok((row.parse("kid")?, row.get("alg")?))
}
