//! Owns what a client of Ory Hydra is here: the OAuth 2.0 client of its admin API and CLI, or a row of its table
//! `hydra_client`, which alone has the hash of the secret.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::app::clients::spec::members::seconds_since_1970;
use crate::app::clients::transfer::formats::file::is_empty;
use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, RefusedRow, Row, named, there,
};
use crate::app::clients::transfer::formats::lifespan;
use crate::app::clients::transfer::formats::table::{
    take_secret_text, take_text, take_words, texts,
};
use crate::app::clients::transfer::formats::widening::Widening;
use crate::app::clients::transfer::secrets::SecretRules;
use crate::base::json;
use crate::domain::{MAX_LIVE_SECRETS, TokenTtl};

/// Scopes that are for the login of people.
const OF_PEOPLE: [&str; 3] = ["openid", "offline", "offline_access"];

/// Members that say nothing more than others do, or nothing to a machine.
const SILENT: [&str; 6] = [
    "created_at",
    "updated_at",
    "response_types",
    "subject_type",
    "userinfo_signed_response_alg",
    "registration_client_uri",
];

/// What a file says of one client, maybe in two places.
#[derive(Debug)]
pub(super) struct JoinedRow {
    pub(super) line: u64,
    pub(super) row: Result<Object, RefusedRow>,
    /// What of the other place is not taken.
    pub(super) remark: Option<String>,
}

type Object = Map<String, Value>;

/// Joins the rows of one client when one of them at most has its secret: a list lacks the secrets, and a row may have
/// nothing but the id and the secret. A row that says the grant types is whole, and nothing is added to it.
pub(super) fn join(rows: Vec<(u64, Result<Object, RefusedRow>)>) -> Vec<JoinedRow> {
    let mut joined: Vec<JoinedRow> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (line, row) in rows {
        let id = row.as_ref().ok().and_then(client_id).map(str::to_owned);
        // A new ID gets the next place, where nothing is yet.
        let new = joined.len();
        let place = id.map(|id| *places.entry(id).or_insert(new));
        let before = place.and_then(|place| joined.get_mut(place));
        match (before, row) {
            (
                Some(JoinedRow {
                    line: first,
                    row: Ok(before),
                    remark,
                }),
                Ok(mut other),
            ) if !(has(before, SECRET) && has(&other, SECRET)) => {
                let mut other_line = line;
                if is_main(&other, before) {
                    std::mem::swap(before, &mut other);
                    std::mem::swap(first, &mut other_line);
                }
                *remark = complete(before, other, other_line);
            }
            (_, row) => joined.push(JoinedRow {
                line,
                row,
                remark: None,
            }),
        }
    }
    joined
}

const SECRET: &str = "client_secret";
const GRANTS: &str = "grant_types";
const ROTATED: &str = "rotated_secrets";
const TTL: &str = "client_credentials_grant_access_token_lifespan";

fn client_id(row: &Object) -> Option<&str> {
    row.get("client_id").or_else(|| row.get("id"))?.as_str()
}

fn has(row: &Object, name: &str) -> bool {
    row.get(name).is_some_and(|value| !is_empty(value))
}

/// Whether a row goes before another one of the same client.
fn is_main(row: &Object, other: &Object) -> bool {
    let rank = |row: &Object| (has(row, GRANTS) && has(row, SECRET), has(row, GRANTS));
    rank(row) > rank(other)
}

/// Adds what a row lacks. One that is whole has everything but maybe its secret.
fn complete(row: &mut Object, other: Object, line: u64) -> Option<String> {
    let is_whole = has(row, GRANTS) && has(&other, GRANTS);
    for (name, value) in other {
        let is_of_secret = name.starts_with(SECRET) || name == ROTATED;
        if (is_of_secret || !is_whole) && !has(row, &name) {
            row.insert(name, value);
        }
    }
    is_whole.then(|| format!("line {line} also has this client; the values of this line are used"))
}

pub(super) fn parse(row: &mut Map<String, Value>, rules: &SecretRules) -> Row {
    let id = client_id(row).map(str::to_owned);
    let id = id.as_deref();
    let bad = |reason: String| RefusedRow::bad(id, reason);
    if !row.contains_key(GRANTS) {
        let why = "grant_types is missing: the row is not a whole client; add the list of clients to the same file";
        return Err(bad(why.to_owned()));
    }
    let grants = take_words(row, GRANTS).map_err(bad)?;
    let method = take_text(row, "token_endpoint_auth_method").map_err(bad)?;
    let skipped = if !grants.iter().any(|grant| grant == "client_credentials") {
        Some("its grant_types do not contain client_credentials")
    } else if method.as_deref() == Some("none") {
        Some("it is a public client: its token_endpoint_auth_method is `none`")
    } else {
        None
    };
    if let Some(reason) = skipped {
        row.clear();
        return Err(RefusedRow::skipped(id, reason));
    }
    for name in SILENT {
        row.remove(name);
    }
    let there = there(row, &["scope", "audience", "metadata", TTL]);
    let mut imported = parse_members(row, method.clone(), rules).map_err(bad)?;
    let method = method.map(|it| ("token_endpoint_auth_method".to_owned(), it.into()));
    imported.there = Some(there.into_iter().chain(method).collect());
    Ok(imported)
}

fn parse_members(
    row: &mut Map<String, Value>,
    method: Option<String>,
    rules: &SecretRules,
) -> Result<ImportedClient, String> {
    let (id, old_id) = (take_text(row, "client_id")?, take_text(row, "id")?);
    let id = id.or(old_id).ok_or("client_id is missing")?;
    let mut remarks = Vec::new();
    let scope = take_text(row, "scope")?.unwrap_or_default();
    let (people, ours): (Vec<&str>, Vec<&str>) = scope
        .split_ascii_whitespace()
        .partition(|word| OF_PEOPLE.contains(word));
    if !people.is_empty() {
        remarks.push(format!(
            "left out scopes for human login: {}",
            people.join(" ")
        ));
    }
    if ours.iter().any(|word| word.ends_with('*')) {
        remarks.push("`*` in a scope is not a wildcard here".to_owned());
    }
    let method = method.unwrap_or_else(|| "client_secret_basic".to_owned());
    let jwks = take_keys(row)?;
    let is_ttl_unknown = !has(row, TTL);
    let ttl = take_ttl(row, &mut remarks)?;
    let audiences = take_words(row, "audience")?;
    let metadata = row
        .remove("metadata")
        .filter(|it| !is_empty(it) && it != "{}");
    let widenings = [
        metadata.is_some().then_some(Widening::AdminMetadata),
        (!ours.is_empty()).then_some(Widening::NoDefaultScopes),
        Some(match audiences.as_slice() {
            [] => Widening::NoAudiences,
            _ => Widening::NoDefaultAudience,
        }),
        is_ttl_unknown.then_some(Widening::UnknownTtl),
    ];
    let mut imported = ImportedClient::of_members(
        &id,
        [
            ("name", take_text(row, "client_name")?.into()),
            ("scopes", ours.join(" ").into()),
            ("audiences", audiences.join(" ").into()),
            ("metadata", metadata.into()),
            ("token_ttl", ttl.map(TokenTtl::seconds).into()),
            ("auth_methods", method.into()),
            ("jwks", jwks.into()),
            ("jwks_uri", take_text(row, "jwks_uri")?.into()),
        ],
    )?;
    imported.secrets = take_secrets(row, imported.takes_secrets(), rules, &mut remarks)?;
    imported.remarks = remarks;
    imported.widenings = widenings.into_iter().flatten().collect();
    Ok(imported)
}

/// The key set, which the table has as text.
fn take_keys(row: &mut Object) -> Result<Option<Value>, String> {
    let refused = "jwks is not a JWK set";
    let set = match row.remove("jwks") {
        Some(Value::String(text)) if !text.trim().is_empty() => {
            json::from_str(&text).map_err(|_| refused)?
        }
        set => set.unwrap_or_default(),
    };
    if is_empty(&set) {
        Ok(None)
    } else if set.is_object() {
        Ok(Some(set))
    } else {
        Err(refused.to_owned())
    }
}

/// The table has nanoseconds, the API what Go writes of them.
fn take_ttl(row: &mut Object, remarks: &mut Vec<String>) -> Result<Option<TokenTtl>, String> {
    let Some(text) = take_text(row, TTL)? else {
        return Ok(None);
    };
    let nanos = lifespan::go_nanos(&text).ok_or_else(|| {
        format!("{TTL} is neither a duration such as 1h0m0s nor a number of nanoseconds")
    })?;
    Ok(lifespan::of_nanos(nanos, TTL, remarks))
}

/// The secret, and those that it had before and that are still good there.
fn take_secrets(
    row: &mut Object,
    is_needed: bool,
    rules: &SecretRules,
    remarks: &mut Vec<String>,
) -> Result<Vec<ImportedSecret>, String> {
    let expires_at = match row.remove("client_secret_expires_at") {
        Some(Value::Number(number)) => number.as_i64().filter(|at| *at != 0),
        _ => None,
    };
    let expires_at = expires_at.map(seconds_since_1970).transpose();
    let expires_at = named("client_secret_expires_at", expires_at)?;
    let text = take_secret_text(row, SECRET)?;
    let mut rotated = take_rotated(row)?;
    if !is_needed {
        if text.is_some() || !rotated.is_empty() {
            remarks
                .push("left out its secret: its authentication method does not use one".to_owned());
        }
        return Ok(Vec::new());
    }
    let text = text.ok_or(
        "client_secret is missing: Hydra's API does not return it; its table hydra_client has the hash",
    )?;
    // The newest stand first.
    let beyond = rotated.split_off(rotated.len().min(MAX_LIVE_SECRETS - 1));
    if !beyond.is_empty() {
        remarks.push(format!(
            "left out the oldest of its rotated secrets, which still works there: a client can have at most \
                {MAX_LIVE_SECRETS} secrets here"
        ));
    }
    let mut secrets = vec![named(SECRET, rules.read(text, expires_at))?];
    for text in rotated {
        secrets.push(named(ROTATED, rules.read(text, None))?);
    }
    if secrets.len() > 1 {
        let old = secrets.len() - 1;
        remarks.push(format!(
            "imported rotated secrets that do not expire: {old}"
        ));
    }
    Ok(secrets)
}

/// `rotated_secrets`, a column of JSON that Hydra has since 26.2, with the hashes before it, at most five: a list of texts, or JSON of one.
fn take_rotated(row: &mut Object) -> Result<Vec<String>, String> {
    let refused = || format!("{ROTATED} is not a list of strings");
    let list = match row.remove(ROTATED) {
        Some(Value::String(text)) if !text.is_empty() => {
            json::from_str(&text).map_err(|_| refused())?
        }
        list => list.unwrap_or_default(),
    };
    match list.as_array() {
        Some(list) => texts(list).ok_or_else(refused),
        None if is_empty(&list) => Ok(Vec::new()),
        None => Err(refused()),
    }
}
