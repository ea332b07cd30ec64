//! Owns how clients and secrets are printed with when they were last used.

use serde::Serialize;

use crate::base::clock::UnixTime;
use crate::cli::output;
use crate::domain::{
    Client, ClientRecord, ClientSecret, ClientUses, LastUsed, SecretAdvice, SecretUses,
};

/// When something was last used; null: not since it was made, or since that is counted.
#[derive(Default, Serialize)]
pub(in crate::cli) struct LastUsedLine {
    last_used_at: Option<UnixTime>,
    last_used_from: Option<String>,
}

/// A client in a list.
#[derive(Serialize)]
pub(in crate::cli) struct ListedClient<'a> {
    #[serde(flatten)]
    pub(in crate::cli) client: &'a Client,
    #[serde(flatten)]
    pub(in crate::cli) last: LastUsedLine,
}

/// A client and its secrets.
#[derive(Serialize)]
pub(in crate::cli) struct ShownClient<'a> {
    #[serde(flatten)]
    client: ListedClient<'a>,
    secrets: Vec<ShownSecret<'a>>,
}

/// A secret's dates.
#[derive(Serialize)]
pub(in crate::cli) struct ShownSecret<'a> {
    #[serde(flatten)]
    secret: &'a ClientSecret,
    #[serde(flatten)]
    last: LastUsedLine,
    uses_24h: u64,
    /// What would come of removing it.
    advice: SecretAdvice,
}

impl From<Option<&LastUsed>> for LastUsedLine {
    fn from(last: Option<&LastUsed>) -> Self {
        Self {
            last_used_at: last.map(|last| last.used_at),
            last_used_from: last.map(|last| last.source.to_string()),
        }
    }
}

impl<'a> ShownClient<'a> {
    pub(in crate::cli) fn new(record: &'a ClientRecord, uses: &ClientUses, now: UnixTime) -> Self {
        Self {
            client: ListedClient {
                client: &record.client,
                last: LastUsedLine::from(uses.last.as_ref()),
            },
            secrets: secrets(&record.secrets, uses, now),
        }
    }

    /// When it was last used, for people.
    pub(in crate::cli) fn last_used(&self) -> String {
        in_words(&self.client.last)
    }

    /// Its secrets, for people.
    pub(in crate::cli) fn secrets_table(&self) -> String {
        table(&self.secrets)
    }
}

pub(in crate::cli) fn secrets<'a>(
    secrets: &'a [ClientSecret],
    uses: &ClientUses,
    now: UnixTime,
) -> Vec<ShownSecret<'a>> {
    let shown = |secret: &'a ClientSecret| {
        let found: Option<&SecretUses> = uses.of_secret(&secret.secret_id);
        ShownSecret {
            secret,
            last: LastUsedLine::from(found.map(|uses| &uses.last)),
            uses_24h: found.map_or(0, |uses| uses.uses_24h),
            advice: SecretAdvice::new(secret, secrets, uses, now),
        }
    };
    secrets.iter().map(shown).collect()
}

pub(in crate::cli) fn table(secrets: &[ShownSecret<'_>]) -> String {
    let header = [
        "secret_id",
        "hint",
        "origin",
        "created_at",
        "expires_at",
        "last_used",
        "uses_24h",
        "if_removed",
    ];
    output::table(
        &header,
        secrets.iter().map(|shown| {
            let secret = shown.secret;
            vec![
                secret.secret_id.to_string(),
                if secret.hint.is_empty() {
                    String::new()
                } else {
                    format!("…{}", secret.hint)
                },
                secret.origin.as_str().to_owned(),
                secret.created_at.to_string(),
                ends(shown),
                in_words(&shown.last),
                shown.uses_24h.to_string(),
                shown.advice.sentence.clone(),
            ]
        }),
    )
}

fn ends(shown: &ShownSecret<'_>) -> String {
    let expiry = expiry(shown.secret);
    match shown.secret.unused_for {
        Some(span) => format!("{expiry}, or {span} after its last use"),
        None => expiry,
    }
}

pub(in crate::cli) fn expiry(secret: &ClientSecret) -> String {
    secret
        .expires_at
        .map_or_else(|| "never".to_owned(), |at| at.to_string())
}

fn in_words(last: &LastUsedLine) -> String {
    match (last.last_used_at, &last.last_used_from) {
        (Some(at), Some(source)) => format!("{at} from {source}"),
        (_, _) => "never".to_owned(),
    }
}
