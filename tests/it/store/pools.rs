//! The connections to a file of SQLite.

use std::sync::Arc;
use std::time::Duration;

use token_server::app::NewClient;
use tokio::time::{sleep, timeout};

use crate::harness::{BY, CLIENT, Database, TestApp, id};

/// As the defaults are, in short.
const SHORT: &[(&str, &str)] = &[
    ("DATABASE_ACQUIRE_TIMEOUT", "2s"),
    ("DATABASE_STATEMENT_TIMEOUT", "20s"),
];

#[tokio::test]
async fn writers_that_wait_for_a_lock_keep_no_first_login_waiting() {
    let database = Database::fresh().await;
    if database.is_postgres() {
        return;
    }
    let secret = TestApp::on(database.clone(), &[]).await.client().await;
    // One that has nothing of the client in memory.
    let test = TestApp::on(database.clone(), SHORT).await;
    let mut other_process = database.begin().await;

    let writers: Vec<_> = (0..10)
        .map(|n| {
            let app = Arc::clone(&test.app);
            tokio::spawn(async move {
                let client_id = Some(id(&format!("waiting-{n}")));
                let new = NewClient {
                    client_id,
                    ..NewClient::default()
                };
                app.clients.register(BY, new, None).await.map(drop)
            })
        })
        .collect();
    sleep(Duration::from_millis(200)).await;
    let first = timeout(Duration::from_secs(2), test.authorize(CLIENT, &secret)).await;

    assert!(writers.iter().all(|writer| !writer.is_finished()));
    assert_eq!(first.unwrap().status, 200);
    other_process.run("rollback").await;
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
}
