//! TLS to Postgres, as docs/deploy/postgres.md has it.

use token_server::app::App;
use token_server::base::clock::Clock;
use url::Url;

use crate::harness::{Database, NOW, TlsGate, config};

/// How reaching the database ends under these settings.
async fn reach(settings: &[(&str, &str)]) -> Result<(), String> {
    let config = config("", settings);
    let app = App::open(config, Clock::fixed(NOW)).unwrap();
    let reached = app.store().reach().await;
    app.store().close().await;
    reached.map_err(|error| error.to_string())
}

#[tokio::test]
async fn by_default_the_certificate_of_postgres_has_to_be_by_a_known_authority_and_for_its_host() {
    let database = Database::fresh().await;
    let Some(gate) = TlsGate::before(&database).await else {
        return;
    };
    let url = Url::parse(&database.url).unwrap();
    let (port, authority) = (gate.port.to_string(), gate.authority());
    let root = ("DATABASE_SSLROOTCERT", authority.to_str().unwrap());
    let at = |host| {
        [
            ("DATABASE_HOST", host),
            ("DATABASE_PORT", &*port),
            ("DATABASE_USER", url.username()),
            ("DATABASE_NAME", &url.path()[1..]),
        ]
    };
    let (named, by_address) = (at("localhost"), at("127.0.0.1"));

    assert_eq!(reach(&[&named[..], &[root]].concat()).await, Ok(()));
    let encrypted = [root, ("DATABASE_SSLMODE", "verify-ca")];
    assert_eq!(reach(&[&by_address[..], &encrypted].concat()).await, Ok(()));
    for refused in [named.to_vec(), [&by_address[..], &[root]].concat()] {
        let error = reach(&refused).await.unwrap_err();
        assert!(error.contains("TLS fails"), "{error}");
    }

    let as_url = format!(
        "postgres://{}@localhost:{port}{}?sslmode=verify-full&sslrootcert={}",
        url.username(),
        url.path(),
        authority.display()
    );
    assert_eq!(reach(&[("DATABASE_URL", &as_url)]).await, Ok(()));
}
