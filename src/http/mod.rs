//! The service over HTTPS. axum lives here and nowhere else; handlers parse, make one call to `app`
//! and shape the answer. No SQL, no cryptography.

mod admin;
mod admin_api;
mod answer;
mod audit_export;
mod caller;
mod certificate_files;
mod certificate_header;
mod certificate_problems;
mod certificate_status;
mod client_authentication;
mod client_certificates;
mod connections;
mod credentials;
mod doorkeeper;
mod error;
mod health;
mod home;
mod host;
mod hsts;
mod idle;
mod issued_certificate;
mod middleware;
mod oauth;
mod openapi;
mod ops;
mod params;
mod proxy_header;
mod quota;
mod router;
mod sender;
mod server;
mod shortcut;
mod simple;
mod state;
mod threads;
mod tickets;
mod tls;
mod token_request;
mod trace;
mod traffic;

use std::time::Duration;

/// How long who looks at the service is kept waiting for what is counted for the first time.
const COUNTING_PATIENCE: Duration = Duration::from_millis(50);

pub use admin::{Access, AdminRoute, list as admin_routes};
pub use admin_api::{AdminApiRoute, list as admin_api_routes};
pub use certificate_problems::CertificateProblem;
pub use certificate_status::CertificateStatus;
pub use connections::ConnectionTraffic;
pub use issued_certificate::issued_certificate_problems;
pub use ops::{Ops, ops_router, serve_ops};
pub use params::Params;
pub use router::{admin_router, router};
pub use server::{Listener, serve};
pub use shortcut::HttpService;
pub use state::AppState;
pub use threads::{OperatorsThreads, ServingThreads};
pub use tickets::Tickets;
pub use tls::{Certificate, TlsError};
