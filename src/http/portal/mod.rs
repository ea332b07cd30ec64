//! The portal under `/admin/`: pages for the people who run this service. A page is a handler and a template beside
//! it; `routes` lists all of them with the role that each needs. No SQL, no cryptography.

pub(in crate::http) mod access;
mod admins;
mod audit;
pub(in crate::http) mod clients;
mod issuers;
mod keys;
mod links;
mod login;
mod page;
mod routes;
mod secrets;
mod settings;
mod tokens;
pub(in crate::http) mod usage;

pub use access::guard::Access;
pub use routes::{AdminRoute, list};

pub(super) use routes::router;
