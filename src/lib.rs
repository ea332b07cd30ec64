//! token-server: access tokens for machines, and their verification, over HTTPS.
//!
//! The layers. An arrow means "knows"; nothing points back, and `tests/it/layering.rs` holds it:
//!
//! ```text
//!  main ─► cli ─► http ─► app ─► jwt  ─► domain ─► base
//!                         app ─► store ─► domain
//!                         app ─► outbound ─► domain
//!  config     known to outbound, telemetry, app, http, cli; knows base, domain, `DatabaseOptions` of store
//!  telemetry  known to http/ops and cli; knows base, config, outbound
//! ```
//!
//! - [`base`]: small things that know nothing of this service.
//! - [`config`]: every setting, its default and meaning; the only reader of the environment.
//! - [`domain`]: words that parse, and rules. No I/O, no async, no framework.
//! - [`jwt`]: issues and verifies JWTs. No database, no HTTP, no clock.
//! - [`store`]: the only SQL. No HTTP, no JWT.
//! - `outbound`: every request that this server makes, except SQL.
//! - [`app`]: the use cases of every front. No HTTP, no SQL.
//! - [`http`]: axum lives here and nowhere else. No SQL, no cryptography.
//! - [`telemetry`]: where the log and the traces go.
//! - [`cli`]: one file per command. No SQL, no cryptography.
//!
//! The same features stand in every layer under one word. A dash: the layer has nothing of it.
//!
//! | feature | domain | jwt | store | app | http | cli |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | clients | `clients/` | - | `clients/` | `clients/` (`transfer/`) | `admin_api/clients/`, `portal/clients/` | `client/` |
//! | secrets | `secrets/` | - | `secrets/` | `secrets/` | `admin_api/secrets`, `portal/secrets/` | `client/secret` |
//! | authentication | `authentication/` | `authentication/` | `single_use` | `authentication/` | `request/client_authentication` | `client/fields` |
//! | tokens | `tokens/` | `tokens/` | `tokens/` | `tokens/` | `public/`, `admin_api/tokens`, `portal/tokens/` | `token/` |
//! | keys | `keys` | `keys/` | `keys` | `keys/` | `public/jwks`, `admin_api/keys`, `portal/keys/` | `key` |
//! | issuers | `issuers/` | `authentication/` | `issuers` | `issuers/` | `admin_api/issuers` | `issuer` |
//! | audit | `audit/` | - | `audit/` | `audit/` | `admin_api/audit`, `portal/audit/` | `audit/` |
//! | admins | `admins` | - | `admins/` | `admins/` | `admin_api/admins`, `portal/admins/`, `portal/login/` | `admin` |
//! | usage | `usage` | - | `usage/` | `usage/` | `admin_api/usage`, `portal/usage/` | `usage` |
//! | acme | `acme` | - | `acme` | `acme/` (`outbound/acme/`) | `server/tls/acme_certificate` | `certificate` |
//! | replication | `replication` | - | `replication/` | `replication/` | `ops/` | - |
//! | idempotency | - | - | `write_options` | `core/idempotency` | `admin_api/request` | - |
//!
//! In `app` each feature is a struct on [`app::App`] with the features that it needs; `core` (settings, clock and its guard, database),
//! `core/idempotency`, `core/single_use` and `clients/cache` stand below all features; `status` reads of all.
//!
//! One login, from the wire to the token: `http/server/listener` → `http/fast_path` → `http/public/authorize` →
//! `app/authentication` → `app/clients/cache` → `app/tokens/issue` → `jwt/tokens/issue`.

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
