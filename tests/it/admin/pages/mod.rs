//! What the pages say.

mod dashboard;
mod forms;
mod questions;
mod routes;
mod shown_once;

use super::{Browser, portal, portal_with};
use crate::harness::{Answer, SECRET};

#[tokio::test]
async fn the_navigation_has_what_the_role_may_open_and_says_where_one_is() {
    let test = portal().await;
    let links = async |who: &str| {
        let page = Browser::of(&test, who).await.get("/admin/sessions").await;
        let nav = page.text().split("<nav").nth(1).unwrap();
        nav.split("</nav>").next().unwrap().to_owned()
    };

    let (owner, viewer) = (links("olga").await, links("vera").await);

    assert!(owner.contains("/admin/admins") && !viewer.contains("/admin/admins"));
    assert_eq!(viewer.matches("aria-current=\"page\"").count(), 1);
    assert!(viewer.contains("href=\"/admin/sessions\" aria-current=\"page\""));
}

#[tokio::test]
async fn the_settings_show_every_name_and_no_secret() {
    let test = portal().await;
    let page = Browser::of(&test, "vera")
        .await
        .get("/admin/settings")
        .await;

    for name in [
        "SECRET",
        "LISTEN_ADDR",
        "ADMIN_SESSION_IDLE",
        "DATABASE_URL",
    ] {
        assert!(
            page.text().contains(&format!("<code>{name}</code>")),
            "{name}"
        );
    }
    assert!(page.text().contains("https://tokens.test"));
    assert!(!page.text().contains(SECRET));
    assert!(!page.text().contains(&test.database.url));
}

#[tokio::test]
async fn the_settings_are_explained_and_the_risky_ones_marked() {
    let settings = [("ADMIN_SECOND_FACTOR", "optional"), ("TOKEN_TTL", "30m")];
    let test = portal_with(&settings).await;
    let mut vera = Browser::of(&test, "vera").await;
    let row = |page: &Answer, name: &str| {
        let (_, rest) = page.text().split_once(&format!("<code>{name}</code>"))?;
        Some(rest.split("</tr>").next().unwrap().to_owned())
    };

    let all = vera.get("/admin/settings").await;
    let changed = vera.get("/admin/settings?changed=yes").await;

    let risky = row(&all, "ADMIN_SECOND_FACTOR").unwrap();
    assert!(
        risky.contains(">risky<") && risky.contains("A password alone"),
        "{risky}"
    );
    let ttl = row(&changed, "TOKEN_TTL").unwrap();
    assert!(
        ttl.contains(">changed<") && ttl.contains("default 1h"),
        "{ttl}"
    );
    assert!(
        ttl.contains("How long tokens live") && !ttl.contains("risky"),
        "{ttl}"
    );
    assert!(row(&all, "MAX_BODY").is_some() && row(&changed, "MAX_BODY").is_none());
    assert!(all.text().contains("<h2>Listener</h2>"));
}

#[tokio::test]
async fn style_and_script_are_kept_by_their_name() {
    let test = portal().await;
    let page = test.get("/admin/login").await;
    for part in ["href=\"/admin/assets/", "src=\"/admin/assets/"] {
        let rest = page.text().split(part).nth(1).unwrap();
        let path = format!("/admin/assets/{}", rest.split('"').next().unwrap());
        let asset = test.get(&path).await;
        assert_eq!(asset.status, 200);
        assert!(asset.header("cache-control").contains("immutable"));
        let etag = asset.header("etag");
        let known = test.get_with(&path, &[("if-none-match", etag)]).await;
        assert_eq!((known.status, known.text()), (304, ""));
    }
    assert_eq!(
        test.get("/admin/assets/portal.00000000.css").await.status,
        404
    );
}

#[tokio::test]
async fn a_link_cannot_put_words_into_a_page() {
    let test = portal().await;
    let mut browser = Browser::of(&test, "olga").await;

    let known = browser.get("/admin/admins?done=deleted").await;
    let unknown = browser
        .get("/admin/admins?done=%3Cb%3Ecall+0900%3C%2Fb%3E")
        .await;

    assert!(known.text().contains("role=\"status\""));
    assert!(!unknown.text().contains("0900"));
}

#[tokio::test]
async fn an_error_is_a_page_with_its_status_and_the_request_in_the_log_has_its_reason() {
    let log = crate::harness::Log::default();
    let test = portal().await;
    let mut browser = Browser::of(&test, "olga").await;
    let guard = log.capture();
    let missing = browser.get("/admin/admins/nobody").await;
    let malformed = browser.get("/admin/admins/a%20b").await;
    drop(guard);

    assert_eq!((missing.status, malformed.status), (404, 400));
    assert!(
        missing
            .text()
            .contains("There is no admin <code>nobody</code>.")
    );
    assert!(missing.header("content-type").starts_with("text/html"));
    let lines = log.requests();
    assert_eq!(lines[0]["error"], "not_found");
    assert_eq!(lines[0]["route"], "/admin/admins/{name}");
}
