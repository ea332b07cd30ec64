//! The identifiers of a client are written by owners.

use token_server::app::NewClient;
use token_server::domain::{ClientVersion, Identifiers};

use super::find;
use crate::admin::{Browser, portal};
use crate::harness::{Answer, id, new_client};

/// Whether a page shows the field and lets nobody edit it.
fn is_readonly(page: &Answer) -> bool {
    let (_, rest) = page.text().split_once("<input id=\"identifiers\"").unwrap();
    rest.split('>').next().unwrap().contains(" readonly")
}

#[tokio::test]
async fn only_owners_write_identifiers_and_an_operator_leaves_them_as_they_are() {
    let test = portal().await;
    test.register(NewClient {
        identifiers: Identifiers::parse("https://own.test").unwrap(),
        ..new_client("billing")
    })
    .await;
    let edit = "/admin/clients/billing/edit";
    for (who, is_owner) in [("omar", false), ("olga", true)] {
        let mut browser = Browser::of(&test, who).await;
        let form = browser.get("/admin/new-client").await;
        assert_eq!(is_readonly(&form), !is_owner, "{who}");
        let new = [
            ("client_id", "new"),
            ("identifiers", "https://a.test"),
            ("client_secret_post", "yes"),
        ];
        let made = browser.post("/admin/new-client", &new).await;
        assert_eq!(made.status, if is_owner { 303 } else { 403 }, "{who}");
        let is_told = made
            .text()
            .contains("Identifiers are reserved: only an owner");
        assert_eq!(is_told, !is_owner, "{}", made.text());
        assert_eq!(
            test.app.store().has_client(&id("new")).await.unwrap(),
            is_owner
        );

        for (identifiers, name, status) in [
            ("https://own.test", "renamed", 303),
            (
                "https://own.test https://a.test",
                "x",
                if is_owner { 303 } else { 403 },
            ),
            ("", "y", if is_owner { 303 } else { 403 }),
        ] {
            let shown = browser.get(edit).await;
            assert_eq!(is_readonly(&shown), !is_owner, "{who}");
            let before = find(&test, "billing").await;
            assert!(
                shown
                    .text()
                    .contains(&format!("value=\"{}\"", before.client.identifiers))
            );
            let version = ClientVersion::from(&before.client).to_string();
            let fields = [
                ("version", version.as_str()),
                ("name", name),
                ("identifiers", identifiers),
                ("client_secret_post", "yes"),
            ];
            let answer = browser.post(edit, &fields).await;
            assert_eq!(
                answer.status,
                status,
                "{who} {identifiers}: {}",
                answer.text()
            );
            let after = find(&test, "billing").await;
            let expected = if status == 303 {
                identifiers
            } else {
                "https://own.test"
            };
            assert_eq!(after.client.identifiers.to_string(), expected, "{who}");
            assert_eq!(after == before, status == 403, "{who}");
        }
    }
}
