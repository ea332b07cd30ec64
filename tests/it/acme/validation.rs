//! How an authority validates a name over TLS (RFC 8737 §3), and a look at what anybody is shown.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a connection showed.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) protocol: Option<Vec<u8>>,
    /// What was answered to an HTTP request.
    pub(super) answer: String,
}

/// Connects with these protocols, and with this name if there is one, and asks for a page whatever was agreed.
pub(super) async fn look(
    address: SocketAddr,
    name: Option<&str>,
    protocols: &[&[u8]],
) -> std::io::Result<Shown> {
    let connector = TlsConnector::from(Arc::new(trusting(protocols)));
    let server = match name {
        Some(name) => ServerName::try_from(name.to_owned()).unwrap(),
        // An address is not sent.
        None => ServerName::from(address.ip()),
    };
    let tcp = TcpStream::connect(address).await?;
    let mut stream = connector.connect(server, tcp).await?;
    let request = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    // The other side may be gone.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let (_, connection) = stream.get_ref();
    Ok(Shown {
        certificate: connection.peer_certificates().unwrap()[0].clone(),
        protocol: connection.alpn_protocol().map(<[u8]>::to_vec),
        answer: String::from_utf8_lossy(&answer).into_owned(),
    })
}

/// What an authority does; else why the name is not validated.
pub(super) async fn validate(
    address: SocketAddr,
    name: &str,
    expected: &[u8],
) -> Result<(), String> {
    let shown = look(address, Some(name), &[b"acme-tls/1"]).await;
    let shown = shown.map_err(|error| format!("cannot connect: {error}"))?;
    if shown.protocol.as_deref() != Some(b"acme-tls/1") {
        return Err("another protocol".to_owned());
    }
    if !shown.answer.is_empty() {
        return Err(format!("something was said: {}", shown.answer));
    }
    if names(&shown.certificate) != [name] {
        return Err(format!("other names: {:?}", names(&shown.certificate)));
    }
    match digest(&shown.certificate) {
        Some(digest) if digest == expected => Ok(()),
        other => Err(format!("another digest: {other:?}")),
    }
}

/// The DNS names of a certificate.
pub(super) fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).unwrap();
    let mut names = Vec::new();
    for extension in parsed.extensions() {
        if let ParsedExtension::SubjectAlternativeName(alternative) = extension.parsed_extension() {
            for name in &alternative.general_names {
                names.push(if let GeneralName::DNSName(name) = name {
                    (*name).to_owned()
                } else {
                    format!("{name}")
                });
            }
        }
    }
    names
}

/// What the critical extension `acmeIdentifier` has.
pub(super) fn digest(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).unwrap();
    let mut extensions = parsed.extensions().iter();
    let extension = extensions.find(|it| it.oid.to_id_string() == "1.3.6.1.5.5.7.1.31")?;
    // An OCTET STRING of 32 bytes.
    let digest = extension.value.strip_prefix(&[4, 32])?;
    (extension.critical && digest.len() == 32).then(|| digest.to_vec())
}

/// A client that trusts anybody.
pub(super) fn trusting(protocols: &[&[u8]]) -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
    config
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = aws_lc_rs::default_provider();
        provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
