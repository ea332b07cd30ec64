//! Owns the rows of `revocations`, and the changes of a client that revoke its tokens.
//!
//! The id of a revocation is that of the change that tells of it, and so ordered as changes are: who has read up to
//! an id has missed nothing.

use serde_json::json;
use sqlx::FromRow;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, Change, ClientCutoff, ClientEffect, ClientId, ClientStatus, ExpectedVersion, NewEvent,
    Revocation, RevocationId, Revoked, Stamp, Target, TokenId,
};
use crate::store::audit::append::AuditLog;
use crate::store::clients::row::{lock_client, read_record};
use crate::store::clients::write::of_client;
use crate::store::replication::changes::tell;
use crate::store::{Store, StoreError, TrustedTime, execute, in_transaction, on_feed};

/// What came of a change that revokes the tokens of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientRevoked {
    /// There is no such client.
    NoClient,
    /// It was as it should be already.
    Unchanged,
    /// It is not of the expected version.
    OtherVersion,
    /// They are revoked.
    Revoked(Revocation),
}

/// A cut-off never moves back, also when it is set under a clock that is behind.
pub(super) const CUT_OFF: &str = "
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
    returning revocation_id, client_id, jti, cutoff, disabled, revoked_at, expires_at";

/// Revokes a client's tokens on an open transaction of either product.
macro_rules! cut_off {
    ($tx:ident, $client_id:expr, $cut:expr, $now:expr) => {{
        use $crate::store::tokens::{CUT_OFF, Row};
        let (cut, now): ($crate::domain::ClientCutoff, $crate::base::clock::UnixTime) =
            ($cut, $now);
        let id = $crate::store::replication::changes::tell!(
            $tx,
            $crate::domain::Change::Revocation,
            now
        );
        let row: Row = sqlx::query_as(CUT_OFF)
            .bind(id)
            .bind($client_id.as_str())
            .bind(cut.cutoff.0)
            .bind(cut.disabled)
            .bind(now.0)
            .bind(cut.expires_at().0)
            .fetch_one(&mut *$tx)
            .await?;
        $crate::domain::Revocation::try_from(row)?
    }};
}
pub(super) use cut_off;

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
        in_transaction!(self, |tx| {
            let id = tell!(tx, Change::Revocation, stamp.at);
            let done = sqlx::query(SQL)
                .bind(id)
                .bind(client_id.as_str())
                .bind(token.to_string())
                .bind(false)
                .bind(stamp.at.0)
                .bind(expires_at.0)
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() == 1 {
                let target = Target::Token(token);
                let event = NewEvent::of_client(Action::TokenRevoke, client_id, target)
                    .after(json!({ "expires_at": expires_at }));
                tx.append(&self.audit_keys, stamp, vec![event]).await?;
            }
        })
    }

    /// Revokes what a client was issued up to `cutoff`.
    pub async fn revoke_client_tokens(
        &self,
        id: &ClientId,
        cutoff: UnixTime,
        stamp: Stamp<'_>,
    ) -> Result<ClientRevoked, StoreError> {
        in_transaction!(self, |tx| {
            let Some(status) = lock_client!(tx, id, ClientEffect::Restricts, stamp) else {
                return Ok(ClientRevoked::NoClient);
            };
            let disabled = status == ClientStatus::Disabled;
            let revocation = cut_off!(tx, id, ClientCutoff { cutoff, disabled }, stamp.at);
            let event =
                of_client(Action::ClientRevokeTokens, id).after(json!({ "issued_until": cutoff }));
            tx.append(&self.audit_keys, stamp, vec![event]).await?;
            ClientRevoked::Revoked(revocation)
        })
    }

    /// Switches a client on or off and touches nothing else of it. Either way what it was issued up to
    /// `cutoff` is revoked, and all that it is ever issued while it is off.
    pub async fn set_client_status(
        &self,
        id: &ClientId,
        status: ClientStatus,
        cutoff: UnixTime,
        stamp: Stamp<'_>,
    ) -> Result<ClientRevoked, StoreError> {
        const SQL: &str = "update clients set status = $2, updated_at = $3 where client_id = $1";
        let (action, disabled, effect) = match status {
            ClientStatus::Enabled => (Action::ClientEnable, false, ClientEffect::Changes),
            ClientStatus::Disabled => (Action::ClientDisable, true, ClientEffect::Restricts),
        };
        in_transaction!(self, |tx| {
            let Some(before) = lock_client!(tx, id, effect, stamp) else {
                return Ok(ClientRevoked::NoClient);
            };
            // Switching on what is on must not revoke; switching off is done again to be sure of it.
            if before == status && !disabled {
                return Ok(ClientRevoked::Unchanged);
            }
            sqlx::query(SQL)
                .bind(id.as_str())
                .bind(status.as_str())
                .bind(stamp.at.0)
                .execute(&mut *tx)
                .await?;
            let revocation = cut_off!(tx, id, ClientCutoff { cutoff, disabled }, stamp.at);
            let event = of_client(action, id)
                .before(json!({ "status": before }))
                .after(json!({ "status": status }));
            tx.append(&self.audit_keys, stamp, vec![event]).await?;
            ClientRevoked::Revoked(revocation)
        })
    }

    /// Removes a client and its secrets, and revokes its tokens.
    pub async fn delete_client(
        &self,
        id: &ClientId,
        cutoff: UnixTime,
        stamp: Stamp<'_>,
    ) -> Result<ClientRevoked, StoreError> {
        let any = ExpectedVersion::Any;
        self.delete_expected_client(id, &any, cutoff, stamp).await
    }

    /// The same for a client of the expected version only.
    pub async fn delete_expected_client(
        &self,
        id: &ClientId,
        expected: &ExpectedVersion,
        cutoff: UnixTime,
        stamp: Stamp<'_>,
    ) -> Result<ClientRevoked, StoreError> {
        const SQL: &str = "delete from clients where client_id = $1";
        let cut = ClientCutoff {
            cutoff,
            disabled: true,
        };
        in_transaction!(self, |tx| {
            if lock_client!(tx, id, ClientEffect::Changes, stamp).is_none() {
                return Ok(ClientRevoked::NoClient);
            }
            let before = read_record!(tx, id);
            if before
                .as_ref()
                .is_some_and(|it| !expected.admits(&it.client))
            {
                return Ok(ClientRevoked::OtherVersion);
            }
            sqlx::query(SQL).bind(id.as_str()).execute(&mut *tx).await?;
            let revocation = cut_off!(tx, id, cut, stamp.at);
            let event = of_client(Action::ClientDelete, id).before(before);
            tx.append(&self.audit_keys, stamp, vec![event]).await?;
            ClientRevoked::Revoked(revocation)
        })
    }

    /// The revocations after this one, in their order.
    pub async fn list_revocations(
        &self,
        after: RevocationId,
        limit: u32,
    ) -> Result<Vec<Revocation>, StoreError> {
        const SQL: &str = "
            select revocation_id, client_id, jti, cutoff, disabled, revoked_at, expires_at
            from revocations
            where revocation_id > $1
            order by revocation_id
            limit $2";
        let rows: Vec<Row> = on_feed!(self, |pool| sqlx::query_as(SQL)
            .bind(after.0)
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(Revocation::try_from).collect()
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
        Ok(execute!(self, SQL, end.time().0, i64::from(limit))?)
    }
}

#[derive(FromRow)]
pub(super) struct Row {
    revocation_id: i64,
    client_id: String,
    jti: Option<String>,
    cutoff: Option<i64>,
    disabled: bool,
    revoked_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for Revocation {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let revoked = match (row.jti, row.cutoff) {
            (Some(jti), None) => Revoked::Token(TokenId::parse(&jti)?),
            (None, Some(cutoff)) => Revoked::Client(ClientCutoff {
                cutoff: UnixTime(cutoff),
                disabled: row.disabled,
            }),
            (None, None) | (Some(_), Some(_)) => {
                let what = "a revocation is of one token or of a client";
                return Err(StoreError::Corrupt(what.to_owned()));
            }
        };
        Ok(Self {
            revocation_id: RevocationId(row.revocation_id),
            client_id: ClientId::parse(&row.client_id)?,
            revoked,
            revoked_at: UnixTime(row.revoked_at),
            expires_at: UnixTime(row.expires_at),
        })
    }
}
