//! On Postgres one role migrates, and another one serves that can change no table: docs/deploy/postgres-roles.sql.

use std::process::Command;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use url::Url;

use super::{Server, done, register, run, until, worked};
use crate::harness::{Shell, TestApp};
use crate::history::{administer, name_of};

const ROLES: &str = "docs/deploy/postgres-roles.sql";

/// A database of Postgres with nothing in it and the two roles, until this is dropped by hand.
struct Site {
    shell: Shell,
    owner: String,
    migrating: String,
    serving: String,
}

impl Site {
    /// `None` on SQLite, which has no roles.
    async fn new() -> Option<Self> {
        let shell = Shell::new().await;
        if shell.database().url.starts_with("sqlite:") {
            return None;
        }
        shell.certificate();
        let owner = shell.database().url.clone();
        let name = name_of(&owner);
        let of = |role: &str| {
            let mut url = Url::parse(&owner).unwrap();
            url.set_username(&format!("{name}_{role}")).unwrap();
            url.to_string()
        };
        let (migrating, serving) = (of("migrate"), of("serve"));
        Some(Self {
            shell,
            owner,
            migrating,
            serving,
        })
    }

    /// What an operator does with the file.
    fn make_roles(&self) {
        let name = name_of(&self.owner);
        let psql = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", &self.owner])
            .args(["-v", &format!("migrating={name}_migrate")])
            .args(["-v", &format!("serving={name}_serve")])
            .args(["-f", ROLES])
            .output();
        worked(&psql.unwrap());
    }

    fn migrate(&self) {
        let settings = [("DATABASE_URL", &*self.migrating)];
        done(&self.shell, &settings, &["migrate"]);
    }

    /// The roles are of the whole server, and would stay.
    async fn remove(self) {
        let name = name_of(&self.owner);
        let mut owner = PgConnection::connect(&self.owner).await.unwrap();
        for role in ["serve", "migrate"] {
            let own = format!("drop owned by {name}_{role}");
            owner.execute(AssertSqlSafe(own)).await.unwrap();
        }
        owner.close().await.unwrap();
        let drop = format!("drop role {name}_migrate, {name}_serve");
        administer(&self.owner, &[&drop]).await;
    }
}

#[tokio::test]
async fn the_serving_role_does_all_that_serving_does() {
    let Some(site) = Site::new().await else {
        return;
    };
    site.make_roles();
    site.migrate();
    site.make_roles();
    let shell = &site.shell;
    let settings = [("DATABASE_URL", &*site.serving), ("SIGNING_ALG", "ES256")];

    let secret = register(shell, &settings, "billing");
    let server = Server::start(shell, "a", &settings);
    until("it is ready", async || server.readiness().await == "ready").await;
    let token = server.token("billing", &secret).await;
    assert_eq!(server.verify(&token).await, 200);
    assert_eq!(server.revoke("billing", &secret, &token).await, 200);
    assert_eq!(server.verify(&token).await, 401);
    for arguments in [
        &["check"][..],
        &["migrate"],
        &["client", "secret", "add", "billing"],
        &["client", "revoke-tokens", "billing", "--yes"],
        &["client", "disable", "billing", "--yes"],
        &["client", "delete", "billing", "--yes"],
        &["key", "rotate", "--now", "--yes"],
        &["audit", "list"],
        &["audit", "verify"],
        &["overview"],
        &["restore"],
    ] {
        done(shell, &settings, arguments);
    }
    until("it is ready", async || server.readiness().await == "ready").await;
    server.stop().await;
    site.remove().await;
}

/// What a server does by itself, and the portal.
#[tokio::test]
async fn the_serving_role_prunes_and_lets_admins_in() {
    let Some(site) = Site::new().await else {
        return;
    };
    site.make_roles();
    site.migrate();
    let shell = &site.shell;
    let settings = [("DATABASE_URL", &*site.serving)];
    let made = done(
        shell,
        &settings,
        &["admin", "create", "olga", "--role", "owner", "--json"],
    );
    let password = made.json()["password"].as_str().unwrap().to_owned();
    let server = Server::start(shell, "a", &settings);

    let origin = format!("https://localhost:{}", server.port);
    let form = [("name", "olga"), ("password", &*password)];
    let login = server.client.post(server.url("/admin/login")).form(&form);
    let login = login.header("origin", origin).send().await.unwrap();
    assert_eq!(login.status(), 303, "{:?}", login.text().await);
    assert!(
        login.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Secure")
    );
    server.stop().await;

    let test = TestApp::on(shell.database().at(&site.serving), &[]).await;
    let app = &test.app;
    app.secrets.expire_idle().await.unwrap();
    app.tokens.prune_revocations().await.unwrap();
    app.replication.prune_changes().await.unwrap();
    app.replication.prune_replicas().await.unwrap();
    app.single_use.prune().await.unwrap();
    app.idempotency.prune().await.unwrap();
    app.admins.prune_sessions().await.unwrap();
    app.usage.prune().await.unwrap();
    app.audit.prune_rejected_requests().await.unwrap();
    app.audit.prune().await.unwrap();
    test.app.store().close().await;
    site.remove().await;
}

#[tokio::test]
async fn the_serving_role_changes_no_table() {
    let Some(site) = Site::new().await else {
        return;
    };
    site.make_roles();
    site.migrate();
    site.make_roles();
    let mut serving = PgConnection::connect(&site.serving).await.unwrap();

    for sql in [
        "create table mine (a bigint)",
        "create schema mine",
        "create function mine() returns bigint language sql as 'select 1'",
        "alter table clients add column mine bigint",
        "alter table clients disable trigger all",
        "create index mine on clients (name)",
        "drop table clients",
        "truncate audit_events",
        "delete from _sqlx_migrations",
        "insert into _sqlx_migrations select * from _sqlx_migrations",
        "create role mine",
    ] {
        let Err(refused) = serving.execute(sql).await else {
            panic!("it may {sql}");
        };
        let code = refused.as_database_error().unwrap().code().unwrap();
        assert_eq!(code, "42501", "{sql}: {refused}");
    }
    serving.close().await.unwrap();
    site.remove().await;
}

/// While there is something to migrate.
#[tokio::test]
async fn the_serving_role_cannot_migrate_and_says_why() {
    let Some(site) = Site::new().await else {
        return;
    };
    site.make_roles();
    let settings = [("DATABASE_URL", &*site.serving)];

    let refused = run(&site.shell, &settings, &["migrate"]);

    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("permission denied"), "{refused:?}");
    site.migrate();
    done(&site.shell, &settings, &["client", "list"]);
    site.remove().await;
}
