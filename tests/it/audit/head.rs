//! The end of the trail, as the log and the metrics have it from the start on and every hour.

use super::forger::{change, rewrite_from};
use super::{broken_at, rename, set_head_to, with_events};
use crate::harness::{Log, TestApp};
use crate::metrics::Operator;

#[tokio::test]
async fn a_trail_that_was_put_back_is_found_by_the_end_that_the_log_has() {
    let test = with_events(5).await;
    let log = Log::default();
    let guard = log.capture();
    test.app.audit.watch_head().await.unwrap();
    drop(guard);
    let logged = log.text();
    let (_, known) = logged.split_once(r#""head":""#).unwrap();
    let known = known.split('"').next().unwrap().parse().unwrap();
    assert!(test.app.audit.verify(Some(&known)).await.unwrap().good);

    // All of it, with all that belongs to it, as from a backup; and then it goes on.
    test.database
        .execute("delete from audit_events where event_id > 3")
        .await;
    set_head_to(&test, 3).await;
    for name in ["4", "5", "6"] {
        rename(&test, name).await;
    }

    assert_eq!(broken_at(&test).await, None);
    let verdict = test.app.audit.verify(Some(&known)).await.unwrap();
    assert_eq!(verdict.broken.map(|broken| broken.event_id), Some(5));
}

#[tokio::test]
async fn the_metrics_have_the_last_event_and_its_hash() {
    let test = with_events(5).await;
    let operator = Operator::of(&test);
    assert_eq!(operator.page().await.find("audit_head_authentic"), None);

    test.app.audit.watch_head().await.unwrap();

    let last = test.app.audit.verify(None).await.unwrap().last;
    let page = operator.page().await;
    let series = format!("audit_head_event_id{{hash=\"{}\"}}", last.hash);
    assert_eq!(
        (page.get(&series), page.get("audit_head_authentic")),
        (5, 1)
    );
}

#[tokio::test]
async fn an_end_that_is_not_authentic_is_an_error_in_the_log_and_a_metric() {
    let test = with_events(5).await;
    test.app.audit.watch_head().await.unwrap();
    let last = test.app.audit.verify(None).await.unwrap().last;
    change(&test, 5).await;
    rewrite_from(&test, 5).await;

    let log = Log::default();
    let guard = log.capture();
    test.app.audit.take_over().await.unwrap();
    drop(guard);

    assert!(log.text().contains(r#""level":"ERROR""#), "{}", log.text());
    assert!(log.text().contains("token-server audit accept-head"));
    let page = Operator::of(&test).page().await;
    assert_eq!(page.get("audit_head_authentic"), 0);
    // The last one that was good.
    let series = format!("audit_head_event_id{{hash=\"{}\"}}", last.hash);
    assert_eq!(page.get(&series), 5);
}

#[tokio::test]
async fn an_empty_trail_is_fine_and_has_no_end() {
    let test = TestApp::new().await;
    let log = Log::default();
    let guard = log.capture();
    test.app.audit.take_over().await.unwrap();
    drop(guard);

    assert!(!log.text().contains("ERROR"), "{}", log.text());
    let page = Operator::of(&test).page().await;
    assert_eq!(page.get("audit_head_authentic"), 1);
}
