//! The admin API under `/admin/api/v1/`: what operators do, for their programs. A resource is a file; `routes` lists
//! all of them with the scope that each needs. No SQL, no cryptography.

mod admins;
mod audit;
mod clients;
mod explain;
mod guard;
mod issuers;
mod keys;
mod request;
mod routes;
mod secrets;
mod settings;
mod tokens;
mod usage;

pub use routes::{AdminApiRoute, list};

pub(super) use routes::{describe, router};
