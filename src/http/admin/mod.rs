//! The portal under `/admin/`: pages for the people who run this service. A page is a handler and a template beside
//! it; `routes` lists all of them with the role that each needs. No SQL, no cryptography.

mod account;
mod admins;
mod assets;
mod dashboard;
mod form;
mod guard;
mod login;
mod page;
mod routes;
mod second_factor;
mod session;
mod sessions;
mod settings;

pub use guard::Access;
pub use routes::{AdminRoute, list};

pub(super) use routes::router;
