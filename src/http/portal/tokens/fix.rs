//! Owns where an operator goes to let a rejected request succeed the next time.

use crate::domain::{ErrorCode, RejectedRequest};
use crate::http::portal::links::{CLIENTS, encoded, path_of};

/// A page, and what to do there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fix {
    pub(super) label: &'static str,
    pub(super) path: String,
}

impl Fix {
    /// `None`: no page of the portal helps, only the caller.
    pub(super) fn of(rejected: &RejectedRequest) -> Option<Self> {
        let fix = |label, path| Some(Self { label, path });
        let Some(id) = &rejected.client_id else {
            return of_unknown(rejected);
        };
        let client = path_of(id);
        let edit = |field: &str| format!("{client}/edit#{field}");
        let is = |code: ErrorCode| rejected.error == code.as_str();
        let reason = rejected.reason.as_str();
        if reason.contains("the client is disabled") {
            fix("Enable client", client)
        } else if reason.contains("wrong network") {
            fix("Edit allowed networks", edit("allowed_networks"))
        } else if is(ErrorCode::InvalidScope) {
            fix("Edit scopes", edit("scopes"))
        } else if is(ErrorCode::InvalidTarget) {
            fix("Edit audiences", edit("audiences"))
        } else if is(ErrorCode::RateLimited) && reason.contains("quota") {
            fix("Edit quota", edit("token_quota"))
        } else if is(ErrorCode::UnauthorizedClient) {
            fix("Edit client", format!("{client}/edit"))
        } else if is(ErrorCode::InvalidClient) {
            fix("Check secrets", format!("{client}#secrets"))
        } else {
            fix("Open client", client)
        }
    }
}

/// Of an ID that no client has, its beginning is known: clients with that beginning may be what was meant.
fn of_unknown(rejected: &RejectedRequest) -> Option<Fix> {
    let (beginning, _) = rejected.hint.split_once('…')?;
    let path = format!("{CLIENTS}?prefix={}", encoded(beginning));
    (!beginning.is_empty()).then_some(Fix {
        label: "Find similar IDs",
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UnixTime;
    use crate::domain::ErrorCode::{InvalidClient, InvalidScope, InvalidTarget};

    fn rejected(client_id: Option<&str>, error: ErrorCode, reason: &str) -> RejectedRequest {
        RejectedRequest {
            request_id: String::new(),
            at: UnixTime(0),
            route: String::new(),
            client_id: client_id.map(str::to_owned),
            hint: "bil… (14 characters)".to_owned(),
            source: String::new(),
            error: error.as_str().to_owned(),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn a_fix_leads_to_the_field_that_refuses() {
        for (client_id, error, reason, path) in [
            (Some("a/b"), InvalidScope, "", "a%2Fb/edit#scopes"),
            (Some("a"), InvalidTarget, "", "a/edit#audiences"),
            (Some("a"), InvalidClient, "the client is disabled", "a"),
            (Some("a"), InvalidClient, "wrong secret", "a#secrets"),
        ] {
            let found = Fix::of(&rejected(client_id, error, reason)).map(|it| it.path);
            assert_eq!(found, Some(format!("/admin/clients/{path}")));
        }
    }

    #[test]
    fn an_unknown_id_leads_to_the_clients_with_its_beginning() {
        let unknown = rejected(None, InvalidClient, "unknown client");
        let found = Fix::of(&unknown).map(|it| it.path);
        assert_eq!(found.as_deref(), Some("/admin/clients?prefix=bil"));
    }

    #[test]
    fn an_unknown_id_without_a_known_beginning_leads_nowhere() {
        let short = RejectedRequest {
            hint: "… (3 characters)".to_owned(),
            ..rejected(None, InvalidClient, "unknown client")
        };
        assert_eq!(Fix::of(&short), None);
    }
}
