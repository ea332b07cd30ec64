//! Rows of Hydra's table and exports of Keycloak's realms in the shapes that those programs write: what is carried over, what
//! is wider here, and that each is told.

#![expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]

use serde_json::{Value, json};
use token_server::app::clients::transfer::import::{
    FileSecrets, ImportFormat, ImportLine, ImportNews, ImportOptions, ImportReport, ImportSource,
    Narrowing, OnConflict,
};
use token_server::base::json;
use token_server::domain::{Audience, ClientId, ClientRecord, TokenTtl};

use super::import_with;
use crate::harness::{BY, TestApp};

/// PBKDF2 of `OLD_SECRET`, as Hydra writes it.
const HASH: &str =
    "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E";
const OLD_SECRET: &str = "an old secret: %+ü";

const KEEP_GOING: ImportOptions = ImportOptions {
    on_conflict: OnConflict::Skip,
    keep_going: true,
    dry_run: false,
    max_plain: None,
    secrets: FileSecrets::NONE,
    narrowing: Narrowing::NONE,
};

/// A row as `select row_to_json(c) from hydra_client c` writes it, with these columns changed.
fn hydra_row(id: &str, changes: Value) -> Value {
    let mut row = json!({
        "id": id, "client_name": "", "client_secret": HASH, "scope": "read", "owner": "", "client_secret_expires_at": 0,
        "jwks": "{}", "jwks_uri": "", "token_endpoint_auth_method": "client_secret_post", "metadata": "{}",
        "subject_type": "public", "created_at": "2026-01-01T00:00:00", "pk": null, "nid": "0b0c6a5a",
        "client_credentials_grant_access_token_lifespan": null,
        "redirect_uris": [], "grant_types": ["client_credentials"], "response_types": [], "audience": [],
    });
    for (name, value) in changes.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

fn service_client(id: &str, changes: Value) -> Value {
    let mut client = json!({
        "clientId": id, "enabled": true, "clientAuthenticatorType": "client-secret", "secret": OLD_SECRET,
        "serviceAccountsEnabled": true, "publicClient": false, "bearerOnly": false, "protocol": "openid-connect",
        "attributes": {"realm_client": "false"},
        "defaultClientScopes": ["web-origins", "service_account", "roles", "basic"],
        "optionalClientScopes": ["address", "offline_access"],
    });
    for (name, value) in changes.as_object().unwrap() {
        client[name] = value.clone();
    }
    client
}

fn audience_mapper(name: &str, config: Value) -> Value {
    json!({"name": name, "protocolMapper": "oidc-audience-mapper", "config": config})
}

fn claim_mapper(name: &str, value: &str) -> Value {
    json!({"name": name, "protocolMapper": "oidc-hardcoded-claim-mapper", "config": {
        "access.token.claim": "true", "claim.name": name, "claim.value": value, "jsonType.label": "String",
    }})
}

fn client_scope(name: &str, is_in_tokens: bool, mappers: Value) -> Value {
    json!({"name": name, "protocol": "openid-connect", "protocolMappers": mappers,
        "attributes": {"include.in.token.scope": is_in_tokens.to_string()}})
}

fn realm(clients: Value) -> Value {
    json!({
        "realm": "mig", "accessTokenLifespan": 300,
        "defaultRole": {"name": "default-roles-mig"},
        "roles": {"realm": [{"name": "default-roles-mig", "composites": {
            "realm": ["offline_access", "uma_authorization"], "client": {"account": ["manage-account", "view-profile"]},
        }}]},
        "users": [
            {"username": "service-account-a", "serviceAccountClientId": "a", "realmRoles": ["default-roles-mig"]},
            {"username": "service-account-auditor", "serviceAccountClientId": "auditor",
                "realmRoles": ["default-roles-mig", "auditor"], "clientRoles": {"stock": ["count"]}},
            {"username": "a person", "realmRoles": ["default-roles-mig"]},
        ],
        "clientScopes": [
            client_scope("read", true, json!([])),
            client_scope("hidden", false, json!([])),
            client_scope("orders", true, json!([
                audience_mapper("aud", json!({"access.token.claim": "true", "included.custom.audience": "https://orders.example.com"})),
                claim_mapper("tenant", "acme"),
            ])),
        ],
        "clients": clients,
    })
}

async fn find(test: &TestApp, id: &str) -> ClientRecord {
    let id = ClientId::parse(id).unwrap();
    test.app.clients.find(&id).await.unwrap()
}

/// Imports these rows, one on each line.
async fn import_lines(
    test: &TestApp,
    rows: &[Value],
    options: ImportOptions,
) -> (ImportReport, Vec<ImportLine>) {
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    import_with(test, &lines.join("\n"), options).await
}

fn remarks(lines: &[ImportLine], id: &str) -> String {
    let line = lines.iter().find(|it| it.client_id.as_deref() == Some(id));
    line.unwrap_or_else(|| panic!("{id}: {lines:#?}"))
        .remarks
        .join("\n")
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

#[tokio::test]
async fn several_realms_in_one_file_are_all_imported() {
    let first = realm(json!([service_client("a", json!({}))]));
    let mut second = realm(json!([service_client(
        "b",
        json!({"attributes": {"access.token.lifespan": "120"}})
    )]));
    second["accessTokenLifespan"] = json!(600);
    let mut third = realm(json!([service_client("c", json!({}))]));
    third["accessTokenLifespan"] = json!(600);
    let one_list = json!([first, second, third]).to_string();
    let one_behind_the_other = format!("{first}\n{second}\n{third}");
    for text in [one_list, one_behind_the_other] {
        let test = TestApp::new().await;
        let (report, lines) = import_with(&test, &text, ImportOptions::default()).await;
        assert_eq!(
            (report.format, report.imported),
            (ImportFormat::Keycloak, 3),
            "{lines:#?}"
        );
        for (id, seconds) in [("a", 300), ("b", 120), ("c", 600)] {
            assert_eq!(
                find(&test, id).await.client.token_ttl.unwrap().seconds(),
                seconds,
                "{id}"
            );
        }
    }
    let test = TestApp::new().await;
    let (report, lines) =
        import_with(&test, r#"[{"realm": "empty"}]"#, ImportOptions::default()).await;
    assert!(report.refused && lines[0].is_bad(), "{lines:#?}");
}

#[tokio::test]
async fn client_scopes_of_a_realm_bring_their_audiences_and_claims() {
    let test = TestApp::new().await;
    let clients = json!([
        service_client(
            "a",
            json!({"defaultClientScopes": ["read", "orders", "hidden", "elsewhere", "roles"]})
        ),
        service_client(
            "asks",
            json!({"defaultClientScopes": ["read"], "optionalClientScopes": ["orders"]})
        ),
        service_client("auditor", json!({})),
    ]);

    let (report, lines) = import_with(&test, &realm(clients.clone()).to_string(), KEEP_GOING).await;

    assert_eq!(report.imported, 3, "{lines:#?}");
    let client = find(&test, "a").await.client;
    assert_eq!(client.scopes.as_str(), "elsewhere orders read");
    assert_eq!(client.audiences[0].as_str(), "https://orders.example.com");
    assert_eq!(client.metadata.as_str(), r#"{"tenant":"acme"}"#);
    let told = remarks(&lines, "a");
    assert!(
        told.contains("left out its client scope `hidden`")
            && told.contains("does not describe the client scope `elsewhere`"),
        "{told}"
    );
    assert!(!told.contains("roles of its service account"), "{told}");
    let asks = find(&test, "asks").await.client;
    assert_eq!(
        (asks.scopes.as_str(), asks.metadata.as_str()),
        ("orders read", "{}")
    );
    let told = remarks(&lines, "asks");
    for what in [
        "left out claims of the optional scope `orders`",
        "`orders` is optional",
        "its audience `https://orders.example.com`",
    ] {
        assert!(told.contains(what), "{what}: {told}");
    }
    let told = remarks(&lines, "auditor");
    assert!(
        told.contains("auditor, stock.count") && !told.contains("default-roles"),
        "{told}"
    );

    let test = TestApp::new().await;
    let narrowing = Narrowing {
        drop_optional_scopes: true,
        ..Narrowing::NONE
    };
    let options = ImportOptions {
        narrowing,
        ..KEEP_GOING
    };
    let (_, lines) = import_with(&test, &realm(clients).to_string(), options).await;
    let asks = find(&test, "asks").await.client;
    assert_eq!((asks.scopes.as_str(), asks.audiences.len()), ("read", 0));
    assert!(remarks(&lines, "asks").contains("left out"));
}

#[tokio::test]
async fn mappers_count_as_they_do_in_keycloak() {
    let test = TestApp::new().await;
    let mappers = json!([
        audience_mapper(
            "id only",
            json!({"access.token.claim": "false", "included.custom.audience": "https://id.example.com"})
        ),
        audience_mapper(
            "both",
            json!({"access.token.claim": "true", "included.client.audience": "stock", "included.custom.audience": "https://no.example.com"})
        ),
        claim_mapper("org.tenant", "acme"),
        claim_mapper(r"urn\.x", "y"),
        claim_mapper("org", "in the way"),
    ]);
    let clients = json!([service_client("a", json!({"protocolMappers": mappers}))]);

    let (_, lines) = import_with(&test, &realm(clients).to_string(), KEEP_GOING).await;

    let client = find(&test, "a").await.client;
    let audiences: Vec<&str> = client.audiences.iter().map(Audience::as_str).collect();
    assert_eq!(audiences, ["stock"]);
    let metadata: Value = json::from_str(client.metadata.as_str()).unwrap();
    assert_eq!(metadata, json!({"org": {"tenant": "acme"}, "urn.x": "y"}));
    let told = remarks(&lines, "a");
    assert!(
        told.contains("`id only`") && told.contains("conflicts with `org`"),
        "{told}"
    );
}

#[tokio::test]
async fn a_rotated_secret_of_keycloak_is_good_until_its_end_and_other_attributes_are_named() {
    let test = TestApp::new().await;
    let clients = json!([service_client(
        "a",
        json!({"attributes": {
            "client.secret.rotated": "the rotated secret: 1", "client.secret.rotated.expiration.time": "9999999999",
            "access.token.signed.response.alg": "ES256", "client.use.lightweight.access.token.enabled": "true",
            "pkce.code.challenge.method": "S256", "client_credentials.use_refresh_token": "false",
        }})
    )]);

    // Its clients alone, as the admin API lists them.
    let (report, lines) = import_with(&test, &clients.to_string(), KEEP_GOING).await;

    assert_eq!(report.imported, 1, "{lines:#?}");
    for secret in [OLD_SECRET, "the rotated secret: 1"] {
        assert_eq!(test.authorize("a", secret).await.status, 200, "{secret}");
    }
    let found = find(&test, "a").await;
    let ends: Vec<Option<i64>> = found
        .secrets
        .iter()
        .map(|it| it.expires_at.map(|at| at.0))
        .collect();
    assert!(
        ends.contains(&None) && ends.contains(&Some(9_999_999_999)),
        "{ends:?}"
    );
    let told = remarks(&lines, "a");
    for what in [
        "ES256",
        "left out attributes: client.use.lightweight.access.token.enabled",
        "has no realm",
        "--token-ttl",
    ] {
        assert!(told.contains(what), "{what}: {told}");
    }
    assert!(
        !told.contains("pkce") && !told.contains("refresh"),
        "{told}"
    );
}

#[tokio::test]
async fn rows_on_one_line_have_numbers_and_both_sides_of_a_client_are_shown() {
    let test = TestApp::new().await;
    let ttl = json!({"client_credentials_grant_access_token_lifespan": 900_000_000_000_i64});
    let rows = json!([hydra_row("a", ttl), 7]);
    let options = ImportOptions {
        dry_run: true,
        ..KEEP_GOING
    };

    let (_, lines) = import_with(&test, &rows.to_string(), options).await;

    let places: Vec<(u64, u64)> = lines.iter().map(|it| (it.line, it.row)).collect();
    assert_eq!(places, [(1, 1), (1, 2)]);
    assert!(lines[1].is_bad() && lines[1].there.is_none());
    let told = json!(lines[0]);
    assert_eq!(told["there"]["scope"], "read");
    let nanos = "client_credentials_grant_access_token_lifespan";
    assert_eq!(told["there"][nanos], 900_000_000_000_i64);
    assert_eq!(
        (&told["here"]["scopes"], &told["here"]["token_ttl"]),
        (&json!("read"), &json!(900))
    );
    assert!(!told.to_string().contains("pbkdf2"));
}

#[tokio::test]
async fn what_would_change_its_meaning_in_a_row_is_refused() {
    let metadata = |text: &str| {
        format!(r#"{{"client_id":"a","client_secret":"{OLD_SECRET}","metadata":{text}}}"#)
    };
    for (row, told) in [
        (metadata(r#"{"a":1,"a":2}"#), "`a` is repeated"),
        (
            metadata(r#"{"version":1.10}"#),
            "`version` would lose digits",
        ),
        (
            metadata(r#"{"id":12345678901234567890123}"#),
            "`id` would lose digits",
        ),
        (
            hydra_row(
                "a",
                json!({"client_secret_expires_at": 1_900_000_000_000_i64}),
            )
            .to_string(),
            "milliseconds",
        ),
        (
            hydra_row("a", json!({"metadata": "{\"version\": 1.10}"})).to_string(),
            "`version` would lose digits",
        ),
    ] {
        let test = TestApp::new().await;
        let (report, lines) = import_with(&test, &row, KEEP_GOING).await;
        assert_eq!((report.imported, report.bad), (0, 1), "{row}");
        let reason = lines[0].reason.as_deref().unwrap();
        assert!(
            reason.contains(told) && lines[0].client_id.as_deref() == Some("a"),
            "{row}: {reason}"
        );
    }
}

#[tokio::test]
async fn cells_are_trimmed_and_a_list_in_one_is_understood_or_refused() {
    let test = TestApp::new().await;
    let file = format!(
        "client_id,client_secret,scopes,audience\na,{OLD_SECRET}, read write ,\"[\"\"https://a.example.com\"\", \"\"https://b.example.com\"\"]\"\nb,{OLD_SECRET},read;write,\nc,{OLD_SECRET},\"read,write\",\nd,{OLD_SECRET},read|write,\ne,{OLD_SECRET},\"[read, write]\",\n"
    );

    let (report, lines) = import_with(&test, &file, KEEP_GOING).await;

    assert_eq!((report.imported, report.bad), (1, 4), "{lines:#?}");
    let client = find(&test, "a").await.client;
    assert_eq!(
        (client.scopes.as_str(), client.audiences.len()),
        ("read write", 2)
    );
    for line in &lines[1..] {
        assert!(
            line.reason.as_deref().unwrap().contains("scopes"),
            "{line:?}"
        );
    }
}

#[tokio::test]
async fn a_client_whose_secrets_have_all_expired_has_a_line() {
    let test = TestApp::new().await;
    let expiring = |at: &str| json!({"attributes": {"client.secret.expiration.time": at}});
    let clients = json!([
        service_client("over", expiring("1700000000")),
        service_client("a", expiring("1900000000")),
    ]);

    let (_, lines) = import_with(&test, &realm(clients).to_string(), KEEP_GOING).await;

    assert!(remarks(&lines, "over").contains("have expired, so the client cannot log in"));
    assert!(!remarks(&lines, "a").contains("has expired"));
    assert_eq!(test.authorize("over", OLD_SECRET).await.status, 401);
    assert_eq!(test.authorize("a", OLD_SECRET).await.status, 200);
}
