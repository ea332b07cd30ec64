//! Bodies that come slowly or never: neither a response nor a connection waits for them longer than `BODY_TIMEOUT`.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Caller, head};
use crate::harness::Served;

/// So that no other limit ends the connection.
const SHORT: &[(&str, &str)] = &[("BODY_TIMEOUT", "1s"), ("IDLE_TIMEOUT", "10m")];

/// Far more than the limit, for a machine that builds something else meanwhile.
const MOST: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_body_that_stops_coming_ends_the_connection_at_the_limit() {
    let served = Served::start(SHORT).await;

    for (line, begin) in [
        ("content-length: 10", "x"),
        ("content-length: 60000", "x"),
        ("transfer-encoding: chunked", "1\r\nx\r\n"),
        ("transfer-encoding: chunked", ""),
    ] {
        let began = Instant::now();
        let mut caller = Caller::new(&served).await;
        caller.send(&head("POST /nowhere", &[line])).await;
        caller.send(begin.as_bytes()).await;
        assert_eq!(caller.reply().await.unwrap().status, 404, "{line}");
        caller.is_closed().await;

        let took = began.elapsed();
        let limits = Duration::from_secs(1)..MOST;
        assert!(limits.contains(&took), "{line} {begin}: {took:?}");
    }
}

#[tokio::test]
async fn a_body_that_drips_ends_the_connection_at_the_limit() {
    let served = Served::start(SHORT).await;

    for (request, status) in [("POST /nowhere", 404), ("POST /authorize", 408)] {
        let mut caller = Caller::new(&served).await;
        caller
            .send(&head(request, &["content-length: 60000"]))
            .await;
        let began = Instant::now();
        while caller.try_send(b"x").await.is_ok() {
            assert!(began.elapsed() < MOST, "{request}: it drips on");
            sleep(Duration::from_millis(50)).await;
        }

        let reply = caller.reply().await;
        let reply = reply.unwrap_or_else(|| panic!("{request}: the response was lost"));
        assert_eq!(reply.status, status, "{request}");
    }
}

#[tokio::test]
async fn a_body_that_is_late_is_answered_and_the_connection_ended() {
    let served = Served::start(SHORT).await;
    let mut caller = Caller::new(&served).await;

    caller
        .send(&head("POST /authorize", &["content-length: 10"]))
        .await;

    let reply = caller.reply().await.unwrap();
    assert_eq!((reply.status, reply.closes()), (408, true));
    caller.is_closed().await;
}
