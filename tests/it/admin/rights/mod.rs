//! An operator is no owner in all but name: clients with reserved scopes are made and changed by owners.

mod identifiers;

use Effect::{Changes, Restricts};
use serde_json::json;
use token_server::app::NewClient;
use token_server::domain::{
    ClientRecord, ClientVersion, ExpectedVersion, Identities, IdentityDigest, Scope,
};
use token_server::http::{Access, AppState, admin_routes};

use super::{Browser, portal};
use crate::harness::{Answer, BY, TestApp, id, new_client};

/// What a form does to the client with a reserved scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It changes the client, or makes or takes away one like it.
    Changes,
    /// It only takes away from the client.
    Restricts,
    /// It is about something else.
    None,
}

type Fields = &'static [(&'static str, &'static str)];

const SECRET: &str = "/admin/clients/{client_id}/secrets/{secret_id}";

/// Every form of the portal, filled in. A new one fails the test until it stands here.
const TABLE: &[(&str, Fields, Effect)] = &[
    (
        "/admin/new-client",
        &[
            ("client_id", "new"),
            ("scopes", "read admin:write"),
            ("client_secret_post", "yes"),
        ],
        Changes,
    ),
    (
        "/admin/new-client",
        &[
            ("client_id", "new"),
            ("scopes", "token:introspect"),
            ("client_secret_post", "yes"),
        ],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/edit",
        &[
            ("version", "{version}"),
            ("scopes", ""),
            ("client_secret_post", "yes"),
        ],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/edit",
        &[
            ("version", "{version}"),
            ("scopes", "admin:export admin:read"),
            ("client_secret_post", "yes"),
        ],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/edit",
        &[
            ("version", "{version}"),
            ("name", "mine"),
            ("scopes", "admin:read"),
            ("client_secret_basic", "yes"),
        ],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/status",
        &[("status", "enabled")],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/status",
        &[("status", "disabled")],
        Restricts,
    ),
    ("/admin/clients/{client_id}/revoke-tokens", &[], Restricts),
    ("/admin/clients/{client_id}/release", &[], Changes),
    (
        "/admin/clients/{client_id}/delete",
        &[("typed", "{client_id}")],
        Changes,
    ),
    ("/admin/clients/{client_id}/secrets", &[], Changes),
    (
        "/admin/clients/{client_id}/secrets",
        &[("client_secret", "a secret of my own")],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/rotate",
        &[("old", "24h")],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/rotate",
        &[("old", "unused:24h")],
        Changes,
    ),
    ("/admin/clients/{client_id}/finish-rotation", &[], Changes),
    (
        "/admin/clients/{client_id}/secrets/{secret_id}/end",
        &[("lifetime", "now")],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/secrets/{secret_id}/end",
        &[("lifetime", "7d")],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/secrets/{secret_id}/end",
        &[("lifetime", "unused:24h")],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/secrets/{secret_id}/remove",
        &[],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/new-identity",
        &[("issuer", "ci"), ("subject", "mine")],
        Changes,
    ),
    (
        "/admin/clients/{client_id}/identities/{identity}/remove",
        &[],
        Changes,
    ),
    ("/admin/new-issuer", &[], Effect::None),
    ("/admin/issuers/{name}/edit", &[], Effect::None),
    ("/admin/issuers/{name}/disable", &[], Effect::None),
    ("/admin/issuers/{name}/enable", &[], Effect::None),
    ("/admin/issuers/{name}/delete", &[], Effect::None),
    ("/admin/issuers/{name}/check", &[], Effect::None),
    ("/admin/transfer/export", &[], Changes),
    (
        "/admin/transfer/import",
        &[
            ("act", "do"),
            ("on_conflict", "replace"),
            (
                "file",
                "client_id,client_secret,scopes\n{client_id},a secret of my own,admin:read\n",
            ),
        ],
        Changes,
    ),
    (
        "/admin/transfer/apply",
        &[
            ("act", "do"),
            ("name", "team"),
            (
                "manifest",
                r#"{"version": 1, "clients": [{"client_id": "{client_id}", "scopes": "admin:read"}]}"#,
            ),
        ],
        Changes,
    ),
    (
        "/admin/tokens/revoke",
        &[("token", "{token}"), ("confirmed", "yes")],
        Restricts,
    ),
    ("/admin/tokens", &[], Effect::None),
    ("/admin/explain/exchange", &[], Effect::None),
    ("/admin/explain/assertion", &[], Effect::None),
    ("/admin/audit/verify", &[], Effect::None),
    ("/admin/clock/confirm", &[], Effect::None),
    ("/admin/keys/rotate", &[], Effect::None),
    ("/admin/keys/prepare", &[], Effect::None),
    ("/admin/keys/{kid}/retire", &[], Effect::None),
    ("/admin/keys/{kid}/delete", &[], Effect::None),
    ("/admin/admins", &[], Effect::None),
    ("/admin/admins/{name}/role", &[], Effect::None),
    ("/admin/admins/{name}/status", &[], Effect::None),
    ("/admin/admins/{name}/reset", &[], Effect::None),
    ("/admin/admins/{name}/delete", &[], Effect::None),
    ("/admin/sessions/{session_id}/end", &[], Effect::None),
    ("/admin/sessions/end-others", &[], Effect::None),
    ("/admin/account/second-factor/remove", &[], Effect::None),
    ("/admin/account/recovery-codes", &[], Effect::None),
    (
        "/admin/account/passkeys/{passkey_id}/remove",
        &[],
        Effect::None,
    ),
];

#[tokio::test]
async fn every_form_is_in_the_table() {
    let test = portal().await;
    // What is below a role is about one's own login.
    let mut listed: Vec<&str> = admin_routes(&AppState::new(test.app.clone()))
        .into_iter()
        .filter(|it| it.method != "GET" && matches!(it.access, Access::Role(_)))
        .map(|it| it.path)
        .collect();
    let mut known: Vec<&str> = TABLE.iter().map(|(path, ..)| *path).collect();
    assert!(known.iter().any(|path| path.starts_with(SECRET)));
    listed.sort_unstable();
    known.sort_unstable();
    known.dedup();

    assert_eq!(known, listed);
}

async fn find(test: &TestApp, client_id: &str) -> ClientRecord {
    test.find_client(&id(client_id)).await
}

async fn register(test: &TestApp, client_id: &str, scopes: &str) -> String {
    test.register(NewClient {
        scopes: Scope::parse(scopes).unwrap(),
        ..new_client(client_id)
    })
    .await
}

/// Submits a form about this client.
async fn submit(
    browser: &mut Browser<'_>,
    path: &str,
    fields: Fields,
    record: &ClientRecord,
    token: &str,
) -> Answer {
    let mut identities = record.client.authentication.identities.iter();
    let identity = identities.next().map(IdentityDigest::of);
    let identity = identity.as_ref().map_or("none", IdentityDigest::as_str);
    let filled_in = |text: &str| {
        text.replace("{client_id}", record.client.client_id.as_str())
            .replace("{identity}", identity)
            .replace("{secret_id}", record.secrets[0].secret_id.as_str())
            .replace(
                "{version}",
                &ClientVersion::from(&record.client).to_string(),
            )
            .replace("{token}", token)
    };
    let fields: Vec<(&str, String)> = fields
        .iter()
        .map(|(name, text)| (*name, filled_in(text)))
        .collect();
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    browser.post(&filled_in(path), &fields).await
}

#[tokio::test]
async fn only_owners_change_a_client_with_a_reserved_scope_or_make_one() {
    let test = portal().await;
    let issuer = json!({"name": "ci", "issuer": "https://ci.test"});
    crate::harness::workload::add(&test.app, &issuer).await;
    for who in ["vera", "omar", "olga"] {
        let mut browser = Browser::of(&test, who).await;
        for (path, fields, effect) in TABLE {
            let name = "chief";
            let secret = register(&test, name, "admin:read").await;
            let job = [json!({"issuer": "ci", "subject": "job"})];
            let job = Identities::from_values(&job).unwrap();
            let job = job.iter().next().unwrap().clone();
            let clients = &test.app.clients;
            clients.add_identity(BY, &id(name), job).await.unwrap();
            let token = test.authorize(name, &secret).await.json()["token"].clone();
            let before = find(&test, name).await;
            let is_allowed = match effect {
                Effect::None => true,
                Restricts => who != "vera",
                Changes => who == "olga",
            };
            if *effect != Effect::None {
                let token = token.as_str().unwrap();
                let answer = submit(&mut browser, path, fields, &before, token).await;
                let told = format!("{who} {path} {fields:?}: {}", answer.text());
                assert_eq!(answer.status == 403, !is_allowed, "{told}");
                assert!(is_allowed || find(&test, name).await == before, "{told}");
                let is_made = test.app.store().has_client(&id("new")).await.unwrap();
                assert_eq!(is_made, is_allowed && *path == "/admin/new-client");
                assert!([200, 303, 403].contains(&answer.status), "{told}");
            }
            for name in [name, "new"] {
                let _ = test
                    .app
                    .clients
                    .delete(BY, &id(name), &ExpectedVersion::Any)
                    .await;
            }
        }
    }
}

#[tokio::test]
async fn an_operator_is_told_why_and_loses_nothing_of_what_was_typed() {
    let test = portal().await;
    let mut omar = Browser::of(&test, "omar").await;
    let fields = [
        ("client_id", "new"),
        ("description", "kept as it was"),
        ("scopes", "admin:read admin:write admin:export"),
        ("client_secret_post", "yes"),
    ];

    let page = omar.post("/admin/new-client", &fields).await;

    assert_eq!(page.status, 403);
    for told in ["is reserved: only an owner", "kept as it was"] {
        assert!(page.text().contains(told), "{told}");
    }
}

#[tokio::test]
async fn the_page_of_a_client_offers_an_operator_what_may_be_done() {
    let test = portal().await;
    register(&test, "chief", "token:introspect").await;
    let path = "/admin/clients/chief";
    let changes = ["/edit", "/secrets", "/delete"];

    let seen = Browser::of(&test, "omar").await.get(path).await;
    assert!(
        seen.text()
            .contains("has the reserved scope token:introspect")
    );
    for form in ["/revoke-tokens", "/disable"] {
        assert!(seen.text().contains(&format!("{path}{form}")), "{form}");
    }
    for form in changes {
        assert!(!seen.text().contains(&format!("{path}{form}")), "{form}");
    }
    let seen = Browser::of(&test, "olga").await.get(path).await;
    assert!(!seen.text().contains("has the reserved scope"));
    for form in changes {
        assert!(seen.text().contains(&format!("{path}{form}")), "{form}");
    }
    let seen = Browser::of(&test, "vera").await.get(path).await;
    assert!(!seen.text().contains("has the reserved scope"));
    assert!(!seen.text().contains("<form class=\"stack\""));
}

/// The role is the one in the database when the request comes in.
#[tokio::test]
async fn an_owner_who_was_demoted_writes_as_what_is_left() {
    let test = portal().await;
    register(&test, "chief", "admin:read").await;
    let before = find(&test, "chief").await;
    let mut olga = Browser::of(&test, "olga").await;
    // Past the service, which would end her session too.
    let demoted = "update admins set role = 'operator' where name = 'olga'";
    assert_eq!(test.database.execute(demoted).await, 1);

    let answer = submit(
        &mut olga,
        "/admin/clients/{client_id}/secrets",
        &[],
        &before,
        "",
    )
    .await;

    assert_eq!(answer.status, 403);
    assert_eq!(find(&test, "chief").await, before);
}
