//! Owns the sentence that the portal shows for an event: what the actor did, to what, and which values changed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::base::clock::UnixTime;
use crate::base::json;
use crate::domain::{Action, AuditEvent};
use crate::http::portal::links::{encoded, path_of};
use crate::http::portal::page::When;

/// Differences that stand in the row; the details have all.
const SHOWN: usize = 6;

/// Characters of a value that stand in the row.
const LONGEST: usize = 120;

/// An event in words.
pub(super) struct Sentence {
    /// What the actor did, up to the name of the object: `created client`.
    pub(super) verb: String,
    /// To what; `None`: the verb says it.
    pub(super) object: Option<Named>,
    /// What follows the name.
    pub(super) rest: &'static str,
    /// The client that the object belongs to.
    pub(super) client: Option<Named>,
    pub(super) differences: Vec<Difference>,
    /// How many more values changed.
    pub(super) more: usize,
}

/// A name, and the page about it.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) path: Option<String>,
}

/// A value before and after; `None`: there was or is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) name: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

impl Sentence {
    pub(super) fn of(event: &AuditEvent) -> Self {
        let object = object(event);
        let client = event.client_id.as_deref().filter(|_| {
            let is_object = event.target_type == "client";
            let is_actor =
                event.actor_type == "client" && event.client_id.as_ref() == Some(&event.actor);
            !is_object && !is_actor
        });
        let mut differences = differences(event.before.as_deref(), event.after.as_deref());
        // The object is named already.
        differences.retain(|it| it.before.is_some() || it.after.as_ref() != Some(&event.target));
        let more = differences.len().saturating_sub(SHOWN);
        differences.truncate(SHOWN);
        let (verb, rest) = match event.action.parse().map(verb) {
            Ok(text) => {
                let (verb, rest) = text.split_once(" {}").unwrap_or((text, ""));
                (verb.to_owned(), rest)
            }
            // A newer version may have written it.
            Err(_) => (format!("did {} to", event.action), ""),
        };
        Self {
            verb,
            object,
            rest,
            client: client.map(|id| Named {
                name: id.to_owned(),
                path: Some(path_of(&id)),
            }),
            differences,
            more,
        }
    }
}

/// What the action does. The name of its target stands in the place of `{}`, else at the end.
fn verb(action: Action) -> &'static str {
    match action {
        Action::ClientCreate => "created client",
        Action::ClientImport => "imported client",
        Action::ClientUpdate => "edited client",
        Action::ClientEnable => "enabled client",
        Action::ClientDisable => "disabled client",
        Action::ClientRelease => "detached client {} from its manifest",
        Action::ClientDelete => "deleted client",
        Action::ClientRevokeTokens => "revoked all tokens of client",
        Action::ClientFoldRevocations => {
            "revoked all tokens of client {}: there was no room for single revocations"
        }
        Action::ClientWrongNetwork => "was refused as client {} for its network",
        Action::ClientExport => "exported all clients, with the hashes of their secrets",
        Action::SecretAdd => "added secret",
        Action::SecretExpire => "set the expiry of secret",
        Action::SecretDelete => "deleted secret",
        Action::TokenRevoke => "revoked token",
        Action::TokenRevokeOwn => "revoked own tokens, as client",
        Action::KeyCreate => "created key",
        Action::KeyActivate => "activated key",
        Action::KeyRetire => "retired key",
        Action::KeyDelete => "deleted key",
        Action::KeyReseal => "sealed key {} under another SECRET",
        Action::CertificateRegister => "registered an ACME account for",
        Action::CertificateIssue => "obtained a certificate for",
        Action::CertificateFail => "could not obtain a certificate for",
        Action::CertificateRevoke => "revoked the certificate for",
        Action::IssuerAdd => "added trusted issuer",
        Action::IssuerUpdate => "edited trusted issuer",
        Action::IssuerEnable => "enabled trusted issuer",
        Action::IssuerDisable => "disabled trusted issuer",
        Action::IssuerRemove => "removed trusted issuer",
        Action::AdminLogIn => "logged in",
        Action::AdminLogInRefused => "could not log in",
        Action::AdminLogOut => "logged out",
        Action::AdminEndSession => "ended a session of admin",
        Action::AdminCreate => "created admin",
        Action::AdminUpdate => "changed the role of admin",
        Action::AdminEnable => "enabled admin",
        Action::AdminDisable => "disabled admin",
        Action::AdminDelete => "deleted admin",
        Action::AdminReset => "reset admin",
        Action::AdminChangePassword => "changed the password of admin",
        Action::AdminAddSecondFactor => "added an authenticator app for admin",
        Action::AdminRemoveSecondFactor => "removed the authenticator app of admin",
        Action::AdminAddPasskey => "added a passkey for admin",
        Action::AdminRemovePasskey => "removed a passkey of admin",
        Action::AdminMakeRecoveryCodes => "created recovery codes for admin",
        Action::AdminUseRecoveryCode => "used a recovery code of admin",
        Action::ClockConfirm => "confirmed the clock",
        Action::InstallationRestore => "restored the database",
        Action::RevocationsWriteBack => "wrote lost revocations back to the database",
        Action::AuditPrune => "pruned old audit events",
        Action::AuditKeyChange => "began a new key of the audit trail",
        Action::AuditAcceptHead => "accepted the audit trail up to here",
    }
}

fn object(event: &AuditEvent) -> Option<Named> {
    let name = event.target.as_str();
    let path = match event.target_type.as_str() {
        "client" => Some(path_of(&name)),
        "key" => Some("/admin/keys".to_owned()),
        "issuer" => Some(format!("/admin/issuers/{}", encoded(name))),
        // Of oneself the sentence says nothing twice.
        "admin" if event.actor_type == "admin" && name == event.actor && is_of_session(event) => {
            return None;
        }
        _ => None,
    };
    (!name.is_empty()).then(|| Named {
        name: name.to_owned(),
        path,
    })
}

fn is_of_session(event: &AuditEvent) -> bool {
    let session = [
        Action::AdminLogIn,
        Action::AdminLogInRefused,
        Action::AdminLogOut,
    ];
    session.iter().any(|action| action.as_str() == event.action)
}

/// What differs of two JSON objects; of a single one all that is not empty.
fn differences(before: Option<&str>, after: Option<&str>) -> Vec<Difference> {
    let (old, new) = (members(before), members(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let shown = |members: &Map<String, Value>, name: &str| shown(name, members.get(name)?);
    let difference = |name: &String| Difference {
        before: shown(&old, name),
        after: shown(&new, name),
        name: name.clone(),
    };
    let all = names.into_iter().map(difference);
    all.filter(|it| it.before != it.after && (!old.is_empty() || says_something(it)))
        .collect()
}

/// Texts beside one another; of anything else how many there are, for the details have them.
fn in_words(items: &[Value]) -> String {
    let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
    texts.map_or_else(|| items.len().to_string(), |texts| texts.join(" "))
}

/// Of what is new: not that it was made when it was made, nor what it is not.
fn says_something(new: &Difference) -> bool {
    let is_time = matches!(new.name.as_str(), "created_at" | "updated_at");
    !is_time && !matches!(new.after.as_deref(), Some("false" | "0"))
}

fn members(text: Option<&str>) -> Map<String, Value> {
    let value: Option<Value> = text.and_then(|text| json::from_str(text).ok());
    match value {
        Some(Value::Object(members)) => members,
        Some(other) if !other.is_null() => Map::from_iter([("value".to_owned(), other)]),
        _ => Map::new(),
    }
}

/// A value as the row shows it: a time in UTC, a text as it is; `None`: it is empty.
fn shown(name: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Number(number) if name.ends_with("_at") => match number.as_i64() {
            Some(seconds) => When(UnixTime(seconds)).to_string(),
            None => number.to_string(),
        },
        Value::Array(items) if items.is_empty() => return None,
        Value::Array(items) => in_words(items),
        Value::Object(members) if members.is_empty() => return None,
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    };
    if text.is_empty() {
        return None;
    }
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    Some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(name: &str, before: Option<&str>, after: Option<&str>) -> Difference {
        Difference {
            name: name.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        }
    }

    #[test]
    fn a_difference_has_the_value_before_and_the_value_after() {
        let found = differences(
            Some(r#"{"scopes":"read","token_ttl":60,"expires_at":null}"#),
            Some(
                r#"{"scopes":"read write","metadata":{"a":1},"expires_at":1800000000,
                "auth_methods":["x","y"],"secrets":[{"a":1},{}]}"#,
            ),
        );

        let expected = [
            difference("auth_methods", None, Some("x y")),
            difference("expires_at", None, Some("2027-01-15 08:00 UTC")),
            difference("metadata", None, Some(r#"{"a":1}"#)),
            difference("scopes", Some("read"), Some("read write")),
            difference("secrets", None, Some("2")),
            difference("token_ttl", Some("60"), None),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_empty_is_left_out_and_what_is_long_is_cut() {
        let long = format!(
            r#"{{"a":"","b":[],"c":{{}},"d":null,"f":false,"created_at":5,"e":"{}"}}"#,
            "é".repeat(200)
        );

        let found = differences(None, Some(&long));

        let cut = "é".repeat(LONGEST) + "…";
        assert_eq!(found, [difference("e", None, Some(&cut))]);
        assert_eq!(differences(None, None), []);
    }

    #[test]
    fn each_action_has_words_of_its_own() {
        let verbs: BTreeSet<&str> = Action::ALL.into_iter().map(verb).collect();

        assert_eq!(verbs.len(), Action::ALL.len());
    }
}
