//! Owns that no client is named like an issuer, or like a workload of a trust domain, whichever is written second.

use crate::domain::{Client, ClientId, TrustAnchor};
use crate::store::db::{Row, Tx};
use crate::store::issuers::read_issuer;
use crate::store::{Result, StoreError};

/// Refuses a client whose id is that of a trusted issuer, or of a workload in a trust domain.
pub(in crate::store) async fn refuse_issuer_names(tx: &mut Tx<'_>, client: &Client) -> Result<()> {
    const SQL: &str = "
        select name, definition
        from trusted_issuers
        where anchor = $1 or anchor = $2";
    let id = &client.client_id;
    // No other id can be one.
    if !id.as_str().contains("://") {
        return Ok(());
    }
    lock_names(tx).await?;
    let domain = domain_of(id.as_str());
    let issuers = tx.fetch_all(SQL, &[id, &domain], read_issuer).await?;
    match issuers.iter().find(|it| it.anchor.claims_client_id(id)) {
        Some(issuer) => Err(StoreError::Contradiction(issuer.refusal_of(id))),
        None => Ok(()),
    }
}

/// `spiffe://` and the trust domain of what begins as a SPIFFE ID.
fn domain_of(text: &str) -> String {
    let rest = text.strip_prefix("spiffe://").unwrap_or_default();
    let domain = rest.split('/').next().unwrap_or_default();
    format!("spiffe://{domain}")
}

/// Refuses an issuer for which a client that is there would be taken.
pub(super) async fn refuse_client_ids(tx: &mut Tx<'_>, anchor: &TrustAnchor) -> Result<()> {
    const SQL: &str = "
        select client_id
        from clients
        where client_id = $1 or (client_id >= $2 and client_id < $3)
        order by client_id
        limit 1";
    // Behind the slash of a trust domain come all its workloads; behind an `iss` comes nothing.
    let text = anchor.to_string();
    let (first, end) = match anchor {
        TrustAnchor::Domain(_) => (format!("{text}/"), format!("{text}0")),
        TrustAnchor::Url(_) => (text.clone(), text.clone()),
    };
    let read = |row: &Row| row.parse("client_id");
    let found: Option<ClientId> = tx.fetch_optional(SQL, &[&text, &first, &end], read).await?;
    match found {
        Some(id) => Err(StoreError::Contradiction(format!(
            "a client is called `{id}`, so tokens of `{text}` could be taken for its own"
        ))),
        None => Ok(()),
    }
}

/// Has those who write issuers, and clients that might be named like one, wait for one another.
pub(super) async fn lock_names(tx: &mut Tx<'_>) -> Result<()> {
    const SQL: &str = "update installation set only_row = only_row";
    tx.execute(SQL, &[]).await.map(drop)
}
