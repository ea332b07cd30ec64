//! Owns the one description of a trusted issuer as documents have it: the bodies of the admin API, what commands print, and
//! the row of the database. The doc comment of a member is its description in the OpenAPI document.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::base::json;
use crate::domain::{
    Audience, FetchRules, FilePath, IssuerAlgorithms, IssuerName, IssuerStatus, IssuerUrl, JwkSet,
    JwksUri, KeySource, MaxLifetime, ParseError, Replay, TrustAnchor, TrustDomain, TrustedIssuer,
    ensure,
};

/// A trusted issuer in a document. An omitted member changes nothing, `null` removes the value.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerSpec {
    /// Its name for operators: 1 to 64 characters of `a-z`, `0-9`, `-`, `_` and `.`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub name: Option<IssuerName>,
    /// `enabled` or `disabled`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub status: Option<IssuerStatus>,
    /// The exact `iss` of its tokens; either this or `trust_domain`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub issuer: Option<IssuerUrl>,
    /// The SPIFFE trust domain of its JWT-SVIDs, without `spiffe://`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub trust_domain: Option<TrustDomain>,
    /// The URL of its discovery document; null: `iss` and `/.well-known/openid-configuration`
    #[serde(default, deserialize_with = "given")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub discovery_url: Option<Option<String>>,
    /// The URL of its JWK set, in place of discovery
    #[serde(default, deserialize_with = "given")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub jwks_uri: Option<Option<String>>,
    /// Its JWK set, in place of a URL; of a trust domain its bundle
    #[serde(default, deserialize_with = "given")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub jwks: Option<Option<Map<String, Value>>>,
    /// The URL of the bundle of its trust domain (profile `https_web`)
    #[serde(default, deserialize_with = "given")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub bundle_endpoint: Option<Option<String>>,
    /// A file with the bundle of its trust domain. Only owners and the command line write it
    #[serde(default, deserialize_with = "given")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub bundle_file: Option<Option<FilePath>>,
    /// Further hosts from which the server may fetch keys, with the port if it is not 443
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub allowed_hosts: Option<Vec<String>>,
    /// Whether the hosts may have addresses that are not public. Only owners and the command line write it
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub private_addresses: Option<bool>,
    /// A PEM file of certificate authorities to trust beside the system's. Only owners and the command line write it
    #[serde(default, deserialize_with = "given")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ca_file: Option<Option<FilePath>>,
    /// A file with a bearer token for the host of the URL above. Only owners and the command line write it
    #[serde(default, deserialize_with = "given")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub bearer_token_file: Option<Option<FilePath>>,
    /// The algorithms that it may sign in; an empty list: all of ES256, ES384, `EdDSA`, Ed25519, RS256, RS384, RS512,
    /// PS256, PS384, PS512
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub algorithms: Option<Vec<String>>,
    /// The audiences of which a token has exactly one; an empty list: `ISSUER`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub audiences: Option<Vec<String>>,
    /// The longest lifetime of its tokens in seconds, counted from `iat`: 60 to 86400
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_lifetime: Option<i64>,
    /// `once`: a token is valid for one login and needs a `jti`; `allow`: until it expires
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub replay: Option<Replay>,
    /// Seconds since 1970, as all times
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, nullable = false)]
    pub created_at: Option<UnixTime>,
    /// Seconds since 1970
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, nullable = false)]
    pub updated_at: Option<UnixTime>,
}

/// A member that is there: null is a value.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl IssuerSpec {
    /// The issuer that is described, added now.
    pub fn build(self, now: UnixTime) -> Result<TrustedIssuer, ParseError> {
        let missing = |what: &str| ParseError::new(format!("an issuer needs {what}"));
        let anchor = match (&self.issuer, &self.trust_domain) {
            (Some(url), None) => TrustAnchor::Url(url.clone()),
            (None, Some(domain)) => TrustAnchor::Domain(domain.clone()),
            _ => return Err(missing("either `issuer` or `trust_domain`")),
        };
        let new = TrustedIssuer {
            name: self.name.clone().ok_or_else(|| missing("a `name`"))?,
            status: self.status.unwrap_or(IssuerStatus::Enabled),
            anchor,
            keys: KeySource::Discovery(None),
            fetch: FetchRules::default(),
            algorithms: IssuerAlgorithms::default(),
            audiences: Vec::new(),
            max_lifetime: MaxLifetime::default(),
            replay: Replay::Once,
            created_at: self.created_at.unwrap_or(now),
            updated_at: self.updated_at.unwrap_or(now),
        };
        self.change(new)?.check()
    }

    /// The issuer with the changes that are described. Its name, its `iss` or trust domain and its status stay.
    pub fn apply_to(self, issuer: &TrustedIssuer) -> Result<TrustedIssuer, ParseError> {
        let kept = |what: &str| {
            ParseError::new(format!(
                "the {what} of an issuer cannot be changed: add another issuer"
            ))
        };
        if self.name.as_ref().is_some_and(|name| *name != issuer.name) {
            return Err(kept("name"));
        }
        let url = self.issuer.clone().map(TrustAnchor::Url);
        let domain = self.trust_domain.clone().map(TrustAnchor::Domain);
        if url.into_iter().chain(domain).any(|it| it != issuer.anchor) {
            return Err(kept("`issuer` or `trust_domain`"));
        }
        ensure!(
            self.status.is_none_or(|status| status == issuer.status),
            "enable and disable change the status of an issuer"
        );
        self.change(issuer.clone())?.check()
    }

    /// A host as it stands in a URL, with a port where it is not 443.
    pub fn parse_host(host: &str) -> Result<String, ParseError> {
        let malformed = || ParseError::new(format!("`{host}` is not a host"));
        if host.contains(['/', '?', '#', '@', '\\', '*']) {
            return Err(malformed());
        }
        let uri = JwksUri::parse(&format!("https://{host}/")).map_err(|_| malformed())?;
        Ok(uri.authority().to_owned())
    }

    fn change(self, mut issuer: TrustedIssuer) -> Result<TrustedIssuer, ParseError> {
        if let Some(keys) = self.keys()? {
            issuer.keys = keys;
        }
        let fetch = &mut issuer.fetch;
        if let Some(hosts) = self.allowed_hosts {
            let hosts = hosts.iter().map(|host| Self::parse_host(host));
            fetch.allowed_hosts = hosts.collect::<Result<_, _>>()?;
        }
        fetch.private_addresses = self.private_addresses.unwrap_or(fetch.private_addresses);
        if let Some(file) = self.ca_file {
            fetch.ca_file = file;
        }
        if let Some(file) = self.bearer_token_file {
            fetch.bearer_token_file = file;
        }
        if let Some(names) = self.algorithms {
            issuer.algorithms = IssuerAlgorithms::parse(&names.join(" "))?;
        }
        if let Some(audiences) = self.audiences {
            let parsed = audiences.iter().map(|it| Audience::parse(it));
            issuer.audiences = parsed.collect::<Result<_, _>>()?;
        }
        if let Some(seconds) = self.max_lifetime {
            issuer.max_lifetime = MaxLifetime::from_seconds(seconds)?;
        }
        issuer.replay = self.replay.unwrap_or(issuer.replay);
        Ok(issuer)
    }

    /// Where the keys are, if the document says so. Only one place may have a value; where none has, discovery is left.
    fn keys(&self) -> Result<Option<KeySource>, ParseError> {
        let url = |name: &str, text: &str| {
            let about =
                |error: ParseError| ParseError::new(error.0.replacen("a jwks_uri", name, 1));
            JwksUri::parse(text).map_err(about)
        };
        let mut sources = Vec::new();
        if let Some(Some(text)) = &self.discovery_url {
            sources.push(KeySource::Discovery(Some(url("a discovery_url", text)?)));
        }
        if let Some(Some(text)) = &self.jwks_uri {
            sources.push(KeySource::JwksUri(url("a jwks_uri", text)?));
        }
        if let Some(Some(set)) = &self.jwks {
            let set = Value::Object(set.clone()).to_string();
            sources.push(KeySource::Inline(JwkSet::parse(&set)?));
        }
        if let Some(Some(text)) = &self.bundle_endpoint {
            sources.push(KeySource::BundleEndpoint(url("a bundle_endpoint", text)?));
        }
        if let Some(Some(path)) = &self.bundle_file {
            sources.push(KeySource::BundleFile(path.clone()));
        }
        ensure!(
            sources.len() <= 1,
            "the keys of an issuer must be in one place: one of discovery_url, jwks_uri, jwks, bundle_endpoint, bundle_file"
        );
        let is_said = self.discovery_url.is_some()
            || self.jwks_uri.is_some()
            || self.jwks.is_some()
            || self.bundle_endpoint.is_some()
            || self.bundle_file.is_some();
        Ok(match sources.pop() {
            Some(source) => Some(source),
            None => is_said.then_some(KeySource::Discovery(None)),
        })
    }
}

impl From<&TrustedIssuer> for IssuerSpec {
    fn from(issuer: &TrustedIssuer) -> Self {
        let mut spec = Self {
            name: Some(issuer.name.clone()),
            status: Some(issuer.status),
            allowed_hosts: Some(issuer.fetch.allowed_hosts.clone()),
            private_addresses: Some(issuer.fetch.private_addresses),
            ca_file: issuer.fetch.ca_file.clone().map(Some),
            bearer_token_file: issuer.fetch.bearer_token_file.clone().map(Some),
            algorithms: Some(words(&issuer.algorithms.to_string())),
            audiences: Some(issuer.audiences.iter().map(ToString::to_string).collect()),
            max_lifetime: Some(issuer.max_lifetime.seconds()),
            replay: Some(issuer.replay),
            created_at: Some(issuer.created_at),
            updated_at: Some(issuer.updated_at),
            ..Self::default()
        };
        match &issuer.anchor {
            TrustAnchor::Url(url) => spec.issuer = Some(url.clone()),
            TrustAnchor::Domain(domain) => spec.trust_domain = Some(domain.clone()),
        }
        match &issuer.keys {
            KeySource::Discovery(uri) => {
                spec.discovery_url = uri.as_ref().map(|it| Some(it.to_string()));
            }
            KeySource::JwksUri(uri) => spec.jwks_uri = Some(Some(uri.to_string())),
            KeySource::Inline(set) => spec.jwks = json::from_str(set.as_str()).ok().map(Some),
            KeySource::BundleEndpoint(uri) => spec.bundle_endpoint = Some(Some(uri.to_string())),
            KeySource::BundleFile(path) => spec.bundle_file = Some(Some(path.clone())),
        }
        spec
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
