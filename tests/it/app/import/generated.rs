//! Secrets of which the operator says that the other server generated them: strong ones take as little work as those made
//! here, and no other secret does.

use serde_json::json;
use token_server::app::clients::transfer::import::{
    FileSecrets, ImportLine, ImportOptions, OnConflict,
};
use token_server::domain::SecretOrigin;

use super::hashes::{OF_TODAY, renewed_from, stored};
use super::import_with;
use crate::harness::TestApp;

/// The harness's work for secrets that are made here.
const LITTLE: &str = "$argon2id$v=19$m=8,t=1,p=1$";

const STRONG: &str = "kjirPsUee1w9UN2J2pwQrDxcZV5sNhDd";
const WEAK: &str = "correct horse battery staple";

/// PBKDF2 of [`STRONG`] and of [`WEAK`].
const STRONG_HASH: &str =
    "$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$o3SPkSUfch0XKApPY/uoKVKm06TWqEgavgVVN9xDD.c";
const WEAK_HASH: &str =
    "$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$ppsXnjrdPB4KryJ6DrOqKqhkWrhv7PbKAMF1Eml8cZ4";

const GENERATED: FileSecrets = FileSecrets {
    plain: false,
    generated: true,
};

async fn import_vouched(test: &TestApp, rows: &[(&str, &str)]) -> Vec<ImportLine> {
    import_as(test, rows, GENERATED).await
}

async fn import_as(test: &TestApp, rows: &[(&str, &str)], secrets: FileSecrets) -> Vec<ImportLine> {
    let rows: Vec<_> = rows
        .iter()
        .map(|(id, secret)| json!({"client_id": id, "client_secret": secret}))
        .collect();
    let options = ImportOptions {
        secrets,
        on_conflict: OnConflict::Replace,
        ..ImportOptions::default()
    };
    let (report, lines) = import_with(test, &json!(rows).to_string(), options).await;
    assert_eq!(report.bad, 0, "{lines:?}");
    lines
}

/// Hashes that were made or compared in the lanes of generated and of chosen secrets.
fn hashed(test: &TestApp) -> (u64, u64) {
    let [generated, chosen, ..] = test.app.metrics().lanes;
    (generated.waited.count(), chosen.waited.count())
}

#[tokio::test]
async fn a_plain_secret_takes_little_work_at_once_if_it_is_strong() {
    let test = TestApp::new().await;

    let lines = import_vouched(&test, &[("strong", STRONG), ("weak", WEAK)]).await;

    assert!(lines[0].remarks.is_empty(), "{lines:?}");
    assert!(
        lines[1].remarks[0].contains("counts as chosen"),
        "{lines:?}"
    );
    let (strong, weak) = (stored(&test, "strong").await, stored(&test, "weak").await);
    assert!(strong.secret_hash.starts_with(LITTLE) && strong.vouched);
    assert!(weak.secret_hash.starts_with(OF_TODAY) && !weak.vouched);
    assert_eq!(strong.origin, SecretOrigin::Chosen);
    for (id, secret) in [("strong", STRONG), ("weak", WEAK)] {
        assert_eq!(test.authorize(id, secret).await.status, 200, "{id}");
        let wrong = format!("{secret}x");
        assert_eq!(test.authorize(id, &wrong).await.status, 401, "{id}");
    }
    assert_eq!(stored(&test, "strong").await, strong);
    assert_eq!(stored(&test, "weak").await, weak);
}

#[tokio::test]
async fn without_the_operators_word_every_secret_is_a_chosen_one() {
    let test = TestApp::new().await;
    import_as(&test, &[("a", STRONG)], FileSecrets::NONE).await;

    let secret = stored(&test, "a").await;
    assert!(secret.secret_hash.starts_with(OF_TODAY) && !secret.vouched);
}

#[tokio::test]
async fn a_foreign_hash_is_renewed_to_little_work_if_the_secret_turns_out_to_be_strong() {
    let test = TestApp::new().await;
    let rows = [("strong", STRONG_HASH), ("weak", WEAK_HASH)];
    import_vouched(&test, &rows).await;

    for (id, secret, hash, work) in [
        ("strong", STRONG, STRONG_HASH, LITTLE),
        ("weak", WEAK, WEAK_HASH, OF_TODAY),
    ] {
        let answer = test.authorize(id, secret).await;
        assert_eq!(answer.status, 200, "{id}: {}", answer.text());
        let new = renewed_from(&test, id, hash).await;
        assert!(new.starts_with(work), "{id}: {new}");
        assert_eq!(test.authorize(id, secret).await.status, 200, "{id}");
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(stored(&test, id).await.secret_hash, new, "{id}");
    }
}

#[tokio::test]
async fn after_a_restart_a_right_secret_takes_little_work_and_a_wrong_one_as_much_as_of_nobody() {
    let test = TestApp::new().await;
    import_vouched(&test, &[("a", STRONG)]).await;

    let later = test.replica().await;
    assert_eq!(later.authorize("a", STRONG).await.status, 200);
    assert_eq!(hashed(&later), (1, 0));

    let wrong = STRONG.to_lowercase();
    assert_eq!(later.authorize("nobody", &wrong).await.status, 401);
    assert_eq!(hashed(&later), (1, 1));
    assert_eq!(later.authorize("a", &wrong).await.status, 401);
    assert_eq!(hashed(&later), (2, 2));
}

#[tokio::test]
async fn the_word_goes_with_an_export_and_a_second_import_can_take_it_back() {
    let test = TestApp::new().await;
    import_vouched(&test, &[("a", STRONG_HASH), ("b", WEAK)]).await;
    let exported = test.export().await;
    assert_eq!(exported.matches("\"vouched\":true").count(), 1);

    let other = TestApp::new().await;
    let (report, _) = import_with(&other, &exported, ImportOptions::default()).await;
    assert_eq!(report.imported, 2);
    assert!(stored(&other, "a").await.vouched && !stored(&other, "b").await.vouched);

    let lines = import_vouched(&other, &[("a", STRONG_HASH)]).await;
    assert_eq!(lines[0].outcome.as_str(), "unchanged", "{lines:?}");
    let lines = import_as(&other, &[("a", STRONG_HASH)], FileSecrets::NONE).await;
    assert_eq!(lines[0].outcome.as_str(), "replaced", "{lines:?}");
    assert!(!stored(&other, "a").await.vouched);
}

#[test]
fn what_an_operator_vouches_for_is_one_word_or_two() {
    let both = FileSecrets {
        plain: true,
        generated: true,
    };
    for (text, vouched) in [
        ("generated", GENERATED),
        ("plain,generated", both),
        ("generated, plain", both),
    ] {
        assert_eq!(text.parse(), Ok(vouched), "{text}");
    }
    for text in ["", "hashed", "plain,", "plain generated"] {
        assert!(text.parse::<FileSecrets>().is_err(), "{text}");
    }
}
