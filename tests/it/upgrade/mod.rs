//! Upgrades from every release: a database that the release left behind is migrated, and all that it promised is kept.
//!
//! `tests/upgrade` has the databases, one of either kind for each release. `scripts/bless upgrade` makes those of the
//! version in `Cargo.toml`, as the last step before its release, and never again.

mod dump;
mod made;
mod rolling;

use serde_json::Value;
use token_server::base::clock::Clock;
use token_server::domain::{AdminRole, SigningAlg};

use crate::admin::{Browser, second_factor_code};
use crate::admin_api::Robot;
use crate::app::import::OLD_SECRET;
use crate::harness::trail::find;
use crate::harness::{Database, NOW, TestApp, id};
use crate::oauth::assertion::present;

/// All releases, the oldest first.
const RELEASES: &[&str] = &["0.1.0"];

/// The settings under which the databases were made. The first signs with a key pair, the second with `SECRET`.
const ES256: &[(&str, &str)] = &[("SIGNING_ALG", "ES256")];
const HS256: &[(&str, &str)] = &[];

/// What a release left behind: its database, which was migrated, and what whoever made it knows.
struct Left {
    database: Database,
    knows: Value,
}

impl Left {
    async fn by(release: &str) -> Self {
        let database = Database::empty().await;
        let kind = dump::kind(&database);
        let read = |name: &str| std::fs::read_to_string(format!("tests/upgrade/{name}")).unwrap();
        database
            .execute(&read(&format!("{release}.{kind}.sql")))
            .await;
        let knows = read(&format!("{release}.{kind}.json"));
        crate::harness::migrate(&database.url).await;
        Self {
            database,
            knows: token_server::base::json::from_str(&knows).unwrap(),
        }
    }

    /// A server of this release, a minute after the database was left.
    async fn served(&self, settings: &[(&str, &str)]) -> TestApp {
        let clock = Clock::fixed(NOW.plus(60));
        TestApp::at(clock, self.database.clone(), settings).await
    }

    fn secret(&self, client: &str) -> &str {
        self.knows["secrets"][client].as_str().unwrap()
    }

    fn token(&self, name: &str) -> &str {
        self.knows["tokens"][name].as_str().unwrap()
    }
}

#[test]
fn the_version_of_this_program_comes_after_the_last_release_or_is_it() {
    let number =
        |text: &str| -> Vec<u64> { text.split('.').map(|it| it.parse().unwrap()).collect() };
    for release in RELEASES {
        assert!(number(env!("CARGO_PKG_VERSION")) >= number(release));
    }
}

/// A server that never was another version has the same tables.
#[tokio::test]
async fn the_schema_is_that_of_a_new_database() {
    let new = Database::fresh().await;
    for release in RELEASES {
        let left = Left::by(release).await;
        assert_eq!(
            dump::schema(&left.database).await,
            dump::schema(&new).await,
            "{release}"
        );
    }
}

#[tokio::test]
async fn clients_log_in_with_all_their_kinds_of_secrets() {
    for release in RELEASES {
        let left = Left::by(release).await;
        let test = left.served(ES256).await;
        for client in ["billing", "raised"] {
            let answer = test.authorize(client, left.secret(client)).await;
            assert_eq!(answer.status, 200, "{release} {client}: {}", answer.text());
        }
        for imported in ["orders", "bcrypt", "pbkdf2", "scrypt"] {
            let answer = test.authorize(imported, OLD_SECRET).await;
            assert_eq!(
                answer.status,
                200,
                "{release} {imported}: {}",
                answer.text()
            );
        }
        for client in ["off", "gone"] {
            let answer = test.authorize(client, left.secret(client)).await;
            answer.assert_error(401, "invalid_client");
        }
        // What came later is as if it were not there.
        for client in ["billing", "orders"] {
            let record = test.find_client(&id(client)).await;
            assert!(!record.client.explicit_scopes_only, "{release} {client}");
            assert!(record.secrets.iter().all(|secret| !secret.vouched));
        }
        let shown = test.authorize("orders", OLD_SECRET).await.json();
        assert_eq!(shown["expires_in"], 900, "{release}");
    }
}

#[tokio::test]
async fn tokens_stay_valid_and_revoked_ones_revoked() {
    for release in RELEASES {
        let left = Left::by(release).await;
        for (settings, token) in [(ES256, "signed"), (HS256, "hmac")] {
            let test = left.served(settings).await;
            let answer = test.verify(left.token(token)).await;
            assert_eq!(answer.status, 200, "{release} {token}: {}", answer.text());
            assert_eq!(answer.json()["metadata"]["tenant"], "acme");
        }
        let test = left.served(ES256).await;
        for token in ["revoked", "raised", "off", "gone"] {
            let answer = test.verify(left.token(token)).await;
            answer.assert_error(401, "invalid_token");
        }
        // Those of a client that is registered again under the old name come after them.
        let secret = test.register(made::client("gone")).await;
        let again = test.authorize("gone", &secret).await;
        let again = again.token();
        assert_eq!(test.verify(&again).await.status, 200);
        let old = test.verify(left.token("gone")).await;
        old.assert_error(401, "invalid_token");
    }
}

/// Also the key that was retired before the release was left still verifies, and the next one takes over.
#[tokio::test]
async fn keys_are_opened_and_rotate() {
    for release in RELEASES {
        let left = Left::by(release).await;
        let test = left.served(ES256).await;
        assert_eq!(test.verify(left.token("retired key")).await.status, 200);
        let keys = test.app.keys.list().await.unwrap();
        assert_eq!(keys.len(), 3, "{release}");
        assert!(keys.iter().all(|key| key.alg == SigningAlg::ES256));

        test.clock.advance(7 * 86_400);
        test.app
            .keys
            .rotate(crate::harness::BY, true)
            .await
            .unwrap();

        assert_eq!(test.app.keys.list().await.unwrap().len(), 4);
    }
}

#[tokio::test]
async fn what_was_good_once_is_not_good_again() {
    for release in RELEASES {
        let left = Left::by(release).await;
        let test = left.served(ES256).await;
        let used = left.knows["assertion"].as_str().unwrap();
        let answer = present(&test, used).await;
        answer.assert_error(401, "invalid_client");
        assert!(answer.text().contains("invalid_client"), "{release}");
    }
}

#[tokio::test]
async fn a_repeated_request_of_the_admin_api_gets_its_old_answer() {
    for release in RELEASES {
        let left = Left::by(release).await;
        let test = left.served(ES256).await;
        let robot = Robot::with_secret(&test, left.secret("robot")).await;
        let answer = made::post_once(&robot).await;
        assert_eq!(answer.status, 201, "{release}: {}", answer.text());
        assert_eq!(answer.json(), left.knows["once"]);
    }
}

#[tokio::test]
async fn admins_log_in_with_their_second_factor() {
    for release in RELEASES {
        let left = Left::by(release).await;
        let test = left.served(ES256).await;
        let mut olga = Browser::of(&test, "olga").await;
        let code = second_factor_code(&test, left.knows["totp"].as_str().unwrap());
        let answer = olga.post("/admin/login/code", &[("code", &code)]).await;
        assert_eq!(answer.status, 303, "{release}: {}", answer.text());
        assert_eq!(olga.get("/admin/").await.status, 200);
        let listed = test.app.admins.list().await.unwrap();
        let roles = listed.iter().map(|admin| admin.role).collect::<Vec<_>>();
        assert_eq!(roles, [AdminRole::Owner, AdminRole::Viewer]);
    }
}

/// The trail has an event under the `SECRET` before, and goes on.
#[tokio::test]
async fn the_audit_trail_is_good_and_goes_on() {
    for release in RELEASES {
        let left = Left::by(release).await;
        let test = left.served(ES256).await;
        let before = find(&test, &token_server::app::AuditFilter::default())
            .await
            .len();
        assert!(before > 20, "{release}: {before}");
        test.register(made::client("after")).await;
        assert_eq!(
            find(&test, &token_server::app::AuditFilter::default())
                .await
                .len(),
            before + 1
        );
        let verdict = test.app.audit.verify(None).await.unwrap();
        assert!(verdict.good, "{release}: {:?}", verdict.broken);
    }
}

#[tokio::test]
async fn clients_are_what_they_were() {
    for release in RELEASES {
        let left = Left::by(release).await;
        let test = left.served(ES256).await;
        let robot = Robot::with_secret(&test, left.secret("robot")).await;
        let now = made::list(&robot).await;
        let old = left.knows["clients"].as_array().unwrap();
        assert_eq!(now.as_array().unwrap().len(), old.len(), "{release}");
        for (now, old) in now.as_array().unwrap().iter().zip(old) {
            // A later release may say more.
            for (member, value) in old.as_object().unwrap() {
                let id = &old["client_id"];
                assert_eq!(now[member], *value, "{release} {id} {member}");
            }
        }
    }
}
