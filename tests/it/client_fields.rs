//! Every field of a client on every front: it can be set and taken away, it is shown, it survives an export, and a file
//! that says nothing of it leaves it as it is. The fields are those of the OpenAPI document: a new one fails each of
//! these tests until it stands in [`FIELDS`] and every front has it.

use serde_json::{Value, json};
use token_server::app::NewClient;
use token_server::app::clients::transfer::apply::{ApplyNews, ApplyOptions, Manifest};
use token_server::app::clients::transfer::import::{
    ImportNews, ImportOptions, ImportSource, OnConflict,
};
use token_server::domain::{ClientChanges, ClientId, ClientStatus, ExpectedVersion, Identifiers};

use crate::admin::{Browser, portal_with};
use crate::admin_api::Robot;
use crate::cli::Shell;
use crate::harness::{Answer, BY, TestApp};

/// How a field is said on the fronts.
struct Field {
    name: &'static str,
    /// A value, as JSON.
    value: &'static str,
    /// What stands in its place when it is taken away. `null`: nothing.
    default: &'static str,
    set: &'static [&'static str],
    clear: &'static [&'static str],
    /// How the page of the client shows the value.
    on_page: &'static str,
}

const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

const RULES: &str =
    r#"{"https://orders.test":{"scopes":"pay read","map":{"buy":"pay","view":"read"}}}"#;
const IDENTITIES: &str =
    r#"[{"issuer":"k8s","subject":"system:serviceaccount:a:b","claims":{"/x/y":"1"}}]"#;

const NO_SUBJECT: &[&str] = &["--no-tls-client-auth"];

#[rustfmt::skip]
const FIELDS: &[Field] = &[
    Field { name: "name", value: r#""Billing""#, default: r#""""#,
        set: &["--name", "Billing"], clear: &["--name", ""], on_page: "Billing" },
    Field { name: "description", value: r#""For invoices""#, default: r#""""#,
        set: &["--description", "For invoices"], clear: &["--description", ""], on_page: "For invoices" },
    Field { name: "scopes", value: r#""read write""#, default: r#""""#,
        set: &["--scope", "read write"], clear: &["--scope", ""], on_page: "read write" },
    Field { name: "explicit_scopes_only", value: "true", default: "false",
        set: &["--explicit-scopes-only"], clear: &["--explicit-scopes-only=false"], on_page: "only if the request names them" },
    Field { name: "audiences", value: r#"["https://a.test","https://b.test"]"#, default: "[]",
        set: &["--audience", "https://a.test", "--audience", "https://b.test"], clear: &["--audience", ""],
        on_page: "https://a.test https://b.test" },
    Field { name: "identifiers", value: r#"["https://id-a.test","https://id-b.test"]"#, default: "[]",
        set: &["--identifier", "https://id-a.test", "--identifier", "https://id-b.test"], clear: &["--identifier", ""],
        on_page: "https://id-a.test https://id-b.test" },
    Field { name: "exchange_rules", value: RULES, default: "{}",
        set: &["--exchange-rules", RULES], clear: &["--exchange-rules", "{}"], on_page: "https://orders.test" },
    Field { name: "metadata", value: r#"{"tenant":"acme"}"#, default: "{}",
        set: &["--metadata", r#"{"tenant":"acme"}"#], clear: &["--metadata", "{}"], on_page: "tenant" },
    Field { name: "token_ttl", value: "300", default: "null",
        set: &["--token-ttl", "5m"], clear: &["--token-ttl", "default"], on_page: "300 s" },
    Field { name: "token_typ", value: r#""JWT""#, default: "null",
        set: &["--token-typ", "JWT"], clear: &["--token-typ", "default"], on_page: "<code>JWT</code>" },
    Field { name: "token_quota", value: "77", default: "null",
        set: &["--token-quota", "77"], clear: &["--token-quota", "none"], on_page: "of 77 tokens" },
    Field { name: "allowed_networks", value: r#"["192.0.2.0/24","2001:db8::/32"]"#, default: "[]",
        set: &["--allowed-network", "192.0.2.0/24", "--allowed-network", "2001:db8::/32"], clear: &["--any-network"],
        on_page: "192.0.2.0/24 2001:db8::/32" },
    Field { name: "auth_methods", value: r#"["client_secret_post"]"#, default: r#"["client_secret_basic","client_secret_post"]"#,
        set: &["--auth-method", "client_secret_post"],
        clear: &["--auth-method", "client_secret_basic", "--auth-method", "client_secret_post"],
        on_page: "<code>client_secret_post</code>" },
    Field { name: "jwks", value: KEYS, default: "null",
        set: &["--jwks", "keys.json"], clear: &["--no-keys"], on_page: "<code>one</code>" },
    Field { name: "jwks_uri", value: r#""https://keys.test/keys""#, default: "null",
        set: &["--jwks-uri", "https://keys.test/keys"], clear: &["--no-keys"], on_page: "https://keys.test/keys" },
    Field { name: "tls_client_auth_subject_dn", value: r#""CN=billing,O=Acme""#, default: "null",
        set: &["--tls-client-auth", "subject_dn=CN=billing,O=Acme"], clear: NO_SUBJECT, on_page: "subject_dn=CN=billing,O=Acme" },
    Field { name: "tls_client_auth_san_dns", value: r#""billing.example""#, default: "null",
        set: &["--tls-client-auth", "san_dns=billing.example"], clear: NO_SUBJECT, on_page: "san_dns=billing.example" },
    Field { name: "tls_client_auth_san_uri", value: r#""spiffe://example/billing""#, default: "null",
        set: &["--tls-client-auth", "san_uri=spiffe://example/billing"], clear: NO_SUBJECT, on_page: "san_uri=spiffe://example/billing" },
    Field { name: "tls_client_auth_san_ip", value: r#""2001:db8::1""#, default: "null",
        set: &["--tls-client-auth", "san_ip=2001:db8::1"], clear: NO_SUBJECT, on_page: "san_ip=2001:db8::1" },
    Field { name: "tls_client_auth_san_email", value: r#""billing@example.com""#, default: "null",
        set: &["--tls-client-auth", "san_email=billing@example.com"], clear: NO_SUBJECT, on_page: "san_email=billing@example.com" },
    Field { name: "token_endpoint_as_audience", value: "true", default: "false",
        set: &["--token-endpoint-as-audience"], clear: &["--token-endpoint-as-audience=false"],
        on_page: "also for the token endpoint" },
    Field { name: "identities", value: IDENTITIES, default: "null",
        set: &["--identity", r#"{"issuer":"k8s","subject":"system:serviceaccount:a:b","claims":{"/x/y":"1"}}"#],
        clear: &["--identity", "none"], on_page: "k8s: sub=system:serviceaccount:a:b /x/y=1" },
    Field { name: "tls_client_certificate_bound_access_tokens", value: "true", default: "false",
        set: &["--tls-client-certificate-bound-access-tokens"],
        clear: &["--tls-client-certificate-bound-access-tokens=false"], on_page: "to its certificate" },
    Field { name: "dpop_bound_access_tokens", value: "true", default: "false",
        set: &["--dpop-bound-access-tokens"], clear: &["--dpop-bound-access-tokens=false"], on_page: "by DPoP" },
];

const SETTINGS: &[(&str, &str)] = &[
    ("JWKS_URI_HOSTS", "keys.test"),
    ("ADMIN_SECOND_FACTOR", "optional"),
];

const CLIENT: &str = "billing";
const A_SECRET: &str = "a secret of the old server";

fn parse(json: &str) -> Value {
    token_server::base::json::from_str(json).unwrap()
}

impl Field {
    fn value(&self) -> Value {
        parse(self.value)
    }

    fn default(&self) -> Value {
        parse(self.default)
    }

    /// Whether only owners and the command line write it.
    fn is_reserved(&self) -> bool {
        self.name == "identifiers"
    }

    /// As a cell of CSV and a field of a form.
    fn text(&self) -> String {
        match self.value() {
            Value::String(text) => text,
            Value::Array(items) if items.iter().any(Value::is_object) => self.value.to_owned(),
            Value::Array(words) => {
                let words: Vec<&str> = words.iter().map(|it| it.as_str().unwrap()).collect();
                words.join(" ")
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                self.value.to_owned()
            }
        }
    }
}

/// A service that trusts the issuer of the identities here.
async fn service() -> TestApp {
    let test = TestApp::with(SETTINGS).await;
    add_issuer(&test).await;
    test
}

async fn add_issuer(test: &TestApp) {
    let issuer = json!({"name": "k8s", "issuer": "https://k8s.test"});
    crate::identity::add(&test.app, &issuer).await;
}

/// The fields of the OpenAPI document.
async fn fields(test: &TestApp) -> Vec<&'static Field> {
    let document = test.get("/openapi.json").await.json();
    let schemas = &document["components"]["schemas"];
    let names: Vec<&String> = schemas["ClientChanges"]["properties"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names.len(), FIELDS.len());
    for schema in ["NewClient", "Client"] {
        let members = schemas[schema]["properties"].as_object().unwrap();
        let missing = names.iter().find(|name| !members.contains_key(**name));
        assert_eq!(missing, None, "{schema}");
    }
    let field = |name: &&String| {
        let found = FIELDS.iter().find(|field| field.name == name.as_str());
        found.unwrap_or_else(|| panic!("how do the fronts say `{name}`? Add it to FIELDS"))
    };
    names.iter().map(field).collect()
}

fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

/// The client as it is registered, as JSON.
async fn registered(test: &TestApp) -> Value {
    let found = test.app.clients.find(&id(CLIENT)).await.unwrap();
    json!(found.client)
}

fn assert_is(client: &Value, field: &Field, value: &Value, front: &str) {
    let found = client.get(field.name).unwrap_or(&Value::Null);
    assert_eq!(found, value, "{front}: {}", field.name);
}

async fn register(test: &TestApp) {
    let new = NewClient {
        client_id: Some(id(CLIENT)),
        ..NewClient::default()
    };
    test.register(new).await;
}

async fn delete(test: &TestApp) {
    test.app
        .clients
        .delete(BY, &id(CLIENT), &ExpectedVersion::Any)
        .await
        .unwrap();
}

async fn import(test: &TestApp, file: &str) {
    let options = ImportOptions {
        on_conflict: OnConflict::Replace,
        ..ImportOptions::default()
    };
    let source = ImportSource::of_bytes(None, file.to_owned().into_bytes());
    let mut lines = Vec::new();
    let mut tell = |news: ImportNews<'_>| {
        lines.push(format!("{news:?}"));
    };
    let report = test
        .app
        .clients
        .import(BY, &source, options, &mut tell)
        .await;
    let report = report.unwrap();
    assert_eq!(
        (report.bad, report.skipped, report.existing),
        (0, 0, 0),
        "{file}: {lines:?}"
    );
    assert!(report.ignored.is_empty(), "{file}: {report:?}");
}

async fn export(test: &TestApp) -> String {
    let mut export = test.app.clients.begin_export(BY).await.unwrap();
    let mut file = String::new();
    while let Some(lines) = test.app.clients.export(&mut export).await.unwrap() {
        file += &lines;
    }
    file
}

/// Gives the client the value: by a program, or by the server itself where no program may.
async fn set(test: &TestApp, robot: &Robot<'_>, field: &Field) {
    if field.is_reserved() {
        let changes = ClientChanges {
            identifiers: Some(Identifiers::parse(&field.text()).unwrap()),
            ..ClientChanges::default()
        };
        let (id, any) = (id(CLIENT), ExpectedVersion::Any);
        let updated = test.app.clients.update(BY, &id, &any, changes);
        updated.await.unwrap();
        return;
    }
    let answer = patch(robot, field, &field.value()).await;
    assert_eq!(answer.status, 200, "{}: {}", field.name, answer.text());
}

async fn patch(robot: &Robot<'_>, field: &Field, value: &Value) -> Answer {
    let change = json!({ field.name: value });
    robot
        .patch(&format!("/clients/{CLIENT}"), "*", &change)
        .await
}

#[tokio::test]
async fn the_admin_api_sets_shows_and_clears_every_field() {
    let test = service().await;
    let robot = Robot::new(&test).await;
    let path = format!("/clients/{CLIENT}");
    for field in fields(&test).await {
        let new = json!({ "client_id": CLIENT, field.name: field.value() });
        if field.is_reserved() {
            continue;
        }
        let made = robot.post("/clients", &new).await;
        assert_eq!(made.status, 201, "{}: {}", field.name, made.text());
        let shown = robot.get(&path).await.json();
        assert_is(&shown, field, &field.value(), "POST");

        let cleared = patch(&robot, field, &field.default()).await.json();
        assert_is(&cleared, field, &field.default(), "PATCH to clear");
        set(&test, &robot, field).await;
        assert_is(&registered(&test).await, field, &field.value(), "PATCH");
        delete(&test).await;
    }
}

/// Design, section 6: over the admin API it is 403. What is there is shown, and may be sent back.
#[tokio::test]
async fn the_admin_api_shows_every_reserved_field_and_neither_sets_nor_clears_it() {
    let test = service().await;
    let robot = Robot::new(&test).await;
    let path = format!("/clients/{CLIENT}");
    let all = fields(&test).await;
    let reserved: Vec<_> = all.into_iter().filter(|it| it.is_reserved()).collect();
    assert_eq!(reserved.len(), 1);
    for field in reserved {
        let new = json!({ "client_id": CLIENT, field.name: field.value() });
        let made = robot.post("/clients", &new).await;
        made.assert_error(403, "access_denied");
        register(&test).await;
        let refused = patch(&robot, field, &field.value()).await;
        refused.assert_error(403, "access_denied");

        set(&test, &robot, field).await;
        let shown = robot.get(&path).await.json();
        assert_is(&shown, field, &field.value(), "GET");
        let refused = patch(&robot, field, &field.default()).await;
        refused.assert_error(403, "access_denied");
        let same = patch(&robot, field, &field.value()).await;
        assert_eq!(same.status, 200, "{}", same.text());
        assert_is(&registered(&test).await, field, &field.value(), "PATCH");
        delete(&test).await;
    }
}

/// Design, section 6: nobody gives what they do not have.
#[tokio::test]
async fn the_admin_api_changes_no_field_of_a_client_with_a_reserved_scope() {
    let test = service().await;
    let robot = Robot::new(&test).await;
    let before = robot.get("/clients/robot").await.json();
    for field in fields(&test).await {
        for value in [field.value(), field.default()] {
            let change = json!({ field.name: value });
            let answer = robot.patch("/clients/robot", "*", &change).await;
            answer.assert_error(403, "access_denied");
        }
    }
    assert_eq!(robot.get("/clients/robot").await.json(), before);
    let reserved = json!({ "client_id": "other", "scopes": "admin:read" });
    let answer = robot.post("/clients", &reserved).await;
    answer.assert_error(403, "access_denied");
}

#[tokio::test]
async fn the_audit_trail_tells_every_field_that_changes() {
    let test = service().await;
    let robot = Robot::new(&test).await;
    for field in fields(&test).await {
        register(&test).await;
        set(&test, &robot, field).await;
        let events = robot.get("/audit/events?limit=1").await.json();
        let event = events["events"][0].to_string();
        let shown = format!("\"{}\"", field.name);
        assert!(event.contains(&shown), "{}: {event}", field.name);
        delete(&test).await;
    }
}

/// What the form of the portal sends: every field, one of them filled in.
fn form<'a>(field: &'a Field, text: &'a str, version: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![("version", version)];
    let is_set = !text.is_empty();
    match field.name {
        "auth_methods" if is_set => form.push((text, "yes")),
        _ => form.extend([
            ("client_secret_basic", "yes"),
            ("client_secret_post", "yes"),
        ]),
    }
    match field.default {
        _ if field.name == "auth_methods" || !is_set => {}
        "false" => form.push((field.name, "yes")),
        _ if field.name.starts_with("tls_client_auth_") => form.push(("subject", field.on_page)),
        _ => form.push((field.name, text)),
    }
    form
}

#[tokio::test]
async fn the_portal_sets_shows_and_clears_every_field() {
    let test = portal_with(SETTINGS).await;
    add_issuer(&test).await;
    let mut omar = Browser::of(&test, "omar").await;
    let mut olga = Browser::of(&test, "olga").await;
    let path = format!("/admin/clients/{CLIENT}");
    let edit = format!("{path}/edit");
    for field in fields(&test).await {
        let browser = if field.is_reserved() {
            &mut olga
        } else {
            &mut omar
        };
        register(&test).await;
        assert!(
            !browser.get(&path).await.text().contains(field.on_page)
                || field.on_page.contains("client_secret_post")
                || field.name == "name",
            "{}: shown before it is set",
            field.name
        );
        for (text, value) in [
            (field.text(), field.value()),
            (String::new(), field.default()),
        ] {
            let page = browser.get(&edit).await;
            let (_, rest) = page.text().split_once("name=\"version\" value=\"").unwrap();
            let version = rest.split('"').next().unwrap().to_owned();
            let sent = form(field, &text, &version);
            let answer = browser.post(&edit, &sent).await;
            assert_eq!(answer.status, 303, "{}: {}", field.name, answer.text());
            assert_is(&registered(&test).await, field, &value, "portal");
            let page = browser.get(&path).await;
            let is_shown = page.text().contains(field.on_page);
            assert_eq!(is_shown, !text.is_empty(), "{}: page", field.name);
            // The form shows it too: sent again as it is, it changes nothing.
            let again = browser.get(&edit).await;
            let is_in_form = field.name == "auth_methods"
                || field.default == "false"
                || again.text().contains(&page_text(field));
            assert!(text.is_empty() || is_in_form, "{}: form", field.name);
        }
        delete(&test).await;
    }
}

/// A piece of the value as the form has it.
fn page_text(field: &Field) -> String {
    match field.name {
        "metadata" => "acme".to_owned(),
        "exchange_rules" => "https://orders.test".to_owned(),
        "jwks" => "Ed25519".to_owned(),
        "identities" => "system:serviceaccount:a:b".to_owned(),
        "allowed_networks" => "192.0.2.0/24\n2001:db8::/32".to_owned(),
        _ => field.text(),
    }
}

#[tokio::test]
async fn the_command_line_sets_shows_and_clears_every_field() {
    let test = TestApp::new().await;
    let shell = Shell::migrated().await;
    std::fs::write(shell.path().join("keys.json"), KEYS).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = shell.command(&[&["client"], arguments].concat());
        command.env("JWKS_URI_HOSTS", "keys.test");
        let ran = crate::cli::Ran::from(command.output().unwrap());
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran
    };
    let issuer = ["issuer", "add", "k8s", "--issuer", "https://k8s.test"];
    assert_eq!(shell.run(&issuer).code, 0);
    run(&["create", CLIENT]);
    // The line of `client show` that tells it.
    let line = |field: &Field| {
        let shown = run(&["show", CLIENT]).out;
        let name = field.name.strip_suffix("_subject_dn").unwrap_or(field.name);
        let name = name.split("_san_").next().unwrap().to_owned();
        let mut lines = shown.lines().map(str::to_owned);
        lines.find(|line| line.split_whitespace().next() == Some(&name))
    };
    for field in fields(&test).await {
        let update = ["update", CLIENT, "--json"];
        let set = run(&[&update, field.set].concat()).json();
        assert_is(&set, field, &field.value(), "client update");
        let shown = line(field);
        let cleared = run(&[&update, field.clear].concat()).json();
        assert_ne!(line(field), shown, "{}: client show", field.name);
        assert_is(&cleared, field, &field.default(), "client update to clear");
    }
}

#[tokio::test]
async fn a_row_of_a_file_sets_and_clears_every_field_and_leaves_alone_what_it_does_not_say() {
    for is_csv in [true, false] {
        let test = service().await;
        let row = |member: Option<(&str, Value)>| {
            if is_csv {
                let quoted = |value: Value| value.as_str().unwrap().replace('"', "\"\"");
                let (name, cell) = member.map_or_else(Default::default, |(name, value)| {
                    (format!(",{name}"), format!(",\"{}\"", quoted(value)))
                });
                return format!(
                    "client_id,client_secret{name}\n\"{CLIENT}\",\"{A_SECRET}\"{cell}\n"
                );
            }
            let mut row = json!({ "client_id": CLIENT, "client_secret": A_SECRET });
            if let Some((name, value)) = member {
                row[name] = value;
            }
            json!([row]).to_string()
        };
        for field in fields(&test).await {
            let (value, nothing) = if is_csv {
                (field.text().into(), "".into())
            } else {
                (field.value(), Value::Null)
            };
            let front = if is_csv { "CSV" } else { "JSON" };
            import(&test, &row(Some((field.name, value.clone())))).await;
            assert_is(&registered(&test).await, field, &field.value(), front);
            import(&test, &row(None)).await;
            let kept = registered(&test).await;
            assert_is(&kept, field, &field.value(), &format!("{front} without it"));
            import(&test, &row(Some((field.name, nothing)))).await;
            let cleared = registered(&test).await;
            assert_is(&cleared, field, &field.default(), &format!("{front} empty"));
            import(&test, &row(Some((field.name, value)))).await;
            let set = registered(&test).await;
            assert_is(&set, field, &field.value(), &format!("{front} again"));
            delete(&test).await;
        }
    }
}

#[tokio::test]
async fn an_export_has_every_field_and_an_import_of_it_brings_it_back() {
    let test = service().await;
    let other = service().await;
    let robot = Robot::new(&test).await;
    for field in fields(&test).await {
        register(&test).await;
        let without = export(&test).await;
        set(&test, &robot, field).await;
        let with = export(&test).await;

        import(&other, &with).await;
        assert_eq!(registered(&other).await, registered(&test).await);
        assert_is(&registered(&other).await, field, &field.value(), "export");
        import(&other, &without).await;
        assert_is(&registered(&other).await, field, &field.default(), "export");
        delete(&test).await;
    }
}

#[tokio::test]
async fn a_manifest_sets_every_field_and_clears_what_it_leaves_out() {
    let test = service().await;
    let apply = async |members: Value| {
        let mut client = json!({ "client_id": CLIENT });
        for (name, value) in members.as_object().unwrap() {
            client[name] = value.clone();
        }
        let file = json!({ "version": 1, "name": "team", "clients": [client] });
        let manifest = Manifest::parse(file.to_string().as_bytes(), None).unwrap();
        let mut tell = |_: ApplyNews<'_>| Ok(());
        let applied = test
            .app
            .clients
            .apply(BY, &manifest, ApplyOptions::default(), &mut tell);
        applied.await.unwrap();
        registered(&test).await
    };
    for field in fields(&test).await {
        let set = apply(json!({ field.name: field.value() })).await;
        assert_is(&set, field, &field.value(), "apply");
        let left_out = apply(json!({})).await;
        assert_is(&left_out, field, &field.default(), "apply without it");
    }
}

/// What clients of other servers have beside `client_id`, secrets and, of Keycloak, whether they are enabled.
const OF_HYDRA: &[&str] = &[
    "name",
    "scopes",
    "audiences",
    "metadata",
    "token_ttl",
    "auth_methods",
    "jwks",
    "jwks_uri",
];
const OF_KEYCLOAK: &[&str] = &[
    "name",
    "description",
    "scopes",
    "audiences",
    "metadata",
    "token_ttl",
    "auth_methods",
    "jwks",
    "jwks_uri",
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
    "tls_client_certificate_bound_access_tokens",
    "dpop_bound_access_tokens",
];

#[tokio::test]
async fn a_file_of_another_server_leaves_alone_what_that_server_does_not_have() {
    let hydra = json!([{ "client_id": CLIENT, "client_secret": A_SECRET, "grant_types": ["client_credentials"] }]);
    let keycloak =
        json!([{ "clientId": CLIENT, "secret": A_SECRET, "serviceAccountsEnabled": true }]);
    for (file, said) in [(hydra, OF_HYDRA), (keycloak, OF_KEYCLOAK)] {
        let test = service().await;
        let robot = Robot::new(&test).await;
        for field in fields(&test).await {
            register(&test).await;
            set(&test, &robot, field).await;
            import(&test, &file.to_string()).await;
            let is_said = said.contains(&field.name);
            let client = registered(&test).await;
            let found = client.get(field.name).cloned().unwrap_or_default();
            assert_eq!(found == field.value(), !is_said, "{}: {found}", field.name);
            delete(&test).await;
        }
    }
}

#[tokio::test]
async fn a_row_without_a_status_does_not_enable_a_client() {
    let test = TestApp::new().await;
    register(&test).await;
    let disabled = ClientStatus::Disabled;
    let done = test.app.clients.set_status(BY, &id(CLIENT), disabled).await;
    done.unwrap();

    let row = format!("client_id,client_secret,name\n{CLIENT},{A_SECRET},New\n");
    import(&test, &row).await;

    let client = registered(&test).await;
    assert_eq!(
        (&client["status"], &client["name"]),
        (&json!("disabled"), &json!("New"))
    );
}

#[tokio::test]
async fn a_row_with_a_secret_for_a_client_whose_methods_take_none_is_refused() {
    let test = TestApp::new().await;
    let set = parse(KEYS);
    let file = json!({ "version": 1, "name": "team", "clients": [
        { "client_id": CLIENT, "jwks": set, "auth_methods": "private_key_jwt" }
    ] });
    let manifest = Manifest::parse(file.to_string().as_bytes(), None).unwrap();
    let mut tell = |_: ApplyNews<'_>| Ok(());
    let options = ApplyOptions::default();
    test.app
        .clients
        .apply(BY, &manifest, options, &mut tell)
        .await
        .unwrap();
    let before = registered(&test).await;

    let row = format!("client_id,client_secret\n{CLIENT},{A_SECRET}\n");
    let source = ImportSource::of_bytes(None, row.into_bytes());
    let options = ImportOptions {
        on_conflict: OnConflict::Replace,
        ..ImportOptions::default()
    };
    let mut tell = |_: ImportNews<'_>| {};
    let report = test.app.clients.import(BY, &source, options, &mut tell);
    let report = report.await.unwrap();

    assert!(report.refused && report.bad == 1, "{report:?}");
    assert_eq!(registered(&test).await, before);
}

/// Design, section 3: neither `ISSUER` nor the admin audience.
#[tokio::test]
async fn no_front_makes_a_client_this_server_itself() {
    let test = portal_with(SETTINGS).await;
    let shell = Shell::migrated().await;
    let mut olga = Browser::of(&test, "olga").await;
    register(&test).await;
    let before = registered(&test).await;
    for own in [
        "https://tokens.test",
        "https://tokens.test/",
        "https://tokens.test/admin/api",
        "https://tokens.test/admin/api/",
    ] {
        let told = format!("identifiers: `{own}` is this server itself, so no client can have it");
        let identifiers = format!("https://a.test {own}");

        let row = format!("client_id,client_secret,identifiers\nnew,{A_SECRET},{identifiers}\n");
        let source = ImportSource::of_bytes(None, row.into_bytes());
        let mut reasons = Vec::new();
        let mut tell = |news: ImportNews<'_>| {
            if let ImportNews::Line(line) = news {
                reasons.push(line.reason.clone().unwrap());
            }
        };
        let options = ImportOptions::default();
        let report = test.app.clients.import(BY, &source, options, &mut tell);
        assert!(report.await.unwrap().refused);
        assert_eq!(reasons, std::slice::from_ref(&told));

        let file = json!({ "version": 1, "name": "team", "clients": [
            { "client_id": CLIENT, "identifiers": identifiers }
        ] });
        let manifest = Manifest::parse(file.to_string().as_bytes(), None).unwrap();
        let mut tell = |_: ApplyNews<'_>| Ok(());
        let options = ApplyOptions::default();
        let applied = test.app.clients.apply(BY, &manifest, options, &mut tell);
        let refused = applied.await.unwrap_err().description;
        assert_eq!(refused, format!("clients[0] `{CLIENT}`: {told}"));

        let fields = [
            ("version", "1"),
            ("client_secret_post", "yes"),
            ("identifiers", identifiers.as_str()),
        ];
        let answer = olga.post("/admin/clients/billing/edit", &fields).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert!(answer.text().contains("is this server itself"));

        let arguments = ["client", "create", "new", "--identifier", &identifiers];
        let mut command = shell.command(&arguments);
        let output = command.env("ISSUER", "https://tokens.test").output();
        let ran = crate::cli::Ran::from(output.unwrap());
        assert!(ran.code != 0 && ran.err.contains(&told), "{ran:?}");
    }
    assert_eq!(registered(&test).await, before);
}
