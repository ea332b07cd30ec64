//! Issuing tokens. One path, and one place that counts what comes of it; `explain` takes the path without counting.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::app::tokens::exchange::Exchange;
use crate::app::tokens::request::{GrantRequest, TokenRequest};
use crate::app::tokens::sender_constraint::{SenderProofs, check_bound};
use crate::domain::{Audience, Audiences, Client, ErrorCode, Generation, Scope};
use crate::jwt::{AccessToken, Confirmation, Grant, IssuedToken};

/// The scopes of `OpenID` Connect Core §5.4 and §11, which some libraries ask for by themselves.
const OIDC_SCOPES: [&str; 6] = [
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "offline_access",
];

/// On what grounds a client gets a token.
pub(in crate::app::tokens) enum Grounds {
    Own(TokenRequest),
    Exchange(Box<Exchange>),
}

impl Tokens {
    /// Issues a token to an authenticated client, bound to what it proves: to its certificate when it is registered so,
    /// and to the key of a `DPoP` proof when it sends one. The client asks from `source`.
    pub async fn issue<'a>(
        &self,
        client: &'a Client,
        request: GrantRequest,
        proofs: &SenderProofs,
        source: IpAddr,
    ) -> Result<AccessToken<'a>> {
        let issued = match request {
            GrantRequest::ClientCredentials(request) => {
                self.issue_own(client, request, proofs, source).await
            }
            GrantRequest::TokenExchange(request) => {
                Box::pin(self.exchange(client, &request, proofs, source)).await
            }
        };
        self.count(client, &issued);
        issued
    }

    async fn issue_own<'a>(
        &self,
        client: &'a Client,
        request: TokenRequest,
        proofs: &SenderProofs,
        source: IpAddr,
    ) -> Result<AccessToken<'a>> {
        let cnf = self.confirm(client, proofs).await?;
        self.issue_uncounted(client, Grounds::Own(request), cnf, Some(source))
            .await
    }

    /// The dry run: a token like any other, which counts nowhere.
    pub(in crate::app::tokens) async fn issue_uncounted<'a>(
        &self,
        client: &'a Client,
        grounds: Grounds,
        cnf: Option<Confirmation>,
        source: Option<IpAddr>,
    ) -> Result<AccessToken<'a>> {
        let generation = self.choose_generation(client)?;
        check_bound(client, cnf)?;
        self.check_quota(client)?;
        let (scope, audience, delegation) = match grounds {
            Grounds::Own(request) => (
                self.grant_scope(client, request.scope)?,
                self.grant_audience(client, request.audiences)?,
                None,
            ),
            Grounds::Exchange(it) => (Cow::Owned(it.scope), it.target.into(), Some(it.delegation)),
        };
        let grant = Grant {
            client,
            generation,
            scope,
            audience,
            ttl: client.token_ttl.unwrap_or(self.core.config.token.ttl),
            typ: client.token_typ.unwrap_or(self.core.config.token.typ),
            cnf,
            delegation,
        };
        let IssuedToken { signing, details } = self.keys.current().issue(grant, self.core.now())?;
        let jwt = self.keys.finish(signing, source).await?;
        Ok(details.with_jwt(jwt))
    }

    /// The generation of the client's next token. The client's own one may be too low, since the database lost a higher one
    /// and has not taken it back yet: then the record is what the database says now.
    fn choose_generation(&self, client: &Client) -> Result<Generation> {
        let id = &client.client_id;
        let own = client.generation.max(self.revocations.floor());
        let Some(required) = self.revocations.find_generation(id) else {
            return Ok(own);
        };
        if required <= own {
            return Ok(own);
        }
        match self.cache.get_cached(id) {
            Some((record, true)) if record.client.generation == client.generation => Ok(required),
            // Its tokens were revoked after it logged in. One under the generation of before would be refused.
            Some(_) | None => Err(Error::temporarily_unavailable(
                "the client's tokens are being revoked; try again",
            )),
        }
    }

    fn count(&self, client: &Client, issued: &Result<AccessToken<'_>>) {
        self.usage.count_token_request(&client.client_id, issued);
        match issued {
            Ok(_) => {
                self.issued.inc();
                self.count_against_quota(client);
            }
            Err(error) if error.code == ErrorCode::RateLimited => self.quotas.refused.inc(),
            Err(_) => {}
        }
    }

    fn grant_scope<'a>(&self, client: &'a Client, asked: Option<Scope>) -> Result<Cow<'a, Scope>> {
        let own = &client.scopes;
        let unasked = || {
            if client.explicit_scopes_only {
                Cow::Owned(Scope::default())
            } else {
                Cow::Borrowed(own)
            }
        };
        let Some(mut scope) = asked else {
            return Ok(unasked());
        };
        if self.core.config.token.ignore_oidc_scopes && !scope.is_subset_of(own) {
            // One that the client has is a scope as any other.
            let is_own = |token: &str| own.tokens().any(|it| it == token);
            scope = scope.filter(|token| !OIDC_SCOPES.contains(&token) || is_own(token));
        }
        if scope.is_empty() {
            return Ok(unasked());
        }
        match scope.first_not_in(own).map(refuse_scope) {
            None => Ok(Cow::Owned(scope)),
            Some(refusal) => Err(refusal),
        }
    }

    fn grant_audience(&self, client: &Client, asked: Vec<Audience>) -> Result<Audiences> {
        let default = client
            .audiences
            .first()
            .unwrap_or(&self.core.config.token.audience);
        let is_theirs = |audience: &Audience| {
            client.audiences.contains(audience)
                || (client.audiences.is_empty() && audience == default)
        };
        if let Some(foreign) = asked.iter().find(|audience| !is_theirs(audience)) {
            return Err(Error::invalid_target(format!(
                "the audience `{foreign}` is not one of this client's"
            )));
        }
        let granted = Audiences::from_list(asked).unwrap_or_else(|| default.clone().into());
        if granted.to_text().len() > Audiences::MAX_LENGTH {
            return Err(Error::invalid_target(format!(
                "the audiences of a token can have at most {} characters together",
                Audiences::MAX_LENGTH
            )));
        }
        Ok(granted)
    }
}

fn refuse_scope(missing: &str) -> Error {
    let advice = if OIDC_SCOPES.contains(&missing) {
        "; with IGNORE_OIDC_SCOPES=true the server ignores the scopes of OpenID Connect"
    } else {
        ""
    };
    Error::invalid_scope(format!(
        "the scope `{missing}` is not one of this client's{advice}"
    ))
}
