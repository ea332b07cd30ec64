//! A database that answers and cannot do what it is asked: a full disk, a lost right, a damaged page; and a column that was
//! changed under prepared statements.

use std::fs;
use std::os::unix::fs::FileExt;

use url::Url;

use super::{
    administer, assert_takes_no_changes, assert_unavailable, assert_works, name_of, number, status,
};
use crate::harness::{CLIENT, Database, TestApp, new_client};

/// Has each row that is written to these tables fail with this code of Postgres.
async fn fail_with(database: &Database, code: &str, tables: &[&str]) {
    let function = format!(
        "create function fail() returns trigger language plpgsql as \
         $$ begin raise exception 'for a test' using errcode = '{code}'; end $$"
    );
    database.execute(&function).await;
    for table in tables {
        let trigger = format!(
            "create trigger fail before insert or update on {table} for each row execute function fail()"
        );
        database.execute(&trigger).await;
    }
}

async fn mend(database: &Database) {
    database.execute("drop function fail cascade").await;
}

/// A service on a Postgres and its client's secret; `None` on a file.
async fn on_postgres() -> Option<(TestApp, String)> {
    let test = TestApp::new().await;
    let secret = test.client().await;
    (test.app.store().product() == "Postgres").then_some((test, secret))
}

#[tokio::test]
async fn a_full_disk_of_postgres() {
    let Some((test, secret)) = on_postgres().await else {
        return;
    };
    fail_with(&test.database, "53100", &["revocations", "installation"]).await;

    assert_takes_no_changes(&test, &secret).await;
    for _ in 0..3 {
        test.read_changes().await;
        assert_eq!(status(&test).await, "degraded: database disk full");
    }
    mend(&test.database).await;
    test.read_changes().await;

    assert_works(&test, &secret).await;
}

#[tokio::test]
async fn a_right_that_was_revoked() {
    let Some((admin, secret)) = on_postgres().await else {
        return;
    };
    let name = name_of(&admin.database.url);
    let role = format!("{name}_user");
    let create = format!("create role {role} login");
    administer(&admin.database.url, &[&create]).await;
    let grant = format!("grant all on all tables in schema public to {role}");
    admin.database.execute(&grant).await;
    let mut url = Url::parse(&admin.database.url).unwrap();
    url.set_username(&role).unwrap();
    let test = TestApp::on(admin.database.at(url.as_str()), &[]).await;
    assert_works(&test, &secret).await;

    let sql = format!("revoke insert on revocations from {role}");
    admin.database.execute(&sql).await;
    assert_takes_no_changes(&test, &secret).await;
    for _ in 0..3 {
        test.read_changes().await;
        assert_eq!(status(&test).await, "degraded: database permission denied");
    }
    let sql = format!("grant insert on revocations to {role}");
    admin.database.execute(&sql).await;
    test.read_changes().await;

    assert_works(&test, &secret).await;
    drop(test);
    let owned = format!("drop owned by {role}");
    admin.database.execute(&owned).await;
    let drop = format!("drop role {role}");
    administer(&admin.database.url, &[&drop]).await;
}

#[tokio::test]
async fn a_damaged_page_of_postgres() {
    let Some((test, secret)) = on_postgres().await else {
        return;
    };
    fail_with(&test.database, "XX001", &["revocations"]).await;

    assert_takes_no_changes(&test, &secret).await;
    test.read_changes().await;

    assert_eq!(status(&test).await, "degraded: database damaged");
}

/// `cached plan must not change result type`: a newer release has migrated.
#[tokio::test]
async fn a_column_that_was_changed_under_prepared_statements() {
    let Some((test, secret)) = on_postgres().await else {
        return;
    };
    test.token(&secret).await;
    for _ in 0..2 {
        test.read_changes().await;
    }
    for sql in [
        "alter table installation alter column identity type varchar(99)",
        "alter table clients alter column name type varchar(999)",
    ] {
        test.database.execute(sql).await;
    }

    test.read_changes().await;
    assert_eq!(status(&test).await, "ready");
    let changed = test.replica().await;
    super::disable(&changed).await;
    test.read_changes().await;
    let first = test.authorize(CLIENT, &secret).await.status;
    assert!(first == 503 || first == 401, "{first}");
    test.authorize(CLIENT, &secret)
        .await
        .assert_error(401, "invalid_client");
    test.read_changes().await;
    assert_eq!(status(&test).await, "ready");
}

#[tokio::test]
async fn a_damaged_page_of_a_file() {
    let test = TestApp::new().await;
    let Some(file) = test.database.url.strip_prefix("sqlite:") else {
        return;
    };
    let secret = test.client().await;
    test.token(&secret).await;
    let other = test.register(new_client("other")).await;
    let sql = "select rootpage from sqlite_schema where name = 'clients'";
    let page = number(&test.database, sql).await;
    test.database
        .execute("pragma wal_checkpoint(truncate)")
        .await;
    let opened = fs::OpenOptions::new().write(true).open(file).unwrap();
    let at = u64::try_from((page - 1) * 4_096).unwrap();
    opened.write_all_at(&[0xff; 4_096], at).unwrap();
    // What they have read is in memory.
    test.app.store().reconnect();

    assert_unavailable(&test.authorize("other", &other).await);
    test.read_changes().await;

    assert_eq!(status(&test).await, "degraded: database damaged");
    let token = test.token(&secret).await;
    assert_eq!(test.verify(&token).await.status, 200);
}
