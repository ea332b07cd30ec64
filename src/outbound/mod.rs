//! Every request that this server makes to others, except SQL. The only user of `reqwest` and `instant_acme`.

pub(crate) mod acme;
pub(crate) mod dns;
pub(crate) mod health;
pub(crate) mod issuer_fetcher;
pub(crate) mod jwks_fetcher;
