//! `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 §2): the certificate of the connection.

use std::borrow::Cow;

use crate::app::authentication::peer_certificate::PeerCertificate;
use crate::app::authentication::{Authentication, refusal_of};
use crate::domain::{AuthMethod, Client, JwkSet};

impl Authentication {
    /// Why the certificate is the client's own in neither of the two ways, for the log.
    pub(super) async fn judge_certificate(
        &self,
        client: &Client,
        certificate: &PeerCertificate,
    ) -> Result<(), Cow<'static, str>> {
        let mut reasons = Vec::new();
        for method in [
            AuthMethod::TlsClientAuth,
            AuthMethod::SelfSignedTlsClientAuth,
        ] {
            if let Some(reason) = refusal_of(client, method) {
                reasons.push(reason.into_owned());
                continue;
            }
            let judged = if method == AuthMethod::TlsClientAuth {
                self.judge_subject(client, certificate)
            } else {
                self.judge_key(client, certificate).await
            };
            match judged {
                Ok(()) => return Ok(()),
                Err(reason) => reasons.push(reason),
            }
        }
        reasons.dedup();
        Err(reasons.join("; ").into())
    }

    /// RFC 8705 §2.1.
    fn judge_subject(&self, client: &Client, certificate: &PeerCertificate) -> Result<(), String> {
        let registered = client.authentication.certificate_subject.as_ref();
        let subject = registered.ok_or("the client has no registered certificate subject")?;
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
