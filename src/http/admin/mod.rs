//! The portal under `/admin/`: pages for the people who run this service. A page is a handler and a template beside
//! it; `routes` lists all of them with the role that each needs. No SQL, no cryptography.

mod account;
mod admins;
mod assets;
mod audit;
mod chart;
mod client;
mod client_form;
mod clients;
mod dashboard;
mod explain;
mod form;
mod guard;
mod key_lines;
mod keys;
mod login;
mod page;
mod passkeys;
mod routes;
mod second_factor;
mod secrets;
mod session;
mod sessions;
mod settings;
mod snippets;
mod tokens;
mod transfer;
mod waste;

pub use guard::Access;
pub use routes::{AdminRoute, list};

pub(super) use routes::router;
