//! The service over HTTPS. axum lives here and nowhere else; handlers parse, make one call to `app`
//! and shape the answer. No SQL, no cryptography.

mod admin_api;
mod fast_path;
mod middleware;
mod openapi;
mod ops;
mod portal;
mod public;
mod request;
mod response;
mod route_metrics;
mod router;
mod server;
mod state;

pub use admin_api::{AdminApiRoute, list as admin_api_routes};
pub use fast_path::HttpService;
pub use middleware::unread_body::RequestBody;
pub use ops::{Ops, ops_router, serve_ops};
pub use portal::{Access, AdminRoute, list as admin_routes};
pub use request::params::Params;
pub use router::{admin_router, plain_router, router};
pub use server::connection_metrics::ConnectionTraffic;
pub use server::connection_room::{own_descriptors, room_for_connections};
pub use server::listener::{Listener, serve};
pub use server::plain::{PlainListener, PlainSocket, serve_plain};
pub use server::runtimes::{AdminRuntime, Runtimes};
pub use server::tls::acme_certificate::issued_certificate_problems;
pub use server::tls::certificate_problems::CertificateProblem;
pub use server::tls::certificate_status::CertificateStatus;
pub use server::tls::session_tickets::Tickets;
pub use server::tls::{Certificate, TlsError};
pub use state::AppState;
