//! A replica of this release beside a later one that has added columns to the tables. Every insert names its columns, so
//! this one goes on with the statements that it has prepared.

use std::collections::BTreeMap;

use serde_json::json;
use token_server::domain::{
    AcmeChallenge, AcmeSubject, Action, AdminName, AdminSession, ClientChanges, ClientStatus,
    Identities, IdentityDigest, IdentityUse, IdleExpiry, KeyId, KeyRecord, KeyState, LastUsed,
    Name, NewEvent, Passkey, PasskeyId, RejectedRequest, Replica, RevokedToken, SecretId,
    SessionId, SigningAlg, Target, TokenId, UsageCounts, UsageSpan,
};
use token_server::store::{
    AcmeLease, AdminChanges, KeyChanges, PasskeyChange, PasskeyRecord, RevocationTrail, Store,
    StoredResponse, UsageRows, WriteOptions,
};

use crate::harness::{BY, Connection, Database, NOW, TestApp, id};
use crate::store::rights::new_admin;
use crate::store::{ANY, LOW, insert_missing, record, record_without_secret, secret};

/// What a later release may add to any table.
const LATER: [&str; 2] = ["later_default bigint not null default 7", "later_null text"];

/// Tables of one row, which the migrations insert or the first start.
const ONE_ROW: [&str; 3] = ["admin_changes", "audit_head", "installation"];

fn tables() -> Vec<String> {
    let mut tables = Vec::new();
    for file in std::fs::read_dir("migrations").unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let created = text
            .lines()
            .filter_map(|line| line.strip_prefix("create table "));
        tables.extend(created.map(|rest| rest.split(' ').next().unwrap().to_owned()));
    }
    tables
}

async fn count_rows(database: &Database) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for table in tables() {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let count: i64 = match database.connect().await {
            Connection::Postgres(mut it) => sqlx::query_scalar(sql).fetch_one(&mut it).await,
            Connection::Sqlite(mut it) => sqlx::query_scalar(sql).fetch_one(&mut it).await,
        }
        .unwrap();
        counts.insert(table, count);
    }
    counts
}

async fn write_clients(store: &Store, round: usize) {
    let stamp = BY.at(NOW);
    let names = ["a", "b", "c"].map(|name| format!("{name}{round}"));
    let [a, b, c] = names.each_ref().map(|name| id(name));
    let issuer = json!({"name": format!("x{round}"), "issuer": format!("https://x{round}.test")});
    let issuer = crate::harness::workload::spec(&issuer).build(NOW).unwrap();
    store.insert_issuer(&issuer, stamp).await.unwrap();
    let mut one = record(a.as_str());
    let identity = json!({"issuer": issuer.name.as_str(), "subject": "a"});
    one.client.authentication.identities = Identities::from_values(&[identity]).unwrap();
    one.secrets = vec![secret(&format!("AAAAAAA{round}"), 100, None)];
    one.secrets[0].unused_for = IdleExpiry::from_seconds(3_600).ok();
    let response = StoredResponse {
        key: a.to_string(),
        sealed: "sealed".to_owned(),
        expires_at: NOW,
    };
    let options = WriteOptions {
        response: Some(&response),
        ..WriteOptions::default()
    };
    store.insert_client(&one, &options, stamp).await.unwrap();
    let two = record_without_secret(b.as_str());
    let mut off = record_without_secret(c.as_str());
    off.client.status = ClientStatus::Disabled;
    insert_missing(store, vec![two, off]).await.unwrap();
    let changes = ClientChanges {
        name: Name::parse("other").ok(),
        ..ClientChanges::default()
    };
    store.update_client(&a, &changes, ANY, stamp).await.unwrap();
    for status in [ClientStatus::Disabled, ClientStatus::Enabled] {
        let switched = store.set_client_status(&a, status, LOW, stamp);
        switched.await.unwrap();
    }
    for (number, trail) in [(0, RevocationTrail::Event), (1, RevocationTrail::Count)] {
        let token = RevokedToken {
            jti: TokenId::parse(&format!("{:032x}", 2 * round + number)).unwrap(),
            generation: LOW,
            expires_at: NOW,
        };
        let revoked = store.revoke_token(token, &a, trail, stamp);
        assert!(revoked.await.unwrap());
    }
    store.revoke_client_tokens(&b, LOW, stamp).await.unwrap();
    store.delete_client(&b, LOW, ANY, stamp).await.unwrap();
}

async fn write_usage(store: &Store, round: usize) {
    let client_id = id(&format!("a{round}"));
    let secret_id = SecretId::parse(&format!("AAAAAAA{round}")).unwrap();
    let hour = NOW.plus(3_600 * i64::try_from(round).unwrap());
    let (counts, source) = (UsageCounts::default(), [192, 0, 2, 1].into());
    let target = "https://a".parse().unwrap();
    let used_at = NOW;
    let last = LastUsed { used_at, source };
    let identity = json!({"issuer": "k8s", "subject": "a"});
    let identities = Identities::from_values(&[identity]).unwrap();
    let identity = identities.iter().next().unwrap();
    let digest = IdentityDigest::of(identity);
    let used = IdentityUse {
        issuer: identity.issuer().clone(),
        subject: "a".to_owned(),
        last,
    };
    for rows in [
        UsageRows::Totals(vec![((UsageSpan::Hour, hour), counts)]),
        UsageRows::Clients(vec![((Some(client_id.clone()), hour), counts)]),
        UsageRows::LastUses(vec![((client_id.clone(), Some(secret_id.clone())), last)]),
        UsageRows::Identities(vec![((client_id.clone(), digest), used)]),
        UsageRows::Secrets(vec![((client_id.clone(), secret_id, hour), 1)]),
        UsageRows::Exchanges(vec![((client_id, target, hour), 1)]),
    ] {
        // What is there is added to.
        for _ in 0..2 {
            store.add_usage(&rows).await.unwrap();
        }
    }
    let rejected = RejectedRequest {
        request_id: "x".to_owned(),
        at: NOW,
        route: "/token".to_owned(),
        client_id: None,
        hint: String::new(),
        source: "192.0.2.1".to_owned(),
        error: "invalid_client".to_owned(),
        reason: "for a test".to_owned(),
    };
    store.insert_rejected_requests(&[rejected]).await.unwrap();
}

async fn write_admins(store: &Store, round: usize) {
    let (stamp, text) = (BY.at(NOW), format!("ann{round}"));
    let admin = new_admin(&text);
    store.insert_admin(&admin, "hash", stamp).await.unwrap();
    let name = AdminName::parse(&text).unwrap();
    let network = [192, 0, 2, 1].into();
    let noted = store.note_admin_network(&name, network, NOW, 9);
    noted.await.unwrap();
    let passkey = PasskeyRecord {
        passkey: Passkey {
            passkey_id: PasskeyId::random(),
            label: Name::parse("key").unwrap(),
            created_at: NOW,
            last_used_at: None,
        },
        credential_id: text.clone(),
        credential: "{}".to_owned(),
    };
    let changes = AdminChanges {
        passkeys: Some(PasskeyChange::Add(passkey)),
        ..AdminChanges::default()
    };
    let updated = store.update_admin(&name, changes, Action::AdminUpdate, "", stamp);
    updated.await.unwrap();
    let (one, options) = (std::slice::from_ref(&text), WriteOptions::default());
    let codes = store.replace_recovery_codes(&name, one, &options, stamp);
    codes.await.unwrap();
    // The change has ended the admin's sessions.
    let session = AdminSession {
        session_id: SessionId::random(),
        name,
        second_factor: false,
        created_at: NOW,
        seen_at: NOW,
        expires_at: NOW.plus(60),
        source: String::new(),
        user_agent: String::new(),
    };
    let inserted = store.insert_admin_session(&session, &text, stamp);
    inserted.await.unwrap();
}

async fn write_server(test: &TestApp, round: usize) {
    let (store, stamp, word) = (test.app.store(), BY.at(NOW), format!("x{round}"));
    let key = KeyRecord {
        kid: KeyId::parse(&word).unwrap(),
        alg: [SigningAlg::ES256, SigningAlg::EdDSA][round],
        state: KeyState::Next,
        created_at: NOW,
        sealed: "sealed".to_owned(),
    };
    let insert = KeyChanges {
        insert: vec![key],
        ..KeyChanges::default()
    };
    assert!(store.change_keys(&insert, stamp).await.unwrap());
    let replica = Replica {
        replica_id: word.clone(),
        name: word.clone(),
        version: String::new(),
        started_at: NOW,
        seen_at: NOW,
        changes_read_at: None,
        listening: true,
        certificate_expires_at: None,
    };
    for _ in 0..2 {
        store.upsert_replica(&replica).await.unwrap();
    }
    assert!(store.use_once(&word, NOW, NOW).await.unwrap());
    let event = NewEvent::new(Action::CertificateRegister, Target::Audit);
    let account = store.upsert_acme_account(&word, "sealed", event, stamp);
    account.await.unwrap();
    let lease = AcmeLease {
        subject: AcmeSubject {
            directory: word.clone(),
            names: word.clone(),
        },
        holder: word.clone(),
        until: NOW,
    };
    let now = test.trusted(NOW).await;
    assert!(store.lease_acme_order(&lease, NOW, now).await.unwrap());
    let challenges = [AcmeChallenge {
        name: word,
        digest: [0; 32],
    }];
    let upserted = store.upsert_acme_challenges(&challenges, NOW, NOW);
    upserted.await.unwrap();
    store.note_clock(NOW).await.unwrap();
    store.confirm_clock(None, stamp).await.unwrap();
    store.start_epoch(false, stamp).await.unwrap();
}

/// Everything that inserts a row. Each round has names of its own.
async fn write_all(test: &TestApp, round: usize) {
    let store = test.app.store();
    write_clients(store, round).await;
    write_usage(store, round).await;
    write_admins(store, round).await;
    write_server(test, round).await;
}

#[tokio::test]
async fn columns_of_a_later_release_hinder_no_write() {
    let test = TestApp::new().await;
    write_all(&test, 0).await;
    let before = count_rows(&test.database).await;
    assert!(before.len() > 20, "{before:?}");
    for table in before.keys() {
        for column in LATER {
            let sql = format!("alter table {table} add column {column}");
            test.database.execute(&sql).await;
        }
    }

    write_all(&test, 1).await;

    for (table, count) in count_rows(&test.database).await {
        let is_written = ONE_ROW.contains(&table.as_str()) || count > before[&table];
        assert!(is_written && count > 0, "nothing was inserted into {table}");
        let sql = format!("update {table} set later_null = 'x' where later_default = 7");
        let with_default = test.database.execute(&sql).await;
        assert_eq!(with_default, count.unsigned_abs(), "{table}");
    }
    assert!(test.app.audit.verify(None).await.unwrap().good);
}
