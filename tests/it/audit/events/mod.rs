//! Which events there are, what they say, and how they are found.

mod every_change;

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};
use token_server::app::{AuditFilter, NewSecret};
use token_server::domain::{
    Actor, AdminRole, AuditEvent, ClientChanges, ClientStatus, ExpectedVersion, Name, Origin,
};

use crate::harness::trail::{all, find};
use crate::harness::{BY, CLIENT, NOW, TestApp, id, new_client};

#[tokio::test]
async fn an_event_says_who_from_where_in_which_request_and_what() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let by = Origin {
        actor: Actor::Admin {
            name: "alice".to_owned(),
            role: Some(AdminRole::Owner),
        },
        source: Some(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)).to_canonical()),
        request_id: Some("r-1".to_owned()),
    };
    let changes = ClientChanges {
        name: Some(Name::parse("Billing").unwrap()),
        token_ttl: Some(None),
        ..ClientChanges::default()
    };
    test.clock.advance(5);
    test.app
        .clients
        .update(&by, &id(CLIENT), &ExpectedVersion::Any, changes)
        .await
        .unwrap();
    let token = test.token(&secret).await;
    let form = [
        ("client_id", CLIENT),
        ("client_secret", &secret),
        ("token", &token),
    ];
    let answer = test
        .post_form_with("/revoke", &form, &[("x-request-id", "r-2")])
        .await;
    assert_eq!(answer.status, 200);
    test.app.tokens.write_own_revocations().await.unwrap();

    let events = all(&test).await;
    let parts = |event: &AuditEvent| {
        (
            (event.actor_type.clone(), event.actor.clone()),
            (event.source.clone(), event.request_id.clone()),
            (event.target_type.clone(), event.client_id.clone()),
        )
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(events[1].at, NOW.plus(5));
    assert_eq!(
        parts(&events[1]),
        (
            ("admin".to_owned(), "alice".to_owned()),
            (some("198.51.100.7"), some("r-1")),
            ("client".to_owned(), some(CLIENT)),
        )
    );
    assert_eq!(
        parts(&events[2]),
        (
            ("client".to_owned(), CLIENT.to_owned()),
            // Of several requests, perhaps; of the last one the address.
            (some("192.0.2.1"), None),
            ("client".to_owned(), some(CLIENT)),
        )
    );
    let json = |text: &Option<String>| -> Value {
        token_server::base::json::from_str(text.as_deref().unwrap()).unwrap()
    };
    assert_eq!(json(&events[1].before), json!({"name": ""}));
    assert_eq!(json(&events[1].after), json!({"name": "Billing"}));
    let created = json(&events[0].after);
    assert_eq!(created["scopes"], "read write");
    assert_eq!(created["secrets"][0]["hint"], secret[secret.len() - 4..]);
    assert!(created["secrets"][0].get("secret_hash").is_none());
}

#[tokio::test]
async fn what_did_not_happen_leaves_no_event() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let app = &test.app;
    let before = all(&test).await;

    let taken = app
        .clients
        .register(BY, new_client(CLIENT), Some(NewSecret::default()))
        .await;
    assert!(taken.is_err());
    let nobody = id("nobody");
    assert!(
        app.clients
            .delete(BY, &nobody, &ExpectedVersion::Any)
            .await
            .is_err()
    );
    assert!(app.tokens.revoke_client(BY, &nobody).await.is_err());
    let changes = ClientChanges::default();
    assert!(
        app.clients
            .update(BY, &nobody, &ExpectedVersion::Any, changes)
            .await
            .is_err()
    );
    let added = app.secrets.add(BY, &nobody, NewSecret::default()).await;
    assert!(added.is_err());
    let enabled = ClientStatus::Enabled;
    app.clients
        .set_status(BY, &id(CLIENT), enabled)
        .await
        .unwrap();
    test.token(&secret).await;
    app.keys.rotate_if_due().await.unwrap();
    app.tokens.prune_revocations().await.unwrap();

    assert_eq!(all(&test).await, before);
}

#[tokio::test]
async fn events_are_found_by_who_what_whom_and_when() {
    let test = TestApp::new().await;
    test.client().await;
    let cli = Origin {
        actor: Actor::Cli("root".to_owned()),
        ..Origin::SERVER
    };
    test.clock.advance(10);
    for client in ["a", "b"] {
        let made = test
            .app
            .clients
            .register(&cli, new_client(client), Some(NewSecret::default()));
        made.await.unwrap();
    }
    test.clock.advance(10);
    test.app
        .clients
        .delete(&cli, &id("a"), &ExpectedVersion::Any)
        .await
        .unwrap();

    let ids = async |filter: AuditFilter| -> Vec<i64> {
        let found = find(&test, &filter).await;
        found.iter().map(|event| event.event_id).collect()
    };
    let some = |word: &str| Some(word.to_owned());
    let none = AuditFilter::default;
    let cases = [
        (none(), vec![1, 2, 3, 4]),
        (
            AuditFilter {
                actor_type: some("cli"),
                ..none()
            },
            vec![2, 3, 4],
        ),
        (
            AuditFilter {
                actor_type: some("cli"),
                actor: some("eve"),
                ..none()
            },
            vec![],
        ),
        (
            AuditFilter {
                action: some("client.create"),
                ..none()
            },
            vec![1, 2, 3],
        ),
        (
            AuditFilter {
                action: some("client."),
                ..none()
            },
            vec![1, 2, 3, 4],
        ),
        (
            AuditFilter {
                action: some("key."),
                ..none()
            },
            vec![],
        ),
        (
            AuditFilter {
                client_id: Some(id("a")),
                ..none()
            },
            vec![2, 4],
        ),
        (
            AuditFilter {
                since: Some(NOW.plus(10)),
                until: Some(NOW.plus(20)),
                ..none()
            },
            vec![2, 3],
        ),
        (
            AuditFilter {
                client_id: Some(id("a")),
                actor: some("root"),
                action: some("client.delete"),
                actor_type: some("cli"),
                since: Some(NOW),
                until: Some(NOW.plus(99)),
            },
            vec![4],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(filter.clone()).await, expected, "{filter:?}");
    }
}
