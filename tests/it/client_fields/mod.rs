//! Every field of a client on every front: it can be set and taken away, it is shown, it survives an export, and a file
//! that says nothing of it leaves it as it is. The fields are those of the OpenAPI document: a new one fails each of
//! these tests until it stands in [`FIELDS`] and every front has it.

mod admin_api;
mod command_line;
mod files;
mod portal;

use serde_json::{Value, json};
use token_server::app::clients::transfer::import::{
    ImportNews, ImportOptions, ImportSource, OnConflict,
};
use token_server::domain::{ClientChanges, Identifiers};

use crate::admin::{Browser, portal_with};
use crate::admin_api::Robot;
use crate::harness::{Answer, BY, Shell, TestApp, id, new_client};

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
    crate::harness::workload::add(&test.app, &issuer).await;
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

/// The client as it is registered, as JSON.
async fn registered(test: &TestApp) -> Value {
    let found = test.find_client(&id(CLIENT)).await;
    json!(found.client)
}

fn assert_is(client: &Value, field: &Field, value: &Value, front: &str) {
    let found = client.get(field.name).unwrap_or(&Value::Null);
    assert_eq!(found, value, "{front}: {}", field.name);
}

async fn register(test: &TestApp) {
    test.register(new_client(CLIENT)).await;
}

async fn delete(test: &TestApp) {
    test.delete_client(&id(CLIENT)).await;
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

/// Gives the client the value: by a program, or by the server itself where no program may.
async fn set(test: &TestApp, robot: &Robot<'_>, field: &Field) {
    if field.is_reserved() {
        let changes = ClientChanges {
            identifiers: Some(Identifiers::parse(&field.text()).unwrap()),
            ..ClientChanges::default()
        };
        test.update_client(&id(CLIENT), changes).await;
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
        let refused = test.apply(&file.to_string()).await.unwrap_err().description;
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
        let ran = crate::harness::Ran::from(output.unwrap());
        assert!(ran.code != 0 && ran.err.contains(&told), "{ran:?}");
    }
    assert_eq!(registered(&test).await, before);
}
