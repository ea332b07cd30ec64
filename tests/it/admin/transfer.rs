//! Import and export in the portal.

use super::{Browser, error_at, portal};
use crate::harness::id;

const KEYCLOAK: &str = include_str!("../../import/keycloak-realm.json");
const PATH: &str = "/admin/transfer";

#[tokio::test]
async fn a_file_is_looked_at_and_then_imported() {
    let test = portal().await;
    let mut browser = Browser::of(&test, "olga").await;
    let fields = [
        ("file", KEYCLOAK),
        ("on_conflict", "skip"),
        ("keep_going", "yes"),
    ];
    let import = format!("{PATH}/import");

    let looked = browser
        .post(&import, &[&fields[..], &[("act", "look")]].concat())
        .await;
    assert_eq!(looked.status, 200, "{}", looked.text());
    for told in [
        "Preview, nothing is changed yet",
        "3 created",
        "it is a public client",
        "value=\"do\"",
    ] {
        assert!(looked.text().contains(told), "{told}");
    }
    assert!(test.app.clients.find(&id("inventory")).await.is_err());

    let done = browser
        .post(&import, &[&fields[..], &[("act", "do")]].concat())
        .await;
    assert!(done.text().contains("Done.") && done.text().contains("/admin/clients/inventory"));
    test.find_client(&id("inventory")).await;

    let refused = browser.post(&import, &fields[..2]).await;
    assert!(
        refused.text().contains("the file has errors") && !refused.text().contains("value=\"do\"")
    );
    let nonsense = [("file", "nonsense"), ("on_conflict", "skip")];
    let nonsense = browser.post(&import, &nonsense).await;
    assert_eq!(nonsense.status, 422);
    let told = error_at(&nonsense, "file").unwrap();
    assert!(told.contains("name the columns"), "{told}");
    let soon = [("token_ttl", "soon"), ("file", KEYCLOAK), fields[1]];
    let soon = browser.post(&import, &soon).await;
    assert_eq!(soon.status, 422);
    assert!(error_at(&soon, "token_ttl").unwrap().contains("units"));
    assert_eq!(error_at(&soon, "file"), None);
    assert!(
        soon.text().contains("serviceAccountsEnabled"),
        "the file stays in the form"
    );
}

#[tokio::test]
async fn a_file_is_applied_and_its_clients_show_that_it_keeps_them() {
    let test = portal().await;
    let mut browser = Browser::of(&test, "olga").await;
    let file =
        "version: 1\nname: team <b>.yaml\nclients:\n  - client_id: made\n    secrets: make\n";
    let apply = format!("{PATH}/apply");

    let looked = browser
        .post(&apply, &[("manifest", file), ("act", "look")])
        .await;
    assert!(looked.text().contains("1 created"), "{}", looked.text());
    assert!(test.app.clients.find(&id("made")).await.is_err());
    let done = browser
        .post(&apply, &[("manifest", file), ("act", "do")])
        .await;
    let shown = browser.follow(&done).await;
    assert!(shown.text().contains("Done.") && shown.text().contains("tks_"));
    assert!(
        shown
            .text()
            .contains("{&#34;client_id&#34;:&#34;made&#34;,")
    );
    let again = browser.follow(&done).await;
    assert!(again.text().contains("No report to show.") && !again.text().contains("tks_"));

    for page in [
        "/admin/clients",
        "/admin/clients/made",
        "/admin/clients/made/edit",
    ] {
        let page = browser.get(page).await;
        assert!(
            page.text().contains("team &#60;b&#62;.yaml"),
            "{}",
            page.text()
        );
    }
    let page = browser.get("/admin/clients/made/edit").await;
    assert!(page.text().contains("change the file instead"));
    let wrong = [
        (
            "manifest",
            "version: 1\nclients:\n  - client_id: a\n    x: 1\n",
        ),
        ("name", "n"),
    ];
    let wrong = browser.post(&apply, &wrong).await;
    assert_eq!(wrong.status, 422);
    let told = error_at(&wrong, "manifest").unwrap();
    assert!(told.contains("line 4"), "{told}");
    let long = "n".repeat(101);
    let wrong = browser
        .post(&apply, &[("manifest", file), ("name", &long)])
        .await;
    assert_eq!(wrong.status, 422);
    assert!(error_at(&wrong, "name").unwrap().contains("100 characters"));
    assert_eq!(error_at(&wrong, "manifest"), None);
}

#[tokio::test]
async fn an_owner_exports_and_nobody_else() {
    let test = portal().await;
    test.client().await;
    let export = format!("{PATH}/export");

    let mut operator = Browser::of(&test, "omar").await;
    assert_eq!(operator.post(&export, &[]).await.status, 403);
    assert!(!operator.get("/admin/").await.text().contains(PATH));
    let mut owner = Browser::of(&test, "olga").await;
    let answer = owner.post(&export, &[]).await;

    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-disposition")
            .contains("clients.jsonl")
    );
    assert!(answer.text().contains("\"client_id\":\"billing\""));
    assert_ne!(owner.get(&export).await.status, 200);
    let page = owner.get("/admin/audit").await;
    assert!(page.text().contains("client.export"));
}

#[tokio::test]
async fn secrets_with_the_length_of_a_digest_are_imported_when_that_is_ticked() {
    let test = portal().await;
    let mut browser = Browser::of(&test, "olga").await;
    let digest = "9e7cf5d23a0123baffae99f47a6f30a0";
    let file = format!("client_id,client_secret\nmade,{digest}\n");
    let fields = [
        ("file", file.as_str()),
        ("on_conflict", "skip"),
        ("act", "do"),
    ];
    let import = format!("{PATH}/import");

    let refused = browser.post(&import, &fields).await;
    assert!(refused.text().contains("length of a digest in hex"));
    assert!(test.app.clients.find(&id("made")).await.is_err());

    let ticked = [&fields[..], &[("plain_secrets", "yes")]].concat();
    let done = browser.post(&import, &ticked).await;
    assert!(done.text().contains("Done."), "{}", done.text());
    assert_eq!(test.authorize("made", digest).await.status, 200);

    let record = test.find_client(&id("made")).await;
    assert!(!record.secrets[0].vouched);
    let fields = [
        ("file", file.as_str()),
        ("on_conflict", "replace"),
        ("plain_secrets", "yes"),
        ("generated_secrets", "yes"),
        ("act", "do"),
    ];
    let done = browser.post(&import, &fields).await;
    assert!(done.text().contains("Done."), "{}", done.text());
    let record = test.find_client(&id("made")).await;
    assert!(record.secrets[0].vouched);
}

#[tokio::test]
async fn what_is_wider_here_is_taken_away_when_its_box_is_ticked() {
    const ROW: &str = r#"{"client_id":"made","grant_types":["client_credentials"],"scope":"read","metadata":{"a":1},
        "client_secret":"the secret of before"}"#;
    let test = portal().await;
    let mut browser = Browser::of(&test, "olga").await;
    let fields = [("file", ROW), ("on_conflict", "replace"), ("act", "do")];
    let import = format!("{PATH}/import");
    let find = async || test.find_client(&id("made")).await.client;

    let done = browser.post(&import, &fields).await;
    assert!(done.text().contains("--explicit-scopes-only"));
    let client = find().await;
    assert!(!client.explicit_scopes_only && client.metadata.as_str() == r#"{"a":1}"#);

    let narrowed = [
        ("explicit_scopes_only", "yes"),
        ("drop_metadata", "yes"),
        ("drop_optional_scopes", "yes"),
        ("token_ttl", "5m"),
    ];
    let done = browser
        .post(&import, &[&fields[..], &narrowed].concat())
        .await;
    assert!(done.text().contains("Done."), "{}", done.text());
    let client = find().await;
    assert!(client.explicit_scopes_only && client.metadata.as_str() == "{}");
    assert_eq!(client.token_ttl.unwrap().seconds(), 300);

    let wrong = [&fields[..], &[("token_ttl", "soon")]].concat();
    assert_eq!(browser.post(&import, &wrong).await.status, 422);
}
