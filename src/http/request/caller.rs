//! Owns who asks: the address and the certificate of the connection, or of the caller behind a trusted proxy.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::AsHeaderName;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Request};
use axum_server::tls::TlsInfo;

use crate::app::PeerCertificate;
use crate::app::error::{Error, Result};
use crate::config::{ClientAddressSource, ProxiesConfig};
use crate::http::AppState;
use crate::http::request::certificate_header;
use crate::http::request::client_address::client_address;

/// The other end.
pub(in crate::http) struct Caller {
    pub(in crate::http) source: IpAddr,
    /// Whether a trusted proxy sent the request, whose headers are believed.
    pub(in crate::http) is_behind_proxy: bool,
    /// Its certificate, when it has one and was asked for it; that it has the key is proved.
    pub(in crate::http) certificate: Option<PeerCertificate>,
}

impl Caller {
    pub(in crate::http) fn of(parts: &Parts, proxies: &ProxiesConfig) -> Result<Self> {
        let peer = peer(&parts.extensions)?;
        let is_behind_proxy = proxies.are_trusted(peer);
        let certificate = match &proxies.client_cert_header {
            // The certificate of the connection would be the proxy's own.
            Some(name) if is_behind_proxy => in_header(&parts.headers, name)?,
            Some(_) | None => {
                let tls = parts.extensions.get::<Arc<TlsInfo>>();
                tls.and_then(|tls| PeerCertificate::from_chain(&tls.peer_certificates))
            }
        };
        Ok(Self {
            source: client_address(&parts.headers, peer, proxies)?,
            is_behind_proxy,
            certificate,
        })
    }
}

/// The caller's address where a header may name it (`CLIENT_ADDRESS_FROM`). Fails where a trusted proxy does not name it, whether
/// or not the handler needs it.
pub(in crate::http) fn find_forwarded_source<B>(
    request: &Request<B>,
    proxies: &ProxiesConfig,
) -> Result<Option<IpAddr>> {
    if proxies.client_address_from == ClientAddressSource::Connection {
        return Ok(None);
    }
    let peer = peer(request.extensions())?;
    client_address(request.headers(), peer, proxies).map(Some)
}

/// The address of the connection.
pub(in crate::http) fn peer(extensions: &Extensions) -> Result<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    let ConnectInfo(address) =
        peer.ok_or_else(|| Error::internal(anyhow::anyhow!("a request without an address")))?;
    Ok(address.ip())
}

/// The certificate that a proxy hands on; an empty header, or empty bytes in it, are how some say that there is none.
fn in_header(headers: &HeaderMap, name: &str) -> Result<Option<PeerCertificate>> {
    let Some(value) =
        proxy_header(headers, name)?.filter(|value| !value.trim_matches(':').is_empty())
    else {
        return Ok(None);
    };
    certificate_header::parse(value).map(Some).ok_or_else(|| {
        Error::invalid_request(format!(
            "the proxy's {name} is not a certificate in a known form"
        ))
    })
}

/// The value of a header that a trusted proxy sets. Twice, one of them may be its caller's.
pub(in crate::http) fn proxy_header<'a>(
    headers: &'a HeaderMap,
    name: &str,
) -> Result<Option<&'a str>> {
    single_value(headers, name).map_err(|NotSingle| {
        Error::invalid_request(format!(
            "the proxy sent more than one {name}, or one that is not ASCII"
        ))
    })
}

/// The header is there more than once, or is not ASCII.
pub(in crate::http) struct NotSingle;

/// The value of a header that may be there once.
pub(in crate::http) fn single_value(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&str>, NotSingle> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| NotSingle),
        (Some(_), Some(_)) => Err(NotSingle),
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        Self::of(parts, &app.config().proxies)
    }
}
