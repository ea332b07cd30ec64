//! Migrations, and what a database is before and after them.

mod later_columns;
mod migrating;

use token_server::app::App;
use token_server::base::clock::Clock;
use token_server::store::StoreError;

use crate::harness::{Database, NOW, config};

#[tokio::test]
async fn a_fresh_database_has_everything_pending_and_a_migrated_one_nothing() {
    let database = Database::empty().await;
    let app = App::open(config(&database.url, &[]), Clock::fixed(NOW)).unwrap();

    let before = app.store().list_pending_migrations().await.unwrap();
    app.store().migrate(&|_| {}).await.unwrap();
    let after = app.store().list_pending_migrations().await.unwrap();

    assert_eq!(before[..2], ["0100 clients", "0101 signing keys"]);
    let files = std::fs::read_dir("migrations").unwrap().count();
    assert_eq!(before.len(), files);
    assert!(after.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_that_start_at_once_migrate_once() {
    let database = Database::empty().await;
    let starting = (0..4).map(|_| {
        let config = config(&database.url, &[]);
        tokio::spawn(async move {
            let app = App::open(config, Clock::fixed(NOW)).unwrap();
            app.store().migrate(&|_| {}).await
        })
    });
    for replica in starting.collect::<Vec<_>>() {
        replica.await.unwrap().unwrap();
    }
}

/// On SQLite the first to open a new file changes its mode, and finds the others doing so.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_database_is_opened_by_several_at_once() {
    for _ in 0..20 {
        let database = Database::empty().await;
        let opening = (0..8).map(|_| {
            let config = config(&database.url, &[]);
            tokio::spawn(async move {
                let app = App::open(config, Clock::fixed(NOW)).unwrap();
                let pending = app.store().list_pending_migrations().await;
                app.store().close().await;
                pending
            })
        });
        for replica in opening.collect::<Vec<_>>() {
            assert!(!replica.await.unwrap().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn a_database_of_a_pre_release_is_named_and_left_alone() {
    let database = Database::fresh().await;
    database
        .execute("delete from _sqlx_migrations where version <> 100")
        .await;
    database
        .execute("update _sqlx_migrations set version = 22, description = 'admin networks'")
        .await;
    let app = App::open(config(&database.url, &[]), Clock::fixed(NOW)).unwrap();

    let listed = app.store().list_pending_migrations().await;
    let migrated = app.store().migrate(&|_| {}).await;

    assert!(matches!(listed, Err(StoreError::PreRelease)), "{listed:?}");
    let error = migrated.unwrap_err();
    assert!(
        error.to_string().contains("made by a pre-release"),
        "{error}"
    );
    assert_eq!(database.execute("delete from _sqlx_migrations").await, 1);
}

/// Also when nothing is pending.
#[tokio::test]
async fn a_migration_that_was_applied_with_another_text_is_refused() {
    let database = Database::fresh().await;
    let change = "update _sqlx_migrations set checksum = (select checksum from _sqlx_migrations where version = 100) \
                  where version = 104";
    assert_eq!(database.execute(change).await, 1);
    let app = App::open(config(&database.url, &[]), Clock::fixed(NOW)).unwrap();

    let listed = app.store().list_pending_migrations().await;
    let migrated = app.store().migrate(&|_| {}).await;

    for refused in [listed.map(|_| ()), migrated] {
        let error = refused.unwrap_err();
        assert!(
            matches!(&error, StoreError::ChangedMigration(name) if name == "0104 audit"),
            "{error:?}"
        );
    }
}
