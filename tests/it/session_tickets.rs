//! TLS sessions that go on at another replica, and those that do not.

use rcgen::CertificateParams;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};
use serde_json::json;
use token_server::app::NewClient;
use token_server::domain::{
    AuthMethods, AuthenticationChanges, AuthenticationSettings, ClientChanges, ClientKeys,
    ExpectedVersion, JwkSet,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{BY, CLIENT, Holder, Served, TestApp, client_config, id};

const SPAN: i64 = 6 * 60 * 60;

/// Two replicas with a database and a clock in common, and these settings.
async fn replicas(here: &[(&str, &str)], there: &[(&str, &str)]) -> [Served; 2] {
    let first = TestApp::with(here).await;
    let (clock, database) = (first.clock.clone(), first.database.clone());
    let second = TestApp::at(clock, database, there).await;
    [Served::of(first), Served::of(second)]
}

/// A client of both, which keeps what it is given to go on with.
fn client(replicas: &[Served; 2], version: &'static SupportedProtocolVersion) -> ClientConfig {
    client_config(&[replicas[0].root(), replicas[1].root()], &[version])
}

/// How the handshake went, and what was answered to a request for a token.
async fn ask(served: &Served, client: &ClientConfig) -> (HandshakeKind, String) {
    let mut stream = served.handshake(client.clone()).await.unwrap();
    let body = format!("grant_type=client_credentials&client_id={CLIENT}");
    let request = format!(
        "POST /token HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // An end without farewell is one too.
    let _ = stream.read_to_end(&mut answer).await;
    let kind = stream.get_ref().1.handshake_kind().unwrap();
    let answer = String::from_utf8(answer).unwrap();
    (kind, answer[..answer.len().min(12)].to_owned())
}

/// How the second of two handshakes goes, with the first at one replica and the second at another, some time later.
async fn second(
    replicas: &[Served; 2],
    version: &'static SupportedProtocolVersion,
    later: i64,
) -> HandshakeKind {
    let client = client(replicas, version);
    let (first, _) = ask(&replicas[0], &client).await;
    assert_eq!(first, HandshakeKind::Full);
    replicas[0].test.clock.advance(later);
    ask(&replicas[1], &client).await.0
}

#[tokio::test]
async fn a_session_goes_on_at_another_replica() {
    let replicas = replicas(&[], &[]).await;

    for version in [&TLS12, &TLS13] {
        let kind = second(&replicas, version, 0).await;
        assert_eq!(kind, HandshakeKind::Resumed, "{:?}", version.version);
    }
}

#[tokio::test]
async fn a_session_ends_with_the_span_after_its_own() {
    let replicas = replicas(&[], &[]).await;
    // The begin of a span.
    let clock = &replicas[0].test.clock;
    clock.advance(SPAN - clock.now().0 % SPAN);

    assert_eq!(
        second(&replicas, &TLS13, 2 * SPAN - 1).await,
        HandshakeKind::Resumed
    );
    clock.advance(1);
    assert_eq!(
        second(&replicas, &TLS13, 2 * SPAN).await,
        HandshakeKind::Full
    );
}

#[tokio::test]
async fn under_another_secret_no_session_goes_on_unless_it_is_the_previous_one() {
    let other = ("SECRET", "another secret for tests, of more than 32 bytes");
    let previous = ("SECRET_PREVIOUS", crate::harness::SECRET);

    let apart = replicas(&[], &[other]).await;
    let changing = replicas(&[], &[other, previous]).await;

    for version in [&TLS12, &TLS13] {
        assert_eq!(second(&apart, version, 0).await, HandshakeKind::Full);
        assert_eq!(second(&changing, version, 0).await, HandshakeKind::Resumed);
    }
}

#[tokio::test]
async fn sessions_stay_at_their_replica_or_end_with_their_connection_where_it_is_set_so() {
    for (setting, at_home) in [
        ("replica", HandshakeKind::Resumed),
        ("off", HandshakeKind::Full),
    ] {
        let settings = [("TLS_TICKETS", setting)];
        let replicas = replicas(&settings, &settings).await;
        for version in [&TLS12, &TLS13] {
            let kind = second(&replicas, version, 0).await;
            assert_eq!(kind, HandshakeKind::Full, "{setting}");
            let client = client(&replicas, version);
            ask(&replicas[0], &client).await;
            assert_eq!(ask(&replicas[0], &client).await.0, at_home, "{setting}");
        }
    }
}

/// A session that goes on has the certificate of its first handshake, which is judged at each login as if it had just
/// been shown.
#[tokio::test]
async fn a_certificate_goes_on_with_its_session_for_as_long_as_it_is_the_clients() {
    let asking = [("TLS_CLIENT_CERTIFICATES", "true")];
    let replicas = replicas(&asking, &asking).await;
    let app = &replicas[1].test.app;
    let holder = Holder::self_signed(&CertificateParams::default());
    let keys =
        |jwk| ClientKeys::Inline(JwkSet::parse(&json!({ "keys": [jwk] }).to_string()).unwrap());
    let settings = |keys| AuthenticationSettings {
        auth_methods: AuthMethods::parse("self_signed_tls_client_auth").unwrap(),
        keys: Some(keys),
        certificate_subject: None,
        ..AuthenticationSettings::default()
    };
    let id = id(CLIENT);
    let new = NewClient {
        client_id: Some(id.clone()),
        authentication: settings(keys(holder.jwk())),
        ..NewClient::default()
    };
    app.clients.register(BY, new, None).await.unwrap();
    let mut clients = [&TLS12, &TLS13].map(|version| client(&replicas, version));
    for client in &mut clients {
        client.client_auth_cert_resolver = holder.resolver();
        let (kind, answer) = ask(&replicas[0], client).await;
        assert_eq!((kind, &*answer), (HandshakeKind::Full, "HTTP/1.1 200"));
    }

    for client in &clients {
        let (kind, answer) = ask(&replicas[1], client).await;
        assert_eq!((kind, &*answer), (HandshakeKind::Resumed, "HTTP/1.1 200"));
    }
    let other = Holder::self_signed(&CertificateParams::default());
    let changes = ClientChanges {
        authentication: AuthenticationChanges {
            keys: Some(Some(keys(other.jwk()))),
            ..AuthenticationChanges::default()
        },
        ..ClientChanges::default()
    };
    app.clients
        .update(BY, &id, &ExpectedVersion::Any, changes)
        .await
        .unwrap();
    for client in &clients {
        let (kind, answer) = ask(&replicas[1], client).await;
        assert_eq!((kind, &*answer), (HandshakeKind::Resumed, "HTTP/1.1 401"));
    }
}
