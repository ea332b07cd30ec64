//! Every change leaves an event, and no event has a secret.

use std::collections::BTreeSet;

use serde_json::json;
use token_server::app::clients::transfer::import::{ImportOptions, ImportSource};
use token_server::app::{AuditFilter, NewClient, NewPassword, NewSecret};
use token_server::domain::{
    Action, AdminName, AdminRole, AdminStatus, AllowedNetworks, AuditEvent, AuthMethods,
    AuthenticationSettings, ClientChanges, ClientStatus, ExpectedVersion, IssuerName, IssuerStatus,
    KeyId, Name, SigningAlg,
};

use crate::harness::trail::{all, find};
use crate::harness::{BY, CLIENT, NOW, SECRET, TestApp, id, new_client};

const KEYS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// What the events since the last call did, in their order.
struct Trail<'a> {
    test: &'a TestApp,
    seen: usize,
    actions: BTreeSet<String>,
}

impl Trail<'_> {
    async fn expect(&mut self, actions: &[Action]) -> Vec<AuditEvent> {
        let new = all(self.test).await.split_off(self.seen);
        let done: Vec<&str> = new.iter().map(|event| event.action.as_str()).collect();
        let expected: Vec<&str> = actions.iter().map(|action| action.as_str()).collect();
        assert_eq!(done, expected);
        self.seen += new.len();
        self.actions.extend(done.into_iter().map(str::to_owned));
        new
    }
}

async fn log_in_from_elsewhere(test: &TestApp, trail: &mut Trail<'_>) {
    let new = NewClient {
        allowed_networks: AllowedNetworks::parse("10.0.0.0/8").unwrap(),
        ..new_client("elsewhere")
    };
    let secret = test.register(new).await;
    assert_eq!(test.authorize("elsewhere", &secret).await.status, 401);
    test.app
        .authentication
        .write_wrong_networks()
        .await
        .unwrap();
    let expected = [Action::ClientCreate, Action::ClientWrongNetwork];
    trail.expect(&expected).await;
}

async fn change_issuers(test: &TestApp, trail: &mut Trail<'_>) {
    let issuers = &test.app.issuers;
    let document = json!({"name": "k8s", "issuer": "https://k8s.test"});
    crate::harness::workload::add(&test.app, &document).await;
    trail.expect(&[Action::IssuerAdd]).await;
    let name = IssuerName::parse("k8s").unwrap();
    let change = crate::harness::workload::spec(&json!({"replay": "allow"}));
    issuers.update(BY, &name, change).await.unwrap();
    trail.expect(&[Action::IssuerUpdate]).await;
    for (status, action) in [
        (IssuerStatus::Disabled, Action::IssuerDisable),
        (IssuerStatus::Enabled, Action::IssuerEnable),
    ] {
        issuers.set_status(BY, &name, status).await.unwrap();
        trail.expect(&[action]).await;
    }
    issuers.remove(BY, &name).await.unwrap();
    trail.expect(&[Action::IssuerRemove]).await;
}

async fn change_clients(test: &TestApp, trail: &mut Trail<'_>, secrets: &mut Vec<String>) {
    let app = &test.app;
    let secret = &test.client().await;
    secrets.push(secret.clone());
    trail.expect(&[Action::ClientCreate]).await;
    let new = NewClient {
        authentication: AuthenticationSettings {
            auth_methods: AuthMethods::parse("private_key_jwt").unwrap(),
            keys: Some(token_server::domain::ClientKeys::Inline(
                token_server::domain::JwkSet::parse(KEYS).unwrap(),
            )),
            ..AuthenticationSettings::default()
        },
        ..NewClient::default()
    };
    app.clients.register(BY, new, None).await.unwrap();
    trail.expect(&[Action::ClientCreate]).await;

    let changes = ClientChanges {
        name: Some(Name::parse("new").unwrap()),
        ..ClientChanges::default()
    };
    let client = id(CLIENT);
    app.clients
        .update(BY, &client, &ExpectedVersion::Any, changes)
        .await
        .unwrap();
    trail.expect(&[Action::ClientUpdate]).await;
    let added = app.secrets.add(BY, &client, NewSecret::default()).await;
    let added = added.unwrap();
    secrets.push(added.plain.expose().clone());
    trail.expect(&[Action::SecretAdd]).await;
    let secret_id = &added.secret.secret_id;
    app.secrets
        .expire(BY, &client, secret_id, NOW.plus(60))
        .await
        .unwrap();
    trail.expect(&[Action::SecretExpire]).await;
    app.secrets.delete(BY, &client, secret_id).await.unwrap();
    trail.expect(&[Action::SecretDelete]).await;

    let [first, second] = [test.token(secret).await, test.token(secret).await];
    app.tokens.revoke(BY, &first).await.unwrap();
    trail.expect(&[Action::TokenRevoke]).await;
    let form = [
        ("client_id", CLIENT),
        ("client_secret", secret),
        ("token", &second),
    ];
    assert_eq!(test.post_form("/revoke", &form).await.status, 200);
    trail.expect(&[Action::ClientFoldRevocations]).await;
    app.tokens.write_own_revocations().await.unwrap();
    trail.expect(&[Action::TokenRevokeOwn]).await;
    // It is as it should be already.
    app.tokens.revoke(BY, &first).await.unwrap();
    trail.expect(&[]).await;
    secrets.extend([first, second]);

    app.tokens.revoke_client(BY, &client).await.unwrap();
    trail.expect(&[Action::ClientRevokeTokens]).await;
    for (status, action) in [
        (ClientStatus::Disabled, Action::ClientDisable),
        (ClientStatus::Enabled, Action::ClientEnable),
    ] {
        app.clients.set_status(BY, &client, status).await.unwrap();
        trail.expect(&[action]).await;
    }
    let chosen = "a secret that somebody chose";
    let csv = format!("client_id,client_secret\na,{chosen}\nb,{chosen}\n{CLIENT},{chosen}\n");
    secrets.push(chosen.to_owned());
    let source = ImportSource::of_bytes(None, csv.into_bytes());
    app.clients
        .import(BY, &source, ImportOptions::default(), &mut |_| {})
        .await
        .unwrap();
    trail.expect(&[Action::ClientImport; 2]).await;
    let mut export = app.clients.begin_export(BY).await.unwrap();
    app.clients.export(&mut export).await.unwrap();
    trail.expect(&[Action::ClientExport]).await;
    let file = "version: 1\nname: team\nclients:\n  - client_id: b\n";
    test.apply(file).await.unwrap();
    trail.expect(&[Action::ClientUpdate]).await;
    app.clients.detach(BY, &id("b")).await.unwrap();
    trail.expect(&[Action::ClientRelease]).await;
    for client in [CLIENT, "a"] {
        let record = app.clients.find(&id(client)).await.unwrap();
        secrets.extend(record.secrets.into_iter().map(|secret| secret.secret_hash));
        app.clients
            .delete(BY, &id(client), &ExpectedVersion::Any)
            .await
            .unwrap();
        trail.expect(&[Action::ClientDelete]).await;
    }
}

async fn change_keys(test: &TestApp, trail: &mut Trail<'_>, secrets: &mut Vec<String>) {
    let app = &test.app;
    let sealed = async || {
        let keys = app.store().list_keys().await.unwrap();
        keys.into_iter().map(|key| key.sealed).collect::<Vec<_>>()
    };
    secrets.extend(sealed().await);
    let rotation = app.keys.rotate(BY, true).await.unwrap();
    let rotated = [Action::KeyRetire, Action::KeyActivate, Action::KeyCreate];
    let events = trail.expect(&rotated).await;
    let targets: Vec<&str> = events.iter().map(|event| event.target.as_str()).collect();
    let kids = [rotation.retired, rotation.active, rotation.next].map(Option::unwrap);
    assert_eq!(targets, kids.each_ref().map(KeyId::as_str));
    let prepared = app.keys.prepare(BY, SigningAlg::EdDSA).await.unwrap();
    trail.expect(&[Action::KeyCreate]).await;
    secrets.extend(sealed().await);
    app.keys.retire(BY, &prepared).await.unwrap();
    trail.expect(&[Action::KeyDelete]).await;
    app.keys.delete(BY, &kids[0]).await.unwrap();
    trail.expect(&[Action::KeyDelete]).await;

    let settings = [
        ("SIGNING_ALG", "ES256"),
        ("SECRET", "another secret for tests, of more than 32 bytes"),
        ("SECRET_PREVIOUS", SECRET),
    ];
    TestApp::on(test.database.clone(), &settings).await;
    let resealed = [Action::AuditKeyChange, Action::KeyReseal, Action::KeyReseal];
    trail.expect(&resealed).await;
    secrets.extend(sealed().await);

    // As if the other secret were lost.
    let found = app.audit.find_unverified().await.unwrap().unwrap();
    app.audit.accept_head(BY, &found).await.unwrap();
    trail.expect(&[Action::AuditAcceptHead]).await;

    // The use case refuses it where the database has a clock of its own.
    app.store().confirm_clock(None, BY.at(NOW)).await.unwrap();
    trail.expect(&[Action::ClockConfirm]).await;
}

async fn change_admins(test: &TestApp, trail: &mut Trail<'_>, secrets: &mut Vec<String>) {
    let app = &test.app;
    for who in ["alice", "bob"] {
        crate::admin::create(test, who, AdminRole::Owner).await;
        trail.expect(&[Action::AdminCreate]).await;
    }
    let alice = AdminName::parse("alice").unwrap();
    let mut browser = crate::admin::Browser::of(test, "alice").await;
    trail.expect(&[Action::AdminLogIn]).await;
    browser.clone().log_in("alice", "wrong").await;
    trail.expect(&[Action::AdminLogInRefused]).await;
    let secret = crate::admin::enrol(test, &mut browser).await;
    secrets.push(secret.replace(' ', ""));
    trail.expect(&[Action::AdminAddSecondFactor]).await;
    crate::admin::add_passkey(&mut browser, "alice").await;
    trail.expect(&[Action::AdminAddPasskey]).await;
    crate::admin::remove_passkeys(&mut browser).await;
    trail.expect(&[Action::AdminRemovePasskey]).await;
    let fields = [("password", crate::admin::PASSWORD)];
    let made = browser.post("/admin/account/recovery-codes", &fields).await;
    trail.expect(&[Action::AdminMakeRecoveryCodes]).await;
    let page = browser.follow(&made).await;
    trail.expect(&[]).await;
    let (_, code) = page.text().split_once("recovery codes\">").unwrap();
    let code = code.lines().next().unwrap().to_owned();
    let mut other = crate::admin::Browser::of(test, "alice").await;
    trail.expect(&[Action::AdminLogIn]).await;
    let fields = [("recovery_code", code.as_str())];
    other.post("/admin/login/code", &fields).await;
    trail.expect(&[Action::AdminUseRecoveryCode]).await;
    secrets.push(code);
    let (old, new) = (crate::admin::PASSWORD, "another horse battery");
    let fields = [("old", old), ("new", new), ("again", new)];
    browser.post("/admin/account/password", &fields).await;
    trail.expect(&[Action::AdminChangePassword]).await;
    browser.post("/admin/logout", &[]).await;
    trail.expect(&[Action::AdminLogOut]).await;
    app.admins.remove_second_factor(BY, &alice).await.unwrap();
    trail.expect(&[Action::AdminRemoveSecondFactor]).await;
    let made = app.admins.reset(BY, &alice, NewPassword::Made, true).await;
    trail.expect(&[Action::AdminReset]).await;
    secrets.extend([old, new, made.unwrap().expose()].map(str::to_owned));
    app.admins
        .set_role(BY, &alice, AdminRole::Viewer)
        .await
        .unwrap();
    trail.expect(&[Action::AdminUpdate]).await;
    for (status, action) in [
        (AdminStatus::Disabled, Action::AdminDisable),
        (AdminStatus::Enabled, Action::AdminEnable),
    ] {
        app.admins.set_status(BY, &alice, status).await.unwrap();
        trail.expect(&[action]).await;
    }
    app.admins.delete(BY, &alice).await.unwrap();
    trail.expect(&[Action::AdminDelete]).await;
    crate::admin::Browser::of(test, "bob").await;
    trail.expect(&[Action::AdminLogIn]).await;
    let bob = app.admins.find(&AdminName::parse("bob").unwrap()).await;
    let session = app.admins.list_sessions(None).await.unwrap().remove(0);
    app.admins
        .end_session(BY, &bob.unwrap(), &session.session_id)
        .await
        .unwrap();
    trail.expect(&[Action::AdminEndSession]).await;
}

#[tokio::test]
async fn every_change_leaves_an_event_and_no_event_has_a_secret() {
    let test = TestApp::with(&[
        ("SIGNING_ALG", "ES256"),
        ("ADMIN_SECOND_FACTOR", "optional"),
        ("MAX_CLIENT_REVOCATIONS", "1"),
    ])
    .await;
    let mut trail = Trail {
        test: &test,
        seen: 0,
        actions: BTreeSet::new(),
    };
    let mut secrets = vec![SECRET.to_owned()];
    trail.expect(&[Action::KeyCreate; 2]).await;

    log_in_from_elsewhere(&test, &mut trail).await;
    change_clients(&test, &mut trail, &mut secrets).await;
    change_issuers(&test, &mut trail).await;
    change_keys(&test, &mut trail, &mut secrets).await;
    change_admins(&test, &mut trail, &mut secrets).await;
    let events = all(&test).await;
    for kind in events
        .iter()
        .filter_map(|event| event.action.split('.').next())
    {
        let kind = format!("{kind}.");
        let of_kind = events
            .iter()
            .filter(|event| event.action.starts_with(&kind));
        let filter = AuditFilter {
            action: Some(kind.clone()),
            ..AuditFilter::default()
        };
        let found = find(&test, &filter).await;
        assert!(found.iter().eq(of_kind), "{kind}");
    }
    test.clock.advance(800 * 86_400);
    test.app.audit.prune().await.unwrap();
    trail.seen = 0;
    trail.expect(&[Action::AuditPrune]).await;

    test.app.replication.restore(BY, true).await.unwrap();
    trail.expect(&[Action::InstallationRestore]).await;

    // Those of the certificate take an authority: `acme::issuing` has them. What is written back `history::older` has.
    let known: BTreeSet<String> = Action::ALL
        .iter()
        .map(|action| action.as_str().to_owned())
        .filter(|action| {
            !action.starts_with("certificate.") && action != Action::RevocationsWriteBack.as_str()
        })
        .collect();
    assert_eq!(trail.actions, known, "an action that no use case here does");
    assert!(secrets.len() > 10);
    let printed = format!("{events:?}");
    for secret in secrets {
        assert!(!printed.contains(&secret), "{secret}");
    }
}
