//! Owns who is on the other end of a connection: its address, and the certificate it connected with. What a
//! trusted proxy says of its own callers would be read here too.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum_server::tls::TlsInfo;

use crate::app::PeerCertificate;
use crate::error::{Error, Result};

/// The other end.
pub(super) struct Caller {
    /// Its address.
    pub(super) source: IpAddr,
    /// Its certificate, when it has one and was asked for it; that it has the key is proved.
    pub(super) certificate: Option<PeerCertificate>,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let ConnectInfo(address) = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .ok_or_else(|| Error::internal(anyhow::anyhow!("a request without an address")))?;
        let tls = parts.extensions.get::<Arc<TlsInfo>>();
        Ok(Self {
            source: address.ip(),
            certificate: tls.and_then(|tls| PeerCertificate::from_chain(&tls.peer_certificates)),
        })
    }
}
