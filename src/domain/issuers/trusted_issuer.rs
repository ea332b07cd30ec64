//! Owns what a trusted issuer is: whose tokens clients may log in with, and where its keys are. Knows nothing of how keys are
//! fetched and tokens are judged.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Serialize, Serializer};

use crate::base::clock::UnixTime;
use crate::domain::{
    Audience, ClientId, FilePath, Issuer, IssuerAlgorithms, IssuerName, IssuerSpec, IssuerStatus,
    JwkSet, JwksUri, MaxLifetime, ParseError, Replay, SpiffeBundle, TrustAnchor,
};

/// The most trusted issuers: all of them are in the memory of every replica.
pub const MAX_ISSUERS: usize = 500;

/// The most hosts that are allowed beside that of the configured URL, and the most audiences.
const MAX_LIST: usize = 10;

/// Where the keys of an issuer come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// From the `jwks_uri` of a discovery document; `None`: the document at its usual place behind the `iss`.
    Discovery(Option<JwksUri>),
    /// From a JWK set at a URL.
    JwksUri(JwksUri),
    /// They are written down here. Of a trust domain: a SPIFFE bundle.
    Inline(JwkSet),
    /// From a SPIFFE bundle endpoint of the profile `https_web`.
    BundleEndpoint(JwksUri),
    /// From a SPIFFE bundle in a file.
    BundleFile(FilePath),
}

/// How keys are fetched over https.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchRules {
    /// Hosts beside that of the configured URL, with a port where it is not 443.
    pub allowed_hosts: Vec<String>,
    /// Whether the hosts may have addresses that are not public.
    pub private_addresses: bool,
    /// Authorities beside the system's, PEM.
    pub ca_file: Option<FilePath>,
    /// A bearer token for the host of the configured URL, never for a host that a document names.
    pub bearer_token_file: Option<FilePath>,
}

/// An issuer whose tokens prove who a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedIssuer {
    /// What operators call it.
    pub name: IssuerName,
    /// Whether clients may log in through it.
    pub status: IssuerStatus,
    /// Whose tokens it signs.
    pub anchor: TrustAnchor,
    /// Where its keys are.
    pub keys: KeySource,
    /// How they are fetched.
    pub fetch: FetchRules,
    /// In which algorithms it may sign.
    pub algorithms: IssuerAlgorithms,
    /// The one `aud` of a token is one of these. Empty: it is `ISSUER`.
    pub audiences: Vec<Audience>,
    /// The longest lifetime of its tokens, counted from `iat`.
    pub max_lifetime: MaxLifetime,
    /// Whether a token may be presented again.
    pub replay: Replay,
    /// When it was added.
    pub created_at: UnixTime,
    /// When it was last changed.
    pub updated_at: UnixTime,
}

impl TrustedIssuer {
    /// Why no client may be called `id`, when the issuer's tokens would be taken for it.
    pub fn refusal_of(&self, id: &ClientId) -> String {
        let Self { name, anchor, .. } = self;
        format!(
            "a client cannot be called `{id}`: the trusted issuer `{name}` signs tokens of {anchor}"
        )
    }

    /// Refuses what contradicts itself. Every issuer that is read or built goes through here.
    pub(super) fn check(self) -> Result<Self, ParseError> {
        let refuse = |why: &str| Err(ParseError::new(why));
        match (&self.anchor, &self.keys) {
            (TrustAnchor::Url(_), KeySource::BundleEndpoint(_) | KeySource::BundleFile(_)) => {
                return refuse("bundle_endpoint and bundle_file need a trust_domain");
            }
            (TrustAnchor::Domain(_), KeySource::Discovery(_) | KeySource::JwksUri(_)) => {
                return refuse(
                    "the keys of a trust_domain are in a bundle: set bundle_endpoint, bundle_file or jwks",
                );
            }
            (TrustAnchor::Domain(_), KeySource::Inline(set)) => {
                SpiffeBundle::parse(set.as_str())?;
            }
            _ => {}
        }
        if self.key_url()?.is_none() && self.fetch != FetchRules::default() {
            return refuse(
                "the server fetches nothing for this issuer, so allowed_hosts, private_addresses, ca_file and \
                    bearer_token_file have no effect: leave them out",
            );
        }
        if self.fetch.allowed_hosts.len() > MAX_LIST || self.audiences.len() > MAX_LIST {
            return refuse("an issuer can have at most 10 allowed_hosts and 10 audiences");
        }
        Ok(self)
    }

    /// Differs from that of every other state of an issuer: whoever saw this one can say so.
    pub fn version(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(digest(&SHA256, &text))
    }

    /// The URL that is asked first; `None`: nothing is fetched.
    pub fn key_url(&self) -> Result<Option<JwksUri>, ParseError> {
        match (&self.keys, &self.anchor) {
            (KeySource::Discovery(None), TrustAnchor::Url(url)) => url.discovery_url().map(Some),
            (
                KeySource::Discovery(Some(uri))
                | KeySource::JwksUri(uri)
                | KeySource::BundleEndpoint(uri),
                _,
            ) => Ok(Some(uri.clone())),
            (KeySource::Discovery(None) | KeySource::Inline(_) | KeySource::BundleFile(_), _) => {
                Ok(None)
            }
        }
    }

    /// Whether the `aud` of a token is accepted; `own`: this server.
    pub fn accepts_audience(&self, aud: &str, own: &Issuer) -> bool {
        if self.audiences.is_empty() {
            aud == own.as_str()
        } else {
            self.audiences.iter().any(|it| it.as_str() == aud)
        }
    }

    /// Whether the issuer is an unaltered one of this server, which must not trust itself.
    pub fn is_this_server(&self, own: &Issuer) -> bool {
        matches!(&self.anchor, TrustAnchor::Url(url) if url.is_like(own))
    }

    /// Whether what only people at the command line and owners write is the same in both: files of the server, and
    /// whether addresses of its own network are reached.
    pub fn has_reach_of(&self, other: Option<&Self>) -> bool {
        let reach = |it: &Self| {
            let bundle = match &it.keys {
                KeySource::BundleFile(path) => Some(path.clone()),
                KeySource::Discovery(_)
                | KeySource::JwksUri(_)
                | KeySource::Inline(_)
                | KeySource::BundleEndpoint(_) => None,
            };
            let fetch = &it.fetch;
            let files = [&fetch.ca_file, &fetch.bearer_token_file].map(Clone::clone);
            (fetch.private_addresses, files, bundle)
        };
        let nothing = (false, [None, None], None);
        let after = reach(self);
        // Whoever moves the URL would have the file's token sent to another host, or reach another private address.
        let is_moved = |it: &Self| {
            it.keys != self.keys
                || it.anchor != self.anchor
                || it.fetch.allowed_hosts != self.fetch.allowed_hosts
        };
        after == nothing || other.is_some_and(|it| after == reach(it) && !is_moved(it))
    }
}

/// As documents have it.
impl Serialize for TrustedIssuer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        IssuerSpec::from(self).serialize(serializer)
    }
}
