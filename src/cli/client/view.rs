//! Owns how clients and secrets are printed with when they were last used.

use serde::Serialize;

use crate::app::{ListedIdentity, ListedSecret};
use crate::base::clock::UnixTime;
use crate::cli::output;
use crate::domain::{Client, ClientRecord, ClientUses, LastUsed};

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
    secrets: Vec<ListedSecret<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identity_usage: Vec<ListedIdentity<'a>>,
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
    pub(in crate::cli) fn new(
        record: &'a ClientRecord,
        uses: &'a ClientUses,
        now: UnixTime,
    ) -> Self {
        Self {
            client: ListedClient {
                client: &record.client,
                last: LastUsedLine::from(uses.last.as_ref()),
            },
            secrets: ListedSecret::list(record, uses, Some(now)),
            identity_usage: ListedIdentity::list(&record.client.authentication.identities, uses),
        }
    }

    /// When it was last used, for people.
    pub(in crate::cli) fn last_used(&self) -> String {
        let last = &self.client.last;
        in_words(last.last_used_at, last.last_used_from.as_deref())
    }

    /// Whether its secrets are still needed beside its identities; `None`: it has not both.
    pub(in crate::cli) fn secrets_beside_identity(&self) -> Option<String> {
        let has_identity = !self.client.client.authentication.identities.is_empty();
        if !has_identity || self.secrets.is_empty() {
            return None;
        }
        let needed = self.secrets.iter().filter(|secret| {
            let advice = secret.advice.as_ref();
            advice.is_none_or(|advice| !advice.is_safe)
        });
        let needed: Vec<&str> = needed.map(|secret| secret.secret_id.as_str()).collect();
        Some(if needed.is_empty() {
            "no longer used: safe to remove".to_owned()
        } else {
            format!("still needed: {}", needed.join(", "))
        })
    }

    /// Its secrets, for people.
    pub(in crate::cli) fn secrets_table(&self) -> String {
        table(&self.secrets)
    }
}

pub(in crate::cli) fn table(secrets: &[ListedSecret<'_>]) -> String {
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
        secrets.iter().map(|secret| {
            let hint = match secret.hint {
                "" => String::new(),
                hint => format!("…{hint}"),
            };
            let mut ends = expiry(secret.expires_at);
            if let Some(span) = secret.ends_unused_for {
                ends += &format!(", or {span} after its last use");
            }
            let advice = secret.advice.as_ref();
            vec![
                secret.secret_id.to_string(),
                hint,
                origin(secret),
                secret.created_at.to_string(),
                ends,
                in_words(secret.last_used_at, secret.last_used_from.as_deref()),
                secret.uses_24h.to_string(),
                advice.map_or_else(String::new, |it| it.sentence.clone()),
            ]
        }),
    )
}

fn origin(secret: &ListedSecret<'_>) -> String {
    let vouched = if secret.vouched {
        ", declared as generated"
    } else {
        ""
    };
    format!("{}{vouched}", secret.origin)
}

pub(in crate::cli) fn expiry(expires_at: Option<UnixTime>) -> String {
    expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string())
}

fn in_words(at: Option<UnixTime>, source: Option<&str>) -> String {
    match (at, source) {
        (Some(at), Some(source)) => format!("{at} from {source}"),
        (_, _) => "never".to_owned(),
    }
}
