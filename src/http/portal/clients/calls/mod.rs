//! Owns the picture of the calls that a client makes on behalf of its callers: for whom their tokens are on the left, the
//! client in the middle, each target with its scopes on the right.

use askama::Template;

use crate::domain::{Client, ExchangeRule, ExchangeUsage};

/// The height of a line of the picture.
const LINE: usize = 48;

/// More characters would not fit.
const MAX_CHARACTERS: usize = 36;

/// The picture, and the rules as a table below it.
#[derive(Template)]
#[template(path = "clients/calls/calls.html")]
pub(super) struct Calls {
    client_id: String,
    middle: usize,
    height: usize,
    callers: Vec<End>,
    targets: Vec<End>,
    rules: Vec<ShownRule>,
    sentence: String,
}

/// An end of an arrow.
struct End {
    y: usize,
    label: String,
    /// Below the label, in small.
    scopes: String,
}

struct ShownRule {
    target: String,
    scopes: String,
    /// `shop:buy → pay`
    map: Vec<String>,
    exchanges: u64,
}

impl Calls {
    /// `None`: the client has no exchange rules.
    pub(super) fn of(client: &Client, usage: &[ExchangeUsage]) -> Option<Self> {
        let rules = client.exchange_rules.iter();
        let rules: Vec<ShownRule> = rules.map(|rule| ShownRule::new(rule, usage)).collect();
        if rules.is_empty() {
            return None;
        }
        let identifiers = client.identifiers.iter();
        let mut callers: Vec<String> = identifiers.map(|it| cut(it.as_str())).collect();
        if callers.is_empty() {
            callers.push("its own tokens".to_owned());
        }
        let lines = rules.len().max(callers.len());
        let ends = |labels: Vec<(String, String)>| {
            let first = (lines - labels.len()) * LINE / 2 + LINE / 2;
            let numbered = labels.into_iter().enumerate();
            let end = |(number, (label, scopes)): (usize, (String, String))| End {
                y: first + number * LINE,
                label,
                scopes,
            };
            numbered.map(end).collect::<Vec<End>>()
        };
        let targets = rules.iter().map(|it| (cut(&it.target), cut(&it.scopes)));
        let names: Vec<&str> = rules.iter().map(|it| it.target.as_str()).collect();
        Some(Self {
            client_id: cut(client.client_id.as_str()),
            middle: lines * LINE / 2,
            height: lines * LINE,
            targets: ends(targets.collect()),
            sentence: format!(
                "With a token for {}, {} may call {} on behalf of its caller.",
                callers.join(" or "),
                client.client_id,
                names.join(", ")
            ),
            callers: ends(callers.into_iter().map(|it| (it, String::new())).collect()),
            rules,
        })
    }
}

impl ShownRule {
    fn new(rule: &ExchangeRule, usage: &[ExchangeUsage]) -> Self {
        let used = usage.iter().find(|it| it.target == *rule.target());
        let map = rule.map().into_iter().flatten();
        Self {
            target: rule.target().to_string(),
            scopes: rule.scopes().to_string(),
            map: map.map(|(from, to)| format!("{from} → {to}")).collect(),
            exchanges: used.map_or(0, |it| it.exchanges),
        }
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_CHARACTERS {
        return text.to_owned();
    }
    let start: String = text.chars().take(MAX_CHARACTERS - 1).collect();
    start + "…"
}
