//! Owns the rows of `revocations`.
//!
//! The id of a revocation is that of the change that tells of it, and so ordered as changes are: who has read up to
//! an id has missed nothing.

use std::borrow::Cow;

use crate::base::clock::UnixTime;
use crate::domain::{
    ClientId, Generation, Revocation, RevocationId, Revoked, RevokedToken, Stamp, TokenId,
};
use crate::store::db::conn::Tx;
use crate::store::db::damage::{RowsOf, in_row};
use crate::store::db::query::row::Row;
use crate::store::db::query::table_row::TableRow;
use crate::store::db::query::{ToValue, Value, select};
use crate::store::tokens::queue::{RevocationTrail, TokenRevocation};
use crate::store::{Store, StoreError, TrustedTime};

const REVOCATIONS: RowsOf = RowsOf {
    table: "revocations",
    key: "revocation_id",
};

impl TableRow<6> for Revocation {
    const TABLE: &'static str = "revocations";

    const COLUMNS: [&'static str; 6] = [
        "revocation_id",
        "client_id",
        "jti",
        "generation",
        "revoked_at",
        "expires_at",
    ];

    /// The row of a client comes last again, and never says less than it did.
    const ON_CONFLICT: &'static str = "
        on conflict (client_id) where jti is null do update
        set revocation_id = excluded.revocation_id,
            generation = case when revocations.generation > excluded.generation
                then revocations.generation else excluded.generation end,
            revoked_at = excluded.revoked_at,
            expires_at = case when revocations.expires_at > excluded.expires_at
                then revocations.expires_at else excluded.expires_at end";

    fn values(&self) -> [Value<'_>; 6] {
        let (jti, generation) = match self.revoked {
            Revoked::Client(generation) => (None, generation),
            Revoked::Token(token) => (Some(token.jti.to_string()), token.generation),
        };
        [
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
) -> Result<Option<Generation>, StoreError> {
    const SQL: &str = "select generation from revocations where client_id = $1 and jti is null";
    tx.fetch_optional(SQL, &[id], |row| row.generation(0)).await
}

impl Store {
    /// Revokes one token; false if it is revoked already.
    pub async fn revoke_token(
        &self,
        token: RevokedToken,
        client_id: &ClientId,
        trail: RevocationTrail,
        stamp: Stamp<'_>,
    ) -> Result<bool, StoreError> {
        self.queue_revocation(TokenRevocation::new(token, client_id, trail, stamp))
            .await
    }

    /// The revocations after this one, in their order. A damaged one is an error: without it a token that was revoked would
    /// count again.
    pub async fn list_revocations(
        &self,
        after: RevocationId,
        limit: u32,
    ) -> Result<Vec<Revocation>, StoreError> {
        const ORDER: &str =
            "from revocations where revocation_id > $1 order by revocation_id limit $2";
        select(&Revocation::COLUMNS, ORDER)
            .bind(&[&after.0, &limit])
            .fetch_all(&mut self.acquire_feed().await?, |row| {
                read_revocation(row).map_err(|why| in_row(row, REVOCATIONS, &why))
            })
            .await
    }

    /// Removes the revocations of single tokens of a client that are needless below its generation; how many, `limit` at
    /// most, so that no statement runs for long.
    pub async fn delete_needless_revocations(
        &self,
        id: &ClientId,
        generation: Generation,
        limit: u32,
    ) -> Result<u64, StoreError> {
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
    pub async fn delete_revocations(
        &self,
        end: TrustedTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
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
}

fn read_revocation(row: &Row) -> Result<Revocation, StoreError> {
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
