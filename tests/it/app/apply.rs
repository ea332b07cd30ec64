//! Clients as a file says: what is made of it, that a second time changes nothing, and that nobody else's clients are
//! touched.

use serde_json::json;
use token_server::app::clients::transfer::apply::{
    ApplyNews, ApplyOptions, ApplyReport, ApplyStep, Manifest, Prune,
};
use token_server::app::error::Error;
use token_server::app::{AuditFilter, AuditPage, NewClient, NewSecret};
use token_server::domain::{
    Actor, ClientChanges, ClientRecord, ClientStatus, ErrorCode, Origin, Scope,
};

use crate::harness::{BY, NOW, TestApp, id, new_client};

/// bcrypt of `an old secret: %+ü`.
const HASH: &str = "$2b$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG";
const OLD_SECRET: &str = "an old secret: %+ü";

const TEAM: &str = r#"
version: 1
name: team
clients:
  - client_id: hashed
    name: Hashed
    scopes: write read
    audiences: [https://a, https://b]
    identifiers: [https://c]
    metadata:
      tenant: acme
      limits: [1, 2]
    token_ttl: 15m
    secrets:
      - secret_hash: "$2b$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG"
        expires_at: 2027-06-01T00:00:00Z
  - client_id: made
    scopes: read
    secrets: make
  - client_id: left
    description: |
      Its secrets are none of
      the file's business.
"#;

const DRY_RUN: ApplyOptions = ApplyOptions {
    dry_run: true,
    prune: None,
    take_over: false,
    may_write_issuers: false,
};

async fn apply_by(
    test: &TestApp,
    by: &Origin,
    file: &str,
    options: ApplyOptions,
) -> Result<(ApplyReport, Vec<String>), Error> {
    let manifest = Manifest::parse(file.as_bytes(), None)?;
    let mut secrets = Vec::new();
    let mut tell = |news: ApplyNews<'_>| {
        if let ApplyNews::Secret(_, secret) = news {
            secrets.push(secret.expose().clone());
        }
        Ok(())
    };
    let report = test.app.clients.apply(by, &manifest, options, &mut tell);
    Ok((report.await?, secrets))
}

async fn apply(test: &TestApp, file: &str) -> (ApplyReport, Vec<String>) {
    apply_by(test, BY, file, ApplyOptions::default())
        .await
        .unwrap()
}

/// Each client's step.
fn steps(report: &ApplyReport) -> Vec<(&str, ApplyStep)> {
    let clients = report.clients.iter();
    clients.map(|it| (it.client_id.as_str(), it.step)).collect()
}

async fn client(test: &TestApp, name: &str) -> ClientRecord {
    test.find_client(&id(name)).await
}

async fn count_events(test: &TestApp) -> usize {
    let page = AuditPage::Before(None);
    let filter = AuditFilter::default();
    test.app
        .audit
        .list(&filter, page, 1_000)
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn a_file_makes_its_clients_and_a_second_time_there_is_nothing_to_do() {
    let test = TestApp::new().await;

    let (looked, none) = apply_by(&test, BY, TEAM, DRY_RUN).await.unwrap();
    assert!(looked.dry_run && none.is_empty());
    assert_eq!(count_events(&test).await, 0);
    let (done, secrets) = apply(&test, TEAM).await;
    assert_eq!(steps(&looked), steps(&done));
    let create = ApplyStep::Create;
    assert_eq!(
        steps(&done),
        [("hashed", create), ("made", create), ("left", create)]
    );
    assert_eq!(secrets.len(), 1);

    assert_eq!(test.authorize("hashed", OLD_SECRET).await.status, 200);
    assert_eq!(test.authorize("made", &secrets[0]).await.status, 200);
    let hashed = client(&test, "hashed").await;
    assert_eq!(hashed.client.token_ttl.unwrap().seconds(), 900);
    assert_eq!(hashed.client.audiences.len(), 2);
    assert_eq!(hashed.client.identifiers.to_string(), "https://c");
    assert_eq!(
        hashed.client.metadata.as_str(),
        r#"{"tenant":"acme","limits":[1,2]}"#
    );
    assert_eq!(hashed.client.managed_by.unwrap().as_str(), "team");
    assert!(client(&test, "left").await.secrets.is_empty());
    assert!(done.clients[2].remarks[0].contains("no valid secret"));

    // Also when the hash has become another one at the first login.
    for _ in 0..10_000 {
        if client(&test, "hashed").await.secrets[0].secret_hash != HASH {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_ne!(client(&test, "hashed").await.secrets[0].secret_hash, HASH);
    let events = count_events(&test).await;
    test.clock.advance(1_000);
    let (again, none) = apply(&test, TEAM).await;
    assert!(again.is_empty() && none.is_empty(), "{again:?}");
    assert_eq!(count_events(&test).await, events);
    assert_eq!(client(&test, "hashed").await.client.updated_at, NOW);
}

#[tokio::test]
async fn what_differs_is_shown_member_by_member_and_made_so() {
    let test = TestApp::new().await;
    apply(&test, TEAM).await;
    let changes = ClientChanges {
        scopes: Scope::parse("read").ok(),
        ..ClientChanges::default()
    };
    test.update_client(&id("hashed"), changes).await;
    let hashed = id("hashed");
    let added = test.app.secrets.add(BY, &hashed, NewSecret::default());
    let added = added.await.unwrap().plain.expose().clone();
    assert_eq!(test.authorize("hashed", &added).await.status, 200);
    let other = TEAM.replace("name: Hashed", "name: Other");

    let (looked, _) = apply_by(&test, BY, &other, DRY_RUN).await.unwrap();

    let shown = json!(looked.clients[0].changes);
    let fields: Vec<&str> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["name", "scopes", "secrets"]);
    assert_eq!(
        shown[0],
        json!({"field": "name", "before": "Hashed", "after": "Other"})
    );
    assert_eq!(
        shown[1],
        json!({"field": "scopes", "before": "read", "after": "read write"})
    );
    assert_eq!(shown[2]["before"].as_array().unwrap().len(), 2);
    assert_eq!(client(&test, "hashed").await.client.name.as_str(), "Hashed");

    apply(&test, &other).await;
    assert_eq!(client(&test, "hashed").await.client.name.as_str(), "Other");
    // Of a list of secrets these are all, at once.
    assert_eq!(test.authorize("hashed", &added).await.status, 401);
    assert_eq!(test.authorize("hashed", OLD_SECRET).await.status, 200);
}

#[tokio::test]
async fn only_what_the_file_keeps_is_pruned() {
    let test = TestApp::new().await;
    test.client().await;
    apply(
        &test,
        "version: 1\nname: another\nclients:\n  - client_id: foreign\n",
    )
    .await;
    let (_, secrets) = apply(&test, TEAM).await;
    let made = test.authorize("made", &secrets[0]).await.json();
    let token = made["token"].as_str().unwrap().to_owned();
    let nothing = "version: 1\nname: team\nclients: []\n";
    let with = |prune| ApplyOptions {
        prune: Some(prune),
        ..ApplyOptions::default()
    };

    let (kept, _) = apply(&test, nothing).await;
    assert_eq!(steps(&kept), []);
    let (pruned, _) = apply_by(&test, BY, nothing, with(Prune::Disable))
        .await
        .unwrap();
    let off = ApplyStep::Disable;
    assert_eq!(
        steps(&pruned),
        [("hashed", off), ("left", off), ("made", off)]
    );
    test.verify(&token).await.assert_error(401, "invalid_token");
    let (again, _) = apply_by(&test, BY, nothing, with(Prune::Disable))
        .await
        .unwrap();
    assert!(again.is_empty());
    // It is not switched on again by the way.
    let (back, _) = apply(&test, TEAM).await;
    assert!(back.is_empty() && back.clients[0].remarks[0].contains("disabled"));
    let on = TEAM.replace("client_id: left", "client_id: left\n    status: enabled");
    apply(&test, &on).await;
    assert_eq!(
        client(&test, "left").await.client.status,
        ClientStatus::Enabled
    );

    let (gone, _) = apply_by(&test, BY, nothing, with(Prune::Delete))
        .await
        .unwrap();
    assert_eq!(gone.count(ApplyStep::Delete), 3);
    let code = test.app.clients.find(&id("made")).await.unwrap_err().code;
    assert_eq!(code, ErrorCode::NotFound);
    for name in ["billing", "foreign"] {
        assert_eq!(
            client(&test, name).await.client.status,
            ClientStatus::Enabled
        );
    }
}

#[tokio::test]
async fn a_client_of_nobody_is_taken_and_one_of_another_file_only_when_told_so() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let billing = |name| {
        format!("version: 1\nname: {name}\nclients:\n  - client_id: billing\n    scopes: read\n")
    };

    let (report, _) = apply(&test, &billing("one")).await;
    assert_eq!(report.clients[0].step, ApplyStep::Change);
    assert_eq!(test.authorize("billing", &secret).await.status, 200);
    let refused = apply_by(&test, BY, &billing("two"), ApplyOptions::default()).await;
    let error = refused.unwrap_err();
    assert!(
        error
            .description
            .contains("the manifest `one` manages the client"),
        "{error:?}"
    );
    let take_over = ApplyOptions {
        take_over: true,
        ..ApplyOptions::default()
    };
    apply_by(&test, BY, &billing("two"), take_over)
        .await
        .unwrap();
    let kept_by = client(&test, "billing").await.client.managed_by.unwrap();
    assert_eq!(kept_by.as_str(), "two");
}

#[tokio::test]
async fn with_a_mistake_anywhere_nothing_is_done_and_every_mistake_is_told() {
    let test = TestApp::new().await;
    let secret = "    secrets:\n      - secret_hash: ";
    let clients = format!(
        "  - client_id: good\n  - client_id: a\n    auth_methods: private_key_jwt\n    jwks_uri: https://keys.example/\n  \
         - client_id: b\n{secret}plain\n  - client_id: c\n{secret}\"{HASH}\"\n        secret_id: AAAAAAAA\n  \
         - client_id: d\n{secret}\"{HASH}\"\n        secret_id: AAAAAAAA\n"
    );
    let file = format!("version: 1\nname: team\nclients:\n{clients}");

    let error = apply_by(&test, BY, &file, ApplyOptions::default())
        .await
        .unwrap_err();

    for told in [
        "clients[1] `a`: JWKS_URI_HOSTS",
        "clients[2] `b`: ",
        "`d`: the secret AAAAAAAA already belongs to `c`",
    ] {
        assert!(error.description.contains(told), "{told}: {error:?}");
    }
    assert!(!error.description.contains("plain"));
    assert_eq!(count_events(&test).await, 0);
}

#[tokio::test]
async fn a_secret_that_cannot_be_kept_does_not_count() {
    let test = TestApp::new().await;
    let manifest = Manifest::parse(TEAM.as_bytes(), None).unwrap();
    let mut full = |news: ApplyNews<'_>| match news {
        ApplyNews::Secret(..) => Err(Error::conflict("the disk is full")),
        ApplyNews::Done(_) | ApplyNews::IssuerDone(_) => Ok(()),
    };

    let failed = test
        .app
        .clients
        .apply(BY, &manifest, ApplyOptions::default(), &mut full);

    assert!(failed.await.is_err());
    assert!(test.app.clients.find(&id("made")).await.is_err());
    // What came before it stays; the next time does the rest.
    let (rest, secrets) = apply(&test, TEAM).await;
    assert_eq!((rest.count(ApplyStep::Create), secrets.len()), (2, 1));
}

#[tokio::test]
async fn a_program_gets_no_power_over_the_server_by_a_file() {
    let test = TestApp::new().await;
    let new = NewClient {
        scopes: Scope::parse("admin:write").unwrap(),
        ..new_client("chief")
    };
    test.register(new).await;
    let robot = Origin {
        actor: Actor::Client(id("robot")),
        ..Origin::SERVER
    };
    for client in [
        "client_id: mine\n    scopes: admin:read",
        "client_id: chief\n    scopes: read",
    ] {
        let file = format!("version: 1\nname: team\nclients:\n  - {client}\n");
        let refused = apply_by(&test, &robot, &file, ApplyOptions::default()).await;
        assert!(
            refused.unwrap_err().description.contains("admin:"),
            "{client}"
        );
    }
    assert_eq!(
        client(&test, "chief").await.client.scopes.as_str(),
        "admin:write"
    );
}

#[tokio::test]
async fn a_client_that_is_released_is_of_no_file_until_one_takes_it_again() {
    let test = TestApp::new().await;
    apply(&test, TEAM).await;
    let events = count_events(&test).await;
    test.clock.advance(10);

    let released = test.app.clients.detach(BY, &id("made")).await.unwrap();
    let again = test.app.clients.detach(BY, &id("made")).await.unwrap();

    assert_eq!((&released.managed_by, &again), (&None, &released));
    assert_eq!(count_events(&test).await, events + 1);
    let page = AuditPage::Before(None);
    let filter = AuditFilter::default();
    let newest = test.app.audit.list(&filter, page, 1).await.unwrap();
    let event = &newest[0].event;
    assert_eq!(event.action, "client.release");
    assert_eq!(event.before.as_deref(), Some("{\"managed_by\":\"team\"}"));
    assert_eq!(event.after.as_deref(), Some("{\"managed_by\":null}"));
    let nobody = test.app.clients.detach(BY, &id("nobody")).await;
    assert!(nobody.is_err());

    // A file without it leaves it alone, and one with it takes it over.
    let prune = ApplyOptions {
        prune: Some(Prune::Delete),
        ..ApplyOptions::default()
    };
    let empty = "version: 1\nname: team\nclients: []\n";
    apply_by(&test, BY, empty, prune).await.unwrap();
    assert_eq!(client(&test, "made").await.client, released);
    apply(&test, TEAM).await;
    let kept_by = client(&test, "made").await.client.managed_by.unwrap();
    assert_eq!(kept_by.as_str(), "team");
}
