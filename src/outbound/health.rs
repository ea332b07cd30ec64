//! Owns the question whether the server on this machine is alive: one request, which no other server can answer in its place.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use url::Url;

use crate::base::crypto::pem::read_certificates;
use crate::config::Config;
use crate::outbound::jwks_fetcher::{direct, read_body, tls_with};

/// The statuses of all parts, with room.
const MAX_BYTES: usize = 64 * 1024;

/// Asks `path` of the server that has this configuration, or `url`. The body of its 200.
pub(crate) async fn ask(
    config: &Config,
    path: &str,
    url: Option<Url>,
    timeout: Duration,
) -> anyhow::Result<String> {
    let mut client = direct(tls(config)?, timeout);
    let url = match (url, config.http.ops_listen) {
        (Some(url), _) => url,
        (None, Some(ops)) => Url::parse(&format!("http://{}{path}", reachable(ops)))?,
        (None, None) => {
            let address = reachable(config.http.listen_addr);
            let issuer = Url::parse(config.token.issuer.as_str())?;
            let host = issuer.domain().map(str::to_owned);
            let mut url = Url::parse(&format!("https://{address}{path}"))?;
            if let Some(host) = host {
                url.set_host(Some(&host))?;
                client = client.resolve(&host, address);
            }
            url
        }
    };
    let response = client.build()?.get(url).send().await?;
    let status = response.status();
    let body = String::from_utf8_lossy(&read_body(response, MAX_BYTES).await?).into_owned();
    ensure!(status == 200, "it answered {status}: {}", body.trim());
    Ok(body)
}

/// Where a listener is reached that listens on every address.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn tls(config: &Config) -> anyhow::Result<rustls::ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = OwnCertificate {
        // Without the file the system's authorities decide, and without those the file: an image may have none.
        own: read_certificates(&config.tls.cert)
            .ok()
            .and_then(|chain| chain.into_iter().next()),
        others: rustls_platform_verifier::Verifier::new(Arc::clone(&provider)),
        algorithms: provider.signature_verification_algorithms,
    };
    tls_with(provider, Arc::new(verifier))
}

/// Trusts the very certificate of `TLS_CERT`, whoever issued it, and what the system's authorities issued. The server proves
/// in either case that it has the key.
#[derive(Debug)]
struct OwnCertificate {
    own: Option<CertificateDer<'static>>,
    others: Result<rustls_platform_verifier::Verifier, rustls::Error>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for OwnCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.own.as_ref() == Some(end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        let others = self.others.as_ref().map_err(Clone::clone)?;
        others.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
