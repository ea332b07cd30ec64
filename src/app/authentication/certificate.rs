//! `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 §2): the certificate of the connection.

use std::net::IpAddr;

use crate::app::authentication::peer_certificate::PeerCertificate;
use crate::app::authentication::{AuthenticatedClient, Authentication, Verdict, refusal_of};
use crate::app::error::Result;
use crate::domain::{AuthMethod, Client, JwkSet};

impl Authentication {
    /// The client, if the certificate is its own in one of the two ways.
    pub(super) async fn judge_certificate(
        &self,
        client_id: &str,
        certificate: &PeerCertificate,
        source: IpAddr,
    ) -> Result<Verdict> {
        let Some(record) = self.cache.find(client_id, &self.core).await? else {
            return Ok(Err("unknown client".into()));
        };
        let mut reasons = Vec::new();
        for method in [
            AuthMethod::TlsClientAuth,
            AuthMethod::SelfSignedTlsClientAuth,
        ] {
            if let Some(reason) = refusal_of(&record.client, method) {
                reasons.push(reason.into_owned());
                continue;
            }
            let judged = if method == AuthMethod::TlsClientAuth {
                self.judge_subject(&record.client, certificate)
            } else {
                self.judge_key(&record.client, certificate).await
            };
            match judged {
                Ok(()) => {
                    if let Some(reason) = self.refuse_network(&record.client, source) {
                        return Ok(Err(reason));
                    }
                    return Ok(Ok(AuthenticatedClient {
                        record,
                        secret: None,
                    }));
                }
                Err(reason) => reasons.push(reason),
            }
        }
        reasons.dedup();
        Ok(Err(reasons.join("; ").into()))
    }

    /// RFC 8705 §2.1.
    fn judge_subject(&self, client: &Client, certificate: &PeerCertificate) -> Result<(), String> {
        let registered = client.authentication.certificate_subject.as_ref();
        let subject = registered.ok_or("the client has no subject of a certificate registered")?;
        certificate.judge_subject(subject)?;
        self.client_ca.judge(certificate, self.core.now())
    }

    /// RFC 8705 §2.2.
    async fn judge_key(
        &self,
        client: &Client,
        certificate: &PeerCertificate,
    ) -> Result<(), String> {
        let now = self.core.now();
        let judge = |keys: &JwkSet| certificate.judge_key(keys, now);
        self.judge_by_keys(client, judge, Result::is_err).await?
    }
}
