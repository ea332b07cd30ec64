//! Owns how an identity of a client is shown to programs, with when it was last used.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::domain::{ClientIdentity, ClientUses, Identities};

/// An identity of a client, and when it was last used.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedIdentity<'a> {
    /// `issuer`, `subject` and `claims`, as the client has them
    #[schema(value_type = Object)]
    pub identity: &'a ClientIdentity,
    /// Null: not since it was added, or since the server has counted usage
    pub last_used_at: Option<UnixTime>,
    /// The caller's address
    pub last_used_from: Option<String>,
    /// The `sub` of the last token
    pub last_subject: Option<&'a str>,
}

impl<'a> ListedIdentity<'a> {
    /// The identities of a client, in their order.
    pub fn list(identities: &'a Identities, uses: &'a ClientUses) -> Vec<Self> {
        let listed = |identity: &'a ClientIdentity| {
            let found = uses.of_identity(identity);
            Self {
                identity,
                last_used_at: found.map(|it| it.last.used_at),
                last_used_from: found.map(|it| it.last.source.to_string()),
                last_subject: found.map(|it| it.subject.as_str()),
            }
        };
        identities.iter().map(listed).collect()
    }

    /// When it was last used, for people.
    pub fn last_use(&self) -> String {
        match (self.last_used_at, &self.last_used_from, self.last_subject) {
            (Some(at), Some(source), Some(subject)) => format!("{at} from {source} as {subject}"),
            (_, _, _) => "never".to_owned(),
        }
    }
}
