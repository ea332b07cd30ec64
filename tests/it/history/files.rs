//! A SQLite file that is removed, moved back or replaced under a service.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{
    Snapshot, assert_unavailable, assert_works, fail_to_read, migrate, number, revoke, status,
};
use crate::harness::{BY, Database, TestApp};

/// A service on a file, the file, and its client's secret; `None` on Postgres.
async fn on_file() -> Option<(TestApp, PathBuf, String)> {
    let test = TestApp::new().await;
    let file = test.database.url.strip_prefix("sqlite:").map(PathBuf::from);
    let secret = test.client().await;
    let file = file?;
    Some((test, file, secret))
}

/// Renames a copy of the database to its file. The last writes to the old file are earlier by a tick of the file system's
/// clock, as for an operator: else they could be another process' writes to the new one.
async fn put_in_place(copy: &Path, file: &Path) {
    tokio::time::sleep(Duration::from_millis(50)).await;
    fs::rename(copy, file).unwrap();
}

/// The text in the table `installation` of another file.
async fn identity(database: &Database) -> String {
    let test = TestApp::on(database.clone(), &[]).await;
    test.app.store().look().await.unwrap().installation.identity
}

#[tokio::test]
async fn a_removed_file_is_noticed_at_once_and_its_return_too() {
    let Some((test, file, secret)) = on_file().await else {
        return;
    };
    let token = test.token(&secret).await;
    let aside = file.with_extension("aside");
    fs::rename(&file, &aside).unwrap();

    // Before anybody has read the changes: what is revoked now would be lost.
    assert_unavailable(&revoke(&test, &secret, &token).await);
    fail_to_read(&test).await;
    assert_eq!(status(&test).await, "degraded: database file removed");
    let next = test.token(&secret).await;
    assert_eq!(test.verify(&next).await.status, 200);
    assert!(!file.exists(), "nobody makes an empty one");

    fs::rename(&aside, &file).unwrap();
    test.read_changes().await;
    assert_works(&test, &secret).await;
}

#[tokio::test]
async fn an_older_copy_in_its_place_is_used_and_nothing_is_written_to_the_old_file() {
    let Some((test, file, secret)) = on_file().await else {
        return;
    };
    let snapshot = Snapshot::take(&test.database).await;
    let lost = test.token(&secret).await;
    test.app.tokens.revoke(BY, &lost).await.unwrap();
    let token = test.token(&secret).await;

    let Snapshot::Sqlite { copy, .. } = snapshot else {
        panic!("not a file");
    };
    // With the last writes to the old file in `-wal` beside it, which are none of the new one.
    let rest = fs::metadata(format!("{}-wal", file.display())).unwrap();
    assert!(rest.len() > 0);
    put_in_place(&copy, &file).await;
    assert_unavailable(&revoke(&test, &secret, &token).await);
    test.read_changes().await;

    assert_works(&test, &secret).await;
    assert_eq!(test.verify(&token).await.status, 200);
    test.verify(&lost).await.assert_error(401, "invalid_token");
    // What was written since is in the new file.
    let count = "select count(*) from revocations";
    assert!(file.exists());
    test.app.tokens.revoke(BY, &token).await.unwrap();
    assert!(number(&test.database, count).await >= 2);
    let restarted = test.replica().await;
    for revoked in [&lost, &token] {
        let answer = restarted.verify(revoked).await;
        answer.assert_error(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_file_of_another_installation_in_its_place_is_not_used() {
    let Some((test, file, secret)) = on_file().await else {
        return;
    };
    test.token(&secret).await;
    let other = Database::empty().await;
    migrate(&other).await;
    let other_file = other.url.strip_prefix("sqlite:").unwrap();
    let [known, found] = [identity(&test.database).await, identity(&other).await];
    assert_ne!(known, found);
    let copy = file.with_extension("other");
    other
        .execute(&format!("vacuum into '{}'", copy.display()))
        .await;
    assert!(fs::exists(other_file).unwrap());

    put_in_place(&copy, &file).await;
    fail_to_read(&test).await;

    assert_eq!(status(&test).await, "degraded: another database");
    assert_unavailable(&test.authorize("nobody", "guess").await);
    test.token(&secret).await;
    let why = test.app.store().obstacle().unwrap().to_string();
    assert!(why.contains(&known) && why.contains(&found), "{why}");
}

/// As an operator does who runs `restore` at once: what that writes must not go with the old file's last writes.
#[tokio::test]
async fn a_file_that_another_process_writes_to_already_is_left_alone() {
    let Some((test, _, secret)) = on_file().await else {
        return;
    };
    let snapshot = Snapshot::take(&test.database).await;
    test.token(&secret).await;
    snapshot.put_back().await;
    let operator = test.replica().await;
    operator.app.replication.restore(BY, true).await.unwrap();

    fail_to_read(&test).await;

    assert_eq!(status(&test).await, "degraded: database file replaced");
    test.token(&secret).await;
    let epoch = "select epoch from installation";
    assert_eq!(number(&test.database, epoch).await, 2);
}
