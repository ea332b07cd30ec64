//! The dashboard, and the page of excess tokens.

use token_server::app::ExcessSpan;
use token_server::domain::{ClientChanges, TokenQuota};

use crate::admin::{Browser, portal};
use crate::harness::{CLIENT, id};

#[tokio::test]
async fn the_dashboard_draws_what_happened_and_says_it_in_words() {
    let test = portal().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    for _ in 0..3 {
        test.verify(&token).await;
    }
    test.authorize(CLIENT, "wrong").await;
    test.app.write_usage().await.unwrap();
    test.app.replication.say_alive().await.unwrap();
    // Else it may be on its way when the page is shown.
    test.app.usage.find_busiest_clients().await.unwrap();

    let page = Browser::of(&test, "vera").await.get("/admin/").await;

    assert_eq!(page.status, 200);
    assert!(page.text().contains("data-live=\"30\""));
    assert!(
        page.text().contains("<dt>Verify, 3 requests</dt>"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("Of replica "));
    assert!(!page.text().contains("First steps"));
    assert_eq!(page.text().matches("<svg class=\"issued\"").count(), 2);
    assert_eq!(page.text().matches("role=\"img\"").count(), 6);
    assert!(page.text().contains("3 in all, at most 3 in a minute."));
    assert!(page.text().contains("1 in all, at most 1 in an hour."));
    assert!(
        page.text()
            .contains("<a href=\"/admin/clients/billing\">billing</a>")
    );
    assert!(page.text().contains(">running</span>"));
    assert!(!page.text().contains("style="));
    assert!(page.text().len() < 200_000, "{}", page.text().len());
}

#[tokio::test]
async fn until_the_first_token_the_dashboard_says_what_comes_first() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;

    let empty = olga.get("/admin/").await;
    let secret = test.client().await;
    let with_client = olga.get("/admin/").await;
    test.token(&secret).await;
    test.app.write_usage().await.unwrap();
    let used = olga.get("/admin/").await;

    for page in [&empty, &with_client] {
        assert!(page.text().contains(">First steps<"));
        assert!(page.text().contains("https://tokens.test/authorize"));
        assert!(!page.text().contains("<svg class=\"issued\""));
        assert!(!page.text().contains("Busiest clients"));
    }
    assert!(empty.text().contains("href=\"/admin/new-client\""));
    assert!(with_client.text().contains(">done</span>"));
    assert!(used.text().contains("<svg class=\"issued\"") && !used.text().contains("First steps"));
}

#[tokio::test]
async fn excess_tokens_are_listed_over_a_day_and_a_month() {
    let test = portal().await;
    let secret = test.client().await;
    for _ in 0..3 {
        test.token(&secret).await;
    }
    test.app.write_usage().await.unwrap();
    // Else it may be on its way when the page is shown.
    for span in ExcessSpan::ALL {
        test.app.usage.find_excess_tokens(span).await.unwrap();
    }
    let mut vera = Browser::of(&test, "vera").await;

    for path in ["/admin/excess-tokens", "/admin/excess-tokens?over=30d"] {
        let page = vera.get(path).await;
        assert!(
            page.text().contains("href=\"/admin/clients/billing\""),
            "{path}"
        );
        assert!(page.text().contains("<td class=\"end\">2</td>"), "{path}");
    }
    assert_eq!(vera.get("/admin/excess-tokens?over=1y").await.status, 400);
    let quota = "href=\"/admin/clients/billing/edit#token_quota\"";
    let mut omar = Browser::of(&test, "omar").await;
    let (for_viewer, for_operator) = (
        vera.get("/admin/excess-tokens").await,
        omar.get("/admin/excess-tokens").await,
    );
    assert!(for_operator.text().contains(quota));
    assert!(for_operator.text().contains("Counted <time"));
    assert!(!for_viewer.text().contains(quota));
}

#[tokio::test]
async fn a_quota_is_set_by_the_form_and_shown_with_its_use() {
    let test = portal().await;
    let secret = test.client().await;
    let mut omar = Browser::of(&test, "omar").await;
    let changes = ClientChanges {
        token_quota: Some(TokenQuota::from_count(5).ok()),
        ..ClientChanges::default()
    };
    let id = id(CLIENT);
    test.update_client(&id, changes).await;
    for _ in 0..4 {
        test.token(&secret).await;
    }

    let page = omar.get("/admin/clients/billing").await;
    let form = omar.get("/admin/clients/billing/edit").await;

    assert!(page.text().contains("4 of 5 tokens in this hour"));
    assert!(page.text().contains(">nearly used up</span>"));
    assert!(
        form.text()
            .contains("name=\"token_quota\" type=\"text\" value=\"5\"")
    );
    let version = form
        .text()
        .split("name=\"version\" value=\"")
        .nth(1)
        .unwrap();
    let version = version.split('"').next().unwrap().to_owned();
    for (typed, status) in [("many", 422), ("0", 422), ("7", 303)] {
        let fields = [
            ("version", version.as_str()),
            ("client_secret_post", "yes"),
            ("token_quota", typed),
        ];
        let answer = omar.post("/admin/clients/billing/edit", &fields).await;
        assert_eq!(answer.status, status, "{typed}");
    }
    let client = test.find_client(&id).await.client;
    assert_eq!(client.token_quota, TokenQuota::from_count(7).ok());
}
