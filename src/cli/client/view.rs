//! Owns how clients and secrets are printed with when they were last used.

use serde::Serialize;

use crate::app::{ListedIdentity, ListedSecret};
use crate::base::clock::UnixTime;
use crate::cli::output::{self, text_or};
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
    pub(in crate::cli) secrets: Vec<ListedSecret<'a>>,
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
}

pub(in crate::cli) fn table(secrets: &[ListedSecret<'_>]) -> String {
    output::table(
        secrets,
        &[
            ("secret_id", |it| it.secret_id.to_string()),
            ("hint", |it| match it.hint {
                "" => String::new(),
                hint => format!("…{hint}"),
            }),
            ("origin", origin),
            ("created_at", |it| it.created_at.to_string()),
            ("expires_at", expiry),
            ("last_used", |it| {
                in_words(it.last_used_at, it.last_used_from.as_deref())
            }),
            ("uses_24h", |it| it.uses_24h.to_string()),
            ("if_removed", |it| {
                let advice = it.advice.as_ref();
                advice.map_or_else(String::new, |it| it.sentence.clone())
            }),
        ],
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

fn expiry(secret: &ListedSecret<'_>) -> String {
    let ends = text_or(secret.expires_at, "never");
    match secret.ends_unused_for {
        Some(span) => format!("{ends}, or {span} after its last use"),
        None => ends,
    }
}

fn in_words(at: Option<UnixTime>, source: Option<&str>) -> String {
    match (at, source) {
        (Some(at), Some(source)) => format!("{at} from {source}"),
        (_, _) => "never".to_owned(),
    }
}
