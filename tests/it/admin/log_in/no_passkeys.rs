//! A build without the feature `passkeys`, on a database where there are some: nobody gets in with less.

use token_server::app::AuditFilter;
use token_server::base::clock::UnixTime;
use token_server::domain::{Action, Name, Passkey, PasskeyId};
use token_server::store::{AdminChanged, AdminChanges, PasskeyChange, PasskeyRecord};

use super::second_factor::code;
use crate::admin::{
    Browser, PASSWORD, enrol, name, passkey_ids, portal, portal_with, remove_passkey,
};
use crate::harness::{BY, TestApp, trail};

const MISSING: &str =
    "this build does not support passkeys: use a released one, or build with --features passkeys";

/// A passkey that another build has added.
pub(crate) async fn store_passkey(test: &TestApp, who: &str) {
    store(test, who, "").await;
}

async fn store(test: &TestApp, who: &str, keep_session: &str) {
    let added = PasskeyRecord {
        passkey: Passkey {
            passkey_id: PasskeyId::random(),
            label: Name::parse("the key on my ring").unwrap(),
            created_at: UnixTime(1),
            last_used_at: None,
        },
        credential_id: format!("of-{who}"),
        credential: "{}".to_owned(),
    };
    let changes = AdminChanges {
        passkeys: Some(PasskeyChange::Add(added)),
        ..AdminChanges::default()
    };
    let (action, stamp) = (Action::AdminAddPasskey, BY.at(test.clock.now()));
    let (store, name) = (test.app.store(), name(who));
    let done = store.update_admin(&name, changes, action, keep_session, stamp);
    assert_eq!(done.await.unwrap(), AdminChanged::Changed);
}

/// The same to somebody whose session, the only one, goes on.
pub(crate) async fn add_passkey(browser: &mut Browser<'_>, who: &str) {
    let admins = &browser.test.app.admins;
    let sessions = admins.list_sessions(Some(&name(who))).await.unwrap();
    let [session] = &sessions[..] else {
        panic!("{who} has {} sessions", sessions.len())
    };
    store(browser.test, who, session.session_id.as_str()).await;
}

#[tokio::test]
async fn who_has_passkeys_only_is_refused_and_told_which_build_is_needed() {
    for setting in ["required", "optional"] {
        let test = portal_with(&[("ADMIN_SECOND_FACTOR", setting)]).await;
        store_passkey(&test, "olga").await;

        let mut olga = Browser::new(&test);
        let answer = olga.log_in("olga", PASSWORD).await;

        assert_eq!(answer.status, 403, "{setting}");
        let told = format!("T{}.", &MISSING[1..]);
        assert!(answer.text().contains(&told), "{}", answer.text());
        assert!(olga.cookie.is_none());
        assert!(
            test.app
                .admins
                .list_sessions(None)
                .await
                .unwrap()
                .is_empty()
        );
        let filter = AuditFilter {
            action: Some("admin.".to_owned()),
            actor: Some("olga".to_owned()),
            ..AuditFilter::default()
        };
        let events = trail::find(&test, &filter).await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].action, "admin.log_in_refused");
        assert!(events[0].after.as_deref().unwrap().contains(MISSING));
        // Who does not know the password learns nothing of it.
        let wrong = Browser::new(&test).log_in("olga", "wrong").await;
        assert_eq!(wrong.status, 401);
        assert!(!wrong.text().contains("passkey"));
    }
}

#[tokio::test]
async fn a_session_that_waits_for_a_passkey_waits_in_vain() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let csrf = olga.csrf_token().await;
    add_passkey(&mut olga, "olga").await;

    let page = olga.get("/admin/login/code").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains(&MISSING[1..]), "{}", page.text());
    for (path, field) in [
        ("/admin/login/passkey", "response"),
        ("/admin/login/code", "code"),
    ] {
        let answer = olga
            .post_as_is(path, &[("csrf", &csrf), (field, "{}")])
            .await;
        assert_eq!(answer.status, 422, "{path}");
        assert!(answer.text().contains(&MISSING[1..]), "{}", answer.text());
    }
    for page in ["/admin/", "/admin/account"] {
        let answer = olga.get(page).await;
        assert_eq!(answer.header("location"), "/admin/login/code", "{page}");
    }
}

#[tokio::test]
async fn who_has_an_app_too_logs_in_with_its_code_and_removes_the_passkey() {
    let test = portal_with(&[]).await;
    let secret = enrol(&test, &mut Browser::of(&test, "olga").await).await;
    store_passkey(&test, "olga").await;
    test.clock.advance(60);

    let mut olga = Browser::of(&test, "olga").await;
    let page = olga.get("/admin/login/code").await;
    assert!(!page.text().contains("Use a passkey"), "{}", page.text());
    assert!(!page.text().contains(&MISSING[1..]), "{}", page.text());
    assert_eq!(
        olga.get("/admin/").await.header("location"),
        "/admin/login/code"
    );
    let code = code(&test, &secret);
    let answer = olga.post("/admin/login/code", &[("code", &code)]).await;
    assert_eq!(answer.header("location"), "/admin/");

    // Without the app nothing would be left that is good here.
    let app = "/admin/account/second-factor/remove";
    let fields = [("password", crate::admin::PASSWORD)];
    assert_eq!(olga.post(app, &fields).await.status, 422);
    let id = passkey_ids(&mut olga).await.remove(0);
    assert_eq!(remove_passkey(&mut olga, &id).await, 303);
    assert!(passkey_ids(&mut olga).await.is_empty());
}

#[tokio::test]
async fn none_is_offered_and_none_can_be_added() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    for page in ["/admin/account", "/admin/account/second-factor"] {
        let page = olga.get(page).await;
        assert!(
            !page.text().contains("/admin/account/passkey\""),
            "{}",
            page.text()
        );
    }

    let new = "/admin/account/passkey";
    for answer in [
        olga.get(new).await,
        olga.post(new, &[("label", "a"), ("response", "{}")]).await,
    ] {
        assert_eq!(answer.status, 400);
    }
    assert!(olga.get(new).await.text().contains(&MISSING[1..]));
    assert!(passkey_ids(&mut olga).await.is_empty());
}

#[tokio::test]
async fn who_starts_it_is_told_who_is_locked_out() {
    let test = portal().await;
    let find = async |test: &TestApp| test.app.admins.find_lockout_warning().await.unwrap();
    enrol(&test, &mut Browser::of(&test, "vera").await).await;
    store_passkey(&test, "vera").await;
    assert_eq!(find(&test).await, None);
    store_passkey(&test, "olga").await;
    store_passkey(&test, "omar").await;

    let told = find(&test).await.unwrap();
    let who = "admins: `olga`, `omar` cannot log in, because a passkey is the only second factor: ";
    assert!(told.starts_with(&format!("{who}{MISSING}.")), "{told}");

    let off = TestApp::on(test.database.clone(), &[("ADMIN", "off")]).await;
    assert_eq!(find(&off).await, None);
}
