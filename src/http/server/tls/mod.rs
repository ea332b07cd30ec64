//! Owns what is presented in the handshake, whether it is in files or an authority issues it.
//!
//! TLS 1.2 and 1.3 with aws-lc-rs, X25519MLKEM768 preferred, ALPN `h2`, `http/1.1` and `http/1.0`.

pub(in crate::http) mod acme_certificate;
pub(in crate::http) mod certificate_files;
pub(in crate::http) mod certificate_problems;
pub(in crate::http) mod certificate_status;
pub(in crate::http) mod client_certificates;
mod pair_problems;
pub(in crate::http) mod session_tickets;

use std::path::PathBuf;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::server::WantsServerCert;
use rustls::{ConfigBuilder, ServerConfig};
use tokio::sync::Notify;

use crate::app::App;
use crate::base::clock::{Clock, UnixTime};
use crate::config::{Config, TlsConfig};
use crate::http::server::tls::acme_certificate::IssuedCertificate;
use crate::http::server::tls::certificate_files::CertificateFiles;
use crate::http::server::tls::certificate_problems::{CertificateProblem, check_replacement};
use crate::http::server::tls::certificate_status::CertificateStatus;
use crate::http::server::tls::client_certificates::AnyCertificate;
use crate::http::server::tls::session_tickets::Tickets;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{name}: cannot read `{path}`: {why}")]
    Unreadable {
        /// The setting.
        name: &'static str,
        /// What it says.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file does not hold what it should.
    #[error("{name}: `{path}`: {why}")]
    File {
        /// The setting.
        name: &'static str,
        /// What it says.
        path: PathBuf,
        /// What is wrong with the file.
        why: String,
    },
    /// No authority issues one.
    #[error("TLS_ACME_NAMES is not set")]
    NotIssued,
    /// The two do not fit, or the algorithm is not supported.
    #[error("TLS_CERT and TLS_KEY do not make a usable pair: {0}")]
    Pair(rustls::Error),
    /// The same of what an authority issued; or TLS itself cannot be set up.
    #[error("TLS: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate and its key, as the server presents them.
pub struct Certificate(Source);

enum Source {
    Files(CertificateFiles),
    Issued(IssuedCertificate),
}

impl Certificate {
    /// Reads the files, for a listener that asks for no certificates and goes on with its own sessions.
    pub fn load(files: TlsConfig) -> Result<Self, TlsError> {
        let clock = Clock::system();
        Self::load_for(files, false, Tickets::of_this_process()?, clock)
    }

    /// Reads the files, for a listener that may ask its clients for certificates of their own.
    pub fn load_for(
        files: TlsConfig,
        asks_clients: bool,
        tickets: Tickets,
        clock: Clock,
    ) -> Result<Self, TlsError> {
        let handshakes = Handshakes {
            asks_clients,
            tickets,
        };
        let files = CertificateFiles::load(files, handshakes, clock)?;
        Ok(Self(Source::Files(files)))
    }

    /// What an authority issues to the service, or a stand-in until it does.
    pub fn issued_to(app: Arc<App>, tickets: Tickets) -> Result<Self, TlsError> {
        let handshakes = Handshakes {
            asks_clients: app.config().client_authentication.ask_for_certificates,
            tickets,
        };
        let issued = IssuedCertificate::new(app, handshakes)?;
        Ok(Self(Source::Issued(issued)))
    }

    /// What the listener presents; it follows every reload.
    pub fn served(&self) -> RustlsConfig {
        self.presented().served.clone()
    }

    /// What is known of what is presented; it follows every reload.
    pub fn status(&self) -> Arc<CertificateStatus> {
        Arc::clone(&self.presented().status)
    }

    fn presented(&self) -> &Presented {
        match &self.0 {
            Source::Files(files) => &files.presented,
            Source::Issued(issued) => &issued.presented,
        }
    }

    /// What is wrong with what is presented.
    pub fn problems(&self, config: &Config) -> Vec<CertificateProblem> {
        match &self.0 {
            Source::Files(files) => files.problems(config),
            Source::Issued(issued) => issued.problems(),
        }
    }

    /// Takes over what is new, and looks for it whenever `asked`, which is `answered` then; never ends. What cannot be
    /// used is logged once and the old pair kept.
    pub async fn follow(self, asked: Arc<Notify>, answered: impl Fn()) {
        match self.0 {
            Source::Files(files) => files.follow(asked, answered).await,
            Source::Issued(issued) => issued.follow(asked, answered).await,
        }
    }
}

/// A configuration, and the chain whose end counts.
type Loaded = (Arc<ServerConfig>, Vec<CertificateDer<'static>>);

/// What the listener presents, wherever it is from.
struct Presented {
    chain: Vec<CertificateDer<'static>>,
    /// When the refused certificate is to be judged again though it did not change: it is not valid before.
    retry_at: Option<UnixTime>,
    served: RustlsConfig,
    status: Arc<CertificateStatus>,
}

impl Presented {
    fn new((config, chain): Loaded) -> Self {
        Self {
            served: RustlsConfig::from_config(config),
            status: Arc::new(CertificateStatus::new(&chain)),
            chain,
            retry_at: None,
        }
    }

    /// Presents what was loaded; or keeps the old one, and says why. `name` says where the new one is from.
    fn replace(
        &mut self,
        loaded: Result<Loaded, TlsError>,
        name: &str,
        now: UnixTime,
    ) -> Result<(), String> {
        self.retry_at = None;
        let (config, chain) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => return self.refuse(error.to_string()),
        };
        if let Err(error) = check_replacement(&self.chain, &chain, now) {
            self.retry_at = error.valid_from();
            return self.refuse(format!("{name}: {error}"));
        }
        self.served.reload_from_config(config);
        self.status.note_reload(&chain);
        self.chain = chain;
        Ok(())
    }

    /// Notes that a new certificate is refused, and why.
    fn refuse(&self, why: String) -> Result<(), String> {
        self.status.note_refusal();
        Err(why)
    }
}

/// How hands are shaken, whatever the certificate.
pub(in crate::http) struct Handshakes {
    asks_clients: bool,
    tickets: Tickets,
}

impl Handshakes {
    pub(in crate::http) fn builder(
        &self,
    ) -> Result<ConfigBuilder<ServerConfig, WantsServerCert>, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let any_certificate = AnyCertificate(provider.signature_verification_algorithms);
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        Ok(if self.asks_clients {
            builder.with_client_cert_verifier(Arc::new(any_certificate))
        } else {
            builder.with_no_client_auth()
        })
    }

    pub(in crate::http) fn finish(&self, mut config: ServerConfig) -> Arc<ServerConfig> {
        // `http/1.0` for clients that offer nothing else: they would be refused without a word.
        config.alpn_protocols = [&b"h2"[..], b"http/1.1", b"http/1.0"]
            .map(<[u8]>::to_vec)
            .into();
        self.tickets.apply(&mut config);
        Arc::new(config)
    }
}
