//! Owns the rows of `revocations`, those among them that the database had and lost.
//!
//! The id of a revocation is that of the change that tells of it, and so ordered as changes are: who has read up to
//! an id has missed nothing.

use std::borrow::Cow;

use serde_json::json;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, ClientId, Generation, NewEvent, Revocation, RevocationId, Revoked, RevokedToken, Stamp,
    Target, TokenId,
};
use crate::store::db::{Row, RowsOf, TableRow, ToValue, Tx, Value, select};
use crate::store::tokens::queue::{RevocationTrail, TokenRevocation};
use crate::store::{Result, Store, TrustedTime};

impl TableRow for Revocation {
    const TABLE: &'static str = "revocations";

    const COLUMNS: &'static str =
        "revocation_id, client_id, jti, generation, revoked_at, expires_at";

    /// The row of a client comes last again, and never says less than it did.
    const ON_CONFLICT: &'static str = "
        on conflict (client_id) where jti is null do update
        set revocation_id = excluded.revocation_id,
            generation = case when revocations.generation > excluded.generation
                then revocations.generation else excluded.generation end,
            revoked_at = excluded.revoked_at,
            expires_at = case when revocations.expires_at > excluded.expires_at
                then revocations.expires_at else excluded.expires_at end";

    fn values(&self) -> Vec<Value<'_>> {
        let (jti, generation) = match self.revoked {
            Revoked::Client(generation) => (None, generation),
            Revoked::Token(token) => (Some(token.jti.to_string()), token.generation),
        };
        vec![
            self.revocation_id.0.to_value(),
            self.client_id.to_value(),
            Value::Text(jti.map(Cow::Owned)),
            Value::Number(Some(generation.number())),
            self.revoked_at.to_value(),
            self.expires_at.to_value(),
        ]
    }
}

/// The revocation of all tokens of a client below its generation. It gets its id when it is appended.
pub(in crate::store) fn below_generation(
    id: &ClientId,
    generation: Generation,
    now: UnixTime,
) -> Revocation {
    Revocation {
        revocation_id: RevocationId::default(),
        client_id: id.clone(),
        revoked: Revoked::Client(generation),
        revoked_at: now,
        expires_at: generation.last_expiry(now),
    }
}

/// The generation below which replicas know all tokens of a client to be revoked.
pub(in crate::store) async fn find_generation(
    tx: &mut Tx<'_>,
    id: &ClientId,
) -> Result<Option<Generation>> {
    const SQL: &str = "select generation from revocations where client_id = $1 and jti is null";
    tx.fetch_optional(SQL, &[id], |row| row.generation(0)).await
}

impl Store {
    /// The revocations after this one, in their order. A damaged one is an error: without it a token that was revoked would
    /// count again.
    pub async fn list_revocations(
        &self,
        after: RevocationId,
        limit: u32,
    ) -> Result<Vec<Revocation>> {
        const ORDER: &str =
            "from revocations where revocation_id > $1 order by revocation_id limit $2";
        let of = RowsOf::new("revocations", "revocation_id");
        select(&[Revocation::COLUMNS], ORDER)
            .bind(&[&after.0, &limit])
            .fetch_readable(&mut self.acquire_feed().await?, of, read_revocation)
            .await?
            .into_all()
    }

    /// Removes the revocations of single tokens of a client that are needless below its generation; how many, `limit` at
    /// most, so that no statement runs for long.
    pub async fn delete_needless_revocations(
        &self,
        id: &ClientId,
        generation: Generation,
        limit: u32,
    ) -> Result<u64> {
        const SQL: &str = "
            delete from revocations
            where revocation_id in (
                select revocation_id
                from revocations
                where client_id = $1 and jti is not null and generation < $2
                limit $3)";
        self.execute(SQL, &[id, &generation, &limit]).await
    }

    /// Removes revocations whose tokens had all expired at `end`; how many, `limit` at most, so that no
    /// statement runs for long.
    pub async fn delete_revocations(&self, end: TrustedTime, limit: u32) -> Result<u64> {
        const SQL: &str = "
            delete from revocations
            where revocation_id in (
                select revocation_id
                from revocations
                where expires_at <= $1
                order by expires_at
                limit $2)";
        self.execute(SQL, &[&end.time(), &limit]).await
    }

    /// Raises the generation below which every token is revoked.
    pub async fn raise_floor(&self, floor: Generation) -> Result<()> {
        const SQL: &str = "update installation set generation = $1 where generation < $1";
        if floor > Generation::default() {
            self.execute(SQL, &[&floor]).await?;
        }
        Ok(())
    }

    /// Raises the generations of clients, which may not exist any more, where they are lower; how many were.
    pub async fn write_back_generations(
        &self,
        lost: &[(ClientId, Generation)],
        stamp: Stamp<'_>,
    ) -> Result<u64> {
        const RAISE: &str =
            "update clients set generation = $2 where client_id = $1 and generation < $2";
        const KNOWN: &str = "
            select client_id
            from revocations
            where client_id = $1 and jti is null and generation >= $2";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        for (id, generation) in lost {
            tx.execute(RAISE, &[id, generation]).await?;
        }
        let mut revocations = Vec::new();
        for (id, generation) in lost {
            let known = tx
                .fetch_optional(KNOWN, &[id, generation], |_| Ok(()))
                .await?;
            if known.is_none() {
                revocations.push(below_generation(id, *generation, stamp.at));
            }
        }
        let written = revocations.len() as u64;
        if written > 0 {
            let events = vec![written_back(0, written)];
            self.commit_revocations(tx, stamp, revocations, Vec::new(), events)
                .await?;
        }
        Ok(written)
    }

    /// Revokes tokens that are not revoked; how many were not.
    pub async fn write_back_tokens(
        &self,
        lost: &[(ClientId, RevokedToken)],
        stamp: Stamp<'_>,
    ) -> Result<u64> {
        let revocations = lost.iter().map(|(client_id, token)| {
            TokenRevocation::new(*token, client_id, RevocationTrail::Count, stamp)
        });
        let revocations: Vec<_> = revocations.collect();
        let revocations: Vec<_> = revocations.iter().collect();
        let written = self.write_revocations(&revocations).await?.len() as u64;
        if written > 0 {
            self.insert_audit_event(written_back(written, 0), stamp)
                .await?;
        }
        Ok(written)
    }
}

fn read_revocation(row: &Row) -> Result<Revocation> {
    let generation = row.generation("generation")?;
    let expires_at = row.time("expires_at")?;
    let jti: Option<&str> = row.get("jti")?;
    let revoked = match jti {
        None => Revoked::Client(generation),
        Some(jti) => Revoked::Token(RevokedToken {
            jti: TokenId::parse(jti)?,
            generation,
            expires_at,
        }),
    };
    Ok(Revocation {
        revocation_id: RevocationId(row.get("revocation_id")?),
        client_id: row.parse("client_id")?,
        revoked,
        revoked_at: row.time("revoked_at")?,
        expires_at,
    })
}

fn written_back(tokens: u64, clients: u64) -> NewEvent {
    NewEvent::new(Action::RevocationsWriteBack, Target::Installation)
        .after(json!({ "tokens": tokens, "clients": clients }))
}
