//! While the database is known to be gone nobody waits for it: whatever needs it is answered 503 without another attempt.

use std::sync::Arc;
use std::time::Duration;

use token_server::app::{Readiness, background};
use token_server::domain::AdminRole;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::admin::{Browser, create};
use crate::admin_api::Robot;
use crate::harness::{Answer, CLIENT, Database, LONG, TestApp, Wire, until};

/// How often a connection to the database was asked for.
fn attempts(test: &TestApp) -> u64 {
    let calls = test.app.store().calls();
    calls.waited.count() + calls.unconnected + calls.pool_exhausted
}

fn assert_unavailable(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 503, "{what}: {}", answer.text());
    assert_eq!(answer.header("retry-after"), "1", "{what}");
}

/// The pages and forms of the portal say so in its own words; what they are made of is there.
async fn portal_is_refused(browser: &mut Browser<'_>) {
    let mut style = String::new();
    for path in [
        "/admin/",
        "/admin/login",
        "/admin/clients",
        "/admin/settings",
        "/admin/audit/export",
        "/admin/nowhere",
    ] {
        let answer = browser.get(path).await;
        assert_unavailable(&answer, path);
        assert!(answer.header("content-type").starts_with("text/html"));
        assert!(answer.text().contains("Not available now"), "{path}");
        let words = "the portal cannot show or change anything";
        assert!(answer.text().contains(words), "{}", answer.text());
        let (_, link) = answer.text().split_once("href=\"/admin/assets/").unwrap();
        style = format!("/admin/assets/{}", link.split('"').next().unwrap());
    }
    let answer = browser.log_in("vera", "whatever").await;
    assert_unavailable(&answer, "a login");
    assert_eq!(browser.get(&style).await.status, 200, "{style}");
}

async fn api_is_refused(test: &TestApp, robot: &Robot<'_>) {
    for path in [
        "/clients",
        "/settings",
        "/keys",
        "/usage/totals",
        "/overview",
    ] {
        let answer = robot.get(path).await;
        assert_unavailable(&answer, path);
        answer.assert_error(503, "temporarily_unavailable");
    }
    let new = serde_json::json!({ "client_id": "new" });
    let answer = robot.post("/clients", &new).await;
    answer.assert_error(503, "temporarily_unavailable");
    // Who may not ask learns nothing else than before.
    let answer = test.get("/admin/api/v1/clients").await;
    answer.assert_error(401, "invalid_token");
}

async fn unknown_clients_are_refused(test: &TestApp) {
    let grant = [("grant_type", "client_credentials")];
    for userinfo in ["nobody:guess", &format!("{CLIENT}:wrong")] {
        for answer in [
            test.post_basic("/authorize", userinfo, &[]).await,
            test.post_basic("/token", userinfo, &grant).await,
            test.post_basic("/introspect", userinfo, &[("token", "x")])
                .await,
            test.post_basic("/revoke", userinfo, &[("token", "x")])
                .await,
        ] {
            assert_unavailable(&answer, userinfo);
            answer.assert_error(503, "temporarily_unavailable");
        }
    }
}

/// Known clients and tokens go on, and nobody else makes an attempt.
async fn is_refused_at_once(
    test: &TestApp,
    robot: &Robot<'_>,
    browser: &mut Browser<'_>,
    secret: &str,
) {
    let before = attempts(test);
    let token = test.token(secret).await;
    portal_is_refused(browser).await;
    api_is_refused(test, robot).await;
    unknown_clients_are_refused(test).await;
    assert_eq!(test.verify(&token).await.status, 200);
    assert_eq!(attempts(test), before);
}

#[tokio::test]
async fn when_the_change_feed_found_out() {
    let test = TestApp::with(&[("ADMIN_SECOND_FACTOR", "optional")]).await;
    create(&test, "vera", AdminRole::Viewer).await;
    let secret = test.client().await;
    test.token(&secret).await;
    let robot = Robot::new(&test).await;
    let mut browser = Browser::of(&test, "vera").await;
    assert_eq!(browser.get("/admin/").await.status, 200);

    test.app.store().close().await;
    test.app.replication.read_changes().await.unwrap_err();

    is_refused_at_once(&test, &robot, &mut browser, &secret).await;
}

/// A replica over a wire that can freeze; `None` on a file.
async fn over_a_wire() -> Option<(Wire, TestApp, String)> {
    let database = Database::fresh().await;
    let wire = Wire::to(&database).await?;
    let short = [
        ("DATABASE_ACQUIRE_TIMEOUT", "1s"),
        ("DATABASE_STATEMENT_TIMEOUT", "1s"),
        ("ADMIN_SECOND_FACTOR", "optional"),
    ];
    let test = TestApp::on(wire.database.clone(), &short).await;
    create(&test, "vera", AdminRole::Viewer).await;
    let secret = test.client().await;
    test.token(&secret).await;
    Some((wire, test, secret))
}

#[tokio::test]
async fn when_a_request_found_out_before_the_change_feed() {
    let Some((wire, test, secret)) = over_a_wire().await else {
        return;
    };
    let robot = Robot::new(&test).await;
    let mut browser = Browser::of(&test, "vera").await;

    wire.freeze();
    // The first waits; nobody has noticed yet.
    let first = timeout(LONG, browser.get("/admin/clients")).await.unwrap();
    assert_eq!(first.status, 503);
    assert_eq!(test.app.core.readiness(), Readiness::Ready);
    is_refused_at_once(&test, &robot, &mut browser, &secret).await;

    // Requests do not find out that it is back: a reading does.
    wire.mend();
    is_refused_at_once(&test, &robot, &mut browser, &secret).await;
    until("it can be read", async || {
        test.app.replication.read_changes().await.is_ok()
    })
    .await;
    assert_eq!(browser.get("/admin/clients").await.status, 200);
    assert_eq!(robot.get("/clients").await.status, 200);
    let answer = test.authorize("nobody", "guess").await;
    answer.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn what_a_request_found_out_makes_the_background_read() {
    let Some((wire, test, _)) = over_a_wire().await else {
        return;
    };
    let stop = CancellationToken::new();
    // Only what a request found out makes it read.
    let never = Duration::from_hours(24);
    let app = Arc::clone(&test.app);
    tokio::spawn(background::follow_changes(app, never, stop.clone()));

    wire.cut();
    // The first that needs a new connection finds out; before it there may be some whose connection broke.
    let is_known = async || {
        let refused = test.authorize("nobody", "guess").await;
        refused.assert_error(503, "temporarily_unavailable");
        matches!(test.app.core.readiness(), Readiness::Degraded(_))
    };
    until("the reading that it causes fails", is_known).await;

    wire.mend();
    until("it can be read", async || {
        test.app.replication.read_changes().await.is_ok()
    })
    .await;
    let answer = test.authorize("nobody", "guess").await;
    answer.assert_error(401, "invalid_client");
    stop.cancel();
}

/// One call that waited too long does not keep others out for longer than a reading takes.
#[tokio::test]
async fn a_suspicion_that_is_wrong_ends_with_the_next_reading() {
    let Some((wire, test, _)) = over_a_wire().await else {
        return;
    };
    wire.freeze();
    let asked = timeout(LONG, test.authorize("nobody", "guess")).await;
    asked.unwrap().assert_error(503, "temporarily_unavailable");
    wire.mend();
    let stop = CancellationToken::new();
    let app = Arc::clone(&test.app);
    let never = Duration::from_hours(24);
    tokio::spawn(background::follow_changes(app, never, stop.clone()));

    let answers = async || test.authorize("nobody", "guess").await.status == 401;
    until("others are served", answers).await;
    assert_eq!(test.app.core.readiness(), Readiness::Ready);
    stop.cancel();
}
