//! Owns the words of requests that were refused: who asked, from where, and the true reason that the caller was not
//! told. Knows nothing of how they are kept.

use std::net::IpAddr;
use utoipa::ToSchema;

use serde::Serialize;

use crate::base::clock::UnixTime;
use crate::domain::ClientId;

/// Who asked, as far as it may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The client, if it exists.
    pub client_id: Option<ClientId>,
    /// Otherwise a hint of the ID.
    pub hint: String,
    /// The source address.
    pub source: IpAddr,
}

impl Attempt {
    /// In the name of a client of ours.
    pub fn of_client(id: &ClientId, source: IpAddr) -> Self {
        Self {
            client_id: Some(id.clone()),
            hint: String::new(),
            source,
        }
    }

    /// In a name that is not known. Since it may be a secret in the wrong field, only a quarter of it is kept, and four
    /// characters at most: enough to see a client behind a misspelled name.
    pub fn of_unknown(claimed: &str, source: IpAddr) -> Self {
        let length = claimed.chars().count();
        let beginning: String = claimed
            .chars()
            .take((length / 4).min(4))
            .map(|c| if c.is_ascii_graphic() { c } else { '?' })
            .collect();
        Self {
            client_id: None,
            hint: format!("{beginning}… ({length} characters)"),
            source,
        }
    }
}

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RejectedRequest {
    /// Its ID, as in the response.
    pub request_id: String,
    /// The time.
    pub at: UnixTime,
    /// The route, as the path in the router.
    pub route: String,
    /// The client, if it exists.
    pub client_id: Option<String>,
    /// Otherwise a hint of the ID.
    pub hint: String,
    /// The source address.
    pub source: String,
    /// The error code of the response; for an introspection the response was only `{"active":false}`.
    pub error: String,
    /// The reason of the refusal.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_unknown_name_a_hint_is_kept_that_is_no_secret() {
        let hint = |claimed: &str| Attempt::of_unknown(claimed, IpAddr::from([192, 0, 2, 1])).hint;

        assert_eq!(hint("billing-servce"), "bil… (14 characters)");
        assert_eq!(hint("tks_AAAAAAAAbbbbbbbbcccc"), "tks_… (24 characters)");
        assert_eq!(hint("abc"), "… (3 characters)");
        assert_eq!(hint("\u{202e}\n\n\nxxxx"), "??… (8 characters)");
    }
}
