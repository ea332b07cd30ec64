use token_server::app::App;
use token_server::base::clock::Clock;

use crate::harness::{Database, NOW, config};

#[tokio::test]
async fn a_fresh_database_has_everything_pending_and_a_migrated_one_nothing() {
    let database = Database::empty().await;
    let app = App::open(config(&database.url, &[]), Clock::fixed(NOW)).unwrap();

    let before = app.store().list_pending_migrations().await.unwrap();
    app.store().migrate().await.unwrap();
    let after = app.store().list_pending_migrations().await.unwrap();

    assert_eq!(before[..2], ["0001 clients", "0002 signing keys"]);
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
            app.store().migrate().await
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
