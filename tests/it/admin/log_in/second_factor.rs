//! The codes of an authenticator app.

use futures_util::future::join_all;
use token_server::app::{AuditFilter, TotpEnrolment};
use token_server::config::Config;
use token_server::domain::AdminRole;
use totp_rs::{Builder, Secret};

use crate::admin::{Browser, PASSWORD, create, name, portal, portal_with};
use crate::harness::{BY, SECRET, TestApp, trail};

/// An app that was told this secret; its code at the test's time.
pub(crate) fn code(test: &TestApp, secret: &str) -> String {
    let secret = Secret::try_from_base32(secret.replace(' ', "")).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    let now = u64::try_from(test.clock.now().0).unwrap();
    totp.generate(now).to_string()
}

/// Adds an app as its page says; the secret.
pub(crate) async fn enrol(test: &TestApp, browser: &mut Browser<'_>) -> String {
    enrol_with(test, browser, PASSWORD).await
}

/// Adds an app for an admin with this password.
async fn enrol_with(test: &TestApp, browser: &mut Browser<'_>, password: &str) -> String {
    let page = browser.get("/admin/account/second-factor").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let (_, rest) = page.text().split_once("aria-label=\"secret\">").unwrap();
    let secret = rest.split('<').next().unwrap().to_owned();
    let fields = [("code", &*code(test, &secret)), ("password", password)];
    let answer = browser.post("/admin/account/second-factor", &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    secret
}

#[tokio::test]
async fn where_it_is_required_the_first_login_adds_one_and_the_next_asks_for_it() {
    let test = portal_with(&[]).await;
    let mut first = Browser::of(&test, "olga").await;
    assert_eq!(
        first.get("/admin/").await.header("location"),
        "/admin/account/second-factor"
    );
    let before = first.cookie.clone();

    let secret = enrol(&test, &mut first).await;

    assert_ne!(first.cookie, before);
    assert_eq!(first.get("/admin/").await.status, 200);
    test.clock.advance(30);
    let mut second = Browser::of(&test, "olga").await;
    assert_eq!(
        second.get("/admin/").await.header("location"),
        "/admin/login/code"
    );
    let before = second.clone();
    let fields = [("code", &*code(&test, &secret))];
    assert_eq!(second.post("/admin/login/code", &fields).await.status, 303);
    assert_eq!(second.get("/admin/").await.status, 200);
    assert_ne!(second.cookie, before.cookie);
    assert_eq!(before.clone().get("/admin/login/code").await.status, 303);
}

#[tokio::test]
async fn a_code_is_good_once_and_guessing_one_ends_in_429() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let secret = enrol(&test, &mut olga).await;
    let log_in = async |code: &str| {
        let mut browser = Browser::of(&test, "olga").await;
        browser
            .post("/admin/login/code", &[("code", code)])
            .await
            .status
    };

    // The code that it was added with, and one that another has used meanwhile.
    assert_eq!(log_in(&code(&test, &secret)).await, 401);
    test.clock.advance(30);
    assert_eq!(log_in(&code(&test, &secret)).await, 303);
    assert_eq!(log_in(&code(&test, &secret)).await, 401);
    let filter = AuditFilter {
        action: Some("admin.log_in_refused".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(trail::find(&test, &filter).await.len(), 2);

    for wrong in ["", "abc", "12345", "0000000"] {
        assert_eq!(log_in(wrong).await, 401, "{wrong}");
    }
    for _ in 0..4 {
        log_in("1234567").await;
    }
    test.clock.advance(30);
    assert_eq!(log_in(&code(&test, &secret)).await, 429);
}

#[tokio::test]
async fn of_two_who_type_the_same_code_at_once_one_is_let_in() {
    let one = portal().await;
    let secret = enrol(&one, &mut Browser::of(&one, "olga").await).await;
    let two = TestApp::on(one.database.clone(), &[("ADMIN_SECOND_FACTOR", "optional")]).await;
    for test in [&one, &two] {
        test.clock.advance(60);
    }
    let code = code(&one, &secret);
    let (mut left, mut right) = (
        Browser::of(&one, "olga").await,
        Browser::of(&two, "olga").await,
    );
    let fields = [("code", &*code)];

    let (a, b) = tokio::join!(
        left.post("/admin/login/code", &fields),
        right.post("/admin/login/code", &fields)
    );

    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 401]);
}

#[tokio::test]
async fn the_password_alone_changes_nothing_that_codes_are_for() {
    let test = portal().await;
    enrol(&test, &mut Browser::of(&test, "olga").await).await;
    let mut thief = Browser::of(&test, "olga").await;

    for page in ["/admin/account/second-factor"] {
        assert_eq!(thief.get(page).await.status, 400, "{page}");
    }
    let new = "another horse battery";
    let fields = [("old", PASSWORD), ("new", new), ("again", new)];
    assert_eq!(
        thief.post("/admin/account/password", &fields).await.status,
        422
    );
    let fields = [("code", "000000")];
    assert_eq!(
        thief
            .post("/admin/account/second-factor", &fields)
            .await
            .status,
        400
    );
    assert_eq!(
        thief.get("/admin/account").await.header("location"),
        "/admin/login/code"
    );
}

#[tokio::test]
async fn a_reset_takes_it_away_and_removing_it_is_said_in_the_trail() {
    let test = portal().await;
    create(&test, "oscar", AdminRole::Owner).await;
    enrol(&test, &mut Browser::of(&test, "olga").await).await;
    let made = token_server::app::NewPassword::MadeToKeep;
    let password = test
        .app
        .admins
        .reset(BY, &name("olga"), made, true)
        .await
        .unwrap();

    let mut olga = Browser::new(&test);
    olga.log_in("olga", password.expose()).await;
    assert_eq!(olga.get("/admin/").await.status, 200);
    test.clock.advance(60);
    enrol_with(&test, &mut olga, password.expose()).await;
    let fields = [("password", password.expose().as_str())];
    let answer = olga
        .post("/admin/account/second-factor/remove", &fields)
        .await;
    assert_eq!(answer.header("location"), "/admin/login");
    let filter = AuditFilter {
        action: Some("admin.".to_owned()),
        actor: Some("olga".to_owned()),
        ..AuditFilter::default()
    };
    let actions = trail::find(&test, &filter).await;
    let last = actions.last().unwrap();
    assert_eq!(last.action, "admin.remove_second_factor");
    assert_eq!(last.before.as_deref(), Some(r#"{"has_totp":true}"#));
}

#[tokio::test]
async fn the_secret_is_sealed_for_its_owner_and_sealed_anew_with_a_new_secret() {
    let test = portal().await;
    let secret = enrol(&test, &mut Browser::of(&test, "olga").await).await;
    let settings = [
        ("ADMIN_SECOND_FACTOR", "optional"),
        ("SECRET", "another secret of more than 32 bytes, for tests"),
        ("SECRET_PREVIOUS", SECRET),
    ];
    let later = TestApp::on(test.database.clone(), &settings).await;
    later.app.audit.take_over().await.unwrap();

    assert_eq!(later.app.admins.reseal_second_factors().await.unwrap(), 1);
    assert_eq!(later.app.admins.reseal_second_factors().await.unwrap(), 0);

    let without = TestApp::on(test.database.clone(), &settings[..2]).await;
    without.clock.advance(60);
    let log_in = async |who: &str| {
        let mut browser = Browser::of(&without, who).await;
        let fields = [("code", &*code(&without, &secret))];
        browser.post("/admin/login/code", &fields).await.status
    };
    assert_eq!(log_in("olga").await, 303);
    let moved = "update admins set totp_sealed = (select totp_sealed from admins where name = 'olga') where name = 'vera'";
    assert_eq!(without.database.execute(moved).await, 1);
    assert_eq!(log_in("vera").await, 500);
    let _: &Config = without.app.config();
}

#[tokio::test]
async fn an_app_reads_from_the_page_what_the_server_keeps() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let page = olga.get("/admin/account/second-factor").await;
    assert!(page.text().contains("<svg"));
    let again = olga.get("/admin/account/second-factor").await;
    let secret = |page: &str| page.split("aria-label=\"secret\">").nth(1).unwrap()[..39].to_owned();
    assert_eq!(secret(page.text()), secret(again.text()));

    let cookie = olga.cookie.clone().unwrap();
    let token = cookie.split_once('=').unwrap().1;
    let token = token_server::base::secret::Secret::from(token);
    let source = [192, 0, 2, 1].into();
    let found = test.app.admins.find_session(&token, source, true).await;
    let current = found.unwrap().unwrap();
    let TotpEnrolment { url, .. } = test.app.admins.begin_totp(&current).await.unwrap();
    let plain = secret(page.text()).replace(' ', "");
    let url = url.expose();
    assert!(url.starts_with("otpauth://totp/TokenServer:olga?"), "{url}");
    assert!(
        url.contains(&format!("secret={plain}")) && url.contains("issuer=TokenServer"),
        "{url}"
    );
}

#[tokio::test]
async fn of_parallel_wrong_codes_10_are_answered() {
    let test = portal().await;
    enrol(&test, &mut Browser::of(&test, "olga").await).await;
    let thief = Browser::of(&test, "olga").await;

    let guess = async |n: usize| {
        let fields = [("code", &*format!("{n:07}"))];
        let mut browser = thief.clone();
        browser.post("/admin/login/code", &fields).await.status
    };
    let statuses = join_all((0..40).map(guess)).await;

    let count = |status| statuses.iter().filter(|it| **it == status).count();
    assert_eq!((count(401), count(429)), (10, 30));
}

#[tokio::test]
async fn wrong_codes_elsewhere_keep_nobody_out_of_a_network_that_they_know() {
    let test = portal().await;
    let secret = enrol(&test, &mut Browser::of(&test, "olga").await).await;
    test.clock.advance(30);
    let type_code = async |source: &str, code: &str| {
        let mut browser = Browser::new(&test).at(source);
        assert_eq!(browser.log_in("olga", PASSWORD).await.status, 303);
        browser
            .post("/admin/login/code", &[("code", code)])
            .await
            .status
    };
    // Who has the password alone makes no network known.
    for n in 0..10 {
        let source = format!("198.51.100.{}", n % 2);
        assert_eq!(type_code(&source, "1234567").await, 401);
    }

    let right = code(&test, &secret);
    assert_eq!(type_code("198.51.100.1", &right).await, 429);
    assert_eq!(type_code("192.0.2.1", "1234567").await, 429);
    assert_eq!(type_code("192.0.2.1", &right).await, 303);
}

#[tokio::test]
async fn whoever_found_an_open_browser_changes_nothing_that_logins_need() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let page = olga.get("/admin/account/second-factor").await;
    let (_, secret) = page.text().split_once("aria-label=\"secret\">").unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    let add = "/admin/account/second-factor";
    let wrong = "not the password at all";

    for (password, said) in [
        ("", "Fill in this field."),
        (wrong, "The current password is wrong."),
    ] {
        let fields = [("code", &*code(&test, &secret)), ("password", password)];
        let refused = olga.post(add, &fields).await;
        assert_eq!(refused.status / 100, 4, "{password}");
        assert!(refused.text().contains(said), "{}", refused.text());
    }
    // The code is not used up.
    let fields = [("code", &*code(&test, &secret)), ("password", PASSWORD)];
    assert_eq!(olga.post(add, &fields).await.status, 303);
    for path in ["second-factor/remove", "recovery-codes"] {
        let path = format!("/admin/account/{path}");
        let refused = olga.post(&path, &[("password", wrong)]).await;
        assert_eq!(refused.status / 100, 4, "{path}");
        assert!(refused.text().contains("The current password is wrong."));
    }
    let account = olga.get("/admin/account").await;
    assert!(account.text().contains("Use another app"));
}
