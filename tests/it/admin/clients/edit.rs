//! The form that changes a client.

use token_server::domain::{ClientStatus, ErrorCode};

use super::{BASIC, POST, find};
use crate::admin::{Browser, portal};
use crate::harness::{Answer, CLIENT, NOW, id};

fn hidden(page: &Answer, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.text().split_once(&mark).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_change_of_what_somebody_else_has_changed_meanwhile_is_refused() {
    let test = portal().await;
    test.client().await;
    let mut omar = Browser::of(&test, "omar").await;
    let mut olga = Browser::of(&test, "olga").await;
    let path = "/admin/clients/billing/edit";
    let version = hidden(&omar.get(path).await, "version");
    let save = async |browser: &mut Browser<'_>, name: &str| {
        let fields = [
            ("version", version.as_str()),
            ("name", name),
            ("scopes", "read"),
            BASIC,
        ];
        browser.post(path, &fields).await
    };

    assert_eq!(save(&mut olga, "of Olga").await.status, 303);
    let refused = save(&mut omar, "of Omar").await;

    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("has changed since"));
    assert!(refused.text().contains("value=\"of Omar\""));
    assert_eq!(find(&test, CLIENT).await.name.as_str(), "of Olga");
    let again = save(&mut omar, "of Omar").await;
    assert_eq!(again.status, 422, "trying again does not help");
}

#[tokio::test]
async fn a_form_sets_its_own_fields_and_no_others() {
    let test = portal().await;
    test.client().await;
    let before = find(&test, CLIENT).await;
    test.clock.advance(10);
    let mut omar = Browser::of(&test, "omar").await;
    let version = hidden(&omar.get("/admin/clients/billing/edit").await, "version");

    let saved = omar
        .post(
            "/admin/clients/billing/edit",
            &[
                ("version", &version),
                ("name", "new"),
                POST,
                ("client_id", "other"),
                ("status", "disabled"),
                ("created_at", "1"),
                ("updated_at", "1"),
                ("secret_hash", "x"),
                ("role", "owner"),
            ],
        )
        .await;

    assert_eq!(
        saved.header("location"),
        "/admin/clients/billing?done=saved"
    );
    let after = find(&test, CLIENT).await;
    assert_eq!(after.status, ClientStatus::Enabled);
    assert_eq!(after.created_at, before.created_at);
    assert_eq!(after.updated_at, NOW.plus(10));
    assert_eq!(after.name.as_str(), "new");
    // What is empty in the form was taken away.
    assert!(after.scopes.is_empty());
    let other = test.app.clients.find(&id("other")).await;
    assert_eq!(other.unwrap_err().code, ErrorCode::NotFound);
    let without = omar.post("/admin/clients/billing/edit", &[POST]).await;
    assert_eq!(without.status, 400, "a version must be there");
}

#[tokio::test]
async fn networks_are_typed_on_lines_and_shown_on_the_clients_page() {
    let test = portal().await;
    let mut omar = Browser::of(&test, "omar").await;
    let fields = [
        ("client_id", CLIENT),
        ("client_secret_post", "yes"),
        ("allowed_networks", "2001:db8::1/32\r\n10.1.2.3/8\r\n"),
    ];
    let made = omar.post("/admin/new-client", &fields).await;
    assert!(made.status < 400, "{}", made.text());
    let client = find(&test, CLIENT).await;
    assert_eq!(
        client.allowed_networks.to_string(),
        "10.0.0.0/8 2001:db8::/32"
    );

    let page = omar.get("/admin/clients/billing").await;
    let form = omar.get("/admin/clients/billing/edit").await;
    assert!(
        page.text()
            .contains("<code>10.0.0.0/8 2001:db8::/32</code>")
    );
    assert!(
        form.text()
            .contains("\n10.0.0.0/8\n2001:db8::/32</textarea>")
    );

    let version = hidden(&form, "version");
    for (typed, status) in [("10.0.0.0/33", 422), ("192.0.2.7", 303)] {
        let fields = [
            ("version", version.as_str()),
            ("client_secret_post", "yes"),
            ("allowed_networks", typed),
        ];
        let answer = omar.post("/admin/clients/billing/edit", &fields).await;
        assert_eq!(answer.status, status, "{typed}");
        assert!(
            status == 303
                || answer
                    .text()
                    .contains("<code>10.0.0.0/33</code> is not a network")
        );
    }
    let form = omar.get("/admin/clients/billing/edit").await;
    let version = hidden(&form, "version");
    let fields = [("version", version.as_str()), ("client_secret_post", "yes")];
    omar.post("/admin/clients/billing/edit", &fields).await;
    assert!(find(&test, CLIENT).await.allowed_networks.is_empty());
    let page = omar.get("/admin/clients/billing").await;
    assert!(page.text().contains("any</span>"));
}
