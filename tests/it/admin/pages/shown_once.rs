//! What a form makes is shown once: to the session of the form, on whichever replica it asks.

use axum::body::Body;
use axum::http::Request;

use crate::admin::{Browser, portal};
use crate::harness::{Answer, CLIENT, TestApp, id};

const ADD: &str = "/admin/clients/billing/secrets";

async fn secrets(test: &TestApp) -> usize {
    test.find_client(&id(CLIENT)).await.secrets.len()
}

/// The secret that a page shows, if it does.
fn shown(page: &Answer) -> Option<&str> {
    assert_eq!(page.status, 200, "{}", page.text());
    let (_, rest) = page.text().split_once("aria-label=\"client_secret\">")?;
    rest.split('<').next()
}

#[tokio::test]
async fn a_new_secret_is_shown_to_the_session_that_made_it_and_once() {
    let test = portal().await;
    test.client().await;
    let mut omar = Browser::of(&test, "omar").await;
    let mut elsewhere = Browser::of(&test, "omar").await;

    let added = omar.post(ADD, &[]).await;
    assert!(!added.text().contains("tks_"));
    let path = added.header("location").to_owned();
    assert!(path.starts_with("/admin/clients/billing/new-secret?submission="));

    assert_eq!(shown(&elsewhere.get(&path).await), None);
    let first = omar.get(&path).await;
    let again = omar.get(&path).await;

    let secret = shown(&first).unwrap();
    test.token(secret).await;
    assert!(first.text().contains(&format!("CLIENT_SECRET={secret}\n")));
    assert_eq!(shown(&again), None);
    assert!(again.text().contains("No secret to show."));
    assert!(!again.text().contains(secret));
    assert_eq!(secrets(&test).await, 2);
}

#[tokio::test]
async fn of_two_replicas_one_shows_a_new_secret() {
    let test = portal().await;
    test.client().await;
    let other = TestApp::on(
        test.database.clone(),
        &[("ADMIN_SECOND_FACTOR", "optional")],
    )
    .await;
    let mut omar = Browser::of(&test, "omar").await;
    let mut there = Browser {
        test: &other,
        ..omar.clone()
    };
    let path = omar.post(ADD, &[]).await.header("location").to_owned();

    let (one, two) = tokio::join!(omar.get(&path), there.get(&path));

    assert!(shown(&one).is_some() != shown(&two).is_some());
    for browser in [&mut omar, &mut there] {
        assert_eq!(shown(&browser.get(&path).await), None);
    }
}

#[tokio::test]
async fn a_form_that_is_submitted_twice_makes_one_secret() {
    let test = portal().await;
    test.client().await;
    let mut omar = Browser::of(&test, "omar").await;
    let page = omar.get("/admin/clients/billing").await;
    let (_, submission) = page
        .text()
        .split_once("name=\"submission\" value=\"")
        .unwrap();
    let submission = [("submission", submission.split('"').next().unwrap())];

    let first = omar.post(ADD, &submission).await;
    let second = omar.post(ADD, &submission).await;

    assert_eq!(first.header("location"), second.header("location"));
    assert!(shown(&omar.follow(&second).await).is_some());
    let late = omar.post(ADD, &submission).await;
    assert_eq!(late.status, 422);
    assert!(late.text().contains("This form was submitted before"));
    assert_eq!(secrets(&test).await, 2);
    // Another session cannot spoil the name.
    let mut olga = Browser::of(&test, "olga").await;
    assert_eq!(olga.post(ADD, &submission).await.status, 303);
    assert_eq!(secrets(&test).await, 3);
}

#[tokio::test]
async fn what_nobody_looks_at_does_not_use_a_secret_up() {
    let test = portal().await;
    test.client().await;
    let mut omar = Browser::of(&test, "omar").await;
    let path = omar.post(ADD, &[]).await.header("location").to_owned();

    let head = Request::head(&path).body(Body::empty()).unwrap();
    assert_eq!(omar.send(head).await.status, 200);
    let prefetch = Request::get(&path).header("sec-purpose", "prefetch");
    let prefetch = omar.send(prefetch.body(Body::empty()).unwrap()).await;
    assert_eq!(shown(&prefetch), None);
    test.clock.advance(599);
    assert!(shown(&omar.get(&path).await).is_some());
    let path = omar.post(ADD, &[]).await.header("location").to_owned();
    test.clock.advance(600);
    assert_eq!(shown(&omar.get(&path).await), None);
}

#[tokio::test]
async fn a_generated_password_is_shown_once_and_nobody_resets_their_own() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let made = olga.post("/admin/admins/omar/reset", &[]).await;
    let page = olga.follow(&made).await;
    let again = olga.follow(&made).await;

    let (_, rest) = page.text().split_once("aria-label=\"password\">").unwrap();
    let password = rest.split('<').next().unwrap();
    let mut omar = Browser::new(&test);
    assert_eq!(omar.log_in("omar", password).await.status, 303);
    assert!(!again.text().contains(password));
    assert!(again.text().contains("No password to show."));

    let own = olga.post("/admin/admins/olga/reset", &[]).await;
    assert_eq!(own.status, 422);
    assert_eq!(olga.get("/admin/").await.status, 200);
}
