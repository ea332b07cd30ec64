//! A page of metrics, read strictly: what is not in the format is a failure.

use std::collections::{BTreeMap, BTreeSet};

/// A page of metrics.
pub(crate) struct Page {
    /// Names as in a query, with their types.
    pub(super) types: BTreeMap<String, String>,
    /// Names with the labels that some series of theirs has.
    pub(super) labels: BTreeMap<String, BTreeSet<String>>,
    /// `name{label="value"}`, labels in the order in which they are written.
    samples: BTreeMap<String, f64>,
}

impl Page {
    pub(super) fn parse(text: &str) -> Self {
        let mut page = Self {
            types: BTreeMap::new(),
            labels: BTreeMap::new(),
            samples: BTreeMap::new(),
        };
        let body = text.strip_suffix("# EOF\n").unwrap();
        let mut family = String::new();
        for line in body.lines() {
            if let Some(typed) = line.strip_prefix("# TYPE ") {
                let (name, kind) = typed.split_once(' ').unwrap();
                name.clone_into(&mut family);
                let queried = if kind == "counter" { "_total" } else { "" };
                let known = page
                    .types
                    .insert(format!("{name}{queried}"), kind.to_owned());
                assert_eq!(known, None, "{name} is there twice");
            } else if let Some(help) = line.strip_prefix("# HELP ") {
                assert!(
                    help.split_once(' ')
                        .is_some_and(|(_, text)| !text.is_empty())
                );
            } else {
                page.sample(&family, line);
            }
        }
        page
    }

    fn sample(&mut self, family: &str, line: &str) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap();
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
            None => (series, ""),
        };
        let suffix = name
            .strip_prefix(family)
            .unwrap_or_else(|| panic!("{line} is not of {family}"));
        assert!(
            ["", "_total", "_sum", "_count", "_bucket"].contains(&suffix),
            "{line}"
        );
        let queried = if suffix == "_total" { name } else { family };
        let names = self.labels.entry(queried.to_owned()).or_default();
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let (name, value) = label.split_once("=\"").unwrap();
            assert!(!value.trim_end_matches('"').contains(['"', '\\']), "{line}");
            names.extend((name != "le").then(|| name.to_owned()));
        }
        let known = self.samples.insert(series.to_owned(), value);
        assert_eq!(known, None, "{series} is there twice");
    }

    /// The value of a series of this service, which has to be there and whole.
    #[track_caller]
    pub(crate) fn get(&self, series: &str) -> i64 {
        let found = self.find(series);
        found.unwrap_or_else(|| panic!("there is no {series}"))
    }

    /// The same, of one that may be missing.
    pub(crate) fn find(&self, series: &str) -> Option<i64> {
        let value = self.samples.get(&format!("token_server_{series}"))?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what is cut off would be seen"
        )]
        let whole = *value as i64;
        assert_eq!(whole.to_string(), value.to_string(), "{series}");
        Some(whole)
    }

    /// Whether a series of this service, which has to be there, is more than zero.
    #[track_caller]
    pub(super) fn is_positive(&self, series: &str) -> bool {
        self.samples[&format!("token_server_{series}")] > 0.0
    }

    /// Every series with its value.
    pub(super) fn samples(&self) -> impl Iterator<Item = (&str, f64)> {
        let samples = self.samples.iter();
        samples.map(|(series, value)| (series.as_str(), *value))
    }
}
