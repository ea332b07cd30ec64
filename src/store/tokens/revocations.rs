//! Owns the rows of `revocations`.
//!
//! The id of a revocation is that of the change that tells of it, and so ordered as changes are: who has read up to
//! an id has missed nothing.

use std::collections::HashSet;

use serde_json::json;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, Change, ClientCutoff, ClientId, NewEvent, Revocation, RevocationId, Revoked, Stamp,
    Target, TokenId,
};
use crate::store::db::conn::Tx;
use crate::store::db::query::{query, select};
use crate::store::db::row::Row;
use crate::store::replication::changes::append_change;
use crate::store::{Store, StoreError, TrustedTime};

/// The columns that [`read_revocation`] reads.
const COLUMNS: &str = "revocation_id, client_id, jti, cutoff, disabled, revoked_at, expires_at";

/// Revokes what a client was issued, as the cut-off says. The cut-off never moves back, also when it is set under a clock
/// that is behind.
pub(in crate::store) async fn insert_cutoff(
    tx: &mut Tx<'_>,
    id: &ClientId,
    cut: ClientCutoff,
    now: UnixTime,
) -> Result<Revocation, StoreError> {
    const SQL: &str = "
        insert into revocations (revocation_id, client_id, cutoff, disabled, revoked_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (client_id) where jti is null do update
        set revocation_id = excluded.revocation_id,
            cutoff = case when revocations.cutoff > excluded.cutoff then revocations.cutoff
                else excluded.cutoff end,
            disabled = excluded.disabled,
            revoked_at = excluded.revoked_at,
            expires_at = case when revocations.expires_at > excluded.expires_at
                then revocations.expires_at else excluded.expires_at end
        returning ";
    let expires_at = cut.expires_at();
    let change_id = append_change(tx, Change::Revocation, now).await?;
    let mut query = query(SQL);
    query.push(COLUMNS);
    let query = query.bind(&[
        &change_id,
        id,
        &cut.cutoff,
        &cut.disabled,
        &now,
        &expires_at,
    ]);
    query.fetch_one(tx, read_revocation).await
}

/// The clients, deleted ones among them, whose tokens are revoked whenever they were or will be issued.
pub(in crate::store) async fn list_disabled(
    tx: &mut Tx<'_>,
) -> Result<HashSet<String>, StoreError> {
    const SQL: &str = "select client_id from revocations where disabled";
    let ids = tx.fetch_all(SQL, &[], |row| row.get(0)).await?;
    Ok(ids.into_iter().collect())
}

impl Store {
    /// Revokes one token, which may be revoked already.
    pub async fn revoke_token(
        &self,
        token: TokenId,
        client_id: &ClientId,
        expires_at: UnixTime,
        stamp: Stamp<'_>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into revocations (revocation_id, client_id, jti, disabled, revoked_at, expires_at)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (jti) do nothing";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let id = append_change(&mut tx, Change::Revocation, stamp.at).await?;
        let done = tx
            .execute(
                SQL,
                &[
                    &id,
                    client_id,
                    &token.to_string(),
                    &false,
                    &stamp.at,
                    &expires_at,
                ],
            )
            .await?;
        if done == 1 {
            let target = Target::Token(token);
            let event = NewEvent::of_client(Action::TokenRevoke, client_id, target)
                .after(json!({ "expires_at": expires_at }));
            self.append_events(&mut tx, stamp, vec![event]).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The revocations after this one, in their order.
    pub async fn list_revocations(
        &self,
        after: RevocationId,
        limit: u32,
    ) -> Result<Vec<Revocation>, StoreError> {
        const ORDER: &str =
            "from revocations where revocation_id > $1 order by revocation_id limit $2";
        select(&[COLUMNS], ORDER)
            .bind(&[&after.0, &limit])
            .fetch_all(&mut self.acquire_feed().await?, read_revocation)
            .await
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
    let jti: Option<&str> = row.get("jti")?;
    let revoked = match (jti, row.optional_time("cutoff")?) {
        (Some(jti), None) => Revoked::Token(TokenId::parse(jti)?),
        (None, Some(cutoff)) => Revoked::Client(ClientCutoff {
            cutoff,
            disabled: row.get("disabled")?,
        }),
        (None, None) | (Some(_), Some(_)) => {
            let what = "a revocation is of one token or of a client";
            return Err(StoreError::Corrupt(what.to_owned()));
        }
    };
    Ok(Revocation {
        revocation_id: RevocationId(row.get("revocation_id")?),
        client_id: row.parse("client_id")?,
        revoked,
        revoked_at: row.time("revoked_at")?,
        expires_at: row.time("expires_at")?,
    })
}
