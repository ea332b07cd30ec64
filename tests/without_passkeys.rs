//! What a build without the feature `passkeys` does otherwise: the tests of the portal and those around it, once more. All
//! tests of `it` need the feature, which everything that is shipped has.

#![cfg(not(feature = "passkeys"))]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![expect(
    dead_code,
    unused_imports,
    reason = "most of what tests share is for tests that are not here"
)]

#[path = "it/admin/mod.rs"]
mod admin;
#[path = "it/audit/events/mod.rs"]
mod audit_events;
#[path = "it/cli/admin.rs"]
mod cli_admin;
#[path = "it/cli/check.rs"]
mod cli_check;
#[path = "it/harness/mod.rs"]
mod harness;
