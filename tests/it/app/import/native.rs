//! Our own exports: that nothing is lost on the way there and back, and what a damaged one does.

use std::collections::HashMap;

use serde_json::{Value, json};
use token_server::app::clients::transfer::import::{
    FileSecrets, ImportFormat, ImportOptions, ImportSource, Narrowing, OnConflict,
};
use token_server::app::{NewClient, NewSecret};
use token_server::base::clock::UnixTime;
use token_server::base::secret::Secret;
use token_server::domain::{
    Actor, ClientChanges, ClientId, ClientRecord, ClientStatus, ClientVersion, ExpectedVersion,
    Generation, IdleExpiry, ManagedBy, Origin, Scope,
};
use token_server::store::ClientsPage;

use super::{RULES, client_ids, import, import_with};
use crate::harness::{BY, Database, NOW, TestApp};

const CLIENTS: usize = 1_000;

/// bcrypt of `an old secret: %+ü`.
const FOREIGN: &str = "$2b$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG";

const REPLACE: ImportOptions = ImportOptions {
    on_conflict: OnConflict::Replace,
    keep_going: false,
    dry_run: false,
    max_plain: None,
    secrets: FileSecrets::NONE,
    narrowing: Narrowing::NONE,
};

pub(super) async fn export(test: &TestApp) -> String {
    let mut export = test.app.clients.begin_export(BY).await.unwrap();
    let mut file = String::new();
    while let Some(lines) = test.app.clients.export(&mut export).await.unwrap() {
        file += &lines;
    }
    file
}

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

fn id(file: &str) -> ClientId {
    ClientId::parse(file).unwrap()
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
            test.app.clients.set_status(BY, &id, status).await.unwrap();
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

fn name(n: usize) -> String {
    // Of capital letters, small ones and signs, which databases order otherwise.
    format!("{}-{n}", ["client", "Client", "c:1/2", "~x", "_y"][n % 5])
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
    let exported = export(&from).await;

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
    assert_eq!(export(&to).await, exported);
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
    let file = include_str!("../../../import/hydra.json");
    let keep_going = ImportOptions {
        keep_going: true,
        ..ImportOptions::default()
    };
    import_with(&from, file, keep_going).await;
    let marked = "version: 1\nname: team.yaml\nclients:\n  - client_id: marked\n    tls_client_auth_san_dns: a.example\n    auth_methods: tls_client_auth\n    dpop_bound_access_tokens: true\n";
    let manifest =
        token_server::app::clients::transfer::apply::Manifest::parse(marked.as_bytes(), None)
            .unwrap();
    from.app
        .clients
        .apply(
            BY,
            &manifest,
            token_server::app::clients::transfer::apply::ApplyOptions::default(),
            &mut |_| Ok(()),
        )
        .await
        .unwrap();
    from.clock.advance(50);
    let changes = ClientChanges {
        name: Some("Later".parse().unwrap()),
        ..ClientChanges::default()
    };
    let signer = id("signer");
    from.app
        .clients
        .update(BY, &signer, &ExpectedVersion::Any, changes)
        .await
        .unwrap();

    let to = TestApp::new().await;
    import(&to, &export(&from).await, false).await;

    assert_eq!(records(&to).await, records(&from).await);
    let marked = to.app.clients.find(&id("marked")).await.unwrap().client;
    assert_eq!(marked.managed_by, ManagedBy::parse("team.yaml").ok());
    let signer = to.app.clients.find(&signer).await.unwrap().client;
    assert_eq!(signer.updated_at.since(signer.created_at), 50);
}

#[tokio::test]
async fn a_taken_id_is_left_refused_or_replaced_as_told() {
    let test = TestApp::new().await;
    let old = test.client().await;
    let exported = export(&test).await;
    let billing = id(crate::harness::CLIENT);
    let added = test.app.secrets.add(BY, &billing, NewSecret::default());
    let newer = added.await.unwrap().plain.expose().clone();
    let scopes = Scope::parse("read").unwrap();
    let changes = ClientChanges {
        scopes: Some(scopes),
        ..ClientChanges::default()
    };
    test.app
        .clients
        .update(BY, &billing, &ExpectedVersion::Any, changes)
        .await
        .unwrap();
    let before = test.app.clients.find(&billing).await.unwrap();

    let with = |on_conflict| ImportOptions {
        on_conflict,
        ..ImportOptions::default()
    };
    let (left, _) = import_with(&test, &exported, with(OnConflict::Skip)).await;
    let (refused, lines) = import_with(&test, &exported, with(OnConflict::Refuse)).await;
    assert_eq!((left.existing, left.imported), (1, 0));
    assert!(refused.refused && lines[0].reason.as_deref().unwrap().contains("already"));
    assert_eq!(test.app.clients.find(&billing).await.unwrap(), before);

    assert_eq!(test.authorize("billing", &newer).await.status, 200);
    let looked = ImportOptions {
        dry_run: true,
        ..REPLACE
    };
    let (_, lines) = import_with(&test, &exported, looked).await;
    assert_eq!(json!(lines[0])["fields"], json!(["scopes", "secrets"]));
    let (replaced, _) = import_with(&test, &exported, REPLACE).await;
    assert_eq!((replaced.replaced, replaced.unchanged), (1, 0));
    let (again, _) = import_with(&test, &exported, REPLACE).await;
    assert_eq!((again.replaced, again.unchanged), (0, 1));
    assert_eq!(export(&test).await, exported);
    // At once, though both were in memory.
    assert_eq!(test.authorize("billing", &newer).await.status, 401);
    assert_eq!(
        test.authorize("billing", &old).await.json()["scope"],
        "read write"
    );
}

#[tokio::test]
async fn a_client_that_is_replaced_by_a_disabled_one_has_no_tokens_left_on_any_replica() {
    let test = TestApp::new().await;
    let other = TestApp::on(test.database.clone(), &[]).await;
    let secret = test.client().await;
    let token = other.token(&secret).await;
    let disabled = export(&test).await.replace("\"enabled\"", "\"disabled\"");

    let (report, _) = import_with(&test, &disabled, REPLACE).await;
    other.app.replication.read_changes().await.unwrap();

    assert_eq!(report.replaced, 1);
    for test in [&test, &other] {
        test.verify(&token).await.assert_error(401, "invalid_token");
        assert_eq!(test.authorize("billing", &secret).await.status, 401);
    }
}

#[tokio::test]
async fn a_client_that_comes_disabled_has_no_tokens_of_where_it_comes_from() {
    let (from, to) = (TestApp::new().await, TestApp::new().await);
    let token = from.token(&from.client().await).await;
    let disabled = export(&from).await.replace("\"enabled\"", "\"disabled\"");

    assert_eq!(to.verify(&token).await.status, 200);
    import(&to, &disabled, false).await;

    to.verify(&token).await.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn what_is_damaged_is_told_with_its_line_and_nothing_is_imported() {
    let from = TestApp::new().await;
    for name in ["a", "b", "c"] {
        let new = NewClient {
            client_id: Some(id(name)),
            ..NewClient::default()
        };
        from.register(new).await;
    }
    let whole = export(&from).await;
    let lines: Vec<&str> = whole.lines().collect();
    let cut = |count: usize| lines[..count].join("\n");
    let other_secret = lines[2].replace("\"client_id\":\"b\"", "\"client_id\":\"d\"");
    for (file, line, why) in [
        (cut(4), 4, "incomplete"),
        (format!("{}\n{}", cut(4), &lines[4][..5]), 5, "not a client"),
        (format!("{}\n{}\n", cut(3), lines[4]), 4, "2 clients"),
        (format!("{whole}{}\n", lines[1]), 6, "after its last line"),
        (
            whole.replace("\"scopes\"", "\"scope\""),
            2,
            "unknown field `scope`",
        ),
        (
            whole.replace("\"hint\"", "\"client_secret\""),
            2,
            "unknown field",
        ),
        (
            whole.replacen("$argon2id$", "$argon3$", 1),
            2,
            "invalid secret: ",
        ),
        (
            whole.replacen("\"generated\"", "\"made\"", 1),
            2,
            "invalid secret: ",
        ),
        (
            whole.replacen("\"client_id\":\"b\"", "\"client_id\":\"a\"", 1),
            3,
            "already on line 2",
        ),
        (
            whole.replace(lines[3], &other_secret),
            4,
            "is already on line 3",
        ),
    ] {
        let test = TestApp::new().await;
        let (report, told) = import_with(&test, &file, ImportOptions::default()).await;
        assert!(report.refused, "{why}: {report:?}");
        assert!(client_ids(&test).await.is_empty());
        let told = told.iter().find(|it| it.line == line);
        let reason = told.and_then(|it| it.reason.as_deref()).unwrap_or_default();
        assert!(reason.contains(why), "{why}: {told:?}");
        assert!(!reason.contains("$argon"), "{reason}");
    }
    let newer = whole.replacen("\"version\":1", "\"version\":2", 1);
    let source = ImportSource::of_bytes(None, newer.into_bytes());
    assert!(
        source
            .check(&RULES)
            .unwrap_err()
            .to_string()
            .contains("version 2")
    );
}

#[tokio::test]
async fn a_secret_of_another_client_is_refused() {
    let from = TestApp::new().await;
    from.client().await;
    let file = export(&from).await.replace("\"billing\"", "\"other\"");

    let (report, lines) = import_with(&from, &file, ImportOptions::default()).await;

    assert!(report.refused);
    assert!(
        lines[0]
            .reason
            .as_deref()
            .unwrap()
            .contains("already belongs to `billing`")
    );
}

#[tokio::test]
async fn a_program_can_neither_bring_nor_replace_a_client_with_power_over_the_server() {
    let test = TestApp::new().await;
    let robot = Origin {
        actor: Actor::Client(id("robot")),
        ..Origin::SERVER
    };
    let new = NewClient {
        client_id: Some(id("chief")),
        scopes: Scope::parse("admin:write").unwrap(),
        ..NewClient::default()
    };
    test.register(new).await;
    let powerful = export(&test).await;
    let powerless = powerful.replace("admin:write", "read");
    let other = TestApp::new().await;

    for (test, file) in [(&other, &powerful), (&test, &powerless)] {
        let source = ImportSource::of_bytes(None, file.clone().into_bytes());
        let report = test
            .app
            .clients
            .import(&robot, &source, REPLACE, &mut |_| {})
            .await
            .unwrap();
        assert_eq!((report.bad, report.replaced, report.imported), (1, 0, 0));
    }
    assert_eq!(export(&test).await, powerful);
    assert!(client_ids(&other).await.is_empty());
}

#[tokio::test]
async fn whoever_exports_is_in_the_trail_before_anything_is_out() {
    let test = TestApp::new().await;
    test.client().await;
    test.app.clients.begin_export(BY).await.unwrap();

    let page = token_server::app::AuditPage::Before(None);
    let filter = token_server::app::AuditFilter::default();
    let events = test.app.audit.list(&filter, page, 1).await.unwrap();

    assert_eq!(events[0].event.action, "client.export");
    assert_eq!(events[0].event.target_type, "clients");
}

#[tokio::test]
async fn a_secret_in_clear_is_never_in_an_export_and_every_hash_is() {
    let test = TestApp::new().await;
    let plain = Secret::from("a secret of my own");
    let chosen = test
        .app
        .secrets
        .new_secret(Some(plain), Some(UnixTime(NOW.0 + 1)));
    let chosen = chosen.unwrap();
    let new = NewClient::new(Some(id("a")), ClientChanges::default());
    test.app
        .clients
        .register(BY, new, Some(chosen))
        .await
        .unwrap();
    let generated = test.client().await;

    let file = export(&test).await;

    assert!(!file.contains("a secret of my own") && !file.contains(&generated));
    assert_eq!(file.matches("\"secret_hash\":\"$argon2id$").count(), 2);
    let expected = ExpectedVersion::Any;
    let billing = id(crate::harness::CLIENT);
    test.app
        .clients
        .delete(BY, &billing, &expected)
        .await
        .unwrap();
    assert!(
        export(&test)
            .await
            .ends_with("{\"end\":true,\"clients\":1}\n")
    );
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

    import(&to, &export(&from).await, false).await;

    // Of a use before nothing is known there.
    assert_eq!(to.app.secrets.expire_idle().await.unwrap(), 0);
    assert_eq!(to.authorize("billing", &old).await.status, 200);
    to.app.write_usage().await.unwrap();
    to.clock.advance(86_400 + SLACK);
    assert_eq!(to.app.secrets.expire_idle().await.unwrap(), 1);
    assert_eq!(to.authorize("billing", &old).await.status, 401);
    assert_eq!(to.authorize("billing", &new).await.status, 200);
}
