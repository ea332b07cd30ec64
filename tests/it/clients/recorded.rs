//! Replays what the libraries of `docs/integrations.md` sent, byte for byte and at the time of then, against a server
//! with the same keys and clients, and wants the answers that they had: status, headers and members of JSON. More members
//! are no fault. `scripts/interop` runs the libraries themselves.

use rustls::version::TLS13;
use serde_json::Value;
use token_server::app::{NewClient, NewSecret};
use token_server::base::clock::Clock;
use token_server::base::secret::Secret;
use token_server::domain::{
    Audience, AuthMethods, AuthenticationSettings, ClientKeys, ExchangeRules, Identifiers, JwkSet,
    Scope, SenderConstraint,
};
use tokio::io::AsyncWriteExt;

use super::recording::{Body, Exchange, RecordedAnswer, RecordedServer, Recording, read_message};
use super::scene::{
    AUDIENCE, CERTIFICATE_CLIENT, CERTIFICATE_SECRET, CLIENT, KEY_CLIENT, OTHER_AUDIENCE, SECRET,
    SERVICE, SERVICE_RULES, SERVICE_SECRET,
};
use crate::harness::{BY, Database, Holder, Served, TestApp, new_client};

/// How far times may be apart that were read at the same second or the next.
const SECONDS: i64 = 2;

/// Replays the recording of a script.
pub(super) async fn replay(script: &str) {
    let recording = Recording::read(script);
    check_version(script, &recording.client);
    let server = RecordedAgain::start(&recording).await;
    let mut certificates = 0;
    for (number, exchange) in recording.exchanges.iter().enumerate() {
        let answer = server.ask(exchange).await;
        let line = exchange.request.lines().next().unwrap();
        if let Err(difference) = same_answer(&exchange.answer, &answer) {
            panic!(
                "{}, request {number} ({line}): {difference}\nwas {:?}\nis {answer:?}",
                recording.client, exchange.answer
            );
        }
        certificates += usize::from(exchange.shows_certificate);
    }
    assert!(!recording.exchanges.is_empty());
    assert_eq!(certificates > 0, script == "curl.sh");
}

/// The page names the version that was recorded: whoever changes the one has to record again.
fn check_version(script: &str, client: &str) {
    let (name, number) = client.split_once(' ').unwrap();
    assert!(
        script == "curl.sh" || super::docs::text().contains(&format!("| {name} | {number} |")),
        "{client} is recorded, and docs/integrations.md names another version: run scripts/interop record"
    );
}

/// A server as it was while a library was recorded.
struct RecordedAgain {
    served: Served,
    holder: Option<Holder>,
}

impl RecordedAgain {
    async fn start(recording: &Recording) -> Self {
        let then = &recording.server;
        let database = Database::fresh().await;
        for key in &then.signing_keys {
            let row = format!(
                "insert into signing_keys (kid, alg, state, state_since, created_at, used_at, sealed_key) \
                 values ('{}', '{}', '{}', {}, {}, {}, '{}')",
                key.kid,
                key.alg,
                key.state,
                key.state_since,
                key.created_at,
                key.created_at,
                key.sealed_key
            );
            database.execute(&row).await;
        }
        let clock = Clock::fixed(recording.exchanges[0].at);
        let settings = [
            ("ISSUER", then.issuer.as_str()),
            ("SIGNING_ALG", "ES256"),
            ("TLS_CLIENT_CERTIFICATES", "true"),
            ("DPOP_NONCE", "required"),
        ];
        let test = TestApp::at(clock, database, &settings).await;
        register_clients(&test, then).await;
        let holder = then.client_certificate.as_ref().map(|shown| Holder {
            pem: shown.certificate.clone(),
            key: rcgen::KeyPair::from_pem(&shown.key).unwrap(),
        });
        Self {
            served: Served::of(test),
            holder,
        }
    }

    /// Sends a request on a connection of its own.
    async fn ask(&self, exchange: &Exchange) -> RecordedAnswer {
        let clock = &self.served.test.clock;
        clock.advance(exchange.at.since(clock.now()));
        let connection = if exchange.shows_certificate {
            let holder = self.holder.as_ref().unwrap();
            self.served.connect_as(holder.resolver(), &TLS13).await
        } else {
            self.served.connect(self.served.root(), &[&TLS13]).await
        };
        let mut connection = connection.unwrap();
        let request = exchange.request.as_bytes();
        connection.write_all(request).await.unwrap();
        RecordedAnswer::parse(&read_message(&mut connection).await.unwrap())
    }
}

/// Those of [`super::Scene`].
async fn register_clients(test: &TestApp, then: &RecordedServer) {
    let audiences = format!("{AUDIENCE} {OTHER_AUDIENCE}");
    let with_secret = NewClient {
        audiences: Audience::parse_list(&audiences).unwrap(),
        ..client(CLIENT, "invoices.read invoices.write")
    };
    let with_certificate = NewClient {
        sender_constraint: SenderConstraint {
            tls_client_certificate_bound_access_tokens: true,
            ..SenderConstraint::default()
        },
        ..client(CERTIFICATE_CLIENT, "")
    };
    let service = NewClient {
        identifiers: Identifiers::parse(AUDIENCE).unwrap(),
        exchange_rules: ExchangeRules::parse(SERVICE_RULES).unwrap(),
        ..client(SERVICE, "")
    };
    let app = &test.app;
    for (new, secret) in [
        (with_secret, SECRET),
        (with_certificate, CERTIFICATE_SECRET),
        (service, SERVICE_SECRET),
    ] {
        let secret: NewSecret = app
            .secrets
            .new_secret(Some(Secret::from(secret)), None)
            .unwrap();
        app.clients.register(BY, new, Some(secret)).await.unwrap();
    }
    let with_key = with_key(&then.client_jwks);
    app.clients.register(BY, with_key, None).await.unwrap();
}

fn client(id: &str, scopes: &str) -> NewClient {
    NewClient {
        scopes: Scope::parse(scopes).unwrap(),
        ..new_client(id)
    }
}

fn with_key(jwks: &Value) -> NewClient {
    NewClient {
        authentication: AuthenticationSettings {
            auth_methods: AuthMethods::parse("private_key_jwt").unwrap(),
            keys: Some(ClientKeys::Inline(
                JwkSet::parse(&jwks.to_string()).unwrap(),
            )),
            // Authlib sends it.
            token_endpoint_as_audience: true,
            ..AuthenticationSettings::default()
        },
        ..client(KEY_CLIENT, "invoices.read")
    }
}

fn same_answer(then: &RecordedAnswer, now: &RecordedAnswer) -> Result<(), String> {
    if then.status != now.status {
        return Err(format!("status {}, not {}", now.status, then.status));
    }
    if then.headers != now.headers {
        return Err("other headers".to_owned());
    }
    match (&then.body, &now.body) {
        (Body::Json(then), Body::Json(now)) => same_json("", then, now),
        (Body::Text(then), Body::Text(now)) if same_text(then, now) => Ok(()),
        _ => Err("another body".to_owned()),
    }
}

/// Whether everything that was there is there, the same but for what is another each time.
fn same_json(name: &str, then: &Value, now: &Value) -> Result<(), String> {
    let same = match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            for (name, then) in then {
                same_json(name, then, now.get(name).unwrap_or(&Value::Null))?;
            }
            true
        }
        (Value::Array(then), Value::Array(now)) => then
            .iter()
            .all(|then| now.iter().any(|now| same_json(name, then, now).is_ok())),
        (Value::Number(then), Value::Number(now)) if ["iat", "nbf", "exp"].contains(&name) => {
            let times = then.as_i64().zip(now.as_i64());
            times.is_some_and(|(then, now)| (then - now).abs() <= SECONDS)
        }
        (Value::String(then), Value::String(now)) if name == "jti" => then.len() == now.len(),
        (Value::String(then), Value::String(now)) => same_text(then, now),
        _ => then == now,
    };
    if same {
        Ok(())
    } else {
        Err(format!("`{name}` is {now}, not {then}"))
    }
}

/// Two JWTs are the same when their headers are, which name algorithm, type and key.
fn same_text(then: &str, now: &str) -> bool {
    let header = |text: &str| {
        let parts: Vec<&str> = text.split('.').collect();
        (parts.len() == 3 && text.starts_with("eyJ")).then(|| parts[0].to_owned())
    };
    match (header(then), header(now)) {
        (Some(then), Some(now)) => then == now,
        _ => then == now,
    }
}

#[test]
fn an_answer_that_lacks_or_changes_what_a_client_reads_is_another() {
    let answer = |text: &str| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: 1\r\n\r\n";
        RecordedAnswer::parse(format!("{head}{text}").as_bytes())
    };
    let same = |then: &str, now: &str| same_answer(&answer(then), &answer(now)).is_ok();
    let then = r#"{"active":true,"iat":100,"jti":"ab","aud":["x","y"],"t":"eyJh.eyJi.c"}"#;

    assert!(same(then, then));
    assert!(same(then, &then.replace("true", "true,\"more\":1")));
    for (changed, to) in [
        ("\"jti\":\"ab\",", ""),
        ("true", "false"),
        ("100", "103"),
        ("\"y\"", "\"z\""),
        ("eyJh", "eyJx"),
    ] {
        assert!(!same(then, &then.replace(changed, to)), "{to}");
    }
    assert!(!same(then, ""));
}
