//! `explain`, `usage`, `overview`, and what they have to do with quotas and secrets.

use crate::harness::Shell;

#[tokio::test]
async fn a_token_or_a_refusal_is_explained() {
    let shell = Shell::migrated().await;
    let create = ["client", "create", "billing", "--scope", "read write"];
    assert_eq!(shell.run(&create).code, 0);

    let granted = shell.run(&[
        "explain", "--client", "billing", "--scope", "read", "--json",
    ]);
    let people = shell.run(&["explain", "--client", "billing"]);
    let refused = shell.run(&["explain", "--client", "billing", "--scope", "admin"]);
    let unknown = shell.run(&["explain", "--client", "nobody", "--json"]);

    assert_eq!(
        (granted.code, people.code),
        (0, 0),
        "{granted:?} {people:?}"
    );
    assert_eq!(granted.json()["claims"]["scope"], "read");
    assert_eq!(granted.json()["header"]["typ"], "at+jwt");
    assert!(people.out.starts_with("granted"), "{}", people.out);
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains("invalid_scope"), "{}", refused.out);
    assert_eq!(unknown.json()["refusal"]["reason"], "unknown client");
}

#[tokio::test]
async fn a_request_that_is_not_known_is_no_such_thing() {
    let shell = Shell::migrated().await;

    let nothing = shell.run(&["explain", "--request", "none"]);
    let neither = shell.run(&["explain"]);
    let both = shell.run(&["explain", "--request", "a", "--client", "b"]);

    assert_eq!(nothing.code, 3, "{nothing:?}");
    assert!(nothing.err.contains("the log has every request"));
    assert_eq!((neither.code, both.code), (2, 2));
}

#[tokio::test]
async fn usage_and_overview_are_told_to_people_and_programs() {
    let shell = Shell::migrated().await;
    for arguments in [
        &["overview"][..],
        &["usage", "totals"],
        &["usage", "top"],
        &["usage", "excess", "--over", "30d"],
    ] {
        let people = shell.run(arguments);
        let programs = shell.run(&[arguments, &["--json"]].concat());
        assert_eq!((people.code, programs.code), (0, 0), "{people:?}");
        programs.json();
    }
    let overview = shell.run(&["overview", "--json"]).json();
    assert_eq!(overview["hours"].as_array().unwrap().len(), 720);
    assert_eq!(shell.run(&["usage", "excess", "--over", "1y"]).code, 2);
}

#[tokio::test]
async fn a_quota_and_an_end_by_use_are_set_and_shown() {
    let shell = Shell::migrated().await;
    let create = [
        "client",
        "create",
        "billing",
        "--token-quota",
        "100",
        "--json",
    ];
    let secret_id = shell.run(&create).json()["secret_id"].clone();
    let secret_id = secret_id.as_str().unwrap();
    let shown = shell.run(&["client", "show", "billing", "--json"]).json();
    assert_eq!(shown["token_quota"], 100);
    let update = [
        "client",
        "update",
        "billing",
        "--token-quota",
        "none",
        "--json",
    ];
    assert!(shell.run(&update).json()["token_quota"].is_null());
    for wrong in ["0", "many", "-1"] {
        let argument = format!("--token-quota={wrong}");
        assert_eq!(
            shell.run(&["client", "update", "billing", &argument]).code,
            2
        );
    }

    let expire = [
        "client",
        "secret",
        "expire",
        "billing",
        secret_id,
        "--unused-for",
    ];
    assert_eq!(shell.run(&[&expire[..], &["24h"]].concat()).code, 0);
    let listed = shell.run(&["client", "secret", "list", "billing"]);
    assert!(
        listed.out.contains("never, or 1 day after its last use"),
        "{}",
        listed.out
    );
    let json = shell
        .run(&["client", "secret", "list", "billing", "--json"])
        .json();
    assert_eq!(json[0]["ends_unused_for"], 86_400);
    assert_eq!(shell.run(&[&expire[..], &["never"]].concat()).code, 0);
    assert_eq!(shell.run(&[&expire[..], &["1m"]].concat()).code, 2);
    assert_eq!(shell.run(&["client", "create", ".."]).code, 2);
}
