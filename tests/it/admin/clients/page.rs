//! The page of one client, and its buttons.

use token_server::app::AuditFilter;

use super::{POST, find};
use crate::admin::{Browser, portal};
use crate::harness::{CLIENT, trail};

#[tokio::test]
async fn nothing_that_is_written_about_a_client_becomes_part_of_a_page() {
    let test = portal().await;
    let mut omar = Browser::of(&test, "omar").await;
    let evil = "\"'></textarea><script>alert(1)</script><img src=x onerror=alert(1)>";
    let metadata = serde_json::json!({ evil: evil }).to_string();
    let made = omar
        .post(
            "/admin/new-client",
            &[
                ("client_id", "\"><script>alert(1)</script>"),
                ("name", evil),
                ("description", evil),
                ("metadata", &metadata),
                POST,
            ],
        )
        .await;
    let made = omar.follow(&made).await;
    assert_eq!(made.status, 200);
    let path = format!("/admin/clients/{}", encoded("\"><script>alert(1)</script>"));

    let refused = omar
        .post(
            "/admin/new-client",
            &[("client_id", evil), ("name", evil), ("metadata", evil)],
        )
        .await;
    let mut pages = vec![made, refused];
    for path in [
        "/admin/clients",
        &format!("/admin/clients?search={}", encoded(evil)),
        &path,
        &format!("{path}/edit"),
    ] {
        let page = omar.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        pages.push(page);
    }

    for page in pages {
        let html = page.text();
        assert!(
            !html.contains("<script>alert") && !html.contains("<img"),
            "{html}"
        );
        assert_eq!(html.matches("<script").count(), 1, "{html}");
        assert!(html.contains("&#60;script&#62;alert"), "{html}");
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn a_client_is_deleted_only_when_its_id_is_typed() {
    let test = portal().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let mut omar = Browser::of(&test, "omar").await;
    let path = "/admin/clients/billing/delete";

    for typed in ["", "Billing", "billing2"] {
        let answer = omar.post(path, &[("typed", typed)]).await;
        assert_eq!(answer.status, 422, "{typed}");
        assert!(
            answer
                .text()
                .contains("typed name is not <code>billing</code>")
        );
    }
    assert_eq!(test.verify(&token).await.status, 200);

    let answer = omar.post(path, &[("typed", "billing")]).await;
    assert_eq!(answer.header("location"), "/admin/clients?done=deleted");
    test.verify(&token).await.assert_error(401, "invalid_token");
    assert_eq!(omar.get("/admin/clients/billing").await.status, 404);
    assert_eq!(omar.post(path, &[("typed", "billing")]).await.status, 404);
}

#[tokio::test]
async fn disabling_enabling_and_revoking_do_what_they_say_in_the_name_of_who_did_it() {
    let test = portal().await;
    let secret = test.client().await;
    let mut omar = Browser::of(&test, "omar").await;
    let path = |what: &str| format!("/admin/clients/billing/{what}");

    let token = test.token(&secret).await;
    let answer = omar.post(&path("revoke-tokens"), &[]).await;
    assert_eq!(
        answer.header("location"),
        "/admin/clients/billing?done=revoked"
    );
    test.verify(&token).await.assert_error(401, "invalid_token");
    test.clock.advance(1);
    let token = test.token(&secret).await;
    omar.post(&path("status"), &[("status", "disabled")]).await;
    test.verify(&token).await.assert_error(401, "invalid_token");
    let refused = test.authorize(CLIENT, &secret).await;
    refused.assert_error(401, "invalid_client");
    omar.post(&path("status"), &[("status", "enabled")]).await;
    test.clock.advance(10);
    test.token(&secret).await;

    let filter = AuditFilter {
        actor: Some("omar".to_owned()),
        action: Some("client.".to_owned()),
        ..AuditFilter::default()
    };
    let events = trail::find(&test, &filter).await;
    let actions: Vec<&str> = events.iter().map(|it| it.action.as_str()).collect();
    let expected = ["client.revoke_tokens", "client.disable", "client.enable"];
    assert_eq!(actions, expected);
    assert!(
        events
            .iter()
            .all(|it| it.source.as_deref() == Some("192.0.2.1"))
    );
}

#[tokio::test]
async fn a_viewer_sees_clients_and_no_way_to_change_one() {
    let test = portal().await;
    test.client().await;
    let mut vera = Browser::of(&test, "vera").await;

    for path in ["/admin/clients", "/admin/clients/billing"] {
        let page = vera.get(path).await;
        let (_, main) = page.text().split_once("<main").unwrap();
        assert!(!main.contains("method=\"post\""), "{path}");
        assert!(!main.contains("new-client") && !main.contains("/edit"));
    }
}

#[tokio::test]
async fn a_client_of_a_file_says_so_and_is_released() {
    let test = portal().await;
    let file = "version: 1\nname: team.yaml\nclients:\n  - client_id: kept\n";
    test.apply(file).await.unwrap();
    let mut vera = Browser::of(&test, "vera").await;
    let seen = vera.get("/admin/clients/kept").await;
    assert!(seen.text().contains("team.yaml") && !seen.text().contains("/release"));
    let refused = vera.post("/admin/clients/kept/release", &[]).await;
    assert_eq!(refused.status, 403);

    let mut omar = Browser::of(&test, "omar").await;
    let done = omar.post("/admin/clients/kept/release", &[]).await;

    assert_eq!(done.header("location"), "/admin/clients/kept?done=released");
    let page = omar.get("/admin/clients/kept?done=released").await;
    assert!(page.text().contains("Client detached from its manifest."));
    assert!(!page.text().contains("team.yaml"));
    assert_eq!(find(&test, "kept").await.managed_by, None);
}

#[tokio::test]
async fn the_page_of_a_client_draws_what_it_did() {
    let test = portal().await;
    let secret = test.client().await;
    for _ in 0..3 {
        test.token(&secret).await;
    }
    test.app.write_usage().await.unwrap();
    let mut vera = Browser::of(&test, "vera").await;

    let page = vera.get("/admin/clients/billing").await;

    assert!(page.text().contains("3 in all, at most 3 in an hour."));
}
