//! Hashes that take more work than a file may bring: refused at the import, by settings.

use serde_json::json;
use token_server::app::clients::transfer::import::{ImportLine, ImportOptions};
use token_server::domain::ErrorCode;

use super::{client_ids, import_with};
use crate::harness::{TestApp, id};

const SALT: &str = "AAECAwQFBgcICQoLDA0ODw";
const OUT: &str = "b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E";
const BCRYPT: &str = "w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG";

/// A hash at the default of a setting, one above it, what the reason names, and the setting with a value for the latter.
fn bounds() -> [(String, String, &'static str, (&'static str, &'static str)); 7] {
    let argon2 = |work: &str| format!("$argon2id$v=19${work}${SALT}${OUT}");
    let scrypt = |work: &str| format!("$scrypt${work}${SALT}${OUT}");
    let memory = ("IMPORT_MAX_HASH_MEMORY", "128MiB");
    [
        (
            format!("$2b$14${BCRYPT}"),
            format!("$2b$15${BCRYPT}"),
            "bcrypt with cost 15",
            ("IMPORT_MAX_BCRYPT_COST", "15"),
        ),
        (
            format!("bcrypt_sha256$$2b$14${BCRYPT}"),
            format!("bcrypt_sha256$$2b$15${BCRYPT}"),
            "bcrypt with cost 15",
            ("IMPORT_MAX_BCRYPT_COST", "15"),
        ),
        (
            format!("$pbkdf2-sha256$2000000${SALT}${OUT}"),
            "pbkdf2_sha256$2000001$salt$b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E=".to_owned(),
            "PBKDF2 with 2000001 rounds",
            ("IMPORT_MAX_PBKDF2_ROUNDS", "2000001"),
        ),
        (
            argon2("m=65536,t=10,p=1"),
            argon2("m=65537,t=1,p=1"),
            "argon2 with m=65537,t=1,p=1",
            memory,
        ),
        (
            argon2("m=1024,t=10,p=1"),
            argon2("m=1024,t=11,p=1"),
            "argon2 with m=1024,t=11,p=1",
            ("IMPORT_MAX_ARGON2_PASSES", "11"),
        ),
        (
            scrypt("ln=16,r=8,p=4"),
            scrypt("ln=17,r=8,p=1"),
            "scrypt with ln=17,r=8,p=1",
            memory,
        ),
        (
            scrypt("ln=14,r=8,p=5"),
            scrypt("ln=16,r=8,p=5"),
            "scrypt with ln=16,r=8,p=5",
            memory,
        ),
    ]
}

async fn import_hash(test: &TestApp, id: &str, hash: &str) -> ImportLine {
    let row = json!({"client_id": id, "client_secret": hash}).to_string();
    let (_, mut lines) = import_with(test, &row, ImportOptions::default()).await;
    lines.remove(0)
}

#[tokio::test]
async fn a_hash_above_a_bound_is_refused_with_its_algorithm_its_parameter_and_the_setting() {
    let test = TestApp::new().await;
    for (n, (within, above, named, (setting, value))) in bounds().into_iter().enumerate() {
        let taken = import_hash(&test, &format!("taken-{n}"), &within).await;
        assert_eq!(taken.outcome.as_str(), "created", "{within}: {taken:?}");

        let refused = import_hash(&test, &format!("refused-{n}"), &above).await;
        let reason = refused.reason.as_deref().unwrap_or_default();
        assert!(
            reason.contains(named) && reason.contains(setting),
            "{above}: {refused:?}"
        );

        let wider = TestApp::with(&[(setting, value)]).await;
        let taken = import_hash(&wider, "a", &above).await;
        assert_eq!(taken.outcome.as_str(), "created", "{above}: {taken:?}");
    }
}

#[tokio::test]
async fn lanes_without_end_are_refused() {
    let test = TestApp::new().await;
    for hash in [
        format!("$argon2id$v=19$m=1024,t=1,p=17${SALT}${OUT}"),
        format!("$scrypt$ln=1,r=8,p=33${SALT}${OUT}"),
        format!("$scrypt$ln=1,r=257,p=1${SALT}${OUT}"),
    ] {
        let line = import_hash(&test, "a", &hash).await;
        assert!(line.is_bad(), "{hash}: {line:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_applied_brings_no_more_work_and_no_other_hash() {
    let test = TestApp::new().await;
    for (hash, named) in [
        (format!("$2b$15${BCRYPT}"), "IMPORT_MAX_BCRYPT_COST (14)"),
        (
            "{SSHA}1unCV8jmKSJdHMYA8qyXHj3qcnFrba31".to_owned(),
            "`{SSHA}`",
        ),
        ("a plain secret of somebody".to_owned(), "not a hash"),
        ("${vault.secret-of-billing}".to_owned(), "placeholder"),
    ] {
        let file = json!({"version": 1, "name": "team",
            "clients": [{"client_id": "a", "secrets": [{"secret_hash": hash}]}]});
        let error = test.apply(&file.to_string()).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        let told = error.description;
        assert!(
            told.contains("clients[0] `a`: secret_hash: ") && told.contains(named),
            "{told}"
        );
        assert!(client_ids(&test).await.is_empty());
    }
}

#[tokio::test]
async fn an_export_with_more_work_than_the_bound_is_refused_row_by_row() {
    let wide = TestApp::with(&[("IMPORT_MAX_BCRYPT_COST", "16")]).await;
    import_hash(&wide, "dear", &format!("$2b$15${BCRYPT}")).await;
    let exported = wide.export().await;

    let test = TestApp::new().await;
    let (report, lines) = import_with(&test, &exported, ImportOptions::default()).await;

    assert_eq!((report.imported, report.bad), (0, 1));
    assert_eq!(
        (lines[0].line, lines[0].client_id.as_deref()),
        (2, Some("dear"))
    );
    assert!(
        lines[0]
            .reason
            .as_deref()
            .unwrap()
            .contains("IMPORT_MAX_BCRYPT_COST")
    );
}

/// Else a server with more work than the bound could not read its own export.
#[tokio::test]
async fn the_servers_own_work_is_always_taken() {
    let own = [("ARGON2_CHOSEN", "m=66000,t=1,p=1")];
    let test = TestApp::with(&own).await;
    let hash = format!("$argon2id$v=19$m=66000,t=1,p=1${SALT}${OUT}");
    assert_eq!(
        import_hash(&test, "a", &hash).await.outcome.as_str(),
        "created"
    );

    let other = TestApp::new().await;
    assert!(import_hash(&other, "a", &hash).await.is_bad());
}

#[tokio::test]
async fn what_is_stored_above_the_bound_is_verified_still() {
    // bcrypt of `an old secret: %+ü`, cost 5.
    const HASH: &str = "$2b$05$su3ymJzSP9hyFcXUcPptl.rE0iQ9X592.YUXn3FPvwixdKdB/KfaW";
    let wide = TestApp::new().await;
    import_hash(&wide, "a", HASH).await;

    let settings = [("IMPORT_MAX_BCRYPT_COST", "4")];
    let test = TestApp::on(wide.database.clone(), &settings).await;
    assert!(import_hash(&test, "b", HASH).await.is_bad());

    assert_eq!(test.find_client(&id("a")).await.secrets.len(), 1);
    let answer = test.authorize("a", super::hashes::OLD_SECRET).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}
