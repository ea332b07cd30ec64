//! Nothing is taken away in one click: a page says what breaks, and asks.

use token_server::app::NewClient;
use token_server::domain::Scope;

use crate::admin::{Browser, name, portal, portal_with};
use crate::harness::{Answer, CLIENT, TestApp, id, new_client};

async fn secret_id(test: &TestApp) -> String {
    let record = test.find_client(&id(CLIENT)).await;
    record.secrets[0].secret_id.to_string()
}

/// The form of a question, sent as a browser would.
async fn confirm(browser: &mut Browser<'_>, page: &Answer, typed: &str) -> Answer {
    assert_eq!(page.status, 200, "{}", page.text());
    let (_, question) = page.text().split_once("data-question>").unwrap();
    let (_, rest) = question.split_once("method=\"post\" action=\"").unwrap();
    let action = rest.split('"').next().unwrap();
    let hidden = rest.split("<input type=\"hidden\" name=\"").skip(2);
    let mut fields: Vec<(&str, &str)> = hidden
        .map(|it| {
            let mut parts = it.split('"');
            (parts.next().unwrap(), parts.nth(1).unwrap())
        })
        .collect();
    if rest.contains("name=\"typed\"") {
        fields.push(("typed", typed));
    }
    browser.post(action, &fields).await
}

#[tokio::test]
async fn a_question_says_how_much_a_client_is_used_and_only_its_form_does_anything() {
    let test = portal().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    test.app.write_usage().await.unwrap();
    test.clock.advance(130);
    let secret_id = secret_id(&test).await;
    let mut omar = Browser::of(&test, "omar").await;
    let ask = async |omar: &mut Browser<'_>, path: &str| {
        let page = omar.get(&format!("/admin/clients/billing/{path}")).await;
        assert_eq!(page.status, 200, "{path}");
        page
    };

    for path in ["disable", "revoke-tokens", "delete"] {
        let page = ask(&mut omar, path).await;
        let said = "It got 1 token in 24 hours. Last used 2 minutes ago from 192.0.2.1.";
        assert!(page.text().contains(said), "{}", page.text());
    }
    for path in ["end", "remove"] {
        let page = ask(&mut omar, &format!("secrets/{secret_id}/{path}")).await;
        let said = "In use: once in 24 hours, last 2 minutes ago from 192.0.2.1.";
        assert!(page.text().contains(said), "{}", page.text());
    }
    assert_eq!(test.verify(&token).await.status, 200);

    let page = ask(&mut omar, "disable").await;
    let done = confirm(&mut omar, &page, "").await;
    assert_eq!(
        done.header("location"),
        "/admin/clients/billing?done=disabled"
    );
    assert_eq!(test.verify(&token).await.status, 401);
    let page = ask(&mut omar, "delete").await;
    assert_eq!(confirm(&mut omar, &page, "billin").await.status, 422);
    let page = ask(&mut omar, "delete").await;
    let done = confirm(&mut omar, &page, "billing").await;
    assert_eq!(done.header("location"), "/admin/clients?done=deleted");
    assert_eq!(omar.get("/admin/clients/billing/disable").await.status, 404);
}

#[tokio::test]
async fn a_wrong_answer_is_told_at_its_field() {
    let test = portal().await;
    test.client().await;
    let secret_id = secret_id(&test).await;
    let mut olga = Browser::of(&test, "olga").await;
    let end = format!("/admin/clients/billing/secrets/{secret_id}/end");
    for (path, fields, field) in [
        ("/admin/clients/billing/delete", ("typed", "x"), "typed"),
        ("/admin/admins/omar/delete", ("typed", "x"), "typed"),
        (&end, ("at", "tomorrow"), "at"),
        (&end, ("lifetime", "soon"), "lifetime"),
    ] {
        let page = olga.post(path, &[fields]).await;
        assert_eq!(page.status, 422, "{path}");
        assert!(page.text().contains("data-question"), "{path}");
        assert!(
            page.text().contains(&format!("id=\"{field}-error\"")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn no_page_takes_anything_away_without_a_question() {
    let test = portal_with(&[
        ("ADMIN_SECOND_FACTOR", "optional"),
        ("SIGNING_ALG", "ES256"),
    ])
    .await;
    test.client().await;
    let mut olga = Browser::of(&test, "olga").await;
    Browser::of(&test, "omar").await;
    let words = [
        "/revoke-tokens",
        "/release",
        "/delete",
        "/remove",
        "/end",
        "/retire",
        "/reset",
        "/end-others",
        "disabled",
    ];

    for path in [
        "/admin/clients/billing",
        "/admin/keys",
        "/admin/admins/omar",
        "/admin/sessions",
        "/admin/account",
    ] {
        let page = olga.get(path).await;
        let (_, main) = page.text().split_once("<main").unwrap();
        for form in main.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let does = words.iter().find(|it| form.contains(&format!("{it}\"")));
            assert_eq!(does, None, "{path}");
        }
        assert!(
            main.contains("data-ask") || path == "/admin/account",
            "{path}"
        );
        assert!(!main.contains("data-confirm"), "{path}");
    }
}

#[tokio::test]
async fn questions_about_admins_and_sessions_say_who_is_there() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    Browser::of(&test, "omar").await;
    let page = olga.get("/admin/admins/omar/disable").await;
    let said = "omar has 1 active session, active less than a minute ago from 192.0.2.1.";
    assert!(page.text().contains(said), "{}", page.text());
    let own = olga.get("/admin/admins/olga/disable").await;
    assert!(own.text().contains("This is your own account"));

    let his = name("omar");
    let sessions = test.app.admins.list_sessions(Some(&his)).await.unwrap();
    let end = format!("/admin/sessions/{}/end", sessions[0].session_id);
    let mut vera = Browser::of(&test, "vera").await;
    assert_eq!(vera.get(&end).await.status, 404);
    let page = olga.get(&end).await;
    assert!(page.text().contains("End this session of omar?"));
    assert_eq!(confirm(&mut olga, &page, "").await.status, 303);
    assert!(
        test.app
            .admins
            .list_sessions(Some(&his))
            .await
            .unwrap()
            .is_empty()
    );
    let page = olga.get("/admin/sessions/end-others").await;
    assert!(page.text().contains("You have no other session."));
}

#[tokio::test]
async fn whoever_may_not_do_it_is_not_asked_either() {
    let test = portal().await;
    test.register(NewClient {
        scopes: Scope::parse("admin:read").unwrap(),
        ..new_client("chief")
    })
    .await;
    let mut omar = Browser::of(&test, "omar").await;
    let mut ask = async |path: &str| {
        omar.get(&format!("/admin/clients/chief/{path}"))
            .await
            .status
    };

    assert_eq!(ask("disable").await, 200);
    assert_eq!(ask("revoke-tokens").await, 200);
    assert_eq!(ask("delete").await, 403);
    assert_eq!(ask("release").await, 403);
}
