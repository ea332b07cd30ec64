//! Recovery codes in the place of a lost second factor.

use futures_util::future::join_all;
use token_server::app::AuditFilter;

use super::second_factor::enrol;
use crate::admin::{Browser, PASSWORD, portal};
use crate::harness::{Answer, TestApp, trail};

const PATH: &str = "/admin/account/recovery-codes";

async fn make(browser: &mut Browser<'_>) -> Vec<String> {
    let fields = [("password", PASSWORD)];
    let made = browser.post(PATH, &fields).await;
    let page = browser.follow(&made).await;
    shown(&page).unwrap()
}

/// The codes that a page shows, if it does.
fn shown(page: &Answer) -> Option<Vec<String>> {
    assert_eq!(page.status, 200, "{}", page.text());
    let (_, codes) = page.text().split_once("\"recovery codes\">")?;
    let codes = codes.split('<').next()?;
    Some(codes.lines().map(str::to_owned).collect())
}

async fn use_code(test: &TestApp, code: &str) -> u16 {
    let mut browser = Browser::of(test, "olga").await;
    let fields = [("recovery_code", code)];
    browser.post("/admin/login/code", &fields).await.status
}

#[tokio::test]
async fn a_recovery_code_lets_in_once_however_it_is_typed() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    enrol(&test, &mut olga).await;
    let codes = make(&mut olga).await;
    assert_eq!(codes.len(), 10);
    let asks = Browser::of(&test, "olga")
        .await
        .get("/admin/login/code")
        .await;
    assert!(asks.text().contains("Use a recovery code"));

    let typed = codes[0].replace('-', " ").to_uppercase();
    assert_eq!(use_code(&test, &typed).await, 303);
    assert_eq!(use_code(&test, &codes[0]).await, 401);
    assert_eq!(use_code(&test, &codes[1]).await, 303);
    assert!(olga.get("/admin/account").await.text().contains(">8 left<"));

    let filter = AuditFilter {
        action: Some("admin.use_recovery_code".to_owned()),
        ..AuditFilter::default()
    };
    let events = trail::find(&test, &filter).await;
    let after: Vec<_> = events.iter().map(|it| it.after.as_deref()).collect();
    assert_eq!(
        after,
        [
            Some(r#"{"recovery_codes":9}"#),
            Some(r#"{"recovery_codes":8}"#)
        ]
    );
}

#[tokio::test]
async fn of_two_who_type_the_same_code_at_once_one_is_let_in() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    enrol(&test, &mut olga).await;
    let codes = make(&mut olga).await;

    let mut statuses = join_all([use_code(&test, &codes[0]), use_code(&test, &codes[0])]).await;

    statuses.sort_unstable();
    assert_eq!(statuses, [303, 401]);
}

#[tokio::test]
async fn new_codes_take_the_place_of_the_old_ones_and_all_go_with_the_second_factor() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let none = olga.post(PATH, &[("password", PASSWORD)]).await;
    assert_eq!(
        none.status / 100,
        4,
        "without a second factor there are none"
    );
    enrol(&test, &mut olga).await;
    let old = make(&mut olga).await;
    let new = make(&mut olga).await;
    assert_eq!(use_code(&test, &old[0]).await, 401);

    let fields = [("password", PASSWORD)];
    let removed = olga
        .post("/admin/account/second-factor/remove", &fields)
        .await;
    assert_eq!(removed.header("location"), "/admin/login");
    let mut olga = Browser::of(&test, "olga").await;
    test.clock.advance(60);
    enrol(&test, &mut olga).await;
    assert_eq!(use_code(&test, &new[0]).await, 401);
    let left = test.database.execute("delete from admin_recovery_codes");
    assert_eq!(left.await, 0);
}

#[tokio::test]
async fn guessing_a_code_ends_in_429_and_no_page_shows_one_again() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    enrol(&test, &mut olga).await;
    let codes = make(&mut olga).await;
    assert!(!olga.get("/admin/account").await.text().contains(&codes[0]));

    for _ in 0..10 {
        assert_eq!(use_code(&test, "aaaa-aaaa-aaaa-aaaa").await, 401);
    }
    assert_eq!(use_code(&test, &codes[0]).await, 429);
}

#[tokio::test]
async fn new_codes_are_shown_once_and_a_form_that_is_submitted_twice_makes_them_once() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    enrol(&test, &mut olga).await;
    let mut elsewhere = Browser::of(&test, "olga").await;
    let account = olga.get("/admin/account").await;
    let (_, submission) = account
        .text()
        .split_once("name=\"submission\" value=\"")
        .unwrap();
    let fields = [
        ("password", PASSWORD),
        ("submission", submission.split('"').next().unwrap()),
    ];

    let first = olga.post(PATH, &fields).await;
    let second = olga.post(PATH, &fields).await;

    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(first.text(), "");
    let path = second.header("location").to_owned();
    assert!(path.starts_with("/admin/account/recovery-codes?submission="));
    assert_eq!(elsewhere.get(&path).await.status, 303);
    let codes = shown(&olga.get(&path).await).unwrap();
    assert_eq!(use_code(&test, &codes[0]).await, 303);
    for path in [&path, PATH] {
        let again = olga.get(path).await;
        assert_eq!(shown(&again), None);
        assert!(again.text().contains("No codes to show."));
    }
    let late = olga.post(PATH, &fields).await;
    assert_eq!(late.status, 422);
    assert!(late.text().contains("This form was submitted before"));
    assert_eq!(use_code(&test, &codes[1]).await, 303);
}
