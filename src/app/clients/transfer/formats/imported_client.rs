//! Owns what is read from a file of any format: a client to be, or why a row is none.

use crate::app::secrets::crud::ChosenSecret;
use crate::base::clock::UnixTime;
use crate::domain::{Client, ClientId, ClientSecret, ParseError};

/// A client as a file describes it.
#[derive(Debug)]
pub struct ImportedClient {
    /// All of it but its secrets.
    pub client: Client,
    /// Its secrets.
    pub secrets: Vec<ImportedSecret>,
    /// Whether its times and its mark are those of the file.
    pub is_exact: bool,
    /// What of the row has no place here, or another meaning.
    pub remarks: Vec<String>,
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
