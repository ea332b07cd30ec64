//! Passkeys as the second factor.

use token_server::app::AuditFilter;

use super::authenticator::{Authenticator, options};
use crate::admin::{
    Browser, PASSWORD, enrol, name, passkey_ids, portal, portal_with, remove_passkey,
};
use crate::harness::{Answer, BY, trail};

const NEW: &str = "/admin/account/passkey";
const CHALLENGE: &str = "/admin/login/code";

/// Somebody who adds a passkey.
async fn add(browser: &mut Browser<'_>) -> Authenticator {
    let device = Authenticator::new();
    let made = device.create(&options(&browser.get(NEW).await));
    let added = send(browser, &made).await;
    assert_eq!(added.header("location"), "/admin/account?done=passkey");
    device
}

/// The same, when nobody will log in with it.
pub(crate) async fn add_passkey(browser: &mut Browser<'_>, _: &str) {
    add(browser).await;
}

async fn send(browser: &mut Browser<'_>, made: &str) -> Answer {
    let fields = [
        ("label", "the key on my ring"),
        ("response", made),
        ("password", PASSWORD),
    ];
    browser.post(NEW, &fields).await
}

async fn answer(browser: &mut Browser<'_>, signed: &str) -> Answer {
    browser
        .post("/admin/login/passkey", &[("response", signed)])
        .await
}

/// What the device signs for the session that its owner has begun.
async fn signed(browser: &mut Browser<'_>, device: &mut Authenticator) -> String {
    device.sign(&options(&browser.get(CHALLENGE).await))
}

#[tokio::test]
async fn one_is_added_at_the_first_login_and_used_at_the_next_in_the_place_of_a_code() {
    let test = portal_with(&[]).await;
    let mut first = Browser::of(&test, "olga").await;
    let before = first.cookie.clone();

    let mut device = add(&mut first).await;

    assert_ne!(first.cookie, before);
    let page = first.get("/admin/account").await;
    assert!(page.text().contains("the key on my ring"));
    let mut next = Browser::of(&test, "olga").await;
    assert_eq!(next.get("/admin/").await.header("location"), CHALLENGE);
    let (before, proof) = (next.clone(), signed(&mut next, &mut device).await);
    assert_eq!(
        answer(&mut next, &proof).await.header("location"),
        "/admin/"
    );
    assert_eq!(next.get("/admin/").await.status, 200);
    assert_ne!(next.cookie, before.cookie);
    assert_eq!(before.clone().get(CHALLENGE).await.status, 303);
    assert!(next.get("/admin/account").await.text().contains("Used"));

    let filter = AuditFilter {
        action: Some("admin.add_passkey".to_owned()),
        ..AuditFilter::default()
    };
    let events = trail::find(&test, &filter).await;
    assert_eq!(
        events[0].after.as_deref(),
        Some(r#"{"passkeys":1,"passkey":"the key on my ring"}"#)
    );
}

#[tokio::test]
async fn what_was_signed_elsewhere_by_others_or_before_is_refused() {
    let test = portal_with(&[]).await;
    let mut device = add(&mut Browser::of(&test, "olga").await).await;
    let mut veras = add(&mut Browser::of(&test, "vera").await).await;
    let mut olga = Browser::of(&test, "olga").await;

    device.origin = "https://tokens.test.evil.example";
    let proof = signed(&mut olga, &mut device).await;
    assert_eq!(answer(&mut olga, &proof).await.status, 401);
    device.origin = "https://tokens.test";
    let proof = signed(&mut olga, &mut veras).await;
    assert_eq!(answer(&mut olga, &proof).await.status, 401);
    for nonsense in ["", "{}", "null", "<script>"] {
        olga.get(CHALLENGE).await;
        assert_eq!(answer(&mut olga, nonsense).await.status, 401);
    }

    // Of another session of hers, and of this one before it was given another challenge.
    let mut other = Browser::of(&test, "olga").await;
    let proof = signed(&mut other, &mut device).await;
    olga.get(CHALLENGE).await;
    assert_eq!(answer(&mut olga, &proof).await.status, 401);
    let old = signed(&mut olga, &mut device).await;
    let proof = signed(&mut olga, &mut device).await;
    assert_eq!(answer(&mut olga, &old).await.status, 401);
    // A challenge is was used by whatever comes first; the page that says so has another one.
    assert_eq!(answer(&mut olga, &proof).await.status, 401);
    let proof = signed(&mut olga, &mut device).await;
    assert_eq!(answer(&mut olga, &proof).await.status, 303);
}

#[tokio::test]
async fn a_new_one_is_refused_from_elsewhere_twice_and_without_a_name() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let mut device = Authenticator::new();
    device.origin = "https://evil.example";
    let made = device.create(&options(&olga.get(NEW).await));
    assert_eq!(send(&mut olga, &made).await.status, 422);
    device.origin = "https://tokens.test";
    let made = device.create(&options(&olga.get(NEW).await));
    let nameless = [
        ("label", " "),
        ("response", made.as_str()),
        ("password", PASSWORD),
    ];
    assert_eq!(olga.post(NEW, &nameless).await.status, 422);
    assert_eq!(send(&mut olga, &made).await.status, 422, "was used");
    let made = device.create(&options(&olga.get(NEW).await));
    assert_eq!(send(&mut olga, &made).await.status, 303);

    // The same device cannot be two people.
    let mut vera = Browser::of(&test, "vera").await;
    let made = device.create(&options(&vera.get(NEW).await));
    assert_eq!(send(&mut vera, &made).await.status, 422);
    assert!(passkey_ids(&mut vera).await.is_empty());
}

#[tokio::test]
async fn a_count_of_signatures_that_does_not_go_up_is_of_a_copy() {
    let test = portal_with(&[]).await;
    let mut device = add(&mut Browser::of(&test, "olga").await).await;
    device.counter = 40;
    let mut olga = Browser::of(&test, "olga").await;
    let proof = signed(&mut olga, &mut device).await;
    assert_eq!(answer(&mut olga, &proof).await.status, 303);

    for before in [39, 40] {
        device.counter = before;
        let mut thief = Browser::of(&test, "olga").await;
        let proof = signed(&mut thief, &mut device).await;
        assert_eq!(answer(&mut thief, &proof).await.status, 401, "{before}");
    }
    device.counter = 41;
    let mut olga = Browser::of(&test, "olga").await;
    let proof = signed(&mut olga, &mut device).await;
    assert_eq!(answer(&mut olga, &proof).await.status, 303);
}

#[tokio::test]
async fn a_challenge_is_good_for_five_minutes_and_guessing_ends_in_429() {
    let test = portal_with(&[]).await;
    let mut device = add(&mut Browser::of(&test, "olga").await).await;
    let mut olga = Browser::of(&test, "olga").await;
    let late = signed(&mut olga, &mut device).await;
    test.clock.advance(300);
    assert_eq!(answer(&mut olga, &late).await.status, 422);

    for _ in 0..10 {
        olga.get(CHALLENGE).await;
        assert_eq!(answer(&mut olga, "{}").await.status, 401);
    }
    let right = signed(&mut olga, &mut device).await;
    assert_eq!(answer(&mut olga, &right).await.status, 429);
}

#[tokio::test]
async fn of_two_who_answer_the_same_challenge_at_once_one_is_let_in() {
    let test = portal_with(&[]).await;
    let replica = test.replica().await;
    let mut device = add(&mut Browser::of(&test, "olga").await).await;
    let mut one = Browser::of(&test, "olga").await;
    let proof = signed(&mut one, &mut device).await;
    let mut two = Browser {
        cookie: one.cookie.clone(),
        ..Browser::new(&replica)
    };
    let csrf = one.csrf_token().await;
    let fields = [("csrf", csrf.as_str()), ("response", proof.as_str())];

    let (a, b) = tokio::join!(
        one.post_as_is("/admin/login/passkey", &fields),
        two.post_as_is("/admin/login/passkey", &fields)
    );

    let let_in = |answer: &Answer| answer.header("location") == "/admin/";
    assert_eq!(
        u8::from(let_in(&a)) + u8::from(let_in(&b)),
        1,
        "{a:?} {b:?}"
    );
}

#[tokio::test]
async fn the_last_second_factor_stays_where_one_is_required() {
    let test = portal_with(&[]).await;
    let mut olga = Browser::of(&test, "olga").await;
    add(&mut olga).await;
    let id = passkey_ids(&mut olga).await.remove(0);
    assert_eq!(remove_passkey(&mut olga, &id).await, 422);
    assert_eq!(passkey_ids(&mut olga).await, std::slice::from_ref(&id));

    enrol(&test, &mut olga).await;
    assert_eq!(remove_passkey(&mut olga, &id).await, 303);
    let app = "/admin/account/second-factor/remove";
    let fields = [("password", PASSWORD)];
    assert_eq!(olga.post(app, &fields).await.status, 422);

    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    add(&mut olga).await;
    let id = passkey_ids(&mut olga).await.remove(0);
    assert_eq!(remove_passkey(&mut olga, &id).await, 303);
    assert_eq!(remove_passkey(&mut olga, &id).await, 404);
    Browser::of(&test, "olga").await.get("/admin/").await;
}

#[tokio::test]
async fn nobody_removes_that_of_another_and_a_reset_takes_all() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    add(&mut olga).await;
    let id = passkey_ids(&mut olga).await.remove(0);
    let mut vera = Browser::of(&test, "vera").await;

    assert_eq!(remove_passkey(&mut vera, &id).await, 404);
    assert_eq!(remove_passkey(&mut vera, "nonsense").await, 400);
    assert_eq!(passkey_ids(&mut olga).await, [id]);

    let password = token_server::app::NewPassword::Chosen(crate::admin::PASSWORD.into());
    let reset = test
        .app
        .admins
        .reset(BY, &name("olga"), password, true)
        .await;
    reset.unwrap();
    let admin = test.app.admins.find(&name("olga")).await.unwrap();
    assert!(!admin.has_second_factor());
    let mut olga = Browser::of(&test, "olga").await;
    assert_eq!(olga.get("/admin/").await.status, 200);
}

#[tokio::test]
async fn before_the_second_factor_none_can_be_added() {
    let test = portal_with(&[]).await;
    add(&mut Browser::of(&test, "olga").await).await;
    let mut thief = Browser::of(&test, "olga").await;

    assert_eq!(thief.get(NEW).await.status, 400);
    assert_eq!(send(&mut thief, "{}").await.status, 400);
}

#[tokio::test]
async fn an_address_has_no_passkeys_and_another_name_can_be_said() {
    let by_address = portal_with(&[
        ("ISSUER", "https://192.0.2.1:2600"),
        ("ADMIN_SECOND_FACTOR", "optional"),
    ])
    .await;
    let mut olga = Browser::of(&by_address, "olga").await;
    let page = olga.get("/admin/account").await;
    assert!(!page.text().contains("passkey"), "{}", page.text());
    assert_eq!(olga.get(NEW).await.status, 400);

    let named = portal_with(&[
        ("ADMIN_ORIGIN", "https://portal.test:2602"),
        ("ADMIN_SECOND_FACTOR", "optional"),
    ])
    .await;
    let mut olga = Browser::of(&named, "olga").await;
    let asked = options(&olga.get(NEW).await);
    assert_eq!(asked["publicKey"]["rp"]["id"], "portal.test");
    let mut device = Authenticator::new();
    device.origin = "https://portal.test:2602";
    let made = device.create(&asked);
    assert_eq!(send(&mut olga, &made).await.status, 303);
}
