use token_server::base::clock::UnixTime;

use crate::harness::TestApp;

#[tokio::test]
async fn a_value_is_used_once() {
    let test = TestApp::new().await;
    let store = test.app.store();

    assert!(
        store
            .use_once("a", UnixTime(100), UnixTime(1))
            .await
            .unwrap()
    );
    assert!(
        !store
            .use_once("a", UnixTime(200), UnixTime(1))
            .await
            .unwrap()
    );
    assert!(
        store
            .use_once("b", UnixTime(100), UnixTime(1))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn of_two_replicas_one_wins() {
    let one = TestApp::new().await;
    let other = one.replica().await;

    let mut won = 0;
    for round in 0..20 {
        let key = round.to_string();
        let (a, b) = tokio::join!(
            one.app.store().use_once(&key, UnixTime(100), UnixTime(1)),
            other.app.store().use_once(&key, UnixTime(100), UnixTime(1)),
        );
        won += usize::from(a.unwrap()) + usize::from(b.unwrap());
    }

    assert_eq!(won, 20);
}

#[tokio::test]
async fn an_expired_value_counts_as_unused_pruned_or_not() {
    let test = TestApp::new().await;
    let store = test.app.store();
    store
        .use_once("a", UnixTime(100), UnixTime(1))
        .await
        .unwrap();
    store
        .use_once("b", UnixTime(101), UnixTime(1))
        .await
        .unwrap();

    assert!(
        !store
            .use_once("a", UnixTime(300), UnixTime(99))
            .await
            .unwrap()
    );
    assert!(
        store
            .use_once("a", UnixTime(300), UnixTime(100))
            .await
            .unwrap()
    );

    let now = test.trusted(UnixTime(101)).await;
    assert_eq!(store.prune_single_use_values(now).await.unwrap(), 1);
    assert!(
        !store
            .use_once("a", UnixTime(300), UnixTime(101))
            .await
            .unwrap()
    );
    assert!(
        store
            .use_once("b", UnixTime(300), UnixTime(101))
            .await
            .unwrap()
    );
}
