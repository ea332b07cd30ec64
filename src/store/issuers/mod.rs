//! Owns `trusted_issuers`, and with each trust domain the highest `spiffe_sequence` of its bundle that any replica has seen.

mod disable;
pub(in crate::store) mod identities;
pub(in crate::store) mod names;

use std::collections::HashMap;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, Change, ClientId, IssuerName, IssuerSpec, IssuerStatus, MAX_ISSUERS, NewEvent, Origin,
    Scope, Stamp, Target, TrustedIssuer,
};
use crate::store::db::{Row, RowsOf, Tx, select, to_json};
use crate::store::issuers::identities::COUNT_CLIENTS;
use crate::store::issuers::names::{lock_names, refuse_client_ids};
use crate::store::{Result, Store, StoreError};

pub use disable::RevokedPage;

const FIND_ISSUER: &str = "select name, definition from trusted_issuers where name = $1";

/// What came of writing an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerWritten {
    /// It is written.
    Written,
    /// It is not there, or is another by now.
    Changed,
    /// Its name is taken.
    Taken,
    /// So many clients have an identity at it.
    InUse(u64),
}

impl Store {
    /// All issuers by name, without those whose rows are damaged: nobody logs in through these.
    pub async fn list_issuers(&self) -> Result<Vec<TrustedIssuer>> {
        const REST: &str = "from trusted_issuers order by name";
        let of = RowsOf::new("trusted_issuers", "name");
        select(&["name, definition"], REST)
            .fetch_undamaged(&mut self.acquire_read().await?, of, read_issuer)
            .await
    }

    /// The issuer of this name.
    pub async fn find_issuer(&self, name: &IssuerName) -> Result<Option<TrustedIssuer>> {
        self.fetch_optional(FIND_ISSUER, &[name], read_issuer).await
    }

    /// Refuses what a write of the issuer `after` in the place of `before` would refuse. Writes nothing.
    pub async fn check_issuer(
        &self,
        before: Option<&TrustedIssuer>,
        after: &TrustedIssuer,
        by: &Origin,
    ) -> Result<()> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let reserved = find_reserved(&mut tx, &after.name).await?;
        by.actor
            .check_issuer_write(&after.name, before, Some(after), reserved.as_ref())?;
        match before {
            None => refuse_client_ids(&mut tx, &after.anchor).await,
            Some(_) => Ok(()),
        }
    }

    /// Adds an issuer.
    pub async fn insert_issuer(
        &self,
        issuer: &TrustedIssuer,
        stamp: Stamp<'_>,
    ) -> Result<IssuerWritten> {
        const COUNT: &str = "select count(*) from trusted_issuers";
        const INSERT: &str = "
            insert into trusted_issuers (name, anchor, definition)
            values ($1, $2, $3)
            on conflict (name) do nothing";
        let name = &issuer.name;
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let actor = &stamp.by.actor;
        actor.check_issuer_write(name, None, Some(issuer), None)?;
        lock_names(&mut tx).await?;
        refuse_client_ids(&mut tx, &issuer.anchor).await?;
        let count: i64 = tx.fetch_one(COUNT, &[], |row| row.get(0)).await?;
        if usize::try_from(count).is_ok_and(|count| count >= MAX_ISSUERS) {
            return Err(StoreError::Contradiction(format!(
                "there are {MAX_ISSUERS} trusted issuers already, which is the limit"
            )));
        }
        let (anchor, definition) = (issuer.anchor.to_string(), to_json(issuer)?);
        if tx.execute(INSERT, &[name, &anchor, &definition]).await? == 0 {
            return Ok(IssuerWritten::Taken);
        }
        let event = of_issuer(Action::IssuerAdd, name).after(issuer);
        self.commit_changes(tx, stamp, vec![Change::Issuer], vec![event])
            .await?;
        Ok(IssuerWritten::Written)
    }

    /// Makes an issuer that is `before` what it is in `after`. Where its keys are at another place, or it is enabled again, its
    /// bundle may begin anew.
    pub async fn replace_issuer(
        &self,
        before: &TrustedIssuer,
        after: &TrustedIssuer,
        stamp: Stamp<'_>,
    ) -> Result<IssuerWritten> {
        const FORGET: &str = "update trusted_issuers set spiffe_sequence = null where name = $1";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        if !write_definition(&mut tx, before, after, stamp).await? {
            return Ok(IssuerWritten::Changed);
        }
        let action = match (before.status, after.status) {
            (IssuerStatus::Disabled, IssuerStatus::Enabled) => Action::IssuerEnable,
            (IssuerStatus::Enabled, IssuerStatus::Disabled) => Action::IssuerDisable,
            (_, _) => Action::IssuerUpdate,
        };
        if before.keys != after.keys || action == Action::IssuerEnable {
            tx.execute(FORGET, &[&before.name]).await?;
        }
        let event = of_issuer(action, &before.name).difference(before, after);
        self.commit_changes(tx, stamp, vec![Change::Issuer], vec![event])
            .await?;
        Ok(IssuerWritten::Written)
    }

    /// Removes an issuer at which no client has an identity.
    pub async fn delete_issuer(
        &self,
        name: &IssuerName,
        stamp: Stamp<'_>,
    ) -> Result<IssuerWritten> {
        // Touched first, so that nobody adds an identity meanwhile.
        const LOCK: &str = "
            update trusted_issuers
            set definition = definition
            where name = $1
            returning name, definition";
        const DELETE: &str = "delete from trusted_issuers where name = $1";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let read = |row: &Row| Ok(read_issuer(row).ok());
        let Some(before) = tx.fetch_optional(LOCK, &[name], read).await? else {
            return Ok(IssuerWritten::Changed);
        };
        let reserved = find_reserved(&mut tx, name).await?;
        let actor = &stamp.by.actor;
        actor.check_issuer_write(name, before.as_ref(), None, reserved.as_ref())?;
        let count = |row: &Row| row.count(0);
        let used = tx.fetch_one(COUNT_CLIENTS, &[name], count).await?;
        if used > 0 {
            return Ok(IssuerWritten::InUse(used));
        }
        tx.execute(DELETE, &[name]).await?;
        let mut event = of_issuer(Action::IssuerRemove, name);
        if let Some(before) = before {
            event = event.before(before);
        }
        self.commit_changes(tx, stamp, vec![Change::Issuer], vec![event])
            .await?;
        Ok(IssuerWritten::Written)
    }

    /// The sequences of the issuers that have one.
    pub async fn list_spiffe_sequences(&self) -> Result<HashMap<IssuerName, i64>> {
        const SQL: &str = "
            select name, spiffe_sequence
            from trusted_issuers
            where spiffe_sequence is not null";
        let read = |row: &Row| Ok((row.parse("name")?, row.get("spiffe_sequence")?));
        let found = self.fetch_all(SQL, &[], read).await?;
        Ok(found.into_iter().collect())
    }

    /// Raises the sequence of an issuer to one that was seen, unless it is as high; the highest one then. `None`: there is no
    /// such issuer.
    pub async fn raise_spiffe_sequence(&self, name: &IssuerName, seen: i64) -> Result<Option<i64>> {
        const SQL: &str = "
            update trusted_issuers
            set spiffe_sequence = $2
            where name = $1 and (spiffe_sequence is null or spiffe_sequence < $2)";
        // Nearly every fetch brings the bundle of before, which writes nothing.
        let known = self.find_spiffe_sequence(name).await?;
        if known.is_some_and(|known| known >= seen) {
            return Ok(known);
        }
        self.execute(SQL, &[name, &seen]).await?;
        self.find_spiffe_sequence(name).await
    }

    async fn find_spiffe_sequence(&self, name: &IssuerName) -> Result<Option<i64>> {
        const SQL: &str = "select spiffe_sequence from trusted_issuers where name = $1";
        let read = |row: &Row| row.get("spiffe_sequence");
        let found = self.fetch_optional(SQL, &[name], read).await?;
        Ok(found.flatten())
    }
}

/// Makes an issuer that is `before` what it is in `after`, if the actor may; false: it is another by now.
async fn write_definition(
    tx: &mut Tx<'_>,
    before: &TrustedIssuer,
    after: &TrustedIssuer,
    stamp: Stamp<'_>,
) -> Result<bool> {
    const SQL: &str = "
        update trusted_issuers
        set definition = $3
        where name = $1 and definition = $2";
    let name = &before.name;
    let (old, new) = (to_json(before)?, to_json(after)?);
    if tx.execute(SQL, &[name, &old, &new]).await? == 0 {
        return Ok(false);
    }
    let reserved = find_reserved(tx, name).await?;
    let actor = &stamp.by.actor;
    actor.check_issuer_write(name, Some(before), Some(after), reserved.as_ref())?;
    Ok(true)
}

/// A client with a reserved scope that has an identity at an issuer.
async fn find_reserved(tx: &mut Tx<'_>, issuer: &IssuerName) -> Result<Option<ClientId>> {
    const SQL: &str = "
        select i.client_id
        from client_identities i
        join client_scopes s on s.client_id = i.client_id
        where i.issuer = $1 and (substr(s.scope, 1, length($2)) = $2 or s.scope = $3 or s.scope = $4)
        order by i.client_id
        limit 1";
    let (prefix, [one, other]) = Scope::reserved();
    let read = |row: &Row| row.parse("client_id");
    tx.fetch_optional(SQL, &[issuer, &prefix, &one, &other], read)
        .await
}

fn read_issuer(row: &Row) -> Result<TrustedIssuer> {
    let spec: IssuerSpec = row.json("definition")?;
    let issuer = spec.build(UnixTime(0))?;
    if issuer.name.as_str() != row.get::<&str>("name")? {
        return Err(StoreError::Corrupt(
            "the definition of an issuer has another name than its row".to_owned(),
        ));
    }
    Ok(issuer)
}

fn of_issuer(action: Action, name: &IssuerName) -> NewEvent {
    NewEvent::new(action, Target::Issuer(name.clone()))
}
