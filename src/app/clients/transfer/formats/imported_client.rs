//! Owns what is read from a file of any format: a client to be, or why a row is none.

use serde_json::Value;

use crate::app::clients::spec::{ClientSpec, FieldError};
use crate::app::secrets::crud::ChosenSecret;
use crate::base::clock::UnixTime;
use crate::domain::{
    AuthenticationSettings, Client, ClientChanges, ClientId, ClientSecret, ClientStatus, ManagedBy,
    ParseError,
};

/// A client as a file describes it.
#[derive(Debug)]
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
    /// The mark and the times of an export.
    pub stamps: Option<Stamps>,
    /// What of the row has no place here, or another meaning.
    pub remarks: Vec<String>,
}

/// What an export says beside the fields.
#[derive(Debug)]
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
    ) -> Result<Self, FieldError> {
        Ok(Self {
            client_id,
            fields: spec.changes()?,
            is_complete: false,
            status: spec.status()?,
            secrets: Vec::new(),
            stamps: None,
            remarks: Vec::new(),
        })
    }

    /// A client of another server, by these members of ours; null: the other server has no value.
    pub(in crate::app::clients::transfer) fn of_members<const N: usize>(
        client_id: &str,
        members: [(&str, Value); N],
    ) -> Result<Self, String> {
        let members = members.into_iter();
        let mut members = members
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let spec = ClientSpec::from_texts(&mut members);
        let client_id = named("client_id", ClientId::parse(client_id))?;
        let imported = spec.and_then(|mut spec| Self::of(client_id, &mut spec));
        imported.map_err(|error| error.to_string())
    }

    /// Whether it would take a secret as a new client.
    pub(in crate::app::clients::transfer) fn takes_secrets(&self) -> bool {
        let changes = self.fields.authentication.clone();
        AuthenticationSettings::default()
            .changed(changes)
            .allow_secrets()
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
#[derive(Debug)]
pub enum ImportedSecret {
    /// In clear: hashed before it is stored.
    Plain(ChosenSecret, Option<UnixTime>),
    /// As a hash of an algorithm we understand.
    Hash(String, Option<UnixTime>),
    /// As it was kept by a server like this.
    Kept(ClientSecret),
}

impl ImportedSecret {
    pub(in crate::app::clients::transfer) fn is_live(&self, now: UnixTime) -> bool {
        match self {
            Self::Kept(secret) => secret.is_live(now),
            Self::Plain(_, end) | Self::Hash(_, end) => end.is_none_or(|end| now < end),
        }
    }
}

/// Why a row is no client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// Whom it is about, where that can be told.
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
    pub(in crate::app::clients::transfer) fn skipped(
        client_id: Option<&str>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            is_bad: false,
            ..Self::bad(client_id, reason)
        }
    }
}

/// A row, or why it is none.
pub type Row = Result<ImportedClient, RefusedRow>;

/// What is wrong with a member, by its name.
pub(in crate::app::clients::transfer) fn named<T>(
    name: &str,
    parsed: Result<T, ParseError>,
) -> Result<T, String> {
    parsed.map_err(|error| format!("{name}: {error}"))
}
