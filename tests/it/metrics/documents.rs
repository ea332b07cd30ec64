//! `docs/metrics.md` and the metrics that there are say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::Operator;
use crate::harness::TestApp;

/// What the tables say: name, type and labels.
pub(super) fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let text = fs::read_to_string("docs/metrics.md").unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let labels = cells[3].split(';').flat_map(|part| {
            // The values stand behind a colon.
            let names = part.split(':').next().unwrap().split(',');
            names.map(|name| name.trim().trim_matches('`').to_owned())
        });
        let labels = labels.filter(|name| !name.is_empty()).collect();
        let name = cells[1].trim_matches('`').to_owned();
        (name, (cells[2].to_owned(), labels))
    };
    rows.map(row).collect()
}

#[tokio::test]
async fn every_name_that_is_told_is_documented_with_its_type_and_labels() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    test.app.secrets.count_expiring().await.unwrap();
    let page = Operator::of(&test).page().await;

    let documented = documented();

    let told: BTreeSet<_> = page.types.keys().collect();
    assert_eq!(documented.keys().collect::<BTreeSet<_>>(), told);
    for (name, (kind, labels)) in &documented {
        assert_eq!(&page.types[name], kind, "{name}");
        // A series that is not there yet has no labels to compare.
        if let Some(told) = page.labels.get(name) {
            assert_eq!(labels, told, "{name}");
        }
    }
}

#[tokio::test]
async fn every_value_of_a_label_is_one_of_a_fixed_list() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    test.authorize("a stranger", "a secret").await;
    test.verify(&test.token(&secret).await).await;
    test.get("/no/such/path").await;

    let answer = Operator::of(&test).get("/metrics").await;

    for name in ["stranger", "billing", "192.0.2.1", "/no/such"] {
        assert!(!answer.text().contains(name), "{name}");
    }
}
