//! Who wastes tokens, who does most, and how the service is.

use std::time::Duration;

use serde_json::json;
use token_server::app::{ExcessSpan, NewClient};
use token_server::domain::{ExcessTokens, Scope, TokenTtl};

use crate::admin_api::Robot;
use crate::harness::{BY, CLIENT, Database, NOW, TestApp, id, new_client};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

async fn client(test: &TestApp, name: &str, ttl: i64) -> String {
    test.register(NewClient {
        scopes: Scope::parse("read").unwrap(),
        token_ttl: TokenTtl::from_seconds(ttl).ok(),
        ..new_client(name)
    })
    .await
}

async fn issue(test: &TestApp, name: &str, secret: &str, times: usize) {
    for _ in 0..times {
        assert_eq!(test.authorize(name, secret).await.status, 200);
    }
    test.app.write_usage().await.unwrap();
}

fn numbers(list: &[ExcessTokens]) -> Vec<(&str, u64, u64)> {
    let row = |it: &ExcessTokens| (it.issued, it.needed);
    list.iter()
        .map(|it| (it.client_id.as_str(), row(it).0, row(it).1))
        .collect()
}

#[tokio::test]
async fn one_token_is_needed_for_each_lifetime_and_the_worst_stand_first() {
    let test = TestApp::new().await;
    let hourly = client(&test, "hourly", HOUR).await;
    let quick = client(&test, "quick", 1_200).await;
    let daily = client(&test, "daily", DAY).await;
    let thrifty = client(&test, "thrifty", HOUR).await;
    for _ in 0..2 {
        issue(&test, "hourly", &hourly, 5).await;
        issue(&test, "quick", &quick, 4).await;
        issue(&test, "daily", &daily, 10).await;
        issue(&test, "thrifty", &thrifty, 1).await;
        test.clock.advance(HOUR);
    }

    let found = test
        .app
        .usage
        .find_excess_tokens(ExcessSpan::Day)
        .await
        .unwrap();

    assert_eq!(
        numbers(&found.value),
        [("daily", 20, 1), ("hourly", 10, 2), ("quick", 8, 6)]
    );
    assert_eq!(found.value[0].wasted(), 19);
    assert_eq!(found.at, NOW.plus(2 * HOUR));
}

#[tokio::test]
async fn what_is_older_than_the_span_and_of_deleted_clients_is_not_counted() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let gone = client(&test, "gone", HOUR).await;
    issue(&test, CLIENT, &secret, 3).await;
    issue(&test, "gone", &gone, 3).await;
    test.delete_client(&id("gone")).await;
    test.clock.advance(2 * DAY);

    let day = test
        .app
        .usage
        .find_excess_tokens(ExcessSpan::Day)
        .await
        .unwrap();
    let month = test
        .app
        .usage
        .find_excess_tokens(ExcessSpan::Month)
        .await
        .unwrap();

    assert_eq!(numbers(&day.value), []);
    assert_eq!(numbers(&month.value), [(CLIENT, 3, 1)]);
}

#[tokio::test]
async fn a_ranking_is_kept_for_a_minute_and_renewed_on_the_side() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    issue(&test, CLIENT, &secret, 1).await;
    let top = async || test.app.usage.find_busiest_clients().await.unwrap();
    let first = top().await;
    assert_eq!(first.value.active[0].counts.issued, 1);
    issue(&test, CLIENT, &secret, 1).await;

    test.clock.advance(59);
    assert_eq!(top().await.at, NOW);
    test.clock.advance(1);
    // The one that asks has the older one; it is there for a later one.
    assert_eq!(top().await.at, NOW);
    let mut renewed = top().await;
    while renewed.at == NOW {
        tokio::task::yield_now().await;
        renewed = top().await;
    }
    assert_eq!(renewed.at, NOW.plus(60));
    assert_eq!(renewed.value.active[0].counts.issued, 2);
}

#[tokio::test]
async fn those_that_ask_first_wait_for_one_answer_together() {
    let test = TestApp::new().await;
    let (one, other) = tokio::join!(
        test.app.usage.find_busiest_clients(),
        test.app.usage.find_busiest_clients()
    );

    assert!(std::sync::Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
}

#[tokio::test]
async fn the_overview_has_every_minute_and_hour_and_what_ends_soon() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    let secret = test.client().await;
    let lasting = client(&test, "lasting", HOUR).await;
    let ends = |name: &str, days: i64| {
        let (app, name) = (test.app.clone(), id(name));
        async move {
            let record = app.clients.find(&name).await.unwrap();
            let secret_id = &record.secrets[0].secret_id;
            let end = NOW.plus(days * DAY);
            app.secrets.expire(BY, &name, secret_id, end).await.unwrap();
        }
    };
    ends(CLIENT, 3).await;
    ends("lasting", 2).await;
    let more = token_server::app::NewSecret::default();
    test.app
        .secrets
        .add(BY, &id("lasting"), more)
        .await
        .unwrap();
    client(&test, "later", HOUR).await;
    ends("later", 31).await;
    issue(&test, CLIENT, &secret, 2).await;
    issue(&test, "lasting", &lasting, 1).await;
    test.app.keys.rotate(BY, true).await.unwrap();
    test.clock.advance(90);

    let overview = test.app.overview(Duration::MAX).await.unwrap();

    assert_eq!((overview.minutes.len(), overview.hours.len()), (60, 720));
    assert_eq!(overview.minutes[58].counts.issued, 3);
    assert_eq!(overview.minutes[59].start, NOW.plus(60));
    assert_eq!(overview.hours[719].counts.issued, 3);
    assert_eq!(overview.most_active[0].client_id, id(CLIENT));
    let ending: Vec<_> = overview
        .ending_secrets
        .iter()
        .map(|it| (it.client_id.as_str(), it.is_last))
        .collect();
    assert_eq!(ending, [("lasting", false), (CLIENT, true)]);
    assert_eq!(overview.ending_keys.len(), 1);
    assert!(overview.rotation_due.is_some());
}

#[tokio::test]
async fn the_overview_does_not_wait_for_who_does_most_and_has_it_the_next_time() {
    let test = TestApp::new().await;

    let first = test.app.overview(Duration::ZERO).await.unwrap();
    // What was begun goes on, and is waited for here.
    test.app.usage.find_busiest_clients().await.unwrap();
    let next = test.app.overview(Duration::ZERO).await.unwrap();

    // With as little to count as here it may be done at once.
    let counted_at = (!first.counting).then_some(NOW);
    assert_eq!(first.counted_at, counted_at);
    assert_eq!((next.counting, next.counted_at), (false, Some(NOW)));
}

#[tokio::test]
async fn replicas_say_that_they_run_and_that_they_stop() {
    let database = Database::fresh().await;
    let one = TestApp::on(database.clone(), &[]).await;
    let other = TestApp::on(database, &[]).await;
    one.app
        .replication
        .tell_certificate_end(|| Some(NOW.plus(DAY)));
    for test in [&one, &other, &one] {
        test.app.replication.say_alive().await.unwrap();
    }
    let listed = async || one.app.replication.list_replicas().await.unwrap();
    let replicas = listed().await;
    assert_eq!(replicas.len(), 2);
    assert!(
        replicas
            .iter()
            .all(|it| it.is_heard(NOW) && it.changes_read_at == Some(NOW))
    );
    let ends = replicas.iter().filter_map(|it| it.certificate_expires_at);
    assert_eq!(ends.collect::<Vec<_>>(), [NOW.plus(DAY)]);

    other.app.replication.say_gone().await.unwrap();
    assert_eq!(listed().await.len(), 1);
    one.clock.advance(31);
    assert!(!listed().await[0].is_heard(NOW.plus(31)));
    one.clock.advance(DAY);
    assert_eq!(one.app.replication.prune_replicas().await.unwrap(), 1);
}

#[tokio::test]
async fn the_admin_api_tells_the_same() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let robot = Robot::new(&test).await;
    issue(&test, CLIENT, &secret, 3).await;
    test.app.replication.say_alive().await.unwrap();

    let overview = robot.get("/overview").await.json();
    let minutes = robot.get("/usage/totals?by=minute").await.json();
    let top = robot.get("/usage/top").await.json();
    let waste = robot.get("/usage/waste?over=30d").await.json();

    assert_eq!(overview["minutes"].as_array().unwrap().len(), 60);
    assert_eq!(overview["replicas"].as_array().unwrap().len(), 1);
    assert_eq!(minutes["spans"][0]["issued"], 4);
    assert_eq!(top["most_active"][0]["client_id"], CLIENT);
    assert_eq!(waste["clients"][0]["issued"], 3);
    assert_eq!(waste["clients"][0]["needed"], 1);
    assert_eq!(waste["counted_at"], json!(NOW.0));
    for wrong in [
        "totals?by=day",
        "waste?over=1h",
        "totals?since=x",
        "waste?by=x",
    ] {
        let answer = robot.get(&format!("/usage/{wrong}")).await;
        answer.assert_error(400, "invalid_request");
    }
}
