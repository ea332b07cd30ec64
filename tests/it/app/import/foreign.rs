//! Files of Ory Hydra and of Keycloak, made by hand after their documentation.

use token_server::app::clients::transfer::import::{ImportFormat, ImportLine, ImportOptions};
use token_server::domain::{ClientId, ClientRecord, ClientStatus};

use super::{KEEP_GOING, client_ids, import_with};
use crate::harness::TestApp;

const HYDRA: &str = include_str!("../../../import/hydra.json");
const KEYCLOAK: &str = include_str!("../../../import/keycloak-realm.json");

/// The secret behind the hashes in the file of Hydra.
const OLD_SECRET: &str = "an old secret: %+ü";

const DRY_RUN: ImportOptions = ImportOptions {
    dry_run: true,
    ..KEEP_GOING
};

/// A client that was imported. What it is as a resource server, no other server's file says.
async fn client(test: &TestApp, id: &str) -> ClientRecord {
    let id = ClientId::parse(id).unwrap();
    let found = test.find_client(&id).await;
    assert!(found.client.identifiers.is_empty(), "{id}");
    found
}

#[tokio::test]
async fn clients_of_hydra_come_with_their_hashes_and_log_in_as_before() {
    let test = TestApp::new().await;

    let (report, lines) = import_with(&test, HYDRA, KEEP_GOING).await;

    assert_eq!(report.format, ImportFormat::Hydra);
    assert_eq!((report.imported, report.skipped, report.bad), (3, 2, 1));
    let outcomes: Vec<(&str, &str, u64)> = lines
        .iter()
        .map(|it| {
            (
                it.client_id.as_deref().unwrap(),
                it.outcome.as_str(),
                it.line,
            )
        })
        .collect();
    assert_eq!(
        outcomes[1..],
        [
            ("old-bcrypt", "created", 29),
            ("signer", "created", 37),
            ("web-shop", "skipped", 48),
            ("mobile-app", "skipped", 55),
            ("from-the-api", "bad", 61),
        ]
    );
    for (line, why) in [
        (3, "client_credentials"),
        (4, "public"),
        (5, "hydra_client"),
    ] {
        assert!(
            lines[line].reason.as_deref().unwrap().contains(why),
            "{lines:?}"
        );
    }
    assert!(lines[0].remarks[0].contains("offline"), "{lines:?}");
    assert!(report.ignored.contains("contacts") && !report.ignored.contains("tos_uri"));

    let id = "7f1b2c1e-8f3d-4c55-9f0d-5a7f0f0a1b2c";
    let inventory = client(&test, id).await.client;
    assert_eq!(inventory.name.as_str(), "Inventory");
    assert_eq!(inventory.scopes.as_str(), "items.read items.write");
    assert_eq!(inventory.audiences.len(), 2);
    assert_eq!(inventory.metadata.as_str(), r#"{"tenant":"acme"}"#);
    assert_eq!(inventory.token_ttl.unwrap().seconds(), 1_800);
    let methods = inventory.authentication.auth_methods.to_string();
    assert_eq!(methods, "client_secret_post");
    for id in [id, "old-bcrypt"] {
        let answer = test.authorize(id, "another").await;
        answer.assert_error(401, "invalid_client");
    }
    assert_eq!(test.authorize(id, OLD_SECRET).await.status, 200);
    let basic = format!(
        "old-bcrypt:{}",
        OLD_SECRET.replace('%', "%25").replace('+', "%2B")
    );
    let form = [("grant_type", "client_credentials")];
    assert_eq!(test.post_basic("/token", &basic, &form).await.status, 200);
    let signer = client(&test, "signer").await;
    assert!(signer.secrets.is_empty() && signer.client.authentication.keys.is_some());
}

#[tokio::test]
async fn hydras_one_client_its_page_and_its_table_are_read_too() {
    let one = r#"{
        "client_id": "one", "client_secret": "in clear, for once",
        "grant_types": ["client_credentials"], "client_secret_expires_at": 1900000000
    }"#;
    let page = format!(r#"{{"items": [{one}], "next_page_token": "", "is_last_page": true}}"#);
    // As `select row_to_json(c) from hydra_client c` writes it.
    let table = r#"{"id":"one","client_secret":"in clear, for once","grant_types":"[\"client_credentials\"]","audience":"[]","scope":"","metadata":"{}","token_endpoint_auth_method":"client_secret_post","client_secret_expires_at":1900000000}"#;
    let older = table.replace(
        r#""[\"client_credentials\"]""#,
        r#""client_credentials|refresh_token""#,
    );
    for text in [one, &page, table, &older] {
        let test = TestApp::new().await;
        let (report, lines) = import_with(&test, text, ImportOptions::default()).await;
        assert_eq!(
            (report.format, report.imported),
            (ImportFormat::Hydra, 1),
            "{text}: {lines:?}"
        );
        let end = client(&test, "one").await.secrets[0].expires_at.unwrap();
        assert_eq!(end.0, 1_900_000_000);
    }
}

#[tokio::test]
async fn clients_of_a_keycloak_realm_come_with_what_their_tokens_said() {
    let test = TestApp::new().await;

    let (report, lines) = import_with(&test, KEYCLOAK, KEEP_GOING).await;

    assert_eq!(report.format, ImportFormat::Keycloak);
    assert_eq!(
        (report.imported, report.skipped, report.bad),
        (3, 4, 2),
        "{lines:#?}"
    );
    for (line, why) in [
        (3, "public"),
        (4, "bearer-only"),
        (5, "service account"),
        (6, "openid-connect"),
        (7, "hides its secret"),
        (8, "client-secret-jwt"),
    ] {
        assert!(
            lines[line].reason.as_deref().unwrap().contains(why),
            "{why}: {lines:?}"
        );
    }
    let inventory = client(&test, "inventory").await.client;
    assert_eq!(inventory.name.as_str(), "Inventory");
    assert_eq!(inventory.description.as_str(), "Counts what is in stock");
    assert_eq!(inventory.scopes.as_str(), "items.read items.write");
    assert_eq!(
        inventory.audiences[0].as_str(),
        "https://inventory.example.com"
    );
    assert_eq!(
        inventory.metadata.as_str(),
        r#"{"tenant":"acme","limit":10}"#
    );
    assert_eq!(inventory.token_ttl.unwrap().seconds(), 900);
    assert_eq!(inventory.status, ClientStatus::Enabled);
    let remarks = lines[0].remarks.join("\n");
    assert!(remarks.contains("`items.write` is optional") && remarks.contains("`groups`"));
    let answer = test
        .authorize("inventory", "JWSSaqXk2vCm0kYwVnI9N1tqvQm7dC3B")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());

    let signer = client(&test, "signer").await.client;
    assert_eq!(signer.status, ClientStatus::Disabled);
    assert_eq!(
        signer.authentication.auth_methods.to_string(),
        "private_key_jwt"
    );
    assert!(signer.token_ttl.is_none() && lines[1].remarks[0].contains("172800"));
    let by_certificate = client(&test, "by-certificate").await.client;
    let subject = by_certificate.authentication.certificate_subject.unwrap();
    assert_eq!(subject.to_string(), "subject_dn=CN=billing,O=Acme");
    assert!(
        by_certificate
            .sender_constraint
            .tls_client_certificate_bound_access_tokens
    );
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    for text in [HYDRA, KEYCLOAK] {
        let test = TestApp::new().await;
        let (mut looked, seen) = import_with(&test, text, DRY_RUN).await;
        assert!(client_ids(&test).await.is_empty());
        let (report, lines) = import_with(&test, text, KEEP_GOING).await;
        assert!(looked.dry_run);
        looked.dry_run = false;
        assert_eq!((looked, seen), (report, lines));
    }
}

#[tokio::test]
async fn without_being_told_to_go_on_one_mistake_keeps_all_out_but_what_is_none_does_not() {
    let test = TestApp::new().await;
    let (report, bad) = import_with(&test, KEYCLOAK, ImportOptions::default()).await;
    assert!(report.refused && bad.iter().all(ImportLine::is_bad));
    assert!(client_ids(&test).await.is_empty());

    let mut realm: serde_json::Value = token_server::base::json::from_str(KEYCLOAK).unwrap();
    realm["clients"].as_array_mut().unwrap().truncate(7);
    let (report, _) = import_with(&test, &realm.to_string(), ImportOptions::default()).await;
    assert_eq!(
        (report.imported, report.skipped, report.refused),
        (3, 4, false)
    );
}
