//! Whoever writes a row and is no change that the trail is to have stands here by name; all others take a [`Stamp`],
//! without which the store cannot keep an event.
//!
//! [`Stamp`]: token_server::domain::Stamp

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::tiers::rust_files;

/// What changes nothing that anybody decided.
const UPKEEP: &[&str] = &[
    "add_usage",
    "delete_acme_challenges",
    "delete_changes",
    "delete_needless_revocations",
    "delete_replica",
    "delete_revocations",
    "delete_uses",
    "expire_idle_secret",
    "insert_rejected_requests",
    "insert_stored_response",
    "lease_acme_order",
    "mark_keys_used",
    "migrate",
    "note_admin_network",
    "note_clock",
    "note_future",
    "prune_acme",
    "prune_admin_sessions",
    "prune_audit_events",
    "prune_exchange_hours",
    "prune_rejected_requests",
    "prune_replicas",
    "prune_secret_hours",
    "prune_single_use_values",
    "prune_stored_responses",
    "prune_usage_hours",
    "prune_usage_totals",
    "raise_floor",
    "raise_spiffe_sequence",
    "release_acme_orders",
    "renew_admin_hash",
    "renew_admin_session",
    "renew_secret_hash",
    "reseal_acme_account",
    "reseal_acme_key",
    "reseal_totp",
    "set_passkey_challenge",
    "set_totp_pending",
    "take_passkey_challenge",
    "take_stored_response",
    "touch_admin_session",
    "upsert_acme_challenges",
    "upsert_replica",
    "use_once",
    "use_passkey",
    "use_totp_step",
];

/// Deletes by a generation, which is no time.
const NOT_BY_AGE: &str = "delete_needless_revocations";

/// A wrong clock must not remove anything: whoever deletes by age takes a [`TrustedTime`], which only the clock guard gives.
///
/// [`TrustedTime`]: token_server::store::TrustedTime
#[test]
fn whatever_deletes_by_age_takes_a_trusted_time() {
    let (mut trusted, mut untrusted) = (0, Vec::new());
    for file in rust_files(Path::new("src/store")) {
        let text = fs::read_to_string(file).unwrap();
        for function in text.split("pub async fn ").skip(1) {
            let (signature, body) = function.split_once('{').unwrap();
            let body = body.split("\n    }\n").next().unwrap();
            let compares = body.contains(" < $") || body.contains(" <= $");
            if !(body.contains("delete from ") && compares) {
                continue;
            }
            if signature.contains("TrustedTime") {
                trusted += 1;
            } else {
                untrusted.push(signature.split('(').next().unwrap().to_owned());
            }
        }
    }
    assert!(trusted >= 12, "{trusted}");
    assert_eq!(untrusted, [NOT_BY_AGE]);
}

/// Nobody else may call a time trusted.
#[test]
fn only_the_clock_guard_makes_a_trusted_time() {
    let mut makers = BTreeSet::new();
    for file in rust_files(Path::new("src")) {
        let text = fs::read_to_string(&file).unwrap();
        if text.contains("TrustedTime::vouched_by_guard(") {
            makers.insert(file);
        }
    }
    let guard = Path::new("src/app/core/clock_guard/reading.rs");
    assert_eq!(makers, BTreeSet::from([guard.to_owned()]));
}

#[test]
fn whatever_writes_takes_a_stamp() {
    let mut writers = BTreeSet::new();
    let mut unstamped = BTreeSet::new();
    for file in rust_files(Path::new("src/store")) {
        let text = fs::read_to_string(file).unwrap();
        for function in text.split("pub async fn ").skip(1) {
            let name = function.split('(').next().unwrap();
            let (signature, body) = function.split_once('{').unwrap();
            let body = body.split("\n    }\n").next().unwrap();
            // What it reaches without writing it itself: private functions of this layer.
            let words = [
                "insert into ",
                "update ",
                "delete from ",
                "insert_",
                "replace_",
                "delete_secret",
                "append_",
                "commit_",
                "store_response(",
            ];
            if words.iter().any(|word| body.contains(word)) {
                writers.insert(name.to_owned());
                if !signature.contains("Stamp") {
                    unstamped.insert(name.to_owned());
                }
            }
        }
    }
    assert!(writers.len() > 10, "{writers:?}");
    assert_eq!(
        unstamped.iter().map(String::as_str).collect::<Vec<_>>(),
        UPKEEP
    );
}
