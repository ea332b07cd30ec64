//! Making admins and changing them.

use token_server::app::{AuditFilter, NewAdmin, NewPassword};
use token_server::base::secret::Secret;
use token_server::domain::{AdminRole, AdminStatus, ErrorCode};

use super::{Browser, PASSWORD, create, name, portal};
use crate::harness::{BY, TestApp, trail};

async fn refused(test: &TestApp, who: &str) -> [ErrorCode; 3] {
    let (app, who) = (&test.app, name(who));
    let role = AdminRole::Operator;
    [
        app.admins.set_role(BY, &who, role).await.unwrap_err().code,
        app.admins
            .set_status(BY, &who, AdminStatus::Disabled)
            .await
            .unwrap_err()
            .code,
        app.admins.delete(BY, &who).await.unwrap_err().code,
    ]
}

#[tokio::test]
async fn the_last_owner_who_can_log_in_stays_one() {
    let test = portal().await;
    assert_eq!(refused(&test, "olga").await, [ErrorCode::Conflict; 3]);

    create(&test, "oscar", AdminRole::Owner).await;
    let (app, oscar) = (&test.app, name("oscar"));
    app.admins
        .set_status(BY, &oscar, AdminStatus::Disabled)
        .await
        .unwrap();
    assert_eq!(refused(&test, "olga").await, [ErrorCode::Conflict; 3]);

    app.admins
        .set_status(BY, &oscar, AdminStatus::Enabled)
        .await
        .unwrap();
    app.admins.delete(BY, &name("olga")).await.unwrap();
    assert_eq!(refused(&test, "oscar").await, [ErrorCode::Conflict; 3]);
}

#[tokio::test]
async fn of_two_owners_removed_on_two_replicas_at_once_one_stays() {
    let one = portal().await;
    let two = one.replica().await;
    for round in 0..5 {
        let (left, right) = (format!("left{round}"), format!("right{round}"));
        create(&one, &left, AdminRole::Owner).await;
        create(&one, &right, AdminRole::Owner).await;
        for admin in one.app.admins.list().await.unwrap() {
            let others = [left.as_str(), right.as_str()];
            if admin.role == AdminRole::Owner && !others.contains(&admin.name.as_str()) {
                one.app.admins.delete(BY, &admin.name).await.unwrap();
            }
        }

        let (left, right) = (name(&left), name(&right));
        let viewer = AdminRole::Viewer;
        let (a, b) = tokio::join!(
            one.app.admins.delete(BY, &left),
            two.app.admins.set_role(BY, &right, viewer)
        );

        assert_eq!(a.is_ok(), b.is_err(), "{a:?} {b:?}");
    }
}

#[tokio::test]
async fn a_password_that_others_know_is_changed_before_anything_else() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let made = olga
        .post("/admin/admins", &[("name", "Nina"), ("role", "viewer")])
        .await;
    let made = olga.follow(&made).await;
    let (_, rest) = made.text().split_once("aria-label=\"password\">").unwrap();
    let password = rest.split('<').next().unwrap();

    let mut nina = Browser::new(&test);
    assert_eq!(nina.log_in("nina", password).await.status, 303);
    assert_eq!(
        nina.get("/admin/").await.header("location"),
        "/admin/account/password"
    );
    let change = async |nina: &mut Browser<'_>, old: &str, new: &str, again: &str| {
        let fields = [("old", old), ("new", new), ("again", again)];
        nina.post("/admin/account/password", &fields).await
    };
    let before = nina.clone();
    for (old, new, again) in [
        ("wrong", PASSWORD, PASSWORD),
        (password, PASSWORD, "another"),
        (password, "short", "short"),
        (password, password, password),
    ] {
        let answer = change(&mut nina, old, new, again).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert!(answer.text().contains("role=\"alert\""));
    }
    assert_eq!(
        change(&mut nina, password, PASSWORD, PASSWORD).await.status,
        303
    );

    assert_eq!(nina.get("/admin/").await.status, 200);
    assert_ne!(nina.cookie, before.cookie);
    assert_eq!(before.clone().get("/admin/").await.status, 303);
    Browser::of(&test, "nina").await;
}

#[tokio::test]
async fn a_form_about_admins_sets_its_own_fields_and_no_others() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let more = [
        ("status", "disabled"),
        ("must_change_password", "false"),
        ("has_totp", "true"),
        ("created_at", "1"),
        ("password", PASSWORD),
        ("password_hash", "x"),
    ];
    let fields = [&[("name", "nina"), ("role", "viewer")], &more[..]].concat();

    assert_eq!(olga.post("/admin/admins", &fields).await.status, 303);
    let made = test.app.admins.find(&name("nina")).await.unwrap();
    assert!(made.must_change_password && !made.has_totp);
    assert_eq!(made.status, AdminStatus::Enabled);
    assert_eq!(made.created_at, test.clock.now());
    assert_eq!(
        Browser::new(&test).log_in("nina", PASSWORD).await.status,
        401
    );

    let others = [
        ("role", "operator"),
        ("name", "olga"),
        ("status", "disabled"),
    ];
    olga.post("/admin/admins/nina/role", &others).await;
    let changed = test.app.admins.find(&name("nina")).await.unwrap();
    assert_eq!(
        (changed.role, changed.status),
        (AdminRole::Operator, AdminStatus::Enabled)
    );
    let owner = test.app.admins.find(&name("olga")).await.unwrap();
    assert_eq!(owner.role, AdminRole::Owner);
}

#[tokio::test]
async fn what_is_done_to_ones_own_account_is_done_to_no_other() {
    let test = portal().await;
    let mut vera = Browser::of(&test, "vera").await;
    let mut olga = Browser::of(&test, "olga").await;
    let new = "another horse battery";
    let fields = [
        ("old", PASSWORD),
        ("new", new),
        ("again", new),
        ("name", "olga"),
        ("username", "olga"),
        ("role", "owner"),
    ];

    vera.post("/admin/account/password?name=olga", &fields)
        .await;

    assert_eq!(olga.get("/admin/admins").await.status, 200);
    assert_eq!(vera.get("/admin/admins").await.status, 403);
    Browser::of(&test, "olga").await;
    assert_eq!(Browser::new(&test).log_in("vera", new).await.status, 303);
}

#[tokio::test]
async fn changing_the_password_ends_all_other_sessions() {
    let test = portal().await;
    let mut one = Browser::of(&test, "olga").await;
    let mut two = Browser::of(&test, "olga").await;
    let new = "another horse battery";

    let fields = [("old", PASSWORD), ("new", new), ("again", new)];
    assert_eq!(
        one.post("/admin/account/password", &fields).await.status,
        303
    );

    assert_eq!(two.get("/admin/").await.status, 303);
    assert_eq!(one.get("/admin/").await.status, 200);
    assert_eq!(
        Browser::new(&test).log_in("olga", PASSWORD).await.status,
        401
    );
}

#[tokio::test]
async fn every_change_of_an_admin_is_in_the_trail_without_secrets() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    olga.post("/admin/admins/omar/role", &[("role", "viewer")])
        .await;
    olga.post("/admin/admins/omar/status", &[("status", "disabled")])
        .await;
    olga.post("/admin/admins/omar/status", &[("status", "enabled")])
        .await;
    let reset = olga
        .post("/admin/admins/omar/reset", &[("second_factor", "yes")])
        .await;
    let reset = olga.follow(&reset).await;
    olga.post("/admin/admins/omar/delete", &[("typed", "omar")])
        .await;

    let filter = AuditFilter {
        actor: Some("olga".to_owned()),
        ..AuditFilter::default()
    };
    let events = trail::find(&test, &filter).await;

    let actions: Vec<&str> = events.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "admin.log_in",
            "admin.update",
            "admin.disable",
            "admin.enable",
            "admin.reset",
            "admin.delete"
        ]
    );
    assert_eq!(events[1].before.as_deref(), Some(r#"{"role":"operator"}"#));
    assert_eq!(events[1].after.as_deref(), Some(r#"{"role":"viewer"}"#));
    let password = reset
        .text()
        .split("aria-label=\"password\">")
        .nth(1)
        .unwrap();
    let password = password.split('<').next().unwrap();
    assert_eq!(password.len(), 24);
    for event in &events {
        assert_eq!(
            (event.target_type.as_str(), event.source.as_deref()),
            ("admin", Some("192.0.2.1"))
        );
        let said = format!("{event:?}");
        assert!(
            !said.contains("argon2") && !said.contains(password),
            "{said}"
        );
    }
}

#[tokio::test]
async fn an_admin_is_removed_only_when_its_name_is_typed() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;

    let answer = olga
        .post("/admin/admins/vera/delete", &[("typed", "omar")])
        .await;
    assert_eq!(answer.status, 422);
    assert!(test.app.admins.find(&name("vera")).await.is_ok());

    let answer = olga
        .post("/admin/admins/vera/delete", &[("typed", "vera")])
        .await;
    assert_eq!(answer.header("location"), "/admin/admins?done=deleted");
    assert!(test.app.admins.find(&name("vera")).await.is_err());
    assert_eq!(
        olga.post("/admin/admins/vera/delete", &[("typed", "vera")])
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_name_is_taken_once_and_a_weak_password_is_refused() {
    let test = portal().await;
    let new = NewAdmin {
        name: name("OLGA"),
        role: AdminRole::Viewer,
    };
    let create = async |password: &str| {
        let password = NewPassword::Chosen(Secret::from(password));
        let created = test.app.admins.create(BY, new.clone(), password).await;
        created.unwrap_err().code
    };

    assert_eq!(create(PASSWORD).await, ErrorCode::Conflict);
    assert_eq!(create("short").await, ErrorCode::InvalidRequest);
}
