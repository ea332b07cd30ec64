//! Clients that go to another database and are the same there.

use std::collections::HashMap;

use serde_json::{Value, json};
use token_server::app::NewSecret;
use token_server::app::clients::transfer::import::{ImportFormat, ImportOptions};
use token_server::domain::{
    ClientChanges, ClientId, ClientRecord, ClientStatus, ClientVersion, Generation, IdleExpiry,
    ManagedBy,
};
use token_server::store::ClientsPage;

use super::{REPLACE, name};
use crate::app::import::{import, import_with};
use crate::harness::{BY, Database, NOW, TestApp, id};

const CLIENTS: usize = 1_000;

/// bcrypt of `an old secret: %+ü`.
const FOREIGN: &str = "$2b$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG";

/// All clients, but for their versions and generations, which each database begins itself.
async fn records(test: &TestApp) -> Vec<ClientRecord> {
    let page = ClientsPage {
        after: None,
        limit: 10_000,
    };
    let listed = test.app.store().list_client_records(&page).await;
    let mut records = listed.unwrap().records;
    for record in &mut records {
        record.client.version = ClientVersion::default();
        record.client.generation = Generation::ZERO;
    }
    records
}

/// Clients of every kind that there is, and a secret of each that once was good.
async fn fill(test: &TestApp) -> HashMap<String, String> {
    let rows: Vec<Value> = (0..CLIENTS).map(row).collect();
    let report = import(test, &json!(rows).to_string(), false).await;
    assert_eq!(report.imported, CLIENTS as u64);
    let mut secrets = HashMap::new();
    for n in 0..CLIENTS {
        let id = id(&name(n));
        let secret = match n % 5 {
            0 => "an old secret: %+ü".to_owned(),
            1 | 2 => {
                let expires_at = (n % 10 == 1).then_some(NOW.plus(60));
                let new = test.app.secrets.new_secret(None, expires_at).unwrap();
                let added = test.app.secrets.add(BY, &id, new).await.unwrap();
                if n % 20 == 6 {
                    end_first_when_unused(test, &id).await;
                }
                added.plain.expose().clone()
            }
            _ => format!("the old secret of {n}"),
        };
        if n.is_multiple_of(7) {
            let status = ClientStatus::Disabled;
            test.set_client_status(&id, status).await;
        }
        secrets.insert(id.to_string(), secret);
    }
    secrets
}

/// A rotation that is not over: the older secret ends a day after its last use.
async fn end_first_when_unused(test: &TestApp, id: &ClientId) {
    let record = test.app.clients.find(id).await.unwrap();
    let first = &record.secrets[0].secret_id;
    let day = IdleExpiry::from_seconds(86_400).unwrap();
    let set = test.app.secrets.set_idle_expiry(BY, id, first, Some(day));
    set.await.unwrap();
}

fn row(n: usize) -> Value {
    let mut row = json!({
        "client_id": name(n),
        "client_secret": format!("the old secret of {n}"),
        "name": format!("Ünïcode \"{n}\""),
        "description": "two\nlines\t'",
        "scopes": ["read", &format!("s{n}")],
        "audiences": ["https://b", "a"],
        "identifiers": ["https://d", "c"],
        "metadata": {"tenant": "acme", "n": n, "list": [1, 2.5, null, "ü\u{0}x"]},
    });
    if n.is_multiple_of(5) {
        row["client_secret"] = json!(FOREIGN);
    }
    if n.is_multiple_of(11) {
        row["allowed_networks"] = json!(["192.0.2.0/24", "2001:db8::/32"]);
    }
    if n.is_multiple_of(3) {
        row["token_ttl"] = json!(60 + n);
        row["tls_client_certificate_bound_access_tokens"] = json!(n.is_multiple_of(2));
    }
    row
}

/// What a client is answered, but for what is new each time.
async fn answer(test: &TestApp, id: &str, secret: &str) -> (u16, Value) {
    let answer = test.authorize(id, secret).await;
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("token");
    (answer.status, body)
}

#[tokio::test]
async fn a_thousand_clients_go_to_another_database_and_are_answered_the_same_with_their_old_secrets()
 {
    let settings = [("THROTTLE_SOURCE_FAILURES", "0")];
    let from = TestApp::with(&settings).await;
    let secrets = fill(&from).await;
    from.clock.advance(100);
    let exported = from.export().await;

    let fresh = Database::fresh().await;
    let to = TestApp::at(from.clock.clone(), fresh, &settings).await;
    let (report, lines) = import_with(&to, &exported, ImportOptions::default()).await;

    assert_eq!(report.format, ImportFormat::TokenServer);
    assert_eq!(
        (report.imported, report.bad),
        (CLIENTS as u64, 0),
        "{:?}",
        lines.last()
    );
    assert_eq!(records(&to).await, records(&from).await);
    assert_eq!(to.export().await, exported);
    let mut statuses = HashMap::new();
    for (id, secret) in &secrets {
        let (there, here) = (
            answer(&from, id, secret).await,
            answer(&to, id, secret).await,
        );
        assert_eq!(there, here, "{id}");
        *statuses.entry(here.0).or_insert(0) += 1;
    }
    // Enabled ones, disabled and expired ones, and some whose tokens must be bound.
    assert!(statuses[&200] > 400 && statuses[&401] > 100, "{statuses:?}");

    // And back: there is nothing to do.
    let (again, _) = import_with(&from, &exported, REPLACE).await;
    assert_eq!(again.replaced + again.unchanged, CLIENTS as u64);
}

#[tokio::test]
async fn a_client_with_everything_is_the_same_there() {
    let from = TestApp::new().await;
    let file = include_str!("../../../../import/hydra.json");
    let keep_going = ImportOptions {
        keep_going: true,
        ..ImportOptions::default()
    };
    import_with(&from, file, keep_going).await;
    let marked = "version: 1\nname: team.yaml\nclients:\n  - client_id: marked\n    tls_client_auth_san_dns: a.example\n    auth_methods: tls_client_auth\n    dpop_bound_access_tokens: true\n";
    from.apply(marked).await.unwrap();
    from.clock.advance(50);
    let changes = ClientChanges {
        name: Some("Later".parse().unwrap()),
        ..ClientChanges::default()
    };
    let signer = id("signer");
    from.update_client(&signer, changes).await;

    let to = TestApp::new().await;
    import(&to, &from.export().await, false).await;

    assert_eq!(records(&to).await, records(&from).await);
    let marked = to.find_client(&id("marked")).await.client;
    assert_eq!(marked.managed_by, ManagedBy::parse("team.yaml").ok());
    let signer = to.find_client(&signer).await.client;
    assert_eq!(signer.updated_at.since(signer.created_at), 50);
}

#[tokio::test]
async fn a_client_that_comes_disabled_has_no_tokens_of_where_it_comes_from() {
    let (from, to) = (TestApp::new().await, TestApp::new().await);
    let token = from.token(&from.client().await).await;
    let disabled = from.export().await.replace("\"enabled\"", "\"disabled\"");

    assert_eq!(to.verify(&token).await.status, 200);
    import(&to, &disabled, false).await;

    to.verify(&token).await.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn a_rotation_that_is_not_over_goes_on_there_and_counts_from_the_import() {
    const SLACK: i64 = 15 * 60 + 60;
    let from = TestApp::new().await;
    let old = from.client().await;
    let billing = id(crate::harness::CLIENT);
    // Of two secrets of one second either may be the first.
    from.clock.advance(1);
    let added = from.app.secrets.add(BY, &billing, NewSecret::default());
    let new = added.await.unwrap().plain.expose().clone();
    end_first_when_unused(&from, &billing).await;
    from.clock.advance(10 * 86_400);
    let fresh = Database::fresh().await;
    let to = TestApp::at(from.clock.clone(), fresh, &[]).await;

    import(&to, &from.export().await, false).await;

    // Of a use before nothing is known there.
    assert_eq!(to.app.secrets.expire_idle().await.unwrap(), 0);
    assert_eq!(to.authorize("billing", &old).await.status, 200);
    to.app.write_usage().await.unwrap();
    to.clock.advance(86_400 + SLACK);
    assert_eq!(to.app.secrets.expire_idle().await.unwrap(), 1);
    assert_eq!(to.authorize("billing", &old).await.status, 401);
    assert_eq!(to.authorize("billing", &new).await.status, 200);
}
