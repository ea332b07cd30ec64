//! Owns the requests to hosts that clients name: the one place that fetches what they say. Only from hosts that the operator
//! allowed, over https, without redirects or proxies, from public addresses, bounded in size and time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::ACCEPT;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use url::Host;

use crate::base::crypto::pem::read_certificates;
use crate::config::JwksUriConfig;
use crate::domain::JwksUri;
use crate::outbound::dns::Dns;

/// What this service calls itself.
const USER_AGENT: &str = concat!("token-server/", env!("CARGO_PKG_VERSION"));

/// A JWK set with all the spaces somebody may put into it.
const MAX_BYTES: usize = 64 * 1024;

pub(crate) struct Fetcher {
    /// `None` when no host is allowed.
    client: Option<reqwest::Client>,
    config: JwksUriConfig,
    reach: Reach,
}

impl Fetcher {
    /// Reads the authorities to be trusted.
    pub(crate) fn new(config: &JwksUriConfig, dns: &Dns) -> anyhow::Result<Self> {
        let reach = Reach {
            private_addresses: config.private_addresses,
            otherwise: NOT_PUBLIC,
            dns: dns.clone(),
        };
        let client = || build(config.ca.as_deref(), reach.clone(), config.timeout);
        let client = (!config.hosts.is_empty()).then(client).transpose();
        Ok(Self {
            client: client.context("JWKS_URI_CA")?,
            config: config.clone(),
            reach,
        })
    }

    pub(crate) async fn get(&self, uri: &JwksUri) -> anyhow::Result<String> {
        let Some(client) = self.client.as_ref().filter(|_| self.config.allows(uri)) else {
            bail!("JWKS_URI_HOSTS does not contain {}", uri.authority());
        };
        self.reach.check(uri)?;
        get_text(client.get(uri.url().clone())).await
    }
}

/// Which addresses may be connected to.
#[derive(Clone)]
pub(super) struct Reach {
    pub(super) private_addresses: bool,
    /// What is said of an address that may not be.
    pub(super) otherwise: &'static str,
    pub(super) dns: Dns,
}

impl Reach {
    /// Refuses an address in the URL itself: it is never resolved, so the resolver cannot refuse it.
    pub(super) fn check(&self, uri: &JwksUri) -> anyhow::Result<()> {
        let address = match uri.url().host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => None,
        };
        ensure!(
            self.private_addresses || address.is_none_or(is_public),
            self.otherwise
        );
        Ok(())
    }
}

pub(super) async fn get_text(request: reqwest::RequestBuilder) -> anyhow::Result<String> {
    let response = request
        .header(ACCEPT, "application/jwk-set+json, application/json")
        .send()
        .await?;
    ensure!(
        response.status() == 200,
        "it answered {}",
        response.status()
    );
    let body = read_body(response, MAX_BYTES).await?;
    String::from_utf8(body).context("it is not UTF-8")
}

/// What was answered; fails when it is longer than that.
pub(crate) async fn read_body(
    mut response: reqwest::Response,
    max_bytes: usize,
) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        ensure!(
            body.len() + chunk.len() <= max_bytes,
            "it is longer than {max_bytes} bytes"
        );
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What fetches, with the system's authorities and those of a file.
pub(super) fn build(
    ca: Option<&Path>,
    reach: Reach,
    timeout: Duration,
) -> anyhow::Result<reqwest::Client> {
    let client = direct(tls(ca)?, timeout)
        .dns_resolver(Arc::new(Resolver(reach)))
        .https_only(true)
        // A fetch a minute keeps no connection.
        .pool_max_idle_per_host(0);
    Ok(client.build()?)
}

/// A client without redirects and proxies.
pub(crate) fn direct(tls: rustls::ClientConfig, timeout: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(timeout)
        .user_agent(USER_AGENT)
}

/// TLS for outgoing connections, with the system's authorities and those of a file.
pub(crate) fn tls(ca: Option<&Path>) -> anyhow::Result<rustls::ClientConfig> {
    let extra = ca.map(read_certificates).transpose()?.unwrap_or_default();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
            .context("cannot use the trusted authorities")?;
    tls_with(provider, Arc::new(verifier))
}

/// TLS for outgoing connections to whom `verifier` trusts.
pub(super) fn tls_with(
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> anyhow::Result<rustls::ClientConfig> {
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

const NOT_PUBLIC: &str = "the host has no public address, and JWKS_URI_PRIVATE_ADDRESSES is false";

/// Resolves names to the addresses that may be connected to: the very ones that are then used, so that a
/// name cannot have another address a moment later.
struct Resolver(Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let all = reach.dns.look_up(name.as_str()).await?.into_iter();
            let allowed: Vec<SocketAddr> = all
                .filter(|address| reach.private_addresses || is_public(address.ip()))
                .map(|address| reach.dns.route(address))
                .collect();
            if allowed.is_empty() {
                return Err(reach.otherwise.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address is one of the internet's, by the registries of RFC 6890.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && b & 0xfe == 18);
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64 (RFC 6052): the address of IPv4 that it leads to is what counts.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // Special purposes, documentation and 6to4.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x2002 | 0x3fff, ..] => false,
        // Global unicast.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for address in [
            "1.1.1.1",
            "203.0.112.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.168.0.1",
            "198.18.0.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}
