//! SQLite has no clock but this machine's: what makes it doubted, and how an operator confirms it.

use token_server::app::{AuditFilter, NewClient};
use token_server::base::clock::Clock;
use token_server::domain::{Actor, AdminRole, ErrorCode, Origin};
use token_server::store::StoreError;

use super::{DAY, assert_held_back};
use crate::admin::{Browser, portal_with};
use crate::harness::trail::find;
use crate::harness::{BY, Database, Log, NOW, TestApp};
use crate::metrics::Operator;

/// A service that starts when this many seconds have passed, as `serve` does; `None` on Postgres, which has the time.
async fn started(database: &Database, passed: i64) -> Option<TestApp> {
    started_with(database, passed, &[]).await
}

async fn started_with(
    database: &Database,
    passed: i64,
    settings: &[(&str, &str)],
) -> Option<TestApp> {
    let clock = Clock::fixed(NOW.plus(passed));
    let test = TestApp::at(clock, database.clone(), settings).await;
    test.app.core.watch_clock().await.unwrap();
    (!test.app.store().has_own_clock()).then_some(test)
}

async fn is_trusted(test: &TestApp) -> bool {
    match test.app.core.trusted_time().await {
        Ok(time) => {
            assert_eq!(time.time(), test.clock.now());
            true
        }
        doubted => {
            assert_held_back(doubted);
            false
        }
    }
}

/// When the clock was last noted to be right.
async fn noted_at(test: &TestApp) -> i64 {
    let mark = test.app.store().find_clock_mark().await.unwrap();
    mark.noted_at.unwrap().since(NOW)
}

/// Something that happens whatever the clock says.
async fn write_event(test: &TestApp) {
    test.register(NewClient::default()).await;
}

#[tokio::test]
async fn each_start_and_each_hour_note_that_the_clock_is_right() {
    let database = Database::fresh().await;
    let Some(test) = started(&database, 0).await else {
        return;
    };
    assert_eq!(noted_at(&test).await, 0);
    for (passed, noted) in [(3_599, 0), (1, 3_600), (10, 3_600), (3_590, 7_200)] {
        test.clock.advance(passed);
        test.app.core.watch_clock().await.unwrap();
        assert_eq!(noted_at(&test).await, noted);
    }

    let again = started(&database, 7_300).await.unwrap();
    assert_eq!(noted_at(&again).await, 7_300);
}

#[tokio::test]
async fn a_newest_row_of_seven_days_is_trusted_at_the_start_and_an_older_one_is_not() {
    let database = Database::fresh().await;
    let Some(test) = started(&database, 0).await else {
        return;
    };
    drop(test);
    let test = started(&database, 7 * DAY).await.unwrap();
    assert!(is_trusted(&test).await);

    let late = started(&database, 14 * DAY + 1).await.unwrap();

    assert!(!is_trusted(&late).await);
    assert_eq!(noted_at(&late).await, 7 * DAY);
    assert!(late.app.metrics().removal_is_held_back);
    // A process that ran all the time has no such doubt.
    test.clock.advance(7 * DAY + 1);
    assert!(is_trusted(&test).await);
}

#[tokio::test]
async fn a_doubt_outlives_what_is_written_meanwhile_and_a_restart() {
    let database = Database::fresh().await;
    if started(&database, 0).await.is_none() {
        return;
    }
    let old = started(&database, 8 * DAY).await.unwrap();
    write_event(&old).await;
    old.clock.advance(3_600);
    old.app.core.watch_clock().await.unwrap();
    assert!(!is_trusted(&old).await);

    let again = started(&database, 8 * DAY + 4_000).await.unwrap();

    assert!(!is_trusted(&again).await);
}

#[tokio::test]
async fn a_newest_row_from_the_future_is_a_reason_for_doubt_at_the_start() {
    for (noted, event, trusted) in [
        (5, None, true),
        (6, None, false),
        (0, Some(5), true),
        (0, Some(6), false),
    ] {
        let database = Database::fresh().await;
        let Some(test) = started(&database, noted).await else {
            return;
        };
        if let Some(ahead) = event {
            test.clock.advance(ahead);
            write_event(&test).await;
        }

        let test = started(&database, 0).await.unwrap();

        assert_eq!(is_trusted(&test).await, trusted, "{noted} {event:?}");
        // What is written now hides nothing.
        write_event(&test).await;
        let again = started(&database, 0).await.unwrap();
        assert_eq!(is_trusted(&again).await, trusted, "{noted} {event:?}");
    }
}

#[tokio::test]
async fn a_confirmation_ends_each_doubt_also_of_processes_that_run() {
    let database = Database::fresh().await;
    let Some(jumped) = started(&database, 0).await else {
        return;
    };
    jumped.clock.set_ahead(30 * DAY);
    assert!(!is_trusted(&jumped).await);
    let late = started(&database, 30 * DAY).await.unwrap();
    assert!(!is_trusted(&late).await);

    late.app.core.confirm_clock(BY).await.unwrap();

    assert!(is_trusted(&late).await);
    assert!(is_trusted(&jumped).await);
    assert!(!jumped.app.metrics().removal_is_held_back);
    assert_eq!(noted_at(&late).await, 30 * DAY);
    // What was confirmed is right; what it was before is a jump.
    jumped.clock.set_ahead(0);
    assert!(!is_trusted(&jumped).await);
    let again = started(&database, 30 * DAY).await.unwrap();
    assert!(is_trusted(&again).await);
}

#[tokio::test]
async fn a_jump_ends_by_the_return_of_the_clock_and_an_old_row_does_not() {
    let database = Database::fresh().await;
    let Some(test) = started(&database, 0).await else {
        return;
    };
    for wrong in [6, -6, 400 * DAY] {
        test.clock.set_ahead(wrong);
        assert!(!is_trusted(&test).await);
        test.clock.set_ahead(0);
        assert!(is_trusted(&test).await);
    }

    let late = started(&database, 8 * DAY).await.unwrap();
    late.clock.set_ahead(-8 * DAY);
    assert!(!is_trusted(&late).await);
    late.clock.set_ahead(0);
    assert!(!is_trusted(&late).await);
}

#[tokio::test]
async fn nothing_is_removed_rotated_or_ended_until_the_clock_is_confirmed_and_then_it_is() {
    let settings = [("SIGNING_ALG", "ES256"), ("AUDIT_RETENTION", "30d")];
    let database = Database::fresh().await;
    let Some(test) = started_with(&database, 0, &settings).await else {
        return;
    };
    write_event(&test).await;
    let events = find(&test, &AuditFilter::default()).await.len();
    let keys = test.app.store().list_keys().await.unwrap();
    let late = started_with(&database, 400 * DAY, &settings).await.unwrap();

    assert_held_back(late.app.audit.prune().await);
    assert_held_back(late.app.keys.rotate_if_due().await);
    assert_held_back(late.app.keys.rotate(BY, true).await);
    assert_eq!(find(&late, &AuditFilter::default()).await.len(), events);
    assert_eq!(late.app.store().list_keys().await.unwrap(), keys);
    late.app.core.confirm_clock(BY).await.unwrap();

    assert_eq!(late.app.audit.prune().await.unwrap(), events as u64);
    late.app.keys.rotate_if_due().await.unwrap();
    assert_ne!(late.app.store().list_keys().await.unwrap(), keys);
}

#[tokio::test]
async fn a_confirmation_is_in_the_audit_trail_with_what_spoke_against_the_clock() {
    let database = Database::fresh().await;
    let Some(test) = started(&database, 0).await else {
        return;
    };
    test.clock.set_ahead(60);
    let by = Origin {
        actor: Actor::Cli("root".to_owned()),
        ..Origin::SERVER
    };

    test.app.core.confirm_clock(&by).await.unwrap();

    let events = find(&test, &AuditFilter::default()).await;
    let event = events.last().unwrap();
    assert_eq!(
        (event.action.as_str(), event.actor.as_str()),
        ("clock.confirm", "root")
    );
    assert_eq!(event.target_type, "clock");
    let said = event.after.as_deref().unwrap();
    assert!(said.contains("was changed by 60 s"), "{said}");
    assert!(said.contains(&NOW.plus(60).to_string()), "{said}");
    assert!(test.app.audit.verify(None).await.unwrap().good);
}

#[tokio::test]
async fn only_owners_and_the_command_line_confirm_a_clock() {
    let test = TestApp::new().await;
    for role in [Some(AdminRole::Operator), Some(AdminRole::Viewer), None] {
        let by = Origin {
            actor: Actor::Admin {
                name: "ann".to_owned(),
                role,
            },
            ..Origin::SERVER
        };
        let done = test.app.store().confirm_clock(None, by.at(NOW)).await;
        assert!(matches!(done, Err(StoreError::Denied(_))), "{done:?}");
    }
    let mark = test.app.store().find_clock_mark().await.unwrap();
    assert_eq!((mark.confirmations, mark.noted_at), (0, None));
}

#[tokio::test]
async fn on_postgres_there_is_nothing_to_confirm() {
    let test = TestApp::new().await;
    let confirmed = test.app.core.confirm_clock(BY).await;
    if test.app.store().has_own_clock() {
        assert_eq!(confirmed.unwrap_err().code, ErrorCode::InvalidRequest);
    } else {
        assert_eq!(confirmed.unwrap(), NOW);
    }
}

#[tokio::test]
async fn the_log_and_a_metric_say_when_a_doubt_begins_and_when_it_is_confirmed() {
    let database = Database::fresh().await;
    if started(&database, 0).await.is_none() {
        return;
    }
    let log = Log::default();
    let guard = log.capture();

    let late = started(&database, 9 * DAY).await.unwrap();
    let operator = Operator::of(&late);
    assert_eq!(operator.page().await.get("removal_held_back"), 1);
    late.app.core.watch_clock().await.unwrap();
    late.app.core.confirm_clock(BY).await.unwrap();
    assert_eq!(operator.page().await.get("removal_held_back"), 0);
    drop(guard);

    let said = |text: &str| log.text().matches(text).count();
    assert_eq!(said("the newest row of the database is 9 days old"), 1);
    assert_eq!(said("run `token-server clock confirm`"), 1);
    assert_eq!(said("the server trusts the clock again"), 1);
}

#[tokio::test]
async fn development_mode_only_warns() {
    let settings = [("DEVELOPMENT", "true"), ("LISTEN_ADDR", "127.0.0.1:0")];
    let database = Database::fresh().await;
    let Some(test) = started_with(&database, 0, &settings).await else {
        return;
    };
    let log = Log::default();
    let guard = log.capture();

    test.clock.set_ahead(DAY);
    assert!(is_trusted(&test).await);
    let late = started_with(&database, 30 * DAY, &settings).await.unwrap();
    assert!(is_trusted(&late).await);
    drop(guard);

    assert!(!late.app.metrics().removal_is_held_back);
    let warned = "the clock may be wrong, which development mode ignores";
    assert_eq!(log.text().matches(warned).count(), 2, "{}", log.text());
}

#[tokio::test]
async fn an_owner_confirms_the_clock_at_the_portal_and_others_only_see_the_doubt() {
    let test = portal_with(&[("ADMIN_SECOND_FACTOR", "optional")]).await;
    if test.app.store().has_own_clock() {
        return;
    }
    let (button, link) = ("Confirm clock</button>", "Confirm clock</a>");
    let notice = "The clock may be wrong";
    let mut olga = Browser::of(&test, "olga").await;
    let page = olga.get("/admin/").await;
    assert!(!page.text().contains(link) && !page.text().contains(notice));
    let asked = olga.get("/admin/clock/confirm").await;
    assert!(asked.text().contains("nothing to confirm") && !asked.text().contains(button));
    test.clock.set_ahead(60);
    for who in ["omar", "vera"] {
        let mut browser = Browser::of(&test, who).await;
        let page = browser.get("/admin/").await;
        assert!(page.text().contains(notice) && !page.text().contains(link));
        assert_eq!(browser.post("/admin/clock/confirm", &[]).await.status, 403);
    }
    assert!(!is_trusted(&test).await);

    let page = olga.get("/admin/").await;
    assert!(
        page.text()
            .contains("href=\"/admin/clock/confirm\" data-ask")
    );
    let asked = olga.get("/admin/clock/confirm").await;
    let said = [
        button,
        "clock was changed by 60 s since this process started",
        "Held back until now; from now on they run by this clock",
    ];
    for said in said {
        assert!(asked.text().contains(said), "{said}: {}", asked.text());
    }
    assert!(!is_trusted(&test).await, "a question confirms nothing");
    let confirmed = olga.post("/admin/clock/confirm", &[]).await;

    assert_eq!(confirmed.status, 303, "{}", confirmed.text());
    let page = olga.get(confirmed.header("location")).await;
    assert!(page.text().contains("Clock confirmed"), "{}", page.text());
    assert!(!page.text().contains(notice));
    assert!(is_trusted(&test).await);
    let events = find(&test, &AuditFilter::default()).await;
    assert_eq!(events.last().unwrap().actor, "olga");
}
