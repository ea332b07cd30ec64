//! Secrets on the page of a client: rotation, ends and idle expiry.

use token_server::base::clock::UnixTime;

use super::shown;
use crate::admin::{Browser, portal};
use crate::harness::{CLIENT, id};

#[tokio::test]
async fn a_secret_is_rotated_with_an_overlap_and_the_page_says_what_is_safe() {
    let test = portal().await;
    let old = test.client().await;
    let record = test.find_client(&id(CLIENT)).await;
    let old_id = record.secrets[0].secret_id.clone();
    test.clock.advance(1);
    let mut omar = Browser::of(&test, "omar").await;
    let path = format!("/admin/clients/billing/secrets/{old_id}");

    let page = omar
        .post("/admin/clients/billing/secrets", &[("lifetime", "90d")])
        .await;
    let new = shown(&omar.follow(&page).await, "client_secret");
    test.token(&old).await;
    test.token(&new).await;
    test.app.write_usage().await.unwrap();
    let page = omar.get("/admin/clients/billing").await;
    assert!(page.text().contains("<td class=\"end\">1</td>"));
    assert!(page.text().contains("from 192.0.2.1"));
    let asked = omar.get(&format!("{path}/remove")).await;
    assert!(asked.text().contains("In use: once in 24 hours"));

    let fields = [("at", "2027-02-01T12:00"), ("lifetime", "1h")];
    let answer = omar.post(&format!("{path}/end"), &fields).await;
    assert_eq!(
        answer.header("location"),
        "/admin/clients/billing?done=ended"
    );
    let record = test.find_client(&id(CLIENT)).await;
    let end: UnixTime = "2027-02-01T12:00:00Z".parse().unwrap();
    assert_eq!(record.secrets[0].expires_at, Some(end));
    omar.post(&format!("{path}/end"), &[("lifetime", "1h")])
        .await;
    test.clock.advance(3_599);
    test.token(&old).await;
    test.clock.advance(1);
    let refused = test.authorize(CLIENT, &old).await;
    refused.assert_error(401, "invalid_client");
    let mut omar = Browser::of(&test, "omar").await;
    let page = omar.get("/admin/clients/billing").await;
    assert!(page.text().contains("It has expired: safe to remove."));

    let answer = omar.post(&format!("{path}/remove"), &[]).await;
    assert_eq!(
        answer.header("location"),
        "/admin/clients/billing?done=removed"
    );
    let record = test.find_client(&id(CLIENT)).await;
    assert_eq!(record.secrets.len(), 1);
    test.token(&new).await;
    for wrong in [("at", "tomorrow"), ("lifetime", "soon"), ("lifetime", "0s")] {
        let path = format!(
            "/admin/clients/billing/secrets/{}/end",
            record.secrets[0].secret_id
        );
        assert_eq!(omar.post(&path, &[wrong]).await.status, 422, "{wrong:?}");
    }
    assert_eq!(omar.post(&format!("{path}/remove"), &[]).await.status, 404);
}

#[tokio::test]
async fn a_secret_is_told_to_end_when_it_is_used_no_more() {
    let test = portal().await;
    test.client().await;
    let secret_id = test.find_client(&id(CLIENT)).await.secrets[0]
        .secret_id
        .clone();
    let mut omar = Browser::of(&test, "omar").await;
    let path = format!("/admin/clients/billing/secrets/{secret_id}/end");

    let set = omar
        .post(&path, &[("lifetime", "unused:24h"), ("at", "")])
        .await;
    assert_eq!(set.status, 303, "{}", set.text());
    let page = omar.get("/admin/clients/billing").await;
    assert!(page.text().contains("never, or 1 day after its last use"));
    assert_eq!(
        omar.post(&path, &[("lifetime", "unused:1s")]).await.status,
        422
    );
    let back = omar.post(&path, &[("lifetime", "unused:never")]).await;
    assert_eq!(back.status, 303);
    let page = omar.get("/admin/clients/billing").await;
    assert!(!page.text().contains("1 day after its last use"));
}
