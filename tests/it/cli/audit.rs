use serde_json::Value;

use crate::harness::{Ran, Shell};

async fn with_clients() -> Shell {
    let shell = Shell::migrated().await;
    for id in ["a", "b"] {
        assert_eq!(shell.run(&["client", "create", id]).code, 0);
    }
    assert_eq!(shell.run(&["client", "update", "a", "--name", "A"]).code, 0);
    shell
}

fn ids(ran: &Ran) -> Vec<i64> {
    let list = ran.json();
    let events = list["events"].as_array().unwrap().iter();
    events
        .map(|event| event["event_id"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn the_trail_names_who_ran_a_command_and_is_listed_newest_first() {
    let shell = with_clients().await;
    let list = |arguments: &[&str]| shell.run(&[&["audit", "list"], arguments].concat());

    let all = list(&["--json"]);
    let first = &all.json()["events"][0];
    assert_eq!(ids(&all), [3, 2, 1]);
    assert_eq!(first["actor_type"], "cli");
    let id = std::process::Command::new("id")
        .arg("-un")
        .output()
        .unwrap();
    assert_eq!(first["actor"], String::from_utf8(id.stdout).unwrap().trim());
    assert_eq!(first["after"]["name"], "A");
    assert_eq!(all.json()["before"], Value::Null);

    let page = list(&["--json", "--limit", "2"]);
    assert_eq!(
        (ids(&page), page.json()["before"].as_i64()),
        (vec![3, 2], Some(2))
    );
    assert_eq!(ids(&list(&["--json", "--before", "2"])), [1]);
    assert_eq!(ids(&list(&["--json", "--client", "a"])), [3, 1]);
    assert_eq!(ids(&list(&["--json", "--action", "client.create"])), [2, 1]);
    assert_eq!(ids(&list(&["--json", "--actor", "server"])), [0; 0]);
    assert_eq!(ids(&list(&["--json", "--since", "1h"])), [3, 2, 1]);
    assert_eq!(
        ids(&list(&["--json", "--until", "2020-01-01T00:00:00Z"])),
        [0; 0]
    );
    let table = list(&[]);
    assert!(table.out.contains("client.update"), "{table:?}");
    for mistake in [
        ["--actor", "root"],
        ["--action", "client"],
        ["--since", "yesterday"],
    ] {
        assert_eq!(list(&mistake).code, 2, "{mistake:?}");
    }
}

#[tokio::test]
async fn the_trail_is_exported_oldest_first_as_json_lines_and_as_csv() {
    let shell = with_clients().await;
    let name = "=1+1";
    assert_eq!(shell.run(&["client", "create", name]).code, 0);

    let lines = shell.run(&["audit", "export"]);
    let lines: Vec<Value> = lines
        .out
        .lines()
        .map(|line| token_server::base::json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["event_id"], 1);
    assert_eq!(lines[3]["client_id"], name);

    let table = shell.run(&["audit", "export", "--format", "csv"]);
    let mut table = csv::Reader::from_reader(table.out.as_bytes());
    assert_eq!(table.headers().unwrap().get(9), Some("client_id"));
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!((rows.len(), &rows[0][0]), (4, "1"));
    // No formula to a spreadsheet.
    assert_eq!(&rows[3][9], "'=1+1");
    let after: Value = token_server::base::json::from_str(&rows[2][11]).unwrap();
    assert_eq!(after["name"], "A");
}

#[tokio::test]
async fn verify_tells_a_good_trail_from_a_broken_one() {
    let shell = with_clients().await;

    let good = shell.run(&["audit", "verify", "--json"]);
    assert_eq!((good.code, good.json()["good"].as_bool()), (0, Some(true)));
    let last = &good.json()["last"];
    let known = format!("{}:{}", last["event_id"], last["hash"].as_str().unwrap());
    assert!(shell.run(&["audit", "verify"]).out.contains(&known));
    let verify = ["audit", "verify", "--known", &known];
    assert_eq!(shell.run(&verify).code, 0);

    let sql = "update audit_events set actor = 'nobody' where event_id = 2";
    assert_eq!(shell.database().execute(sql).await, 1);

    let broken = shell.run(&["audit", "verify", "--json"]);
    assert_eq!(broken.code, 1);
    assert_eq!(broken.json()["broken"]["event_id"], 2);
    assert!(shell.run(&verify).out.starts_with("broken at the event 2:"));
}

/// A trail whose last event was written under a secret that nobody has any more.
async fn with_a_lost_secret() -> Shell {
    let shell = with_clients().await;
    let sql = "update audit_events set key_id = 'f0f0f0f0f0f0f0f0' where event_id = 3";
    for sql in [sql, "update audit_head set key_id = 'f0f0f0f0f0f0f0f0'"] {
        assert_eq!(shell.database().execute(sql).await, 1);
    }
    shell
}

#[tokio::test]
async fn a_trail_that_cannot_go_on_is_an_error_of_changes_and_a_failure_of_check() {
    let shell = with_a_lost_secret().await;
    shell.certificate();

    let refused = shell.run(&["client", "create", "c"]);

    assert_eq!(refused.code, 1);
    let why = "has the key `f0f0f0f0f0f0f0f0`, which is neither SECRET's nor SECRET_PREVIOUS's";
    assert!(refused.err.contains(why), "{refused:?}");
    assert!(refused.err.contains("audit accept-head"), "{refused:?}");
    let check = shell.run(&["check"]);
    assert_eq!(check.code, 1);
    let failure = "FAIL  audit trail: the server cannot append an event, and refuses every change: its last event, 3, ";
    assert!(check.out.contains(failure), "{}", check.out);
}

#[tokio::test]
async fn accept_head_asks_first_and_goes_on_with_the_trail() {
    let shell = with_a_lost_secret().await;
    let asked = shell.run(&["audit", "accept-head"]);
    assert_eq!(asked.code, 2, "{asked:?}");
    assert!(asked.err.contains("add --yes"), "{asked:?}");
    assert!(asked.err.contains("its last event is 3:"), "{asked:?}");
    assert_eq!(shell.run(&["client", "create", "c"]).code, 1);

    let accepted = shell.run(&["audit", "accept-head", "--yes"]);

    assert_eq!(accepted.code, 0, "{accepted:?}");
    assert!(
        accepted.out.starts_with("accepted: the trail up to 3:"),
        "{accepted:?}"
    );
    assert_eq!(shell.run(&["client", "create", "c"]).code, 0);
    let good = shell.run(&["audit", "verify"]);
    assert_eq!(good.code, 0);
    assert!(
        good.out.contains("not verified: the events before 4"),
        "{good:?}"
    );
    let again = shell.run(&["audit", "accept-head"]);
    assert!(again.err.contains("nothing to accept"), "{again:?}");
}
