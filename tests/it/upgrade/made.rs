//! Makes the database that a release leaves behind, with rows in each table.

use serde_json::{Value, json};
use token_server::app::NewClient;
use token_server::domain::{AdminRole, ClientId, ClientStatus, IdleExpiry, Metadata, Scope};

use super::{ES256, HS256, dump};
use crate::admin::{Browser, create, enrol};
use crate::admin_api::Robot;
use crate::app::import::{HASHES, import};
use crate::harness::{Answer, BY, Database, NOW, Signer, TestApp, new_client};
use crate::oauth::assertion::present;

/// The `SECRET` at the beginning of the trail.
const SECRET_BEFORE: &str = "an earlier secret for tests, of more than 32 bytes";

pub(super) fn client(id: &str) -> NewClient {
    NewClient {
        scopes: Scope::parse("read write").unwrap(),
        metadata: Metadata::parse(r#"{"tenant":"acme"}"#).unwrap(),
        ..new_client(id)
    }
}

/// Creates a client, once whenever it is sent.
pub(super) async fn post_once(robot: &Robot<'_>) -> Answer {
    let headers = [("idempotency-key", "once")];
    let body = json!({"client_id": "once", "scopes": "read"});
    robot.send("POST", "/clients", &headers, Some(&body)).await
}

/// All clients, without what counts their use.
pub(super) async fn list(robot: &Robot<'_>) -> Value {
    let mut listed = robot.get("/clients?limit=1000").await.json()["clients"].take();
    for client in listed.as_array_mut().unwrap() {
        client.as_object_mut().unwrap().remove("last_used");
    }
    listed
}

/// Registers a client as an operator's program does; its secret.
async fn register(robot: &Robot<'_>, client: Value) -> String {
    let answer = robot.post("/clients", &client).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let secret = answer.json()["secret"]["client_secret"].take();
    secret.as_str().unwrap_or_default().to_owned()
}

async fn token(test: &TestApp, client: &str, secret: &str) -> String {
    let answer = test.authorize(client, secret).await.json();
    answer["token"].as_str().unwrap().to_owned()
}

/// A client that has exchanged its own token for a narrower one.
async fn exchange(test: &TestApp, robot: &Robot<'_>) {
    let secret = register(
        robot,
        json!({"client_id": "narrowing", "scopes": "read write", "audiences": ["https://a.test"],
            "exchange_rules": {"https://a.test": {"scopes": "read"}}}),
    )
    .await;
    let token = token(test, "narrowing", &secret).await;
    let params = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", &*token),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("audience", "https://a.test"),
    ];
    let userinfo = format!("narrowing:{secret}");
    let answer = test.post_basic("/token", &userinfo, &params).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Imported, with every field and with secrets that others have hashed.
fn imported() -> String {
    let hash = |kind: &str| HASHES.iter().find(|(name, _)| *name == kind).unwrap().1;
    let hashed = |id: &str, kind| json!({"client_id": id, "client_secret": hash(kind)});
    let orders = json!({
        "client_id": "orders", "client_secret": hash("bcrypt 2a"), "name": "Orders", "description": "two\nlines",
        "scopes": "read token:introspect", "audiences": ["https://a.test", "https://b.test"],
        "identifiers": ["https://orders.test"], "token_ttl": 900, "token_quota": 1_000,
        "exchange_rules": {"https://stock.test": {"scopes": "read", "map": {"view": "read"}}},
        "metadata": {"tenant": "acme", "limits": [1, {"é": null}]}, "allowed_networks": ["192.0.2.0/24"],
    });
    let others = [
        hashed("bcrypt", "bcrypt 2b"),
        hashed("pbkdf2", "PBKDF2-SHA-256"),
        hashed("scrypt", "scrypt"),
    ];
    json!([orders, others[0], others[1], others[2]]).to_string()
}

/// Registers clients whose tokens end in different ways; adds what their makers know.
async fn add_clients(test: &TestApp, robot: &Robot<'_>, knows: &mut Value) {
    for id in ["billing", "raised", "off", "gone"] {
        let body = json!({"client_id": id, "scopes": "read write", "metadata": {"tenant": "acme"}});
        let secret = register(robot, body).await;
        knows["tokens"][id] = token(test, id, &secret).await.into();
        knows["secrets"][id] = secret.into();
    }
    let ids = ["raised", "off", "gone"].map(|id| ClientId::parse(id).unwrap());
    test.app.tokens.revoke_client(BY, &ids[0]).await.unwrap();
    let off = ClientStatus::Disabled;
    test.set_client_status(&ids[1], off).await;
    test.delete_client(&ids[2]).await;
    exchange(test, robot).await;
    let billing = knows["secrets"]["billing"].as_str().unwrap().to_owned();
    let revoked = token(test, "billing", &billing).await;
    test.app.tokens.revoke(BY, &revoked).await.unwrap();
    knows["tokens"]["revoked"] = revoked.into();

    let id = ClientId::parse("billing").unwrap();
    let expires_at = Some(NOW.plus(30 * 86_400));
    let new = test.app.secrets.new_secret(None, expires_at).unwrap();
    let added = test.app.secrets.add(BY, &id, new).await.unwrap();
    let idle = Some(IdleExpiry::from_seconds(86_400).unwrap());
    let secret_id = &added.secret.secret_id;
    test.app
        .secrets
        .set_idle_expiry(BY, &id, secret_id, idle)
        .await
        .unwrap();
}

/// A client with a key; an assertion that it has used.
async fn use_assertion(test: &TestApp, robot: &Robot<'_>) -> String {
    let signer = Signer::new("ES256");
    let jwks = json!({"keys": [signer.jwk("k")]});
    let body = json!({"client_id": "signer", "auth_methods": ["private_key_jwt"], "jwks": jwks});
    register(robot, body).await;
    let claims = json!({
        "iss": "signer", "sub": "signer", "aud": "https://tokens.test", "iat": NOW.0, "exp": NOW.0 + 300, "jti": "once",
    });
    let assertion = signer.sign(json!({"kid": "k"}), &claims);
    let answer = present(test, &assertion).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assertion
}

/// A client with an identity at a trusted issuer, which has logged in.
async fn add_workload(test: &TestApp) {
    let signer = Signer::new("ES256");
    let keys: Value = token_server::base::json::from_str(&signer.jwks("k")).unwrap();
    let issuer =
        json!({"name": "k8s", "issuer": "https://k8s.test", "jwks": keys, "replay": "allow"});
    crate::harness::workload::add(&test.app, &issuer).await;
    let identities = json!([{"issuer": "k8s", "subject": "system:serviceaccount:prod:billing"}]);
    crate::harness::workload::register(test, "workload", &identities).await;
    let now = test.clock.now();
    let claims = json!({"iss": "https://k8s.test", "sub": "system:serviceaccount:prod:billing", "aud": "https://tokens.test",
        "iat": now, "exp": now.plus(600)});
    let token = signer.sign(json!({"kid": "k"}), &claims);
    let answer = crate::harness::workload::present(test, &token, Some("workload")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Fills a database; what its maker knows.
async fn fill(database: &Database) -> Value {
    let before = [ES256, &[("SECRET", SECRET_BEFORE)]].concat();
    let first = TestApp::on(database.clone(), &before).await;
    create(&first, "olga", AdminRole::Owner).await;
    create(&first, "vera", AdminRole::Viewer).await;
    drop(first);

    let both = [ES256, &[("SECRET_PREVIOUS", SECRET_BEFORE)]].concat();
    let test = TestApp::on(database.clone(), &both).await;
    let mut knows = json!({});
    let secret = Robot::register(&test).await;
    let robot = Robot::with_secret(&test, &secret).await;
    knows["secrets"]["robot"] = secret.into();
    let report = import(&test, &imported(), false).await;
    assert_eq!(report.imported, 4, "{report:?}");
    add_clients(&test, &robot, &mut knows).await;
    knows["assertion"] = use_assertion(&test, &robot).await.into();
    add_workload(&test).await;
    knows["once"] = post_once(&robot).await.json();
    let mut olga = Browser::of(&test, "olga").await;
    knows["totp"] = enrol(&test, &mut olga).await.into();
    let fields = [("password", crate::admin::PASSWORD)];
    let codes = olga.post("/admin/account/recovery-codes", &fields).await;
    assert_eq!(codes.status, 303, "{}", codes.text());

    let billing = knows["secrets"]["billing"].as_str().unwrap().to_owned();
    knows["tokens"]["retired key"] = token(&test, "billing", &billing).await.into();
    test.app.keys.rotate(BY, true).await.unwrap();
    knows["tokens"]["signed"] = token(&test, "billing", &billing).await.into();
    let hmac = TestApp::on(database.clone(), HS256).await;
    knows["tokens"]["hmac"] = token(&hmac, "billing", &billing).await.into();
    test.authorize("billing", "wrong")
        .await
        .assert_error(401, "invalid_client");
    test.app.usage.write().await.unwrap();
    test.app.audit.write_rejected_requests().await.unwrap();
    knows["clients"] = list(&robot).await;
    knows
}

/// What is only there while a server runs, or a certificate is issued; and passkeys, which not every build has.
const EMPTY: [&str; 5] = [
    "acme_accounts",
    "acme_certificates",
    "acme_challenges",
    "admin_passkeys",
    "replicas",
];

/// With `BLESS` set it also writes the database down, for later releases to upgrade.
#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "how `scripts/bless` asks for the files to be written"
)]
async fn a_release_leaves_rows_in_every_table() {
    let database = Database::fresh().await;
    let knows = fill(&database).await;

    for table in dump::tables(&database).await {
        let filled = !dump::is_empty(&database, &table).await;
        assert_eq!(filled, !EMPTY.contains(&&*table), "{table}");
    }

    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all("tests/upgrade").unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let name = format!("tests/upgrade/{version}.{}", dump::kind(&database));
        std::fs::write(format!("{name}.sql"), dump::dump(&database).await).unwrap();
        let knows = serde_json::to_string_pretty(&knows).unwrap() + "\n";
        std::fs::write(format!("{name}.json"), knows).unwrap();
    }
}
