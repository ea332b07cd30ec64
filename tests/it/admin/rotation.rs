//! A secret is rotated in one action: a new one is shown, the old one ends by itself or when somebody finishes.

use token_server::app::AuditFilter;
use token_server::domain::ClientSecret;

use super::{Browser, portal};
use crate::harness::{Answer, CLIENT, NOW, TestApp, id, trail};

const PATH: &str = "/admin/clients/billing";

async fn secrets(test: &TestApp) -> Vec<ClientSecret> {
    let mut secrets = test.find_client(&id(CLIENT)).await.secrets;
    secrets.sort_by_key(|it| it.created_at);
    secrets
}

/// Rotates, and the new secret.
async fn rotate(browser: &mut Browser<'_>, old: &str) -> String {
    let fields = [("old", old), ("lifetime", "90d")];
    let rotated = browser.post(&format!("{PATH}/rotate"), &fields).await;
    let page = browser.follow(&rotated).await;
    let (_, rest) = page
        .text()
        .split_once("aria-label=\"client_secret\">")
        .unwrap();
    rest.split('<').next().unwrap().to_owned()
}

/// The text of the rotation on the page of the client.
fn progress(page: &Answer) -> Option<&str> {
    let (_, rest) = page.text().split_once("id=\"rotation\"")?;
    rest.split("</section>").next()
}

#[tokio::test]
async fn a_rotation_shows_a_new_secret_and_how_far_it_is_until_somebody_finishes() {
    let test = portal().await;
    let old = test.client().await;
    let mut omar = Browser::of(&test, "omar").await;
    assert_eq!(progress(&omar.get(PATH).await), None);
    let asked = omar.get(&format!("{PATH}/rotate")).await;
    assert!(
        asked.text().contains("Nobody has used this client yet."),
        "{}",
        asked.text()
    );
    test.clock.advance(60);

    let new = rotate(&mut omar, "24h").await;

    let ends: Vec<_> = secrets(&test)
        .await
        .iter()
        .map(|it| it.expires_at)
        .collect();
    let [day, days] = [86_400, 90 * 86_400].map(|it| Some(NOW.plus(60 + it)));
    assert_eq!(ends, [day, days]);
    let page = omar.get(PATH).await;
    let said = progress(&page).unwrap();
    assert!(said.contains("New secret not used yet"), "{said}");
    assert!(
        said.contains("not used since the new one was created"),
        "{said}"
    );

    test.clock.advance(60);
    for secret in [&old, &new] {
        test.token(secret).await;
    }
    test.app.write_usage().await.unwrap();
    let page = omar.get(PATH).await;
    let said = progress(&page).unwrap();
    assert!(said.contains("New secret in use"), "{said}");
    assert!(
        said.contains("still used") && said.contains("from 192.0.2.1"),
        "{said}"
    );

    let asked = omar.get(&format!("{PATH}/finish-rotation")).await;
    assert!(
        asked.text().contains("In use: once in 24 hours"),
        "{}",
        asked.text()
    );
    let done = omar.post(&format!("{PATH}/finish-rotation"), &[]).await;
    assert_eq!(
        done.header("location"),
        "/admin/clients/billing?done=rotated"
    );
    test.authorize(CLIENT, &old)
        .await
        .assert_error(401, "invalid_client");
    test.token(&new).await;
    assert_eq!(progress(&omar.get(PATH).await), None);
    let filter = AuditFilter {
        actor: Some("omar".to_owned()),
        ..AuditFilter::default()
    };
    let events = trail::find(&test, &filter).await;
    let actions: Vec<&str> = events.iter().map(|it| it.action.as_str()).collect();
    let expected = [
        "admin.log_in",
        "secret.add",
        "secret.expire",
        "secret.delete",
    ];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn the_old_secret_ends_when_nothing_uses_it_and_no_rotation_makes_it_live_longer() {
    let test = portal().await;
    test.client().await;
    test.clock.advance(1);
    let mut omar = Browser::of(&test, "omar").await;

    rotate(&mut omar, "unused:24h").await;
    let first = secrets(&test).await.remove(0);
    assert_eq!(
        (first.expires_at, first.unused_for.unwrap().seconds()),
        (None, 86_400)
    );
    let page = omar.get(PATH).await;
    assert!(
        progress(&page)
            .unwrap()
            .contains("1 day after its last use")
    );

    for (seconds, old) in [(1, "24h"), (1, "7d")] {
        test.clock.advance(seconds);
        rotate(&mut omar, old).await;
        let first = secrets(&test).await.remove(0);
        assert_eq!(first.expires_at, Some(NOW.plus(2 + 86_400)), "{old}");
    }
    let second = secrets(&test).await.remove(1);
    assert_eq!(second.expires_at, Some(NOW.plus(2 + 86_400)));
    test.clock.advance(86_400);
    let mut omar = Browser::of(&test, "omar").await;
    let page = omar.get(PATH).await;
    assert_eq!(progress(&page).unwrap().matches(" expired ").count(), 2);
}

#[tokio::test]
async fn a_rotation_is_refused_as_a_whole() {
    let test = portal().await;
    let old = test.client().await;
    let mut omar = Browser::of(&test, "omar").await;
    for wrong in ["", "soon", "unused:1s", "0s"] {
        let answer = omar
            .post(&format!("{PATH}/rotate"), &[("old", wrong)])
            .await;
        assert_eq!(answer.status, 422, "{wrong}");
        assert!(answer.text().contains("id=\"old-error\""), "{wrong}");
    }
    assert_eq!(secrets(&test).await.len(), 1);

    while secrets(&test).await.len() < token_server::domain::MAX_LIVE_SECRETS {
        assert_eq!(omar.post(&format!("{PATH}/secrets"), &[]).await.status, 303);
    }
    let refused = omar
        .post(&format!("{PATH}/rotate"), &[("old", "24h")])
        .await;
    assert_eq!(refused.status, 422);
    assert!(
        secrets(&test)
            .await
            .iter()
            .all(|it| it.expires_at.is_none())
    );
    test.token(&old).await;
    let nothing = omar.post(&format!("{PATH}/finish-rotation"), &[]).await;
    assert_eq!(nothing.status, 303);
    assert_eq!(
        secrets(&test).await.len(),
        token_server::domain::MAX_LIVE_SECRETS
    );
}
