//! Every promise of the service as a test, through the real router on a fresh database each. With
//! `TEST_DATABASE_URL` set the database is Postgres, else SQLite; a test may not know which.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod acme;
mod admin;
mod admin_api;
mod app;
mod audit;
mod bodies;
mod browser;
mod cli;
mod client_fields;
mod clients;
mod config;
mod connections;
mod deploy;
mod dpop;
mod drills;
mod exchange;
mod explain;
mod feed;
mod harness;
mod history;
mod host;
mod hsts;
mod http;
mod identity;
mod idle;
mod keys;
mod layering;
mod leaks;
mod logs;
mod metrics;
mod networks;
mod oauth;
mod openapi;
mod plain;
mod proxies;
mod proxy_header;
mod quota;
mod rankings;
mod readiness;
mod secret_ends;
mod server_certificate;
mod session_tickets;
mod simple;
mod standards;
mod store;
mod tiers;
mod tls;
mod tls_profile;
mod traces;
mod upgrade;
mod usage;
mod wrong_clock;
