//! The list of clients: its order, its filters and its pages.

use token_server::app::NewClient;
use token_server::domain::{ClientStatus, Name, Scope};

use crate::admin::{Browser, portal};
use crate::harness::{Answer, BY, NOW, id, new_client};

#[tokio::test]
async fn the_list_is_filtered_and_goes_on_from_page_to_page() {
    let test = portal().await;
    for n in 0..60 {
        let new = NewClient {
            name: Name::parse(&format!("Number {n}")).unwrap(),
            ..new_client(&format!("app-{n:02}"))
        };
        test.app.clients.register(BY, new, None).await.unwrap();
    }
    let status = ClientStatus::Disabled;
    test.set_client_status(&id("app-07"), status).await;
    let mut vera = Browser::of(&test, "vera").await;
    let next = |page: &Answer| {
        let (_, rest) = page.text().split_once("rel=\"next\" href=\"")?;
        Some(rest.split('"').next().unwrap().replace("&#38;", "&"))
    };
    let rows = |page: &Answer| page.text().matches("scope=\"row\"").count();

    for order in ["client_id", "newest", "oldest"] {
        let path = format!("/admin/clients?order={order}");
        let first = vera.get(&path).await;
        assert_eq!(rows(&first), 50);
        let second = vera.get(&next(&first).unwrap()).await;
        assert_eq!((rows(&second), next(&second)), (10, None));
    }
    let disabled = vera.get("/admin/clients?status=disabled").await;
    assert_eq!(rows(&disabled), 1);
    assert!(disabled.text().contains("app-07"));
    let some = vera.get("/admin/clients?prefix=app-0&order=newest").await;
    assert_eq!(rows(&some), 10, "a search is by id");
    assert!(some.text().contains("aria-sort=\"ascending\">Client<"));
    assert!(
        some.text()
            .contains("Remove filter: </span>ID starts with app-0")
    );
    let named = vera
        .get("/admin/clients?search=NUMBER+5&order=newest")
        .await;
    assert_eq!(rows(&named), 11, "5, and 50 to 59");
    assert!(named.text().contains("value=\"NUMBER 5\""));
    let none = vera.get("/admin/clients?prefix=APP").await;
    assert!(none.text().contains("No client matches the search"));
    for wrong in ["status=x", "order=x", "order=newest&after=x", "after=a%20b"] {
        let answer = vera.get(&format!("/admin/clients?{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn the_list_says_how_many_there_are_and_marks_exceptions_alone() {
    let test = portal().await;
    for (name, scopes) in [("plain", "read"), ("off", "read"), ("robot", "admin:read")] {
        let new = NewClient {
            scopes: Scope::parse(scopes).unwrap(),
            ..new_client(name)
        };
        test.app.clients.register(BY, new, None).await.unwrap();
    }
    for (name, days) in [("soon", 10), ("over", 1), ("later", 20)] {
        let new = new_client(name);
        let end = NOW.plus(days * 86_400);
        let secret = test.app.secrets.new_secret(None, Some(end)).unwrap();
        let registered = test.app.clients.register(BY, new, Some(secret));
        registered.await.unwrap();
    }
    test.clock.advance(2 * 86_400);
    let (off, disabled) = (id("off"), ClientStatus::Disabled);
    test.set_client_status(&off, disabled).await;
    let mut vera = Browser::of(&test, "vera").await;
    let row = |page: &Answer, name: &str| {
        let (_, rest) = page.text().split_once(&format!(">{name}</a>")).unwrap();
        rest.split("</tr>").next().unwrap().to_owned()
    };

    let all = vera.get("/admin/clients").await;
    assert!(all.text().contains(">6 clients<"), "{}", all.text());
    assert!(!row(&all, "plain").contains("badge") && !row(&all, "later").contains("badge"));
    assert!(row(&all, "soon").contains("badge warn\">secret expires soon"));
    assert!(row(&all, "over").contains("badge bad\">no active secret"));
    assert!(row(&all, "off").contains("badge bad\">disabled"));
    assert!(row(&all, "robot").contains("badge warn\">reserved scope"));
    for (query, total) in [
        ("status=disabled", ">1 client<"),
        ("search=read", ">3 clients<"),
        ("scope=read", ">2 clients<"),
        ("search=nothing", ">0 clients<"),
    ] {
        let page = vera.get(&format!("/admin/clients?{query}")).await;
        assert!(page.text().contains(total), "{query}: {}", page.text());
    }
}

#[tokio::test]
async fn a_filter_keeps_the_others_when_it_is_set_or_removed() {
    let test = portal().await;
    let mut vera = Browser::of(&test, "vera").await;

    let page = vera
        .get("/admin/clients?search=a%26b&scope=read&status=disabled")
        .await;

    let link = |query: &str| format!("href=\"/admin/clients{}\"", query.replace('&', "&#38;"));
    let html = page.text();
    assert!(html.contains(&link("?search=a%26b&scope=read")), "{html}");
    assert!(html.contains(&(link("?search=a%26b&status=disabled&scope=read") + " aria-current")));
    assert!(html.contains("name=\"status\" value=\"disabled\""));
    assert!(html.contains("name=\"scope\" value=\"read\""));
}

#[tokio::test]
async fn the_list_has_only_those_with_a_scope_when_one_is_named() {
    let test = portal().await;
    for (name, scopes) in [("reader", "read"), ("writer", "read write")] {
        let new = NewClient {
            scopes: Scope::parse(scopes).unwrap(),
            ..new_client(name)
        };
        test.register(new).await;
    }
    let mut vera = Browser::of(&test, "vera").await;

    let page = vera
        .get("/admin/clients?prefix=&scope=write&status=&order=newest")
        .await;

    assert!(page.text().contains(">writer<") && !page.text().contains(">reader<"));
    let none = vera.get("/admin/clients?scope=wri").await;
    assert!(none.text().contains("No client matches the search"));
    assert_eq!(vera.get("/admin/clients?scope=a+b").await.status, 400);
}
