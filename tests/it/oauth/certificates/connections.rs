//! What the TLS connection of a certificate has to do with it.

use std::sync::Arc;

use reqwest::Identity;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Ca, ask, params, refused, register_key, register_subject};
use crate::harness::{CLIENT, Holder, Served};

#[tokio::test]
async fn endless_certificates_are_not_taken() {
    let holder = Holder::self_signed(&params());
    let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
    let send = async |certificates: usize| {
        let pem = holder.pem.repeat(certificates) + &holder.key.serialize_pem();
        let identity = Identity::from_pem(pem.as_bytes()).unwrap();
        let client = served.client().identity(identity).build().unwrap();
        client.get(served.url("/healthz")).send().await.is_ok()
    };
    let most = 16 * 1024 / holder.der().len();

    assert!(send(most).await);
    assert!(!send(most + 1).await);
}

#[tokio::test]
async fn a_certificate_without_its_key_gets_no_answer() {
    #[derive(Debug)]
    struct Thief(Arc<CertifiedKey>);
    impl ResolvesClientCert for Thief {
        fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
        fn has_certs(&self) -> bool {
            true
        }
    }
    let (holder, thief) = (
        Holder::self_signed(&params()),
        Holder::self_signed(&params()),
    );
    let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
    register_key(&served, &holder.jwk()).await;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = PrivateKeyDer::from_pem_slice(thief.key.serialize_pem().as_bytes()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let stolen = Arc::new(Thief(Arc::new(CertifiedKey::new(
        vec![holder.der().into()],
        key,
    ))));

    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let answer = match served.connect_as(stolen.clone(), version).await {
            Err(_) => String::new(),
            Ok(mut stream) => {
                let _ = stream
                    .write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                    .await;
                let mut answer = String::new();
                let _ = stream.read_to_string(&mut answer).await;
                answer
            }
        };
        assert_eq!(answer, "");
    }
}

#[tokio::test]
async fn a_listener_that_does_not_ask_gets_no_certificate() {
    let holder = Holder::self_signed(&params());
    let served = Served::start(&[]).await;
    register_key(&served, &holder.jwk()).await;

    assert_eq!(ask(&served, Some(&holder)).await, refused());
}

#[tokio::test]
async fn a_resumed_connection_has_its_certificate_still() {
    let ca = Ca::new();
    let served = ca.serve().await;
    register_subject(&served, "san_dns=billing.example.com").await;
    let holder = ca.sign(&params());
    // No connection is kept, so that each request resumes the session of the one before.
    let client = served
        .client()
        .identity(holder.identity())
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();

    for _ in 0..3 {
        let form = [("grant_type", "client_credentials"), ("client_id", CLIENT)];
        let answer = client
            .post(served.url("/token"))
            .form(&form)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
}
