//! The page of the signing keys.

use super::{Browser, portal, portal_with};

const ES256: &[(&str, &str)] = &[
    ("ADMIN_SECOND_FACTOR", "optional"),
    ("SIGNING_ALG", "ES256"),
];

#[tokio::test]
async fn an_owner_rotates_keys_once_verifiers_know_the_next_one() {
    let test = portal_with(ES256).await;
    let mut olga = Browser::of(&test, "olga").await;
    let active = test.app.keys.current().signing().unwrap().kid().clone();

    let asked = olga.get("/admin/keys/rotate").await;
    assert_eq!(asked.status, 200);
    assert!(
        asked
            .text()
            .contains("Rotate before all verifiers know the key")
    );
    let early = olga.post("/admin/keys/rotate", &[]).await;
    assert_eq!(early.status, 503);
    assert!(early.text().contains("Verifiers may not know the next key"));
    assert_eq!(*test.app.keys.current().signing().unwrap().kid(), active);

    test.clock.advance(300);
    let asked = olga.get("/admin/keys/rotate").await;
    assert!(!asked.text().contains("name=\"now\""));
    let keys = test.app.keys.list().await.unwrap();
    let next = keys.iter().find(|key| key.state == "next").unwrap();
    let until = test.clock.now().plus(25 * 3_600).to_string();
    let (day, time) = (&until[..10], &until[11..16]);
    for fact in [
        format!(
            "<code>{}</code> signs every new token from now on.",
            next.kid
        ),
        format!(
            "<code>{active}</code> signs no more tokens. It still verifies at most 0 active tokens, until {day} {time} UTC."
        ),
    ] {
        assert!(asked.text().contains(&fact), "{fact}: {}", asked.text());
    }
    assert_eq!(*test.app.keys.current().signing().unwrap().kid(), active);
    let rotated = olga.post("/admin/keys/rotate", &[]).await;
    assert_eq!(rotated.header("location"), "/admin/keys?done=rotated");
    assert_ne!(*test.app.keys.current().signing().unwrap().kid(), active);
    let page = olga.get("/admin/keys").await;
    for state in ["active", "next", "retired"] {
        assert!(page.text().contains(&format!(">{state}</span>")), "{state}");
    }
    let forced = olga.post("/admin/keys/rotate", &[("now", "yes")]).await;
    assert_eq!(forced.status, 303);
}

#[tokio::test]
async fn a_key_of_another_algorithm_is_published_and_dropped_by_hand() {
    let test = portal_with(ES256).await;
    let mut olga = Browser::of(&test, "olga").await;

    let done = olga.post("/admin/keys/prepare", &[("alg", "EdDSA")]).await;
    assert_eq!(done.header("location"), "/admin/keys?done=prepared");
    let keys = test.app.keys.list().await.unwrap();
    let made = keys.iter().find(|key| key.alg.as_str() == "EdDSA").unwrap();
    let active = keys.iter().find(|key| key.state == "active").unwrap();
    let path = |kid: &str| format!("/admin/keys/{kid}/retire");
    let refused = olga.post(&path(active.kid.as_str()), &[]).await;
    assert_eq!(refused.status, 422);
    assert_eq!(olga.post(&path(made.kid.as_str()), &[]).await.status, 303);

    let keys = test.app.keys.list().await.unwrap();
    assert!(keys.iter().all(|key| key.alg.as_str() == "ES256"));
    assert_eq!(olga.post(&path("none"), &[]).await.status, 404);
    let hmac = olga.post("/admin/keys/prepare", &[("alg", "HS256")]).await;
    assert_eq!(hmac.status, 422);
}

#[tokio::test]
async fn who_is_no_owner_sees_the_keys_and_no_button() {
    let test = portal_with(ES256).await;
    for who in ["vera", "omar"] {
        let page = Browser::of(&test, who).await.get("/admin/keys").await;
        let (_, main) = page.text().split_once("<main").unwrap();
        assert!(main.contains("ES256") && !main.contains("<form"), "{who}");
    }
}

#[tokio::test]
async fn under_hs256_the_page_says_so() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;

    let page = olga.get("/admin/keys").await;

    assert!(page.text().contains("SIGNING_ALG is HS256"));
    assert!(!page.text().contains("/admin/keys/rotate"));
    let asked = olga.get("/admin/keys/rotate").await;
    assert!(asked.text().contains("SIGNING_ALG is HS256"));
    assert!(!asked.text().contains("Rotate keys</button>"));
    assert_eq!(olga.post("/admin/keys/rotate", &[]).await.status, 422);
}

#[tokio::test]
async fn an_owner_deletes_a_key_that_does_not_sign_and_sees_how_many_tokens_that_ends() {
    let test = portal_with(ES256).await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    test.app.write_usage().await.unwrap();
    let mut olga = Browser::of(&test, "olga").await;
    let old = test.app.keys.current().signing().unwrap().kid().clone();
    let path = format!("/admin/keys/{old}/delete");
    assert_eq!(olga.post(&path, &[]).await.status, 422);
    olga.post("/admin/keys/rotate", &[("now", "yes")]).await;

    let page = olga.get("/admin/keys").await;
    let asked = olga.get(&path).await;
    let done = olga.post(&path, &[]).await;

    assert!(page.text().contains("<td class=\"end\">at most 1</td>"));
    assert!(asked.text().contains("This ends at most 1 active tokens."));
    assert_eq!(page.text().matches("<rect class=\"now\"").count(), 3);
    assert!(
        page.text()
            .contains(&format!("aria-label=\"{old}: signs from"))
    );
    assert_eq!(done.header("location"), "/admin/keys?done=deleted");
    assert_eq!(test.verify(&token).await.status, 401);
    assert_eq!(olga.post(&path, &[]).await.status, 404);
}

#[tokio::test]
async fn tokens_of_before_a_key_signed_or_that_have_died_are_not_under_it() {
    let test = portal_with(ES256).await;
    let secret = test.client().await;
    test.token(&secret).await;
    test.app.write_usage().await.unwrap();
    let live = async |state: &str| -> u64 {
        let keys = test.app.keys.list().await.unwrap();
        let of_state = keys.iter().filter(|key| key.state == state);
        of_state.map(|key| key.live_tokens_at_most).sum()
    };
    assert_eq!((live("active").await, live("next").await), (1, 0));
    test.clock.advance(2 * 3_600);
    test.app
        .keys
        .rotate(crate::harness::BY, false)
        .await
        .unwrap();
    for _ in 0..2 {
        test.token(&secret).await;
    }
    test.app.write_usage().await.unwrap();
    // Whole hours: what was issued in the hour of the change counts for both.
    assert_eq!((live("retired").await, live("active").await), (3, 2));
    assert_eq!(live("next").await, 0);

    test.clock.advance(25 * 3_600);
    assert_eq!((live("retired").await, live("active").await), (0, 0));
}
