//! Private keys at rest: sealed under `SECRET`, sealed anew when it changes, and never believed otherwise.

use token_server::app::App;
use token_server::base::clock::Clock;
use token_server::base::secret::Secret;
use token_server::domain::{ErrorCode, KeyRecord, SigningAlg};
use token_server::jwt::{Sealing, SigningKey};
use token_server::store::KeyChanges;

use super::{PAIRS, published, signing, the};
use crate::harness::{BY, NOW, SECRET, TestApp, config};

const OTHER: &str = "another secret for tests, of more than 32 bytes";
const ES256: (&str, &str) = ("SIGNING_ALG", "ES256");

/// A start on the same database; the error, if it fails.
async fn start(test: &TestApp, settings: &[(&str, &str)]) -> Result<(), String> {
    let config = config(&test.database.url, settings);
    let app = App::open(config, Clock::fixed(NOW)).unwrap();
    app.keys.start().await.map_err(|error| error.to_string())
}

async fn sealed(test: &TestApp) -> Vec<String> {
    let keys = test.app.store().list_keys().await.unwrap();
    keys.into_iter().map(|key| key.sealed).collect()
}

/// Writes another text where a key's sealed one is.
async fn overwrite(test: &TestApp, key: &KeyRecord, sealed: &str) {
    let store = test.app.store();
    assert!(
        store
            .reseal_key(&key.kid, &key.sealed, sealed, BY.at(NOW))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_private_key_is_sealed_and_no_two_sealings_are_alike() {
    for alg in PAIRS {
        let alg = SigningAlg::parse(alg).unwrap();
        let private = SigningKey::generate(alg).unwrap();
        let key = SigningKey::from_pkcs8(alg, &private).unwrap();
        let sealing = Sealing::new(&Secret::from(SECRET), None).unwrap();

        let one = sealing.seal(key.kid(), alg, &private).unwrap();
        let other = sealing.seal(key.kid(), alg, &private).unwrap();

        assert_ne!(one, other);
        let shown = format!("SigningKey {{ kid: {:?}, alg: {alg}, .. }}", key.kid());
        assert_eq!(format!("{key:?}"), shown);
    }
}

#[tokio::test]
async fn a_new_secret_seals_anew_at_start_what_the_previous_one_opens() {
    let test = signing("ES256").await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let before = sealed(&test).await;

    let changed = [ES256, ("SECRET", OTHER), ("SECRET_PREVIOUS", SECRET)];
    let during = TestApp::on(test.database.clone(), &changed).await;
    let resealed = sealed(&test).await;
    let after = TestApp::on(test.database.clone(), &[ES256, ("SECRET", OTHER)]).await;

    assert!(before.iter().all(|text| !resealed.contains(text)));
    assert_eq!(sealed(&test).await, resealed);
    for test in [&during, &after] {
        assert_eq!(test.verify(&token).await.status, 200);
    }
    // A replica that still runs with the old secret has the keys open.
    test.app.keys.refresh().await.unwrap();
    let late = test.token(&secret).await;
    assert_eq!(after.verify(&late).await.status, 200);
    assert_eq!(published(&test).await, published(&after).await);
}

#[tokio::test]
async fn resealing_says_how_many_and_does_it_once() {
    let test = signing("EdDSA").await;
    let settings = [("SECRET", OTHER), ("SECRET_PREVIOUS", SECRET)];
    let config = config(&test.database.url, &settings);
    let app = App::open(config, Clock::fixed(NOW)).unwrap();
    let under = async || {
        let keys = app.keys.list().await.unwrap();
        keys.iter().map(|key| key.sealed_under).collect::<Vec<_>>()
    };

    assert_eq!(under().await, [Some("SECRET_PREVIOUS"); 2]);
    assert_eq!(app.keys.reseal(BY).await.unwrap(), 2);
    assert_eq!(under().await, [Some("SECRET"); 2]);
    assert_eq!(app.keys.reseal(BY).await.unwrap(), 0);
}

#[tokio::test]
async fn a_key_that_neither_secret_opens_stops_the_start_and_names_both() {
    let test = signing("ES256").await;
    let active = the(&test, "active").await;

    for alg in ["ES256", "HS256"] {
        let settings = [("SIGNING_ALG", alg), ("SECRET", OTHER)];
        let error = start(&test, &settings).await.unwrap_err();
        for part in [
            "SECRET",
            "SECRET_PREVIOUS",
            "key delete",
            active.kid.as_str(),
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

#[tokio::test]
async fn keys_whose_secret_is_lost_can_be_given_up() {
    let test = signing("ES256").await;
    let settings = [ES256, ("SECRET", OTHER)];
    let app = App::open(config(&test.database.url, &settings), Clock::fixed(NOW)).unwrap();
    // The audit trail is under the lost secret too.
    let trail = app.audit.find_unverified().await.unwrap().unwrap();
    app.audit.accept_head(BY, &trail).await.unwrap();

    for key in app.keys.list().await.unwrap() {
        assert_eq!(key.sealed_under, None);
        assert!(key.problem.is_some());
        app.keys.delete(BY, &key.kid).await.unwrap();
    }

    start(&test, &settings).await.unwrap();
}

#[tokio::test]
async fn a_tampered_or_swapped_row_is_no_key() {
    let test = signing("ES256").await;
    let (active, next) = (the(&test, "active").await, the(&test, "next").await);
    let mut flipped = active.sealed.clone();
    let replacement = if flipped.ends_with('A') { "B" } else { "A" };
    flipped.replace_range(flipped.len() - 9..flipped.len() - 8, replacement);
    if flipped == active.sealed {
        flipped.replace_range(flipped.len() - 9..flipped.len() - 8, "C");
    }

    let mut stored = active;
    for text in [flipped.as_str(), &next.sealed, "v1.", "v2.AAAA", "", "v1.!"] {
        overwrite(&test, &stored, text).await;
        stored.sealed = text.to_owned();
        let error = start(&test, &[ES256]).await.unwrap_err();
        assert!(error.contains(stored.kid.as_str()), "{text}: {error}");
        assert!(!error.contains(next.kid.as_str()), "{text}: {error}");
    }
}

#[tokio::test]
async fn a_damaged_row_does_not_stop_a_replica_that_runs() {
    let test = signing("ES256").await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    overwrite(&test, &the(&test, "active").await, "v1.damaged").await;

    test.app.keys.refresh().await.unwrap();
    assert_eq!(test.verify(&token).await.status, 200);
    assert_eq!(
        test.authorize(crate::harness::CLIENT, &secret).await.status,
        200
    );

    // A key that it cannot open is left out, and the rest goes on.
    let foreign = foreign_key(SigningAlg::EdDSA);
    insert(&test, foreign).await;
    test.app.keys.refresh().await.unwrap();
    assert_eq!(published(&test).await.len(), 2);
    assert_eq!(test.verify(&token).await.status, 200);
}

#[tokio::test]
async fn who_can_write_to_the_database_alone_cannot_make_a_key() {
    let test = signing("ES256").await;
    let theirs = foreign_key(SigningAlg::EdDSA);
    let kid = theirs.kid.clone();
    insert(&test, theirs).await;

    test.app.keys.refresh().await.unwrap();

    assert!(test.app.keys.current().find(kid.as_str()).is_none());
    assert!(!published(&test).await.contains(&kid.to_string()));
    let report = test.app.keys.list().await.unwrap();
    let problem = report.iter().find(|key| key.kid == kid).unwrap();
    assert!(
        problem
            .problem
            .as_ref()
            .unwrap()
            .contains("SECRET_PREVIOUS")
    );
}

#[tokio::test]
async fn a_key_under_another_name_is_refused_even_when_it_opens() {
    let test = signing("ES256").await;
    let mut renamed = foreign_key(SigningAlg::EdDSA);
    let private = SigningKey::generate(SigningAlg::EdDSA).unwrap();
    let sealing = Sealing::new(&Secret::from(SECRET), None).unwrap();
    renamed.sealed = sealing.seal(&renamed.kid, renamed.alg, &private).unwrap();
    insert(&test, renamed.clone()).await;

    test.app.keys.refresh().await.unwrap();

    assert!(test.app.keys.current().find(renamed.kid.as_str()).is_none());
    let error = test.app.keys.reseal(BY).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ServerError);
    assert!(
        error.description.contains("does not match its key id"),
        "{error}"
    );
}

/// A key sealed under a secret that is not ours.
fn foreign_key(alg: SigningAlg) -> KeyRecord {
    let private = SigningKey::generate(alg).unwrap();
    let key = SigningKey::from_pkcs8(alg, &private).unwrap();
    let sealing = Sealing::new(&Secret::from(OTHER), None).unwrap();
    KeyRecord {
        kid: key.kid().clone(),
        alg,
        state: token_server::domain::KeyState::Next,
        created_at: NOW,
        sealed: sealing.seal(key.kid(), alg, &private).unwrap(),
    }
}

async fn insert(test: &TestApp, key: KeyRecord) {
    let changes = KeyChanges {
        insert: vec![key],
        ..KeyChanges::default()
    };
    assert!(
        test.app
            .store()
            .change_keys(&changes, BY.at(NOW))
            .await
            .unwrap()
    );
}
