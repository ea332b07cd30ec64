//! Owns who is on the other end of a connection: its address, and the certificate it connected with; of a trusted
//! proxy, the certificate of its own client.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum_server::tls::TlsInfo;

use crate::app::PeerCertificate;
use crate::app::error::{Error, Result};
use crate::config::ProxiesConfig;
use crate::http::AppState;
use crate::http::request::certificate_header;

/// The other end.
pub(in crate::http) struct Caller {
    /// Its address.
    pub(in crate::http) source: IpAddr,
    /// Its certificate, when it has one and was asked for it; that it has the key is proved.
    pub(in crate::http) certificate: Option<PeerCertificate>,
}

impl Caller {
    /// Reads who it is.
    pub(in crate::http) fn of(parts: &Parts, proxies: &ProxiesConfig) -> Result<Self> {
        let ConnectInfo(address) = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .ok_or_else(|| Error::internal(anyhow::anyhow!("a request without an address")))?;
        let source = address.ip();
        let certificate = match &proxies.client_cert_header {
            // The certificate of the connection would be the proxy's own.
            Some(name) if proxies.are_trusted(source) => in_header(&parts.headers, name)?,
            Some(_) | None => {
                let tls = parts.extensions.get::<Arc<TlsInfo>>();
                tls.and_then(|tls| PeerCertificate::from_chain(&tls.peer_certificates))
            }
        };
        Ok(Self {
            source,
            certificate,
        })
    }
}

/// The certificate that a proxy hands on; an empty header, or empty bytes in it, are how some say that there is none.
fn in_header(headers: &HeaderMap, name: &str) -> Result<Option<PeerCertificate>> {
    let Some(value) = single(headers, name)?.filter(|value| !value.trim_matches(':').is_empty())
    else {
        return Ok(None);
    };
    certificate_header::parse(value).map(Some).ok_or_else(|| {
        Error::invalid_request(format!(
            "the proxy's {name} is no certificate in a form known here"
        ))
    })
}

/// The value of a header that a trusted proxy sets. Twice, one of them may be its caller's.
pub(in crate::http) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), another) = (values.next(), values.next()) else {
        return Ok(None);
    };
    match (value.to_str(), another) {
        (Ok(text), None) => Ok(Some(text)),
        (_, _) => Err(Error::invalid_request(format!(
            "the proxy's {name} is there more than once, or not ASCII"
        ))),
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        Self::of(parts, &app.config().proxies)
    }
}
