//! Owns the disabling of an issuer together with the revocation of its clients' tokens.

use serde_json::json;

use crate::domain::{
    Action, Change, ClientEffect, ClientId, Generation, IssuerName, NewEvent, Revocation, Stamp,
    TrustedIssuer,
};
use crate::store::clients::row::{lock_any_client, of_client};
use crate::store::db::{Row, Tx};
use crate::store::issuers::{of_issuer, write_definition};
use crate::store::tokens::generation::raise_generation;
use crate::store::tokens::revocations::below_generation;
use crate::store::{Result, Store};

/// Clients of one transaction: so many that nearly every issuer has fewer, so few that others wait for seconds at most.
const AT_ONCE: u32 = 1_000;

/// The clients of an issuer whose tokens one transaction has revoked.
#[derive(Clone, Debug, Default)]
pub struct RevokedPage {
    /// One for each client.
    pub revocations: Vec<Revocation>,
    /// The last client of the page, if more may follow.
    pub after: Option<ClientId>,
}

impl Store {
    /// Makes an issuer that is `before` the disabled one in `after`, and revokes all that its clients were issued, by
    /// generations that are not below `floor`: in one transaction, but for the clients after the first page. `None`: the
    /// issuer is another by now.
    pub async fn disable_issuer(
        &self,
        before: &TrustedIssuer,
        after: &TrustedIssuer,
        floor: Generation,
        stamp: Stamp<'_>,
    ) -> Result<Option<RevokedPage>> {
        let name = &before.name;
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        if !write_definition(&mut tx, before, after, stamp).await? {
            return Ok(None);
        }
        let event = of_issuer(Action::IssuerDisable, name).difference(before, after);
        let page = self.revoke_page(tx, Some(event), name, None, floor, stamp);
        page.await.map(Some)
    }

    /// Revokes all that the clients of an issuer behind a page were issued.
    pub async fn revoke_at_issuer(
        &self,
        name: &IssuerName,
        after: &ClientId,
        floor: Generation,
        stamp: Stamp<'_>,
    ) -> Result<RevokedPage> {
        let mut conn = self.acquire().await?;
        let tx = conn.begin().await?;
        self.revoke_page(tx, None, name, Some(after), floor, stamp)
            .await
    }

    /// Raises the generations of a page of clients, in the order of their ids, and ends the transaction, which may have
    /// `disabled` their issuer.
    async fn revoke_page(
        &self,
        mut tx: Tx<'_>,
        disabled: Option<NewEvent>,
        name: &IssuerName,
        after: Option<&ClientId>,
        floor: Generation,
        stamp: Stamp<'_>,
    ) -> Result<RevokedPage> {
        const SQL: &str = "
            select distinct client_id
            from client_identities
            where issuer = $1 and client_id > $2
            order by client_id
            limit $3";
        let begin = after.map_or("", ClientId::as_str);
        let read = |row: &Row| row.parse("client_id");
        let ids: Vec<ClientId> = tx.fetch_all(SQL, &[name, &begin, &AT_ONCE], read).await?;
        let changes = disabled.iter().map(|_| Change::Issuer).collect();
        let mut events = Vec::from_iter(disabled);
        let mut revocations = Vec::new();
        for id in &ids {
            let locked = lock_any_client(&mut tx, id, ClientEffect::Restricts, stamp).await?;
            // Deleted since, which revoked its tokens.
            if locked.is_none() {
                continue;
            }
            let generation = raise_generation(&mut tx, id, floor).await?;
            revocations.push(below_generation(id, generation, stamp.at));
            let event = of_client(Action::ClientRevokeTokens, id);
            events.push(event.after(json!({ "generation": generation })));
        }
        let appended = self.commit_revocations(tx, stamp, revocations, changes, events);
        Ok(RevokedPage {
            revocations: appended.await?,
            after: ids.into_iter().nth(AT_ONCE as usize - 1),
        })
    }
}
