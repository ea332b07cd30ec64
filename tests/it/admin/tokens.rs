//! The page on which a token is looked at.

use token_server::app::AuditFilter;

use super::{Browser, portal, portal_with};
use crate::harness::trail;

#[tokio::test]
async fn a_token_is_taken_apart_judged_and_revoked() {
    let test = portal().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let mut omar = Browser::of(&test, "omar").await;
    let fields = [("token", token.as_str())];

    let page = omar.post("/admin/tokens", &fields).await;
    assert_eq!(page.status, 200);
    for part in [
        "valid until",
        "HS256",
        "&#34;tenant&#34;",
        "/admin/clients/billing",
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let asked = omar.post("/admin/tokens/revoke", &fields).await;
    assert!(asked.text().contains("Revoke this token?"));
    assert_eq!(test.verify(&token).await.status, 200);
    let confirmed = [&fields[..], &[("confirmed", "yes")]].concat();
    let revoked = omar.post("/admin/tokens/revoke", &confirmed).await;
    assert!(
        omar.follow(&revoked)
            .await
            .text()
            .contains("Token revoked.")
    );
    let page = omar.post("/admin/tokens", &fields).await;
    assert!(page.text().contains("the token is revoked"));

    test.verify(&token).await.assert_error(401, "invalid_token");
    let again = omar.post("/admin/tokens", &fields).await;
    assert!(again.text().contains("not active") && !again.text().contains("Revoke token"));
    let filter = AuditFilter {
        actor: Some("omar".to_owned()),
        action: Some("token.revoke".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(trail::find(&test, &filter).await.len(), 1);
}

#[tokio::test]
async fn it_is_said_why_a_token_is_no_good() {
    let test = portal().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let mut vera = Browser::of(&test, "vera").await;
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{rest}.{first}{}", &signature[1..]);

    for (token, status, said) in [
        ("", 422, "not a token"),
        ("not.a.token", 422, "not a token"),
        ("<script>alert(1)</script>", 422, "not a token"),
        (forged.as_str(), 200, "not active"),
    ] {
        let page = vera.post("/admin/tokens", &[("token", token)]).await;
        assert_eq!(page.status, status, "{token}");
        assert!(page.text().contains(said), "{}", page.text());
        assert!(!page.text().contains("<script>alert"));
    }
    // A session of its own: that of before has ended meanwhile.
    test.clock.advance(4_000);
    let mut vera = Browser::of(&test, "vera").await;
    let page = vera.post("/admin/tokens", &[("token", &token)]).await;
    assert!(page.text().contains("expired"), "{}", page.text());
    let page = vera
        .post("/admin/tokens/revoke", &[("token", &token)])
        .await;
    assert_eq!(page.status, 403);
    let mut omar = Browser::of(&test, "omar").await;
    let confirmed = [("token", token.as_str()), ("confirmed", "yes")];
    let page = omar.post("/admin/tokens/revoke", &confirmed).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("expired"));
}

#[tokio::test]
async fn programs_that_verify_name_this_server_and_offline_only_what_it_signs_with() {
    let offline = [
        ("SIGNING_ALG", "ES256"),
        ("ADMIN_SECOND_FACTOR", "optional"),
    ];
    for (test, is_offline) in [(portal().await, false), (portal_with(&offline).await, true)] {
        let page = Browser::of(&test, "vera").await.get("/admin/tokens").await;
        for language in ["curl", "Node.js", "Python", "Go", "Java", "C#", "PHP"] {
            assert!(
                page.text().contains(&format!("aria-label=\"{language}\"")),
                "{language}"
            );
        }
        assert!(page.text().contains("https://tokens.test/verify"));
        assert_eq!(page.text().contains("Offline: Python, PyJWT"), is_offline);
        assert_eq!(
            page.text().contains("algorithms=[&#34;ES256&#34;]"),
            is_offline
        );
    }
}

#[tokio::test]
async fn in_development_the_programs_trust_the_servers_own_certificate() {
    let development = [("DEVELOPMENT", "true"), ("ADMIN_SECOND_FACTOR", "optional")];
    for (test, is_shown) in [
        (portal().await, false),
        (portal_with(&development).await, true),
    ] {
        let mut omar = Browser::of(&test, "omar").await;
        let fields = [("client_id", "a"), ("client_secret_post", "yes")];
        let mut made = omar.post("/admin/new-client", &fields).await;
        if made.status == 303 {
            made = omar.get(made.header("location")).await;
        }
        let tokens = omar.get("/admin/tokens").await;

        for page in [&made, &tokens] {
            assert_eq!(page.text().contains("export CURL_CA_BUNDLE="), is_shown);
        }
    }
}
