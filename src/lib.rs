//! token-server: access tokens for machines, and a verdict on each of them, over HTTPS.
//!
//! The layers, and what each may not know. An arrow means "knows"; nothing points back, and
//! `tests/it/layering.rs` holds it:
//!
//! ```text
//!  main ──► cli ──► http ──► app ──┬──► token ──┬──► domain
//!            └──────────────► app  └──► store ──┘
//! ```
//!
//! - [`domain`]: the words of OAuth; everything parses. No I/O, no async, no framework.
//! - [`token`]: makes and checks JWTs. No database, no HTTP.
//! - [`store`]: the only place with SQL. No HTTP, no JWT.
//! - [`app`]: the use cases, whoever asks. No HTTP, no SQL.
//! - [`http`]: axum lives here and nowhere else. No SQL, no cryptography.
//! - [`cli`]: one file per command. No SQL, no cryptography.
//! - [`config`]: the only reader of the environment; known to `app`, `http` and `cli`.
//! - [`telemetry`]: the log and the traces; where they go.
//! - `fetch`: the only requests to hosts that clients name, of those that the operator allowed; known to `app`.
//! - `acme`: the talk with the authority that issues the certificate; known to `app`.
//! - [`clock`], [`metric`], [`secret`], [`redact`], [`error`], [`json`], `pem`, `private_file`, `span`, `json_object`: small things usable where the
//!   picture allows them.
//!
//! The walk a reader takes: `cli/serve` → `http/router` → `http/simple/authorize` →
//! `app/authenticate` → `app/tokens` → `token/issue` and `store/clients`.

pub mod app;
pub mod base;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod jwt;
mod outbound;
pub mod store;
pub mod telemetry;
