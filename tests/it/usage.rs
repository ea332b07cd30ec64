//! What clients do is counted, by all replicas together, and costs nobody an answer.

use token_server::app::{NewClient, NewSecret, UsageOrder};
use token_server::base::clock::UnixTime;
use token_server::domain::{ClientUses, LastUsed, Scope, UsageCounts, UsageIn, UsageOf, UsageSpan};

use crate::harness::{BY, CLIENT, NOW, TestApp, id, new_client};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn counts(issued: u64, refused: u64, verified: u64) -> UsageCounts {
    UsageCounts {
        issued,
        refused,
        verified,
    }
}

fn in_span(start: UnixTime, counts: UsageCounts) -> UsageIn {
    UsageIn { start, counts }
}

async fn hours(test: &TestApp) -> Vec<UsageIn> {
    let listed = test
        .app
        .usage
        .list_of_client(&id(CLIENT), UnixTime(0))
        .await;
    listed.unwrap()
}

async fn totals(test: &TestApp, span: UsageSpan) -> Vec<UsageIn> {
    test.app.usage.list(span, UnixTime(0)).await.unwrap()
}

async fn uses(test: &TestApp) -> ClientUses {
    test.app.usage.find_of_client(&id(CLIENT)).await.unwrap()
}

/// Gets a token and has it verified.
async fn work(test: &TestApp, secret: &str) {
    let token = test.token(secret).await;
    assert_eq!(test.verify(&token).await.status, 200);
}

#[tokio::test]
async fn what_a_client_does_is_counted_by_the_hour_and_all_together_by_the_minute() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    for _ in 0..2 {
        assert_eq!(test.verify(&token).await.status, 200);
    }
    let form = [
        ("client_id", CLIENT),
        ("client_secret", &secret),
        ("token", &token),
    ];
    assert_eq!(test.post_form("/introspect", &form).await.status, 200);
    assert_eq!(test.authorize(CLIENT, "wrong").await.status, 401);
    let form = [
        ("client_id", CLIENT),
        ("client_secret", &secret),
        ("scope", "admin"),
    ];
    assert_eq!(test.post_form("/authorize", &form).await.status, 400);
    // A token that is no good is nobody's doing.
    assert_eq!(test.verify("x.y.z").await.status, 401);
    assert_eq!(hours(&test).await, []);
    test.app.write_usage().await.unwrap();
    test.app.write_usage().await.unwrap();
    test.clock.advance(HOUR + 61);
    work(&test, &secret).await;
    test.app.write_usage().await.unwrap();

    let (first, second) = (counts(1, 2, 3), counts(1, 0, 1));
    let next = NOW.plus(HOUR + 61);
    let hour = |at| UsageSpan::Hour.start(at);
    let expected = vec![in_span(hour(NOW), first), in_span(hour(next), second)];
    assert_eq!(hours(&test).await, expected);
    assert_eq!(totals(&test, UsageSpan::Hour).await, expected);
    let minute = |at| UsageSpan::Minute.start(at);
    let expected = [in_span(minute(NOW), first), in_span(minute(next), second)];
    assert_eq!(totals(&test, UsageSpan::Minute).await, expected);
}

#[tokio::test]
async fn the_counts_of_replicas_add_up() {
    let one = TestApp::new().await;
    let secret = one.client().await;
    let other = one.replica().await;
    for _ in 0..3 {
        work(&one, &secret).await;
        work(&other, &secret).await;
    }

    for test in [&one, &other, &one] {
        test.app.write_usage().await.unwrap();
    }
    work(&other, &secret).await;
    let (first, second) = tokio::join!(one.app.write_usage(), other.app.write_usage());
    first.and(second).unwrap();

    let hour = in_span(UsageSpan::Hour.start(NOW), counts(7, 0, 7));
    assert_eq!(hours(&one).await, [hour]);
    assert_eq!(totals(&other, UsageSpan::Hour).await, [hour]);
    assert_eq!(uses(&one).await.secrets[0].uses_24h, 7);
}

#[tokio::test]
async fn invented_clients_are_counted_under_nobodys_name() {
    let test = TestApp::with(&[("THROTTLE_SOURCE_FAILURES", "50")]).await;
    test.client().await;
    for n in 0..60 {
        let answer = test.authorize(&format!("invented-{n}"), "wrong").await;
        assert_eq!(answer.status, if n < 50 { 401 } else { 429 });
    }
    test.authorize("no client id at all", "wrong").await;
    test.app.write_usage().await.unwrap();

    assert_eq!(hours(&test).await, []);
    let top = test
        .app
        .usage
        .list_top_clients(UsageOrder::Refused, UnixTime(0), 9);
    assert_eq!(top.await.unwrap(), []);
    let total = totals(&test, UsageSpan::Minute).await;
    assert_eq!(total[0].counts, counts(0, 61, 0));
    let of_nobody = "delete from usage_hours
        where client_id = '' and issued = 0 and refused = 61 and verified = 0";
    assert_eq!(test.database.execute(of_nobody).await, 1);
}

#[tokio::test]
async fn a_client_and_each_secret_tell_when_and_from_where_they_were_last_used() {
    let test = TestApp::new().await;
    let old = test.client().await;
    let added = test
        .app
        .secrets
        .add(BY, &id(CLIENT), NewSecret::default())
        .await
        .unwrap();
    let new = added.plain.expose();
    test.token(&old).await;
    assert_eq!(uses(&test).await, ClientUses::default());
    test.app.write_usage().await.unwrap();
    test.clock.advance(10);
    for _ in 0..2 {
        test.token(new).await;
    }
    test.app.write_usage().await.unwrap();

    let source = "192.0.2.1".parse().unwrap();
    let at = |used_at| LastUsed { used_at, source };
    let found = uses(&test).await;
    let secrets = test.find_client(&id(CLIENT)).await.secrets;
    let old = secrets
        .iter()
        .find(|one| one.secret_id != added.secret.secret_id)
        .unwrap();
    assert_eq!(found.last, Some(at(NOW.plus(10))));
    let of_old = found.of_secret(&old.secret_id).unwrap();
    assert_eq!((of_old.last, of_old.uses_24h), (at(NOW), 1));
    let of_new = found.of_secret(&added.secret.secret_id).unwrap();
    assert_eq!((of_new.last, of_new.uses_24h), (at(NOW.plus(10)), 2));

    // A day later the uses are over; when the last one was is still known.
    test.clock.advance(DAY + HOUR);
    test.app.usage.prune().await.unwrap();
    let found = uses(&test).await;
    assert_eq!(found.last, Some(at(NOW.plus(10))));
    assert!(found.secrets.iter().all(|secret| secret.uses_24h == 0));
    assert_eq!(found.secrets.len(), 2);
}

#[tokio::test]
async fn a_later_client_of_the_same_id_was_never_used() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    work(&test, &secret).await;
    test.delete_client(&id(CLIENT)).await;
    // Written after the client has gone.
    test.app.write_usage().await.unwrap();
    test.clock.advance(1);
    test.client().await;

    assert_eq!(uses(&test).await, ClientUses::default());
    let billing = id(CLIENT);
    let last = test.app.usage.list_last_used(&[&billing]).await.unwrap();
    assert!(last.is_empty());
}

#[tokio::test]
async fn while_the_database_fails_nothing_waits_and_no_count_is_lost() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let tables = ["usage_hours", "usage_totals", "last_used", "secret_hours"];
    for table in tables {
        let sql = format!("alter table {table} rename to {table}_away");
        test.database.execute(&sql).await;
    }
    assert!(test.app.write_usage().await.is_err());
    test.clock.advance(2);
    for _ in 0..3 {
        assert_eq!(test.verify(&token).await.status, 200);
        test.token(&secret).await;
    }
    assert!(test.app.write_usage().await.is_err());
    let outage = test.clock.now();
    test.clock.advance(HOUR);
    assert!(test.app.write_usage().await.is_err());
    for table in tables {
        let sql = format!("alter table {table}_away rename to {table}");
        test.database.execute(&sql).await;
    }

    test.app.write_usage().await.unwrap();

    // In the hour in which it happened.
    let hour = in_span(UsageSpan::Hour.start(NOW), counts(4, 0, 3));
    assert_eq!(hours(&test).await, [hour]);
    assert_eq!(uses(&test).await.last.unwrap().used_at, outage);
}

#[tokio::test]
async fn without_a_database_tokens_are_issued_and_verified_and_counted() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    work(&test, &secret).await;
    test.app.store().close().await;

    work(&test, &secret).await;
    assert!(test.app.write_usage().await.is_err());
    work(&test, &secret).await;
}

#[tokio::test]
async fn the_most_active_and_the_most_failing_come_first() {
    let test = TestApp::new().await;
    for (name, tokens, failures) in [("a", 1, 2), ("b", 3, 0), ("c", 2, 1)] {
        let secret = test
            .register(NewClient {
                scopes: Scope::parse("read").unwrap(),
                ..new_client(name)
            })
            .await;
        for _ in 0..tokens {
            assert_eq!(test.authorize(name, &secret).await.status, 200);
        }
        for _ in 0..failures {
            assert_eq!(test.authorize(name, "wrong").await.status, 401);
        }
    }
    test.app.write_usage().await.unwrap();
    let top = async |order, since| -> Vec<String> {
        let listed = test
            .app
            .usage
            .list_top_clients(order, since, 2)
            .await
            .unwrap();
        let name = |of: UsageOf| of.client_id.to_string();
        listed.into_iter().map(name).collect()
    };

    assert_eq!(top(UsageOrder::Issued, NOW.plus(-HOUR)).await, ["b", "c"]);
    assert_eq!(top(UsageOrder::Refused, NOW.plus(-HOUR)).await, ["a", "c"]);
    assert_eq!(top(UsageOrder::Issued, NOW.plus(HOUR)).await, [""; 0]);
}

#[tokio::test]
async fn counts_are_kept_for_usage_retention_and_minutes_for_hours() {
    let test = TestApp::with(&[("USAGE_RETENTION", "10d")]).await;
    let secret = test.client().await;
    work(&test, &secret).await;
    test.app.write_usage().await.unwrap();
    let left = async || {
        test.app.usage.prune().await.unwrap();
        let minutes = totals(&test, UsageSpan::Minute).await;
        let all = totals(&test, UsageSpan::Hour).await;
        [minutes.len(), all.len(), hours(&test).await.len()]
    };

    assert_eq!(left().await, [1, 1, 1]);
    test.clock.advance(3 * HOUR + 60);
    assert_eq!(left().await, [0, 1, 1]);
    test.clock.advance(9 * DAY);
    assert_eq!(left().await, [0, 1, 1]);
    test.clock.advance(DAY);
    assert_eq!(left().await, [0, 0, 0]);
    assert!(uses(&test).await.last.is_some());
}
