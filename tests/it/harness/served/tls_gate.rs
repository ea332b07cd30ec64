//! A Postgres that speaks TLS, whatever the real one behind it does.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_rustls::TlsAcceptor;

use super::wire::Server;
use super::write_certificate;
use crate::harness::Database;

/// `SSLRequest`.
const REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A relay on a port of this machine, with a certificate for `localhost`.
pub(crate) struct TlsGate {
    pub(crate) port: u16,
    folder: TempDir,
}

impl TlsGate {
    /// `None` for a file, which nobody speaks TLS with.
    pub(crate) async fn before(database: &Database) -> Option<Self> {
        if !database.is_postgres() {
            return None;
        }
        let server = Server::of(&database.url);
        let folder = TempDir::new().unwrap();
        write_certificate(folder.path());
        let certificate = CertificateDer::from_pem_file(folder.path().join("cert.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.path().join("key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, acceptor.clone(), server.clone()));
            }
        });
        Some(Self { port, folder })
    }

    /// The file with the authority of its certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }
}

/// Lets nothing through in clear.
async fn pass(mut client: TcpStream, acceptor: TlsAcceptor, server: Server) {
    let mut request = [0; 8];
    if client.read_exact(&mut request).await.is_err() || request != REQUEST {
        return;
    }
    if client.write_all(b"S").await.is_err() {
        return;
    }
    let Ok(mut client) = acceptor.accept(client).await else {
        return;
    };
    match server {
        Server::Tcp(host, port) => {
            let mut server = TcpStream::connect((host, port)).await.unwrap();
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
        Server::Unix(path) => {
            let mut server = UnixStream::connect(path).await.unwrap();
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    }
}
