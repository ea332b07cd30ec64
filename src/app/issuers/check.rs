//! Fetches the keys of an issuer now, and says what came or exactly why nothing did.

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::Result;
use crate::app::issuers::{Issuers, LoadedIssuer};
use crate::domain::{IssuerName, PublicKey, TrustAnchor};

/// The result of checking an issuer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IssuerCheck {
    /// The issuer
    #[schema(value_type = String)]
    pub name: IssuerName,
    /// The exact `iss`, or `spiffe://` and the trust domain
    pub anchor: String,
    /// The URL of its keys
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// The URL of its keys, if a document names another one
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The keys that can be used
    pub keys: Vec<CheckedKey>,
    /// Unusable keys, each with the reason
    pub skipped: Vec<String>,
    /// Remarks for the operator
    pub remarks: Vec<String>,
    /// Why no keys were found
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A key of an issuer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CheckedKey {
    /// Its name
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Its kind: `EC P-256`, `OKP Ed25519`, `RSA 2048`
    pub kind: String,
}

impl Issuers {
    /// Checks an issuer. What is wrong with it stands in the result.
    pub async fn check(&self, name: &IssuerName) -> Result<IssuerCheck> {
        let issuer = self.require(name).await?;
        let mut check = IssuerCheck {
            name: name.clone(),
            anchor: issuer.anchor.to_string(),
            asked: issuer.key_url()?.map(|url| url.to_string()),
            jwks_uri: None,
            keys: Vec::new(),
            skipped: Vec::new(),
            remarks: self.remarks(&issuer.anchor, name).await?,
            error: None,
        };
        if issuer.is_this_server(&self.core.config.token.issuer) {
            check.error =
                Some("it is this server (ISSUER), which cannot be a trusted issuer".to_owned());
            return Ok(check);
        }
        let mut sequences = self.core.store.list_spiffe_sequences().await?;
        let loaded = LoadedIssuer::new(issuer, sequences.remove(name));
        match loaded.get(self.timeout(), &self.core.dns).await {
            Ok(keys) => {
                check.jwks_uri = keys.from.as_ref().map(ToString::to_string);
                check.skipped = keys.skipped.iter().map(ToString::to_string).collect();
                let all = keys.set.keys().iter();
                check.keys = all
                    .map(|jwk| CheckedKey {
                        kid: jwk.kid.clone(),
                        kind: kind(&jwk.key),
                    })
                    .collect();
            }
            Err(error) => check.error = Some(format!("{error:#}")),
        }
        Ok(check)
    }

    /// Other issuers of the same name in tokens, by which a login without `client_id` may be ambiguous.
    async fn remarks(&self, anchor: &TrustAnchor, name: &IssuerName) -> Result<Vec<String>> {
        let all = self.core.store.list_issuers().await?;
        let same = all
            .iter()
            .filter(|it| it.anchor == *anchor && it.name != *name);
        let remark = |other: &IssuerName| {
            format!(
                "the issuer `{other}` has the same `iss` or trust domain: the server refuses a token that the keys of \
                    both verify, unless the request has a client_id"
            )
        };
        Ok(same.map(|it| remark(&it.name)).collect())
    }
}

fn kind(key: &PublicKey) -> String {
    match key {
        PublicKey::Ec { curve, .. } => format!("EC {}", curve.as_str()),
        PublicKey::Ed25519(_) => "OKP Ed25519".to_owned(),
        PublicKey::Rsa { n, .. } => format!("RSA {}", n.len() * 8),
    }
}
