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
    let active = test.app.keys().signing().unwrap().kid().clone();

    let early = olga.post("/admin/keys/rotate", &[]).await;
    assert_eq!(early.status, 503);
    assert!(early.text().contains("Verifiers may not know the next key"));
    assert_eq!(*test.app.keys().signing().unwrap().kid(), active);

    test.clock.advance(300);
    let rotated = olga.post("/admin/keys/rotate", &[]).await;
    assert_eq!(rotated.header("location"), "/admin/keys?done=rotated");
    assert_ne!(*test.app.keys().signing().unwrap().kid(), active);
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
    let keys = test.app.list_keys().await.unwrap();
    let made = keys.iter().find(|key| key.alg.as_str() == "EdDSA").unwrap();
    let active = keys.iter().find(|key| key.state == "active").unwrap();
    let path = |kid: &str| format!("/admin/keys/{kid}/retire");
    let refused = olga.post(&path(active.kid.as_str()), &[]).await;
    assert_eq!(refused.status, 400);
    assert_eq!(olga.post(&path(made.kid.as_str()), &[]).await.status, 303);

    let keys = test.app.list_keys().await.unwrap();
    assert!(keys.iter().all(|key| key.alg.as_str() == "ES256"));
    assert_eq!(olga.post(&path("none"), &[]).await.status, 404);
    let hmac = olga.post("/admin/keys/prepare", &[("alg", "HS256")]).await;
    assert_eq!(hmac.status, 400);
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
    assert_eq!(olga.post("/admin/keys/rotate", &[]).await.status, 400);
}
