//! Owns what is read from a file of any format: a client to be, or why a row is none.

use serde_json::{Map, Value};

use crate::app::clients::spec::ClientSpec;
use crate::app::clients::transfer::formats::widening::Widening;
use crate::app::secrets::crud::ChosenSecret;
use crate::base::clock::UnixTime;
use crate::domain::{
    AuthenticationSettings, Client, ClientChanges, ClientId, ClientSecret, ClientStatus, ManagedBy,
    ParseError, SecretId, is_strong,
};

/// A client as a file describes it.
#[derive(Clone, Debug)]
pub struct ImportedClient {
    /// Its id.
    pub client_id: ClientId,
    /// What the file says of its fields.
    pub fields: ClientChanges,
    /// Whether a field of which the file says nothing gets its default. Else it stays as it is.
    pub is_complete: bool,
    /// Whether it is enabled; `None`: as it is. A client that somebody has disabled in haste must not come back by itself.
    pub status: Option<ClientStatus>,
    /// Its secrets.
    pub secrets: Vec<ImportedSecret>,
    /// What becomes of other secrets that it has.
    pub other_secrets: OtherSecrets,
    /// The mark and the times of an export.
    pub stamps: Option<Stamps>,
    /// What of the row has no place here, or another meaning.
    pub remarks: Vec<String>,
    /// What it could do here that it could not there.
    pub widenings: Vec<Widening>,
    /// What another server has of it, in the words of that server; no secrets.
    pub there: Option<Map<String, Value>>,
}

/// What becomes of the secrets of a client that a file does not have.
#[derive(Clone, Copy, Debug)]
pub enum OtherSecrets {
    /// They are removed.
    Removed,
    /// They stay.
    Left,
    /// They stay; when none is live, one is made.
    LeftOrMade,
}

/// What an export says beside the fields.
#[derive(Clone, Debug)]
pub struct Stamps {
    /// The manifest that manages the client.
    pub managed_by: Option<ManagedBy>,
    /// When it was registered.
    pub created_at: UnixTime,
    /// When it was last changed.
    pub updated_at: UnixTime,
}

impl ImportedClient {
    /// What a document says of a client, without secrets.
    pub(in crate::app::clients::transfer) fn of(
        client_id: ClientId,
        spec: &mut ClientSpec,
    ) -> Result<Self, String> {
        Ok(Self {
            client_id,
            fields: spec.changes()?,
            is_complete: false,
            status: spec.status()?,
            secrets: Vec::new(),
            other_secrets: OtherSecrets::Removed,
            stamps: None,
            remarks: Vec::new(),
            widenings: Vec::new(),
            there: None,
        })
    }

    /// A client of another server, by these members of ours; null: the other server has no value.
    pub(super) fn of_members<const N: usize>(
        client_id: &str,
        members: [(&str, Value); N],
    ) -> Result<Self, String> {
        let members = members.into_iter();
        let mut members = members
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let spec = ClientSpec::from_texts(&mut members);
        let client_id = named("client_id", ClientId::parse(client_id))?;
        Self::of(client_id, &mut spec?)
    }

    /// Whether it would take a secret as a new client.
    pub(super) fn takes_secrets(&self) -> bool {
        let changes = self.fields.authentication.clone();
        AuthenticationSettings::default()
            .changed(changes)
            .allow_secrets()
    }

    /// The ids of its secrets, where the file says them.
    pub(in crate::app::clients::transfer) fn secret_ids(&self) -> impl Iterator<Item = &SecretId> {
        self.secrets.iter().filter_map(|secret| match secret {
            ImportedSecret::Kept(secret) => Some(&secret.secret_id),
            ImportedSecret::Plain(..) | ImportedSecret::Hash(..) => None,
        })
    }

    /// How many secrets its methods have to allow. An export may have some from before the methods changed.
    pub(in crate::app::clients::transfer) fn count_new_secrets(&self) -> usize {
        match self.other_secrets {
            OtherSecrets::LeftOrMade => 1,
            OtherSecrets::Removed if self.stamps.is_none() => self.secrets.len(),
            OtherSecrets::Removed | OtherSecrets::Left => 0,
        }
    }

    /// The secrets that it is to have where there are the `known` ones, and whether one more is to be made.
    pub(in crate::app::clients::transfer) fn take_secrets(
        &mut self,
        known: &[ClientSecret],
        now: UnixTime,
    ) -> (Vec<ImportedSecret>, bool) {
        let left = || known.iter().cloned().map(ImportedSecret::Kept).collect();
        match self.other_secrets {
            OtherSecrets::Left => (left(), false),
            OtherSecrets::LeftOrMade => (left(), !known.iter().any(|it| it.is_live(now))),
            OtherSecrets::Removed => {
                let mut secrets = std::mem::take(&mut self.secrets);
                if self.stamps.is_none() {
                    for secret in &mut secrets {
                        secret.renew(known);
                    }
                }
                (secrets, false)
            }
        }
    }

    /// Remarks what a manifest leaves open.
    pub(in crate::app::clients::transfer) fn add_remarks(
        &mut self,
        client: &Client,
        has_secret: bool,
    ) {
        let is_left_off = self.status.is_none() && client.status == ClientStatus::Disabled;
        let has_none = client.authentication.allow_secrets() && !has_secret;
        let remarks = [
            is_left_off.then_some("it is disabled here, and the file has no status"),
            has_none.then_some("it has no valid secret"),
        ];
        let remarks = remarks.into_iter().flatten();
        self.remarks.extend(remarks.map(str::to_owned));
    }

    /// Whether the file says no times of it, or those of `client`.
    pub(in crate::app::clients::transfer) fn has_times_of(&self, client: &Client) -> bool {
        self.stamps.as_ref().is_none_or(|it| {
            it.created_at == client.created_at && it.updated_at == client.updated_at
        })
    }

    /// The client as it will be, beside what is there.
    pub(in crate::app::clients::transfer) fn client_beside(
        &self,
        before: Option<&Client>,
        now: UnixTime,
    ) -> Client {
        let mut client = match before {
            Some(before) if !self.is_complete => before.clone(),
            Some(_) | None => Client::new(self.client_id.clone(), now),
        };
        self.fields.clone().apply_to(&mut client);
        let before_status = before.map_or(ClientStatus::Enabled, |it| it.status);
        client.status = self.status.unwrap_or(before_status);
        match &self.stamps {
            Some(stamps) => {
                client.managed_by.clone_from(&stamps.managed_by);
                client.created_at = stamps.created_at;
                client.updated_at = stamps.updated_at;
            }
            None => {
                client.managed_by = before.and_then(|it| it.managed_by.clone());
                client.created_at = before.map_or(now, |it| it.created_at);
                client.updated_at = now;
            }
        }
        client
    }
}

/// A secret as a file has it.
#[derive(Clone, Debug)]
pub enum ImportedSecret {
    /// In clear: hashed before it is stored.
    Plain(ChosenSecret, Option<UnixTime>),
    /// As a hash of an algorithm we understand.
    Hash(String, Option<UnixTime>),
    /// As a server like this stores it.
    Kept(ClientSecret),
}

impl ImportedSecret {
    pub(in crate::app::clients::transfer) fn is_live(&self, now: UnixTime) -> bool {
        match self {
            Self::Kept(secret) => secret.is_live(now),
            Self::Plain(_, end) | Self::Hash(_, end) => end.is_none_or(|end| now < end),
        }
    }

    /// Whether it is one of those that are there; a hash of the file with this word of the operator's.
    pub(in crate::app::clients::transfer) fn is_one_of(
        &self,
        there: &[ClientSecret],
        is_vouched: bool,
    ) -> bool {
        match self {
            Self::Plain(..) => false,
            Self::Hash(hash, end) => there
                .iter()
                .any(|it| (&it.secret_hash, it.expires_at, it.vouched) == (hash, *end, is_vouched)),
            Self::Kept(secret) => there.contains(secret),
        }
    }

    /// Whether it is known to be too weak for one that was generated. A hash does not tell.
    pub(in crate::app::clients::transfer) fn is_weak(&self) -> bool {
        match self {
            Self::Plain(secret, _) => !is_strong(secret.plain().expose()),
            Self::Hash(..) | Self::Kept(_) => false,
        }
    }

    /// Of a secret that is known by its id, a manifest says the end only: its hash was renewed when it was first used.
    fn renew(&mut self, known: &[ClientSecret]) {
        if let Self::Kept(secret) = self
            && let Some(known) = known.iter().find(|it| it.secret_id == secret.secret_id)
        {
            *secret = ClientSecret {
                expires_at: secret.expires_at,
                unused_for: secret.unused_for.or(known.unused_for),
                ..known.clone()
            };
        }
    }
}

/// Why a row is no client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// The client, if it is known.
    pub client_id: Option<String>,
    /// Why.
    pub reason: String,
    /// Whether that is a mistake, and not just none for us.
    pub is_bad: bool,
}

impl RefusedRow {
    /// A mistake.
    pub(in crate::app::clients::transfer) fn bad(
        client_id: Option<&str>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            // What is none may be anything, and is shown to people.
            client_id: client_id.and_then(|id| Some(ClientId::parse(id).ok()?.to_string())),
            reason: reason.into(),
            is_bad: true,
        }
    }

    /// None for us.
    pub(super) fn skipped(client_id: Option<&str>, reason: impl Into<String>) -> Self {
        Self {
            is_bad: false,
            ..Self::bad(client_id, reason)
        }
    }
}

/// A member that is a text.
pub(super) fn text_in(row: &Map<String, Value>, name: &str) -> Option<String> {
    row.get(name)?.as_str().map(str::to_owned)
}

/// What of a row of another server can be compared with the client here.
pub(super) fn there(row: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let members = names.iter().filter_map(|name| row.get_key_value(*name));
    members
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A row, or why it is none.
pub type Row = Result<ImportedClient, RefusedRow>;

/// What is wrong with a member, by its name.
pub(super) fn named<T>(name: &str, parsed: Result<T, ParseError>) -> Result<T, String> {
    parsed.map_err(|error| format!("{name}: {error}"))
}
