//! Sessions: when they end, and who may end them.

use axum::body::Body;
use axum::http::Request;
use token_server::domain::AdminRole;

use crate::admin::{Browser, PASSWORD, create, name, portal, portal_with};
use crate::harness::{BY, Database, TestApp};

#[tokio::test]
async fn a_session_ends_without_use_and_in_any_case() {
    let settings = [
        ("ADMIN_SECOND_FACTOR", "optional"),
        ("ADMIN_SESSION_IDLE", "10m"),
        ("ADMIN_SESSION_TTL", "1h"),
    ];
    let test = portal_with(&settings).await;
    let mut idle = Browser::of(&test, "olga").await;
    let mut busy = Browser::of(&test, "olga").await;

    test.clock.advance(9 * 60);
    assert_eq!(busy.get("/admin/").await.status, 200);
    test.clock.advance(60);
    assert_eq!(idle.get("/admin/").await.status, 303);
    for _ in 0..10 {
        test.clock.advance(290);
        assert_eq!(busy.get("/admin/").await.status, 200);
    }
    test.clock.advance(99);
    assert_eq!(busy.get("/admin/").await.status, 200);
    test.clock.advance(1);
    assert_eq!(busy.get("/admin/").await.status, 303);
    assert_eq!(test.app.admins.prune_sessions().await.unwrap(), 2);
}

#[tokio::test]
async fn a_page_that_refreshes_itself_does_not_keep_a_session() {
    let settings = [
        ("ADMIN_SECOND_FACTOR", "optional"),
        ("ADMIN_SESSION_IDLE", "10m"),
    ];
    let test = portal_with(&settings).await;
    let mut open = Browser::of(&test, "olga").await;
    let refresh = async |browser: &mut Browser<'_>| {
        let request = Request::get("/admin/").header("x-refresh", "1");
        browser
            .send(request.body(Body::empty()).unwrap())
            .await
            .status
    };

    for _ in 0..3 {
        test.clock.advance(199);
        assert_eq!(refresh(&mut open).await, 200);
    }
    test.clock.advance(3);
    assert_eq!(refresh(&mut open).await, 303);
}

#[tokio::test]
async fn logging_out_ends_the_session_itself_not_only_the_cookie() {
    let test = portal().await;
    let mut browser = Browser::of(&test, "olga").await;
    let mut copy = browser.clone();

    let answer = browser.post("/admin/logout", &[]).await;

    assert!(answer.header("set-cookie").ends_with("Max-Age=0"));
    assert_eq!(copy.get("/admin/").await.status, 303);
}

#[tokio::test]
async fn only_an_owner_sees_and_ends_the_sessions_of_others() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let mut omar = Browser::of(&test, "omar").await;
    let sessions = test
        .app
        .admins
        .list_sessions(Some(&name("olga")))
        .await
        .unwrap();
    let hers = sessions[0].session_id.to_string();

    assert!(!omar.get("/admin/sessions").await.text().contains("olga"));
    let end = format!("/admin/sessions/{hers}/end");
    assert_eq!(omar.post(&end, &[]).await.status, 404);
    assert_eq!(olga.get("/admin/").await.status, 200);

    let his = test
        .app
        .admins
        .list_sessions(Some(&name("omar")))
        .await
        .unwrap();
    let end = format!("/admin/sessions/{}/end", his[0].session_id);
    assert!(olga.get("/admin/sessions").await.text().contains("omar"));
    assert_eq!(olga.post(&end, &[]).await.status, 303);
    assert_eq!(omar.get("/admin/").await.status, 303);
}

#[tokio::test]
async fn all_other_sessions_can_be_ended_at_once() {
    let test = portal().await;
    let mut one = Browser::of(&test, "olga").await;
    let mut two = Browser::of(&test, "olga").await;
    let mut omar = Browser::of(&test, "omar").await;

    assert_eq!(
        one.post("/admin/sessions/end-others", &[]).await.status,
        303
    );

    assert_eq!(two.get("/admin/").await.status, 303);
    assert_eq!(one.get("/admin/").await.status, 200);
    assert_eq!(omar.get("/admin/").await.status, 200);
}

#[tokio::test]
async fn what_a_browser_calls_itself_is_shown_as_text() {
    let test = portal().await;
    let mut browser = Browser::of(&test, "olga").await;
    let request = axum::http::Request::post("/admin/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin");
    let body = crate::harness::form(&[("name", "omar"), ("password", crate::admin::PASSWORD)]);
    let mut request = request.body(axum::body::Body::from(body)).unwrap();
    let evil = "<script>alert(1)</script>";
    request
        .headers_mut()
        .insert("user-agent", evil.parse().unwrap());
    request
        .headers_mut()
        .insert("host", crate::admin::HOST.parse().unwrap());
    assert_eq!(test.call(request).await.status, 303);

    let page = browser.get("/admin/sessions").await;

    assert!(!page.text().contains(evil));
    assert!(page.text().contains("alert(1)"));
}

#[tokio::test]
async fn a_changed_role_a_reset_and_a_disabled_account_end_sessions() {
    let test = portal().await;
    create(&test, "oscar", AdminRole::Owner).await;
    let (app, omar) = (&test.app, name("omar"));
    let disabled = token_server::domain::AdminStatus::Disabled;
    let enabled = token_server::domain::AdminStatus::Enabled;

    let mut browser = Browser::of(&test, "omar").await;
    app.admins
        .set_role(BY, &omar, AdminRole::Viewer)
        .await
        .unwrap();
    assert_eq!(browser.get("/admin/").await.status, 303);

    let mut browser = Browser::of(&test, "omar").await;
    app.admins.set_status(BY, &omar, disabled).await.unwrap();
    assert_eq!(browser.get("/admin/").await.status, 303);
    app.admins.set_status(BY, &omar, enabled).await.unwrap();
    assert_eq!(browser.get("/admin/").await.status, 303);

    let mut browser = Browser::of(&test, "omar").await;
    let made = token_server::app::NewPassword::Made;
    app.admins.reset(BY, &omar, made, false).await.unwrap();
    assert_eq!(browser.get("/admin/").await.status, 303);
}

/// A source has three look-ups of sessions.
const FEW: [(&str, &str); 2] = [
    ("ADMIN_SECOND_FACTOR", "optional"),
    ("ADMIN_THROTTLE_SOURCE_FAILURES", "3"),
];

/// Calls of the database.
fn calls(test: &TestApp) -> u64 {
    test.app.store().calls().waited.count()
}

/// Somebody with a cookie of no session.
fn stranger(test: &TestApp) -> Browser<'_> {
    let token = token_server::base::secret::random_base62(43);
    Browser {
        cookie: Some(format!("__Host-token-server-admin={token}")),
        ..Browser::new(test)
    }
}

/// Uses up the look-ups of 192.0.2.1.
async fn use_up(test: &TestApp) {
    for _ in 0..3 {
        let to_login = stranger(test).get("/admin/").await;
        assert_eq!(to_login.header("location"), "/admin/login");
    }
    assert_eq!(stranger(test).get("/admin/").await.status, 429);
}

#[tokio::test]
async fn invented_cookies_are_looked_up_as_often_as_a_source_may_fail() {
    let test = portal_with(&FEW).await;
    use_up(&test).await;
    let before = calls(&test);

    for path in ["/admin/", "/admin/clients", "/admin/login/code"] {
        let refused = stranger(&test).get(path).await;
        assert_eq!(refused.status, 429, "{path}");
        assert_eq!(refused.header("retry-after"), "900");
    }

    assert_eq!(calls(&test), before);
    let mut elsewhere = stranger(&test).at("198.51.100.1");
    assert_eq!(elsewhere.get("/admin/").await.status, 303);
    let throttled = test.app.metrics().admins_throttled;
    assert!(throttled.contains(&("session", 4)), "{throttled:?}");
    test.clock.advance(15 * 60);
    assert_eq!(stranger(&test).get("/admin/").await.status, 303);
}

#[tokio::test]
async fn invented_cookies_keep_nobody_from_a_session_or_from_logging_in() {
    let test = portal_with(&FEW).await;
    let mut olga = Browser::of(&test, "olga").await;
    use_up(&test).await;

    assert_eq!(olga.get("/admin/clients").await.status, 200);
    // With a cookie that is worth nothing any more, as a browser has it after a night.
    let mut omar = stranger(&test);
    assert_eq!(omar.get("/admin/login").await.status, 200);
    assert_eq!(omar.log_in("omar", PASSWORD).await.status, 303);
    assert_eq!(omar.get("/admin/clients").await.status, 200);
    // What ended is known no longer.
    assert_eq!(omar.post("/admin/logout", &[]).await.status, 303);
    let mut vera = Browser::of(&test, "vera").await;
    let mut copy = vera.clone();
    vera.post("/admin/logout", &[]).await;
    assert_eq!(copy.get("/admin/").await.status, 303);
    assert_eq!(copy.get("/admin/").await.status, 429);
}

/// Each replica knows the sessions that it has seen.
#[tokio::test]
async fn a_session_of_another_replica_is_found_unless_its_source_is_over_the_limit() {
    let database = Database::fresh().await;
    let other = TestApp::on(database.clone(), &FEW).await;
    let test = TestApp::on(database, &FEW).await;
    create(&other, "olga", AdminRole::Owner).await;
    let [cookie, late] = [
        Browser::of(&other, "olga").await.cookie,
        Browser::of(&other, "olga").await.cookie,
    ];
    let with = |cookie: &Option<String>| Browser {
        cookie: cookie.clone(),
        ..Browser::new(&test)
    };
    for _ in 0..5 {
        assert_eq!(with(&cookie).get("/admin/").await.status, 200);
    }

    use_up(&test).await;

    assert_eq!(with(&cookie).get("/admin/").await.status, 200);
    assert_eq!(with(&late).get("/admin/").await.status, 429);
    assert_eq!(
        with(&late).at("198.51.100.1").get("/admin/").await.status,
        200
    );
    assert_eq!(with(&late).get("/admin/").await.status, 200);
}

#[tokio::test]
async fn a_cookie_that_no_session_can_have_is_not_looked_up() {
    let test = portal_with(&FEW).await;
    let before = calls(&test);

    for value in ["guessed", &"a".repeat(44), &format!("{}-", "a".repeat(42))] {
        let mut browser = stranger(&test);
        browser.cookie = Some(format!("__Host-token-server-admin={value}"));
        for _ in 0..3 {
            assert_eq!(browser.get("/admin/").await.status, 303);
        }
    }

    assert_eq!(calls(&test), before);
}

#[tokio::test]
async fn pages_that_everybody_may_have_need_no_look_at_the_database() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let page = olga.get("/admin/login").await;
    let (_, rest) = page.text().split_once("/admin/assets/").unwrap();
    let asset = format!("/admin/assets/{}", rest.split('"').next().unwrap());
    let before = calls(&test);

    for path in ["/admin/login", &asset] {
        assert_eq!(olga.get(path).await.status, 200, "{path}");
    }

    assert_eq!(calls(&test), before);
}
