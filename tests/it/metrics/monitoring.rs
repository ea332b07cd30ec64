//! The alert rules and the dashboard in `docs/monitoring` ask for metrics that there are, in words that Prometheus
//! understands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use super::documents::documented;
use super::{Operator, Page};
use crate::harness::TestApp;

const FOLDER: &str = "docs/monitoring";

/// The expressions of the alerts, by name.
fn alerts() -> BTreeMap<String, String> {
    let rules = rules();
    let named = rules.iter().map(|rule| {
        let field = |name: &str| rule[name].as_str().unwrap().to_owned();
        (field("alert"), field("expr"))
    });
    let alerts: BTreeMap<_, _> = named.collect();
    assert_eq!(alerts.len(), rules.len(), "two of one name");
    alerts
}

/// The rules of all alerts.
fn rules() -> Vec<Yaml> {
    let text = fs::read_to_string(format!("{FOLDER}/alerts.yml")).unwrap();
    let documents = YamlLoader::load_from_str(&text).unwrap();
    documents[0]["groups"][0]["rules"].as_vec().unwrap().clone()
}

#[test]
fn every_alert_leads_to_its_runbook() {
    let page = fs::read_to_string("docs/troubleshooting.md").unwrap();
    let sections: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### TokenServer"))
        .collect();
    let (rules, mut seen) = (rules(), BTreeSet::new());
    for rule in &rules {
        let name = rule["alert"].as_str().unwrap();
        let place = format!("troubleshooting.md#{}", name.to_lowercase());
        let runbook = rule["annotations"]["runbook"].as_str();
        assert_eq!(runbook, Some(place.as_str()), "{name}");
        seen.insert(name.strip_prefix("TokenServer").unwrap());
    }
    assert_eq!(seen, sections);
}

fn dashboard() -> Value {
    let text = fs::read_to_string(format!("{FOLDER}/dashboard.json")).unwrap();
    token_server::base::json::from_str(&text).unwrap()
}

/// The panels that show something.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels.filter(|panel| panel["type"] != "row").collect()
}

/// What the dashboard asks, with its variables as Grafana would fill them in.
fn questions(dashboard: &Value) -> Vec<String> {
    let panels = panels(dashboard);
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let selectors = variables.filter_map(|variable| {
        let definition = variable["definition"].as_str()?;
        let selector = definition.strip_prefix("label_values(")?;
        Some(selector.rsplit_once(',').unwrap().0)
    });
    let asked = targets
        .map(|target| target["expr"].as_str().unwrap())
        .chain(selectors);
    asked
        .map(|expr| {
            expr.replace("$__rate_interval", "5m")
                .replace("$job", "token-server")
                .replace("$instance", ".*")
        })
        .collect()
}

/// A metric that is asked for, and what its labels must be.
#[derive(Debug)]
struct Selector {
    name: String,
    matchers: Vec<(String, String, String)>,
}

fn selectors(expr: &str) -> Vec<Selector> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = expr;
    while let Some(start) = rest.find(is_name) {
        rest = &rest[start..];
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        rest = after;
        if !name.starts_with("token_server_") && !name.starts_with("process_") {
            continue;
        }
        let braces = after
            .strip_prefix('{')
            .and_then(|inside| inside.split_once('}'));
        let matchers = braces.map_or("", |(inside, _)| inside);
        if let Some((_, outside)) = braces {
            rest = outside;
        }
        let matcher = |text: &str| {
            let (label, value) = text.split_once(['=', '!']).unwrap();
            let operator = if value.starts_with('~') { "=~" } else { "=" };
            let value = value.trim_start_matches(['=', '~']).trim_matches('"');
            (label.to_owned(), operator.to_owned(), value.to_owned())
        };
        found.push(Selector {
            name: name.strip_suffix("_bucket").unwrap_or(name).to_owned(),
            matchers: matchers
                .split(',')
                .filter(|text| !text.is_empty())
                .map(matcher)
                .collect(),
        });
    }
    found
}

/// Everything that is asked for, and where.
fn asked() -> Vec<(String, Selector)> {
    let alerts = alerts().into_iter();
    let shown = questions(&dashboard())
        .into_iter()
        .map(|expr| (expr.clone(), expr));
    alerts
        .chain(shown)
        .flat_map(|(place, expr)| {
            let found = selectors(&expr).into_iter();
            found.map(move |selector| (place.clone(), selector))
        })
        .collect()
}

/// A page of a service with key pairs, on which more series are than on one without.
async fn page() -> Page {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    test.app.secrets.count_expiring().await.unwrap();
    test.get("/verify").await;
    Operator::of(&test).page().await
}

#[tokio::test]
async fn every_metric_that_is_asked_for_is_told_with_the_labels_that_it_is_asked_by() {
    let (page, documented) = (page().await, documented());

    for (place, selector) in asked() {
        let name = &selector.name;
        assert!(page.types.contains_key(name), "{place}: there is no {name}");
        let (_, labels) = &documented[name];
        for (label, operator, value) in &selector.matchers {
            if ["job", "instance"].contains(&label.as_str()) {
                continue;
            }
            assert!(
                labels.contains(label),
                "{place}: {name} has no label {label}"
            );
            let wanted: Vec<&str> = match operator.as_str() {
                "=~" => value.split('|').collect(),
                _ => vec![value],
            };
            // One of another database is not on this page.
            if label == "database" {
                continue;
            }
            for value in wanted {
                let matcher = format!("{label}=\"{value}\"");
                let mut series = page.samples().map(|(series, _)| series);
                let found =
                    series.any(|series| series.starts_with(name) && series.contains(&matcher));
                assert!(found, "{place}: no {name} has {matcher}");
            }
        }
    }
}

#[tokio::test]
async fn every_metric_is_on_the_dashboard_or_in_an_alert() {
    let used: BTreeSet<String> = asked().into_iter().map(|(_, it)| it.name).collect();

    let told: BTreeSet<String> = page().await.types.into_keys().collect();

    assert_eq!(
        told.difference(&used).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
}

#[test]
fn every_panel_has_a_place_of_its_own_and_says_what_it_shows() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{title}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{title} lies on another");
            }
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        assert!(!panel["targets"].as_array().unwrap().is_empty(), "{title}");
    }
}

/// What `promtool` says of it; `scripts/interop` sees to it that there is one.
fn promtool(arguments: &[&str], file: &Path) {
    let own = Path::new("target/promtool/usr/bin/promtool");
    let program = if own.exists() {
        own
    } else {
        Path::new("promtool")
    };
    let ran = Command::new(program).args(arguments).arg(file).output();
    let ran = ran.unwrap_or_else(|error| panic!("promtool: {error}; scripts/interop installs it"));
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
#[ignore = "interop"]
fn prometheus_takes_the_alerts() {
    promtool(&["check", "rules"], &Path::new(FOLDER).join("alerts.yml"));
}

#[test]
#[ignore = "interop"]
fn the_alerts_fire_when_they_should_and_not_while_all_is_well() {
    promtool(
        &["test", "rules"],
        &Path::new(FOLDER).join("alerts.test.yml"),
    );
}

#[test]
#[ignore = "interop"]
fn prometheus_understands_every_question_of_the_dashboard() {
    let folder = tempfile::TempDir::new().unwrap();
    let rules = (0..).zip(questions(&dashboard())).map(|(number, expr)| {
        serde_json::json!({ "record": format!("question:{number}"), "expr": expr })
    });
    let rules: Vec<Value> = rules.collect();
    let groups = serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    // JSON is YAML.
    let file = folder.path().join("dashboard.yml");
    fs::write(&file, groups.to_string()).unwrap();

    promtool(&["check", "rules"], &file);
}
