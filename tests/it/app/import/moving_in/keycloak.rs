//! Exports of Keycloak's realms.

use serde_json::{Value, json};
use token_server::app::clients::transfer::import::{ImportFormat, ImportOptions, Narrowing};
use token_server::base::json;
use token_server::domain::Audience;

use super::{OLD_SECRET, find, remarks};
use crate::app::import::{KEEP_GOING, import_with};
use crate::harness::TestApp;

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
