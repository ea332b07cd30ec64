//! A form that was not accepted: every error at once, each at its field, and nothing lost that is no secret.

use crate::admin::log_in::second_factor::enrol;
use crate::admin::{Browser, PASSWORD, portal};
use crate::harness::Answer;

/// The fields of a page that were not accepted, in the order of the page, and whether each has its text.
fn wrong(page: &Answer) -> Vec<&str> {
    let html = page.text();
    let inputs = html
        .split('<')
        .filter(|it| it.contains("aria-invalid=\"true\""));
    let ids = inputs.map(|it| {
        let (_, rest) = it.split_once("id=\"").unwrap();
        rest.split('"').next().unwrap()
    });
    let ids: Vec<&str> = ids.collect();
    for id in &ids {
        assert!(html.contains(&format!("id=\"{id}-error\"")), "{id}: {html}");
        assert!(html.contains("role=\"alert\""), "{html}");
    }
    ids
}

async fn refused(
    browser: &mut Browser<'_>,
    path: &str,
    fields: &[(&str, &str)],
    status: u16,
) -> Answer {
    let page = browser.post(path, fields).await;
    assert_eq!(page.status, status, "{path} {fields:?}: {}", page.text());
    page
}

#[tokio::test]
async fn a_login_names_the_empty_fields_and_not_which_of_two_typed_ones_is_wrong() {
    let test = portal().await;
    let hashes = || test.app.metrics().hashes();
    let before = hashes();
    let log_in = async |name: &str, password: &str| {
        let mut browser = Browser::new(&test);
        let page = browser.log_in(name, password).await;
        assert_eq!(browser.cookie, None);
        page
    };

    let both = log_in("", "").await;
    let no_password = log_in("olga", "").await;
    assert_eq!(hashes(), before, "an empty form is no attempt");
    let wrong_one = log_in("olga", "another password").await;

    assert_eq!((both.status, wrong(&both)), (422, vec!["name", "password"]));
    assert_eq!(
        (no_password.status, wrong(&no_password)),
        (422, vec!["password"])
    );
    assert!(no_password.text().contains("value=\"olga\""));
    assert_eq!((wrong_one.status, wrong(&wrong_one)), (401, vec![]));
    assert!(wrong_one.text().contains("value=\"olga\""));
    assert!(!wrong_one.text().contains("another password"));
}

#[tokio::test]
async fn a_new_password_is_refused_for_all_that_is_wrong_with_it_at_once() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let change = async |olga: &mut Browser<'_>, old: &str, new: &str, again: &str| {
        let fields = [("old", old), ("new", new), ("again", again)];
        let page = refused(olga, "/admin/account/password", &fields, 422).await;
        for typed in [old, new, again].iter().filter(|it| !it.is_empty()) {
            assert!(!page.text().contains(&format!("value=\"{typed}\"")));
        }
        wrong(&page)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let long = "several words in a row";

    assert_eq!(change(&mut olga, "", "", "").await, ["old", "new", "again"]);
    assert_eq!(
        change(&mut olga, "", "short", "other").await,
        ["old", "new", "again"]
    );
    assert_eq!(change(&mut olga, PASSWORD, long, "other").await, ["again"]);
    assert_eq!(
        change(&mut olga, PASSWORD, PASSWORD, PASSWORD).await,
        ["new"]
    );
    assert_eq!(change(&mut olga, "not it", long, long).await, ["old"]);
}

#[tokio::test]
async fn a_second_factor_is_refused_at_the_field_of_the_code_or_of_the_password() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let path = "/admin/account/second-factor";
    olga.get(path).await;

    let empty = refused(&mut olga, path, &[("code", " ")], 422).await;
    let fields = [("code", "000000"), ("password", "not it")];
    let no_password = refused(&mut olga, path, &fields, 422).await;
    let fields = [("code", "000000"), ("password", PASSWORD)];
    let no_code = refused(&mut olga, path, &fields, 401).await;

    assert_eq!(wrong(&empty), ["code", "password"]);
    assert_eq!(wrong(&no_password), ["password"]);
    assert_eq!(wrong(&no_code), ["code"]);
}

#[tokio::test]
async fn a_wrong_code_at_a_login_is_told_at_its_field_and_what_hides_it_is_open() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    enrol(&test, &mut olga).await;
    let fields = [("password", PASSWORD)];
    let made = olga.post("/admin/account/recovery-codes", &fields).await;
    assert_eq!(made.status, 303);
    let mut olga = Browser::of(&test, "olga").await;

    let path = "/admin/login/code";
    let code = refused(&mut olga, path, &[("code", "000000")], 401).await;
    let recovery = refused(&mut olga, path, &[("recovery_code", "aaaa")], 401).await;

    assert_eq!(wrong(&code), ["code"]);
    assert!(!code.text().contains("<details open>"));
    assert_eq!(wrong(&recovery), ["recovery_code"]);
    assert!(recovery.text().contains("<details open>"));
}

#[tokio::test]
async fn the_password_that_is_asked_for_again_has_its_error_in_the_form_that_asked() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    enrol(&test, &mut olga).await;
    for (path, field) in [
        ("second-factor/remove", "password-app"),
        ("recovery-codes", "password-codes"),
    ] {
        let path = format!("/admin/account/{path}");
        let page = refused(&mut olga, &path, &[("password", "not it")], 422).await;
        assert_eq!(wrong(&page), [field]);
        assert_eq!(page.text().matches("<details open>").count(), 1);
    }
}

#[tokio::test]
async fn what_is_looked_into_is_refused_at_its_field_and_stays_there() {
    let test = portal().await;
    let mut vera = Browser::of(&test, "vera").await;

    let token = refused(&mut vera, "/admin/tokens", &[("token", "not.a.token")], 422).await;
    assert_eq!(wrong(&token), ["token"]);
    assert!(token.text().contains(">not.a.token</textarea>"));

    let path = "/admin/explain/exchange";
    let exchange = refused(&mut vera, path, &[("scope", "read")], 422).await;
    assert_eq!(wrong(&exchange), ["subject", "requester", "audience"]);
    assert!(exchange.text().contains("value=\"read\""));

    let path = "/admin/explain/assertion";
    let assertion = refused(&mut vera, path, &[("client_id", "billing")], 422).await;
    assert_eq!(wrong(&assertion), ["assertion"]);
    assert!(assertion.text().contains("value=\"billing\""));

    let request = vera.get("/admin/explain?request_id=none").await;
    assert_eq!((request.status, wrong(&request)), (404, vec!["request_id"]));
    assert!(request.text().contains("value=\"none\""));
}
