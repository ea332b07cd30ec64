//! Logging in with name and password.

#[cfg(feature = "passkeys")]
mod authenticator;
#[cfg(not(feature = "passkeys"))]
pub(super) mod no_passkeys;
#[cfg(feature = "passkeys")]
pub(super) mod passkeys;
mod recovery_codes;
pub(super) mod second_factor;
mod sessions;

use futures_util::future::join_all;
use token_server::app::AuditFilter;
use token_server::domain::AdminStatus;

use super::{Browser, PASSWORD, create, name, portal, portal_with};
use crate::harness::lanes::{ENDLESS, ONE_PLACE, admin_log_in, drive};
use crate::harness::{BY, TestApp, trail};

#[tokio::test]
async fn an_unknown_name_a_wrong_password_and_a_disabled_admin_are_one_answer() {
    let test = portal().await;
    let status = AdminStatus::Disabled;
    test.app
        .admins
        .set_status(BY, &name("vera"), status)
        .await
        .unwrap();
    let log_in = async |who: &str, password: &str| {
        let mut browser = Browser::new(&test);
        let answer = browser.log_in(who, password).await;
        assert_eq!(browser.cookie, None);
        let headers = ["content-type", "cache-control", "content-length"]
            .map(|it| answer.header(it).to_owned());
        (answer.status, headers, answer.text().to_owned())
    };

    let unknown = log_in("vara", PASSWORD).await;

    assert_eq!(unknown.0, 401);
    assert!(
        unknown
            .2
            .contains("The name is unknown or the password is wrong.")
    );
    for (who, password) in [("vera", PASSWORD), ("vera", "another password")] {
        let other = log_in(who, password).await;
        assert_eq!((other.0, &other.1), (unknown.0, &unknown.1));
        assert_eq!(other.2.replace(who, "vara"), unknown.2);
    }
    assert_eq!(log_in("olga", "").await.0, 422);
    assert_eq!(log_in("", "").await.0, 422);
    assert_eq!(log_in("olga\u{0}", PASSWORD).await.0, 400);
}

#[tokio::test]
async fn they_cost_the_same_and_differ_in_no_header() {
    let test = portal().await;
    let status = AdminStatus::Disabled;
    test.app
        .admins
        .set_status(BY, &name("vera"), status)
        .await
        .unwrap();
    let hashes = || test.app.metrics().hashes();
    let mut seen = Vec::new();
    // All of them as long: the page repeats the name.
    for (who, password) in [
        ("vara", PASSWORD),
        ("olga", "another password"),
        ("vera", PASSWORD),
    ] {
        let before = hashes();
        let answer = Browser::new(&test).log_in(who, password).await;
        assert_eq!(hashes() - before, 1, "{who}");
        let mut headers = answer.headers.clone();
        headers.remove("x-request-id");
        headers.remove("date");
        seen.push((answer.status, headers, answer.text().replace(who, "")));
    }

    assert_eq!(seen[0].0, 401);
    assert!(seen.iter().all(|it| *it == seen[0]), "{seen:?}");
    let before = hashes();
    Browser::of(&test, "olga").await;
    assert_eq!(hashes() - before, 1);
}

#[tokio::test]
async fn every_login_good_or_not_is_in_the_trail_with_where_it_came_from() {
    let test = portal().await;
    Browser::of(&test, "OLGA").await;
    Browser::new(&test).log_in("olga", "another password").await;
    Browser::new(&test)
        .log_in("my password by mistake", "x")
        .await;

    let filter = AuditFilter {
        action: Some("admin.log_in_refused".to_owned()),
        ..AuditFilter::default()
    };
    let refused = trail::find(&test, &filter).await;
    let filter = AuditFilter {
        action: Some("admin.log_in".to_owned()),
        ..AuditFilter::default()
    };
    let good = trail::find(&test, &filter).await;

    assert_eq!((good.len(), refused.len()), (1, 2));
    for event in good.iter().chain(&refused) {
        assert_eq!(event.actor_type, "admin");
        assert_eq!(event.source.as_deref(), Some("192.0.2.1"));
        assert_eq!(event.request_id.as_ref().map(String::len), Some(36));
    }
    assert_eq!(
        (good[0].actor.as_str(), refused[0].actor.as_str()),
        ("olga", "olga")
    );
    let why = |n: usize| refused[n].after.clone().unwrap();
    assert!(why(0).contains("wrong password") && why(1).contains("unknown name"));
    assert_eq!(refused[1].actor, "");
}

#[tokio::test]
async fn guessing_is_slowed_down_for_one_name_and_for_one_source() {
    let test = portal().await;
    for _ in 0..10 {
        assert_eq!(
            Browser::new(&test).log_in("olga", "wrong").await.status,
            401
        );
    }

    let throttled = Browser::new(&test).log_in("olga", PASSWORD).await;

    assert_eq!(throttled.status, 429);
    assert!(throttled.text().contains("Too many failed attempts"));
    Browser::of(&test, "omar").await;
    for n in 0..40 {
        Browser::new(&test)
            .log_in(&format!("nobody{n}"), "wrong")
            .await;
    }
    assert_eq!(
        Browser::new(&test).log_in("vera", PASSWORD).await.status,
        429
    );
    test.clock.advance(15 * 60);
    Browser::of(&test, "olga").await;
}

#[tokio::test]
async fn the_cookie_is_this_hosts_alone_and_no_script_sees_it() {
    let test = portal().await;
    let answer = Browser::new(&test).log_in("olga", PASSWORD).await;

    let cookie = answer.header("set-cookie");
    let (value, flags) = cookie.split_once("; ").unwrap();
    assert_eq!(flags, "Path=/; Secure; HttpOnly; SameSite=Strict");
    let token = value.strip_prefix("__Host-token-server-admin=").unwrap();
    assert_eq!(token.len(), 43);
}

#[tokio::test]
async fn after_the_login_comes_the_page_that_was_asked_for_and_never_another_site() {
    let test = portal().await;
    let mut browser = Browser::new(&test);
    let sent = browser.get("/admin/settings?a=b").await;
    assert_eq!(
        sent.header("location"),
        "/admin/login?next=%2Fadmin%2Fsettings%3Fa%3Db"
    );
    let page = browser.get(sent.header("location")).await;
    assert!(
        page.text()
            .contains("name=\"next\" value=\"/admin/settings?a=b\"")
    );

    let log_in = async |next: &str| {
        let fields = [("name", "olga"), ("password", PASSWORD), ("next", next)];
        let answer = Browser::new(&test)
            .post_as_is("/admin/login", &fields)
            .await;
        answer.header("location").to_owned()
    };
    assert_eq!(log_in("/admin/settings?a=b").await, "/admin/settings?a=b");
    assert_eq!(log_in("https://evil.test/admin/").await, "/admin/");
    assert_eq!(log_in("//evil.test").await, "/admin/");
}

#[tokio::test]
async fn a_cookie_from_before_the_login_is_worth_nothing_after_it() {
    let test = portal().await;
    create(&test, "eve", token_server::domain::AdminRole::Viewer).await;
    let fixed = Browser::of(&test, "eve").await;

    let mut victim = fixed.clone();
    victim.log_in("olga", PASSWORD).await;

    assert_ne!(victim.cookie, fixed.cookie);
    let mut eve = fixed.clone();
    assert_eq!(eve.get("/admin/admins").await.status, 403);
    assert_eq!(victim.get("/admin/admins").await.status, 200);
}

#[tokio::test]
async fn of_120_parallel_wrong_passwords_of_an_owner_10_are_answered() {
    let test = portal().await;
    let hashes = || test.app.metrics().hashes();
    let before = hashes();

    let guess = async |n: usize| {
        let password = format!("wrong password {n}");
        Browser::new(&test).log_in("olga", &password).await.status
    };
    let statuses = join_all((0..120).map(guess)).await;

    let count = |status| statuses.iter().filter(|it| **it == status).count();
    assert_eq!((count(401), count(429)), (10, 110));
    assert_eq!(hashes() - before, 10);
    let by = |kind| {
        let throttled = test.app.metrics().admins_throttled;
        throttled.into_iter().find(|it| it.0 == kind).unwrap().1
    };
    assert_eq!((by("source_and_account"), by("account")), (110, 0));
}

/// A portal with low limits, on which olga has logged in from `192.0.2.1`.
async fn portal_with_known_network() -> TestApp {
    let settings = [
        ("ADMIN_SECOND_FACTOR", "optional"),
        ("ADMIN_THROTTLE_FAILURES", "3"),
        ("ADMIN_THROTTLE_SOURCE_FAILURES", "4"),
        ("ADMIN_THROTTLE_ACCOUNT_FAILURES", "4"),
    ];
    let test = portal_with(&settings).await;
    Browser::of(&test, "olga").await;
    test
}

async fn log_in_at(test: &TestApp, source: &str, who: &str, password: &str) -> u16 {
    let mut browser = Browser::new(test).at(source);
    browser.log_in(who, password).await.status
}

#[tokio::test]
async fn failures_elsewhere_keep_nobody_out_of_a_network_that_they_know() {
    let test = portal_with_known_network().await;
    for (source, status) in [(2, 401), (3, 401), (4, 401), (5, 401), (6, 429)] {
        let source = format!("198.51.100.{source}");
        assert_eq!(log_in_at(&test, &source, "olga", "wrong").await, status);
    }

    // Known on each replica, and after a restart.
    let settings = [
        ("ADMIN_SECOND_FACTOR", "optional"),
        ("ADMIN_THROTTLE_ACCOUNT_FAILURES", "1"),
    ];
    let other = TestApp::on(test.database.clone(), &settings).await;
    assert_eq!(
        log_in_at(&other, "198.51.100.2", "olga", "wrong").await,
        401
    );
    for replica in [&test, &other] {
        assert_eq!(
            log_in_at(replica, "198.51.100.9", "olga", PASSWORD).await,
            429
        );
        assert_eq!(log_in_at(replica, "192.0.2.1", "olga", PASSWORD).await, 303);
    }
}

#[tokio::test]
async fn failures_of_other_names_keep_nobody_out_of_a_network_that_they_know() {
    let test = portal_with_known_network().await;
    for n in 0..4 {
        let name = format!("nobody{n}");
        assert_eq!(log_in_at(&test, "192.0.2.1", &name, "wrong").await, 401);
    }
    assert_eq!(log_in_at(&test, "192.0.2.1", "vera", PASSWORD).await, 429);

    assert_eq!(log_in_at(&test, "192.0.2.1", "olga", PASSWORD).await, 303);
}

#[tokio::test]
async fn failures_of_ones_own_name_count_in_a_network_that_is_known_too() {
    let test = portal_with_known_network().await;
    for _ in 0..3 {
        assert_eq!(log_in_at(&test, "192.0.2.1", "olga", "wrong").await, 401);
    }

    assert_eq!(log_in_at(&test, "192.0.2.1", "olga", PASSWORD).await, 429);
}

#[tokio::test]
async fn over_a_limit_no_answer_tells_which_networks_are_known() {
    let test = portal_with_known_network().await;
    let hashes = || test.app.metrics().hashes();
    let mut seen = Vec::new();
    for source in ["192.0.2.1", "192.0.2.9"] {
        // Used up by failures in other names.
        for n in 0..4 {
            let name = format!("nobody{n}");
            assert_eq!(log_in_at(&test, source, &name, "wrong").await, 401);
        }
        for who in ["olga", "vera", "vara"] {
            for _ in 0..4 {
                let before = hashes();
                let mut browser = Browser::new(&test).at(source);
                let mut answer = browser.log_in(who, "wrong").await;
                answer.headers.remove("x-request-id");
                let page = answer.text().replace(who, "");
                seen.push((answer.status, answer.headers, page, hashes() - before));
            }
        }
    }

    assert_eq!((seen[0].0, seen[0].3, seen[3].3), (429, 1, 0));
    let first = seen[..4].to_vec();
    assert!(seen.chunks(4).all(|it| it == first), "{seen:?}");
    let filter = AuditFilter {
        action: Some("admin.log_in_refused".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(trail::find(&test, &filter).await.len(), 8);
}

#[tokio::test]
async fn the_networks_of_an_admin_are_bounded_and_the_latest_stay() {
    let settings = [
        ("ADMIN_SECOND_FACTOR", "optional"),
        ("ADMIN_KNOWN_NETWORKS", "2"),
        ("ADMIN_THROTTLE_ACCOUNT_FAILURES", "1"),
    ];
    let test = portal_with(&settings).await;
    let sources = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
    for source in sources {
        assert_eq!(log_in_at(&test, source, "olga", PASSWORD).await, 303);
        test.clock.advance(1);
    }
    log_in_at(&test, "192.0.2.9", "olga", "wrong").await;

    let mut statuses = Vec::new();
    for source in ["192.0.2.1", "192.0.2.2", "2001:db8::2"] {
        statuses.push(log_in_at(&test, source, "olga", PASSWORD).await);
    }

    assert_eq!(statuses, [429, 303, 303]);
}

#[tokio::test]
async fn beyond_the_queue_of_the_lane_of_the_portal_a_login_is_503() {
    let test = TestApp::with(&[ENDLESS, ONE_PLACE]).await;
    let log_in = || Box::pin(test.app.admins.log_in(None, admin_log_in(PASSWORD)));
    let mut running = log_in();
    drive(&test, &mut running, 2, (1, 0)).await;
    let mut waiting = log_in();
    drive(&test, &mut waiting, 2, (1, 1)).await;

    let refused = Browser::new(&test)
        .at("192.0.2.8")
        .log_in("olga", PASSWORD)
        .await;

    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(refused.header("retry-after"), "1");
}
