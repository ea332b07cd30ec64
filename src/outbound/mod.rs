//! all requests that this server makes, except SQL; the only user of `reqwest` and `instant_acme`. Known to app and telemetry

pub(crate) mod acme;
pub(crate) mod jwks_fetcher;
