//! The page of the audit trail.

use token_server::app::NewClient;
use token_server::domain::{Name, Origin};

use super::{Browser, portal};
use crate::harness::{Answer, BY, TestApp, new_client};

async fn register(test: &TestApp, by: &Origin, client_id: &str, name: &str) {
    let new = NewClient {
        name: Name::parse(name).unwrap(),
        ..new_client(client_id)
    };
    test.app.clients.register(by, new, None).await.unwrap();
}

fn rows(page: &Answer) -> usize {
    page.text().matches("<td class=\"time\">").count()
}

#[tokio::test]
async fn it_is_filtered_by_who_what_which_client_and_when() {
    let test = portal().await;
    let mut vera = Browser::of(&test, "vera").await;
    let mut omar = Browser::of(&test, "omar").await;
    register(&test, BY, "a", "").await;
    test.clock.advance(60);
    let fields = [("client_id", "b"), ("client_secret_post", "yes")];
    omar.post("/admin/new-client", &fields).await;
    omar.post("/admin/clients/a/status", &[("status", "disabled")])
        .await;
    // 2027-01-15T08:00:00Z is when tests begin.
    for (query, expected) in [
        ("actor=omar&action=client.", 2),
        ("actor_type=server&action=client.", 1),
        ("action=client.create", 2),
        ("client_id=a", 2),
        ("client_id=a&actor=omar", 1),
        ("since=2027-01-15T08:01&action=client.", 2),
        ("until=2027-01-15T08:01&action=client.", 1),
        ("client_id=nobody", 0),
        ("last=1h&action=client.", 3),
    ] {
        let page = vera.get(&format!("/admin/audit?{query}")).await;
        assert_eq!((page.status, rows(&page)), (200, expected), "{query}");
    }
    for wrong in [
        "actor_type=x",
        "action=x",
        "since=yesterday",
        "last=soon",
        "client_id=a%20b",
        "before=x",
    ] {
        let page = vera.get(&format!("/admin/audit?{wrong}")).await;
        assert_eq!(page.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn the_presets_of_time_end_now_and_keep_the_rest_of_the_search() {
    let test = portal().await;
    register(&test, BY, "old", "").await;
    test.clock.advance(3_600);
    register(&test, BY, "new", "").await;
    let mut vera = Browser::of(&test, "vera").await;

    let page = vera
        .get("/admin/audit?action=client.&since=2020-01-01T00:00")
        .await;
    let (before, _) = page.text().split_once(">Last hour<").unwrap();
    let (_, link) = before.rsplit_once("href=\"").unwrap();
    let link = link.split('"').next().unwrap().replace("&#38;", "&");
    assert_eq!(link, "/admin/audit?action=client%2E&last=1h&");

    test.clock.advance(1);
    let hour = vera.get(&link).await;
    assert_eq!(rows(&hour), 1);
    assert!(hour.text().contains(">new<") && !hour.text().contains(">old<"));
    assert!(hour.text().contains("aria-current=\"true\">Last hour<"));
}

#[tokio::test]
async fn an_event_is_a_sentence_with_its_time_in_utc_what_changed_and_links() {
    let test = portal().await;
    let mut omar = Browser::of(&test, "omar").await;
    register(&test, BY, "a/b", "Before").await;
    let form = omar.get("/admin/clients/a%2Fb/edit").await;
    let (_, version) = form.text().split_once("name=\"version\" value=\"").unwrap();
    let version = version.split('"').next().unwrap().to_owned();
    let fields = [
        ("version", version.as_str()),
        ("name", "After"),
        ("scopes", "read"),
        ("client_secret_basic", "yes"),
        ("client_secret_post", "yes"),
    ];
    let saved = omar.post("/admin/clients/a%2Fb/edit", &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text());

    let page = omar.get("/admin/audit?action=client.update").await;

    let html = page.text();
    let said = "<strong>omar</strong> edited client <a href=\"/admin/clients/a%2Fb\">a/b</a>";
    assert!(html.contains(said), "{html}");
    assert!(
        html.contains("data-exact>2027-01-15 08:00:00</time>"),
        "{html}"
    );
    let name = "<span>name</span> <del><span class=\"visually-hidden\">before: </span>Before</del> \
                <ins><span class=\"visually-hidden\">after: </span>After</ins>";
    assert!(html.contains(name), "{html}");
    assert!(
        html.contains("<span>scopes</span> <ins>read</ins>"),
        "{html}"
    );
    assert!(html.contains("href=\"/admin/explain?request_id="), "{html}");
    assert!(
        html.contains("&#34;action&#34;:&#34;client.update&#34;"),
        "{html}"
    );
}

#[tokio::test]
async fn it_goes_on_from_page_to_page_and_is_exported_whole() {
    let test = portal().await;
    for n in 0..60 {
        register(&test, BY, &format!("app-{n}"), "=1+1").await;
    }
    let mut vera = Browser::of(&test, "vera").await;
    let query = "action=client.create";

    let first = vera.get(&format!("/admin/audit?{query}")).await;
    let (_, next) = first.text().split_once("rel=\"next\" href=\"").unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let second = vera.get(&next).await;
    assert_eq!((rows(&first), rows(&second)), (50, 10));
    assert!(!second.text().contains("rel=\"next\""));

    let export = format!("/admin/audit/export?{query}&format=");
    let json = vera.get(&format!("{export}json")).await;
    let csv = vera.get(&format!("{export}csv")).await;
    assert_eq!(json.header("content-type"), "application/x-ndjson");
    assert!(csv.header("content-disposition").contains("audit.csv"));
    let lines: Vec<serde_json::Value> = json
        .text()
        .lines()
        .map(|line| token_server::base::json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 60);
    assert_eq!(lines[0]["client_id"], "app-0");
    assert_eq!(lines[0]["after"]["name"], "=1+1");
    assert_eq!(csv.text().lines().count(), 61);
    assert!(csv.text().starts_with("event_id,at,"));
    assert_eq!(vera.get(&format!("{export}xml")).await.status, 400);
}

#[tokio::test]
async fn what_somebody_wrote_stays_text_in_it() {
    let test = portal().await;
    register(&test, BY, "<b>", "</code><script>alert(1)</script>").await;

    let mut vera = Browser::of(&test, "vera").await;
    let query = "actor=%22%3E%3Cscript%3Ealert(2)%3C%2Fscript%3E";
    for path in ["/admin/audit", &format!("/admin/audit?{query}")] {
        let page = vera.get(path).await;
        assert!(!page.text().contains("<script>alert"));
        assert_eq!(page.text().matches("<script").count(), 1);
        assert!(page.text().contains("&#60;script&#62;alert"));
    }
}

#[tokio::test]
async fn the_trail_is_checked_and_what_does_not_fit_is_told() {
    let test = portal().await;
    register(&test, BY, "a", "").await;
    let mut vera = Browser::of(&test, "vera").await;
    assert_eq!(vera.get("/admin/audit/verify").await.status, 200);

    let good = vera.post("/admin/audit/verify", &[]).await;
    assert_eq!(good.status, 200, "{}", good.text());
    assert!(good.text().contains("Intact: "));
    let (_, last) = good.text().split_once("and its hash\">").unwrap();
    let last = last.split('<').next().unwrap().to_owned();
    let again = vera.post("/admin/audit/verify", &[("known", &last)]).await;
    assert!(again.text().contains("Intact: "), "{last}");

    let (number, hash) = last.split_once(':').unwrap();
    let forged = format!("{number}:{}", "0".repeat(hash.len()));
    let broken = vera
        .post("/admin/audit/verify", &[("known", &forged)])
        .await;
    assert!(
        broken
            .text()
            .contains(&format!("Not intact at event {number}"))
    );
    let wrong = vera.post("/admin/audit/verify", &[("known", "<b>")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("&#60;b&#62;"));
}
