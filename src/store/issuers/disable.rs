//! Owns the disabling of an issuer together with the revocation of its clients' tokens.

use serde_json::json;

use crate::domain::{
    Action, Change, ClientEffect, ClientId, Generation, IssuerName, NewEvent, Revocation, Stamp,
    TrustedIssuer,
};
use crate::store::clients::row::{lock_any_client, of_client};
use crate::store::db::conn::Tx;
use crate::store::db::query::row::Row;
use crate::store::issuers::{of_issuer, write_definition};
use crate::store::tokens::generation::raise_generation;
use crate::store::tokens::revocations::below_generation;
use crate::store::{Store, StoreError};

/// Clients of one transaction: so many that nearly every issuer has fewer, so few that others wait for seconds at most.
const AT_ONCE: usize = 1_000;

/// The clients of an issuer whose tokens one transaction has revoked.
#[derive(Clone, Debug, Default)]
pub struct RevokedPage {
    /// One for each client.
    pub revocations: Vec<Revocation>,
    /// The last client of the page, if more may follow.
    pub after: Option<ClientId>,
}

/// A page with the events of it.
struct Raised {
    page: RevokedPage,
    events: Vec<NewEvent>,
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
    ) -> Result<Option<RevokedPage>, StoreError> {
        let name = &before.name;
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        if !write_definition(&mut tx, before, after, stamp).await? {
            return Ok(None);
        }
        let mut raised = raise_page(&mut tx, name, None, floor, stamp).await?;
        let event = of_issuer(Action::IssuerDisable, name).difference(before, after);
        raised.events.insert(0, event);
        let page = self.commit_page(tx, raised, vec![Change::Issuer], stamp);
        page.await.map(Some)
    }

    /// Revokes all that the clients of an issuer behind a page were issued.
    pub async fn revoke_at_issuer(
        &self,
        name: &IssuerName,
        after: &ClientId,
        floor: Generation,
        stamp: Stamp<'_>,
    ) -> Result<RevokedPage, StoreError> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let raised = raise_page(&mut tx, name, Some(after), floor, stamp).await?;
        self.commit_page(tx, raised, Vec::new(), stamp).await
    }

    async fn commit_page(
        &self,
        tx: Tx<'_>,
        raised: Raised,
        changes: Vec<Change>,
        stamp: Stamp<'_>,
    ) -> Result<RevokedPage, StoreError> {
        let Raised { page, events } = raised;
        let appended = self.commit_revocations(tx, stamp, page.revocations, changes, events);
        Ok(RevokedPage {
            revocations: appended.await?,
            after: page.after,
        })
    }
}

/// Raises the generations of a page of clients, in the order of their ids.
async fn raise_page(
    tx: &mut Tx<'_>,
    name: &IssuerName,
    after: Option<&ClientId>,
    floor: Generation,
    stamp: Stamp<'_>,
) -> Result<Raised, StoreError> {
    const SQL: &str = "
        select distinct client_id
        from client_identities
        where issuer = $1 and client_id > $2
        order by client_id
        limit $3";
    let begin = after.map_or("", ClientId::as_str);
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let read = |row: &Row| row.parse("client_id");
    let ids: Vec<ClientId> = tx.fetch_all(SQL, &[name, &begin, &limit], read).await?;
    let mut revocations = Vec::new();
    let mut events = Vec::new();
    for id in &ids {
        let locked = lock_any_client(tx, id, ClientEffect::Restricts, stamp).await?;
        // Deleted since, which revoked its tokens.
        if locked.is_none() {
            continue;
        }
        let generation = raise_generation(tx, id, floor).await?;
        revocations.push(below_generation(id, generation, stamp.at));
        let event = of_client(Action::ClientRevokeTokens, id);
        events.push(event.after(json!({ "generation": generation })));
    }
    let after = ids.into_iter().nth(AT_ONCE - 1);
    Ok(Raised {
        page: RevokedPage { revocations, after },
        events,
    })
}
