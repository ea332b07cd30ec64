//! Adding issuers, changing them and removing them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::{Error, Result};
use crate::app::issuers::Issuers;
use crate::domain::{
    ClientId, IssuerName, IssuerSpec, IssuerStatus, Origin, Revocation, TrustedIssuer,
};
use crate::store::{ClientRevoked, IssuerWritten};

/// An issuer in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ListedIssuer {
    /// The settings of the issuer.
    #[serde(flatten)]
    #[schema(value_type = IssuerSpec)]
    pub issuer: TrustedIssuer,
    /// The number of clients with an identity there
    pub clients: u64,
}

/// The result of revoking the tokens of an issuer's clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RevokedAtIssuer {
    /// The number of clients with an identity there, whose tokens are revoked
    pub revoked_clients: u64,
}

impl Issuers {
    /// All issuers, by name.
    pub async fn list(&self) -> Result<Vec<ListedIssuer>> {
        let issuers = self.core.store.list_issuers().await?;
        let mut counts = self.core.store.count_clients_by_issuer().await?;
        let listed = issuers.into_iter().map(|issuer| ListedIssuer {
            clients: counts.remove(&issuer.name).unwrap_or(0),
            issuer,
        });
        Ok(listed.collect())
    }

    /// One of them.
    pub async fn find(&self, name: &IssuerName) -> Result<ListedIssuer> {
        let issuer = self.require(name).await?;
        let clients = self.core.store.count_clients_at_issuer(name).await?;
        Ok(ListedIssuer { issuer, clients })
    }

    /// The first clients that have an identity at an issuer, by id.
    pub async fn list_clients(&self, name: &IssuerName, limit: u32) -> Result<Vec<ClientId>> {
        Ok(self.core.store.list_clients_at_issuer(name, limit).await?)
    }

    /// Trusts another issuer.
    pub async fn add(&self, by: &Origin, spec: IssuerSpec) -> Result<TrustedIssuer> {
        let issuer = without_times(spec).build(self.core.now())?;
        self.insert(by, issuer).await
    }

    pub(super) async fn insert(&self, by: &Origin, issuer: TrustedIssuer) -> Result<TrustedIssuer> {
        self.refuse_this_server(&issuer)?;
        let stamp = self.core.stamp(by);
        let done = self.core.store.insert_issuer(&issuer, stamp).await?;
        self.reread().await;
        match done {
            IssuerWritten::Written => Ok(issuer),
            IssuerWritten::Taken | IssuerWritten::Changed | IssuerWritten::InUse(_) => Err(
                Error::conflict(format!("the issuer `{}` exists already", issuer.name)),
            ),
        }
    }

    /// The issuer of a preset: the one of its name, which has to be the same in what tokens say; else it is added.
    pub async fn ensure(&self, by: &Origin, spec: IssuerSpec) -> Result<(TrustedIssuer, bool)> {
        let found = match &spec.name {
            Some(name) => self.core.store.find_issuer(name).await?,
            None => None,
        };
        let Some(found) = found else {
            return Ok((self.add(by, spec).await?, true));
        };
        let same = IssuerSpec::from(&found);
        if same.issuer == spec.issuer && same.trust_domain == spec.trust_domain {
            return Ok((found, false));
        }
        Err(Error::conflict(format!(
            "the issuer `{}` exists already for {}; give another name with --issuer-name",
            found.name, found.anchor
        )))
    }

    /// Changes the given members of an issuer.
    pub async fn update(
        &self,
        by: &Origin,
        name: &IssuerName,
        spec: IssuerSpec,
    ) -> Result<TrustedIssuer> {
        self.update_seen(by, name, spec, None).await
    }

    /// Changes an issuer, unless it is another by now than that of the version `seen`.
    pub async fn update_seen(
        &self,
        by: &Origin,
        name: &IssuerName,
        spec: IssuerSpec,
        seen: Option<&str>,
    ) -> Result<TrustedIssuer> {
        let before = self.require(name).await?;
        if seen.is_some_and(|seen| seen != before.version()) {
            return Err(changed(name));
        }
        let after = without_times(spec).apply_to(&before)?;
        self.replace(by, &before, after).await
    }

    /// Lets clients log in through an issuer, or no more. Their tokens stay as they are.
    pub async fn set_status(
        &self,
        by: &Origin,
        name: &IssuerName,
        status: IssuerStatus,
    ) -> Result<TrustedIssuer> {
        let before = self.require(name).await?;
        let mut after = before.clone();
        after.status = status;
        self.replace(by, &before, after).await
    }

    /// Lets no client log in through an issuer, and revokes the tokens of every client that has an identity at it, whichever
    /// way it got them. Of an issuer with more than 1,000 clients the others follow in further transactions: after an error
    /// it is to be done again.
    pub async fn disable_and_revoke(
        &self,
        by: &Origin,
        name: &IssuerName,
    ) -> Result<RevokedAtIssuer> {
        let before = self.require(name).await?;
        let (floor, stamp) = self.tokens.stamp_raise(by);
        let after = TrustedIssuer {
            status: IssuerStatus::Disabled,
            updated_at: stamp.at,
            ..before.clone()
        };
        let store = &self.core.store;
        let done = store.disable_issuer(&before, &after, floor, stamp).await?;
        let Some(mut page) = done else {
            self.reread().await;
            return Err(changed(name));
        };
        // First of all, so that nobody waits for the others.
        let mut revoked_clients = self.apply_revocations(page.revocations).await?;
        self.reread().await;
        while let Some(last) = page.after {
            let (floor, stamp) = self.tokens.stamp_raise(by);
            page = store.revoke_at_issuer(name, &last, floor, stamp).await?;
            revoked_clients += self.apply_revocations(page.revocations).await?;
        }
        Ok(RevokedAtIssuer { revoked_clients })
    }

    /// Memory knows all of them before anything else is done; how many there are.
    async fn apply_revocations(&self, revocations: Vec<Revocation>) -> Result<u64> {
        let all = revocations.into_iter();
        let all: Vec<_> = all
            .map(|it| (it.client_id.clone(), ClientRevoked::Revoked(it)))
            .collect();
        for (id, done) in &all {
            self.tokens.revoked(id, done)?;
        }
        for (_, done) in &all {
            self.tokens.drop_needless(done).await;
        }
        Ok(all.len() as u64)
    }

    /// Trusts an issuer no more. As long as a client has an identity at it, it stays.
    pub async fn remove(&self, by: &Origin, name: &IssuerName) -> Result<()> {
        let stamp = self.core.stamp(by);
        let done = self.core.store.delete_issuer(name, stamp).await?;
        self.reread().await;
        match done {
            IssuerWritten::Written => Ok(()),
            IssuerWritten::InUse(clients) => Err(Error::conflict(format!(
                "{clients} client(s) have an identity at the issuer `{name}`: remove these identities first, or \
                    disable the issuer"
            ))),
            IssuerWritten::Changed | IssuerWritten::Taken => Err(unknown(name)),
        }
    }

    pub(super) async fn replace(
        &self,
        by: &Origin,
        before: &TrustedIssuer,
        mut after: TrustedIssuer,
    ) -> Result<TrustedIssuer> {
        self.refuse_this_server(&after)?;
        let stamp = self.core.stamp(by);
        after.updated_at = stamp.at;
        let store = &self.core.store;
        let done = store.replace_issuer(before, &after, stamp).await?;
        self.reread().await;
        match done {
            IssuerWritten::Written => Ok(after),
            IssuerWritten::Changed | IssuerWritten::Taken | IssuerWritten::InUse(_) => {
                Err(changed(&before.name))
            }
        }
    }

    /// A server that trusted itself would take its own access tokens for proofs of identity.
    pub(super) fn refuse_this_server(&self, issuer: &TrustedIssuer) -> Result<()> {
        let own = &self.core.config.token.issuer;
        if issuer.is_this_server(own) {
            return Err(Error::invalid_request(format!(
                "`{}` is this server (ISSUER), which cannot be a trusted issuer",
                issuer.anchor
            )));
        }
        Ok(())
    }

    pub(super) async fn require(&self, name: &IssuerName) -> Result<TrustedIssuer> {
        let found = self.core.store.find_issuer(name).await?;
        found.ok_or_else(|| unknown(name))
    }

    /// What was written counts here at once. What cannot be read now is read before it is used.
    async fn reread(&self) {
        if let Err(error) = self.refresh().await {
            tracing::warn!("cannot read the trusted issuers: {}", error.reason());
        }
    }
}

/// When an issuer was written, no document says.
pub(super) fn without_times(spec: IssuerSpec) -> IssuerSpec {
    IssuerSpec {
        created_at: None,
        updated_at: None,
        ..spec
    }
}

fn changed(name: &IssuerName) -> Error {
    Error::conflict(format!(
        "the issuer `{name}` has changed since; look at it again"
    ))
}

fn unknown(name: &IssuerName) -> Error {
    Error::not_found(format_args!("issuer `{name}`"))
}
