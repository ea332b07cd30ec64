//! Rows of Hydra's table, and its lists.

use serde_json::{Value, json};
use token_server::app::clients::transfer::import::{
    ImportFormat, ImportLine, ImportNews, ImportOptions, ImportReport, ImportSource, Narrowing,
};
use token_server::domain::TokenTtl;

use super::{HASH, OLD_SECRET, find, hydra_row, remarks};
use crate::app::import::{KEEP_GOING, import_with};
use crate::harness::{BY, TestApp};

/// Imports these rows, one on each line.
async fn import_lines(
    test: &TestApp,
    rows: &[Value],
    options: ImportOptions,
) -> (ImportReport, Vec<ImportLine>) {
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    import_with(test, &lines.join("\n"), options).await
}

#[tokio::test]
async fn rows_of_hydras_table_come_with_their_lifespans_and_keys() {
    let test = TestApp::new().await;
    let ttl = |nanos: i64| json!({"client_credentials_grant_access_token_lifespan": nanos});
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "use": "sig",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
    let rows = [
        hydra_row("quarter", ttl(900_000_000_000)),
        hydra_row("odd", ttl(90_500_000_000)),
        hydra_row("short", ttl(30_000_000_000)),
        hydra_row("long", ttl(172_800_000_000_000)),
        hydra_row(
            "signer",
            json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": keys.to_string()}),
        ),
        hydra_row(
            "broken",
            json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": "[1]"}),
        ),
    ];

    let (report, lines) = import_lines(&test, &rows, KEEP_GOING).await;

    assert_eq!(
        (report.format, report.imported, report.bad),
        (ImportFormat::Hydra, 5, 1),
        "{lines:#?}"
    );
    for (id, seconds, told) in [
        ("quarter", Some(900), ""),
        ("odd", Some(90), "not a whole number of seconds"),
        ("short", Some(60), "is 30 s"),
        ("long", None, "is 172800 s"),
    ] {
        let client = find(&test, id).await.client;
        assert_eq!(client.token_ttl.map(TokenTtl::seconds), seconds, "{id}");
        assert!(remarks(&lines, id).contains(told), "{id}: {lines:#?}");
        assert_eq!(test.authorize(id, OLD_SECRET).await.status, 200, "{id}");
    }
    let signer = find(&test, "signer").await;
    assert!(signer.secrets.is_empty() && signer.client.authentication.keys.is_some());
    assert!(
        lines[5].reason.as_deref().unwrap().contains("jwks"),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn rotated_secrets_of_hydra_are_good_too() {
    for rotated in [json!([HASH]), json!(json!([HASH]).to_string())] {
        let test = TestApp::new().await;
        let row = hydra_row(
            "a",
            json!({"client_secret": "the newer secret: 12", "rotated_secrets": rotated}),
        );
        let (report, lines) = import_lines(&test, &[row], KEEP_GOING).await;
        assert_eq!(report.imported, 1, "{lines:#?}");
        assert!(remarks(&lines, "a").contains("imported rotated secrets"));
        for secret in ["the newer secret: 12", OLD_SECRET] {
            assert_eq!(test.authorize("a", secret).await.status, 200, "{secret}");
        }
        assert!(!report.ignored.contains("rotated_secrets"));
    }
    // Hydra keeps five beside the current one, the newest first.
    let test = TestApp::new().await;
    let old = |n: usize| format!("the rotated secret {n}");
    let rotated = [HASH.to_owned(), old(2), old(3), old(4), old(5)];
    let row = hydra_row("a", json!({"rotated_secrets": rotated}));
    let (report, lines) = import_lines(&test, &[row], KEEP_GOING).await;
    assert_eq!(report.imported, 1, "{lines:#?}");
    assert!(remarks(&lines, "a").contains("oldest of its rotated secrets"));
    assert_eq!(find(&test, "a").await.secrets.len(), 5);
    assert_eq!(test.authorize("a", &old(4)).await.status, 200);
    assert_eq!(test.authorize("a", &old(5)).await.status, 401);

    let test = TestApp::new().await;
    let row = hydra_row("a", json!({"rotated_secrets": "not a list"}));
    let (report, _) = import_lines(&test, &[row], KEEP_GOING).await;
    assert_eq!((report.imported, report.bad), (0, 1));
}

#[tokio::test]
async fn a_list_without_secrets_and_rows_are_one_client_each() {
    let item = json!({"client_id": "a", "client_name": "From the list", "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"],
        "scope": "read", "audience": ["https://a.example.com"], "client_credentials_grant_access_token_lifespan": "15m0s"});
    let page = json!({"items": [item], "next_page_token": "", "is_last_page": true});
    let secret_only = json!({"id": "a", "client_secret": HASH});
    let whole = hydra_row("a", json!({"scope": "write"}));

    for rows in [
        [page.clone(), secret_only.clone()],
        [secret_only.clone(), page.clone()],
    ] {
        let test = TestApp::new().await;
        let options = ImportOptions::default();
        let file = rows.each_ref().map(Value::to_string).join("\n");
        let source = ImportSource::of_bytes(Some(ImportFormat::Hydra), file.into_bytes());
        let mut tell = |_: ImportNews<'_>| {};
        let report = test.app.clients.import(BY, &source, options, &mut tell);
        let report = report.await.unwrap();
        assert_eq!((report.imported, report.bad, report.skipped), (1, 0, 0));
        let client = find(&test, "a").await.client;
        assert_eq!(
            (client.name.as_str(), client.token_ttl.unwrap().seconds()),
            ("From the list", 900)
        );
        assert_eq!(test.authorize("a", OLD_SECRET).await.status, 200);
    }
    for rows in [[page.clone(), whole.clone()], [whole.clone(), page]] {
        let test = TestApp::new().await;
        let (report, lines) = import_lines(&test, &rows, KEEP_GOING).await;
        assert_eq!((report.imported, report.bad), (1, 0), "{lines:#?}");
        assert_eq!(find(&test, "a").await.client.scopes.as_str(), "write");
        assert!(
            remarks(&lines, "a").contains("also has this client"),
            "{lines:#?}"
        );
    }
    // Two secrets of one client are no list and its rows; a row alone is no client.
    let test = TestApp::new().await;
    let (report, lines) = import_lines(
        &test,
        &[
            whole.clone(),
            whole,
            json!({"id": "b", "client_secret": HASH}),
        ],
        KEEP_GOING,
    )
    .await;
    assert_eq!(
        (report.imported, report.bad, report.skipped),
        (1, 2, 0),
        "{lines:#?}"
    );
    assert!(
        lines[2]
            .reason
            .as_deref()
            .unwrap()
            .contains("grant_types is missing")
    );
}

#[tokio::test]
async fn what_is_wider_here_than_in_hydra_is_told_and_can_be_taken_away() {
    let row = hydra_row(
        "a",
        json!({"metadata": "{\"iban\": \"DE00\"}", "audience": ["https://a.example.com"]}),
    );

    let test = TestApp::new().await;
    let (_, lines) = import_lines(&test, std::slice::from_ref(&row), KEEP_GOING).await;
    let told = remarks(&lines, "a");
    for what in [
        "--drop-metadata",
        "a request without scopes gets",
        "a request without an audience",
        "--token-ttl",
    ] {
        assert!(told.contains(what), "{what}: {told}");
    }
    assert!(
        find(&test, "a")
            .await
            .client
            .metadata
            .as_str()
            .contains("DE00")
    );

    let test = TestApp::new().await;
    let narrowing = Narrowing {
        drop_metadata: true,
        explicit_scopes_only: true,
        token_ttl: Some(TokenTtl::from_seconds(300).unwrap()),
        ..Narrowing::NONE
    };
    let (_, lines) = import_lines(
        &test,
        &[row],
        ImportOptions {
            narrowing,
            ..KEEP_GOING
        },
    )
    .await;
    let told = remarks(&lines, "a");
    assert!(
        told.contains("left out its metadata") && !told.contains("--"),
        "{told}"
    );
    let client = find(&test, "a").await.client;
    assert_eq!(
        (
            client.metadata.as_str(),
            client.token_ttl.unwrap().seconds()
        ),
        ("{}", 300)
    );

    let none = hydra_row("b", json!({"scope": ""}));
    let (_, lines) = import_lines(&test, &[none], KEEP_GOING).await;
    let told = remarks(&lines, "b");
    assert!(
        told.contains("AUDIENCE") && !told.contains("a request without scopes gets"),
        "{told}"
    );
}
