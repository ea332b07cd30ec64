//! Events of the audit trail: the action, its target, and the values before and after. Knows neither storage nor chain.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::clock::UnixTime;
use crate::base::redact::{redact_json, redact_string};
use crate::domain::{
    Actor, ClientId, IssuerName, KeyId, ParseError, SecretId, Stamp, TokenId, word_enum,
};

word_enum! {
    /// What was done.
    pub enum Action, "an action" {
        /// A client was registered.
        ClientCreate = "client.create",
        /// A client was registered, or replaced, by an import.
        ClientImport = "client.import",
        /// A client was changed.
        ClientUpdate = "client.update",
        /// A client may have tokens again.
        ClientEnable = "client.enable",
        /// A client may have no more tokens, and those it had are revoked.
        ClientDisable = "client.disable",
        /// No file keeps a client any more.
        ClientRelease = "client.release",
        /// A client was removed, and its tokens are revoked.
        ClientDelete = "client.delete",
        /// All that a client was issued is revoked.
        ClientRevokeTokens = "client.revoke_tokens",
        /// All that a client was issued is revoked in place of single tokens, for which there was no room.
        ClientFoldRevocations = "client.fold_revocations",
        /// A client proved itself from a network that is none of its own, and was refused.
        ClientWrongNetwork = "client.wrong_network",
        /// All clients were written out, with the hashes of their secrets.
        ClientExport = "client.export",
        /// A client has another secret.
        SecretAdd = "secret.add",
        /// A secret's end was set.
        SecretExpire = "secret.expire",
        /// A secret was removed.
        SecretDelete = "secret.delete",
        /// A token was revoked.
        TokenRevoke = "token.revoke",
        /// A client revoked tokens of its own: how many within a minute.
        TokenRevokeOwn = "token.revoke_own",
        /// A signing key was made.
        KeyCreate = "key.create",
        /// A signing key signs from now on.
        KeyActivate = "key.activate",
        /// A signing key signs no more.
        KeyRetire = "key.retire",
        /// A signing key is gone.
        KeyDelete = "key.delete",
        /// A signing key was sealed anew, under another `SECRET`.
        KeyReseal = "key.reseal",
        /// An account was made at the authority that issues the certificate.
        CertificateRegister = "certificate.register",
        /// A certificate was issued to this service.
        CertificateIssue = "certificate.issue",
        /// None was issued, for a reason that is new.
        CertificateFail = "certificate.fail",
        /// A trusted issuer was added.
        IssuerAdd = "issuer.add",
        /// A trusted issuer was changed.
        IssuerUpdate = "issuer.update",
        /// Clients may log in through an issuer again.
        IssuerEnable = "issuer.enable",
        /// Clients may no longer log in through an issuer.
        IssuerDisable = "issuer.disable",
        /// An issuer is no longer trusted.
        IssuerRemove = "issuer.remove",
        /// A certificate is no more good, because its key may be known to others.
        CertificateRevoke = "certificate.revoke",
        /// An admin logged in.
        AdminLogIn = "admin.log_in",
        /// Somebody tried to log in as an admin and could not.
        AdminLogInRefused = "admin.log_in_refused",
        /// An admin logged out.
        AdminLogOut = "admin.log_out",
        /// A session was ended by somebody.
        AdminEndSession = "admin.end_session",
        /// An admin was made.
        AdminCreate = "admin.create",
        /// An admin has another role.
        AdminUpdate = "admin.update",
        /// An admin may log in again.
        AdminEnable = "admin.enable",
        /// An admin may not log in any more.
        AdminDisable = "admin.disable",
        /// An admin was removed.
        AdminDelete = "admin.delete",
        /// An admin was given another password, or no longer needs the second factor.
        AdminReset = "admin.reset",
        /// An admin chose another password.
        AdminChangePassword = "admin.change_password",
        /// An admin needs a second factor from now on.
        AdminAddSecondFactor = "admin.add_second_factor",
        /// An admin needs it no more.
        AdminRemoveSecondFactor = "admin.remove_second_factor",
        /// An admin may log in with a passkey too.
        AdminAddPasskey = "admin.add_passkey",
        /// An admin may no longer log in with it.
        AdminRemovePasskey = "admin.remove_passkey",
        /// An admin has new recovery codes, in the place of those before.
        AdminMakeRecoveryCodes = "admin.make_recovery_codes",
        /// An admin logged in with a recovery code in the place of the second factor.
        AdminUseRecoveryCode = "admin.use_recovery_code",
        /// An operator confirmed that the clock of this machine is right.
        ClockConfirm = "clock.confirm",
        /// A database that was restored began a new epoch.
        InstallationRestore = "installation.restore",
        /// Revocations that the database had lost were written to it again.
        RevocationsWriteBack = "revocations.write_back",
        /// Events were removed by age.
        AuditPrune = "audit.prune",
        /// The events before are under the key of another `SECRET`.
        AuditKeyChange = "audit.key_change",
        /// An operator accepted the trail up to here, although not all of it can be verified.
        AuditAcceptHead = "audit.accept_head",
    }
}

impl Action {
    /// Parses an action, or a kind of them, which ends with a dot: `client.`
    pub fn parse_kind(text: &str) -> Result<String, ParseError> {
        let mut all = Self::ALL.into_iter();
        if text.ends_with('.') && all.any(|action| action.as_str().starts_with(text)) {
            return Ok(text.to_owned());
        }
        Ok(Self::parse(text)?.as_str().to_owned())
    }
}

/// What it was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A client.
    Client(ClientId),
    /// All of them.
    Clients,
    /// A secret of a client.
    Secret(SecretId),
    /// A token, by its `jti`.
    Token(TokenId),
    /// A signing key.
    Key(KeyId),
    /// A trusted issuer.
    Issuer(IssuerName),
    /// An admin, by name.
    Admin(String),
    /// The certificate for these names, separated by spaces.
    Certificate(String),
    /// The clock of the machine.
    Clock,
    /// The database itself.
    Installation,
    /// The trail itself.
    Audit,
}

impl Target {
    /// The word for its kind, and its id; a name that somebody chose is redacted.
    fn parts(self) -> (&'static str, String) {
        match self {
            Self::Client(id) => ("client", id.to_string()),
            Self::Clients => ("clients", String::new()),
            Self::Secret(id) => ("secret", id.to_string()),
            Self::Token(id) => ("token", id.to_string()),
            Self::Key(id) => ("key", id.to_string()),
            Self::Issuer(name) => ("issuer", name.to_string()),
            Self::Admin(name) => ("admin", redact_string(name)),
            Self::Certificate(names) => ("certificate", redact_string(names)),
            Self::Clock => ("clock", String::new()),
            Self::Installation => ("installation", String::new()),
            Self::Audit => ("audit", String::new()),
        }
    }
}

/// What was done to what: an event without where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What was done.
    pub action: Action,
    /// To what.
    pub target: Target,
    /// The client that it concerns.
    pub client_id: Option<ClientId>,
    /// What there was, without secrets: a JSON object, as text, which an import has many of. Of a change only what is
    /// different.
    pub before: Option<String>,
    /// What there is.
    pub after: Option<String>,
}

impl NewEvent {
    /// A change of a client or of something of its.
    pub fn of_client(action: Action, id: &ClientId, target: Target) -> Self {
        Self {
            client_id: Some(id.clone()),
            ..Self::new(action, target)
        }
    }

    /// Any change.
    pub fn new(action: Action, target: Target) -> Self {
        Self {
            action,
            target,
            client_id: None,
            before: None,
            after: None,
        }
    }

    /// What there was.
    #[must_use]
    pub fn before(mut self, value: impl Serialize) -> Self {
        self.before = Some(text(value));
        self
    }

    /// What there is.
    #[must_use]
    pub fn after(mut self, value: impl Serialize) -> Self {
        self.after = Some(text(value));
        self
    }

    /// What of two states of one thing differs; when it was last changed, the event says itself.
    #[must_use]
    pub fn difference(self, before: impl Serialize, after: impl Serialize) -> Self {
        let (old, new) = (object(before), object(after));
        let differs = |name: &String| name != "updated_at" && old.get(name) != new.get(name);
        let of = |state: &Map<String, Value>| -> Map<String, Value> {
            let members = state.iter().filter(|(name, _)| differs(name));
            members
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        self.before(of(&old)).after(of(&new))
    }
}

/// What cannot be written as JSON is `null`; the types that are passed here all can.
fn text(value: impl Serialize) -> String {
    serde_json::to_string(&value).unwrap_or_else(|_| "null".to_owned())
}

fn object(value: impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        Ok(_) | Err(_) => Map::new(),
    }
}

/// An event as it is kept: texts, since a newer version may have written words that this one does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its place in the chain: 1, 2, 3, …
    pub event_id: i64,
    /// When it happened.
    pub at: UnixTime,
    /// [`Actor::kind`].
    pub actor_type: String,
    /// [`Actor::name`].
    pub actor: String,
    /// The source address.
    pub source: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// [`Action::as_str`].
    pub action: String,
    /// The word for the kind of its target.
    pub target_type: String,
    /// The id of its target.
    pub target: String,
    /// The client that it concerns.
    pub client_id: Option<String>,
    /// What there was: a JSON object.
    pub before: Option<String>,
    /// What there is.
    pub after: Option<String>,
}

impl AuditEvent {
    /// The new event as that of this id. What people typed is redacted: a name, a description or metadata may hold a
    /// secret by mistake, and nothing removes it from here.
    pub fn new(event_id: i64, stamp: Stamp<'_>, new: NewEvent) -> Self {
        let by = stamp.by;
        let (target_type, target) = new.target.parts();
        Self {
            event_id,
            at: stamp.at,
            actor_type: by.actor.kind().to_owned(),
            actor: match &by.actor {
                Actor::Client(id) => id.to_string(),
                Actor::Server | Actor::Cli(_) | Actor::Admin { .. } => {
                    redact_string(by.actor.name().to_owned())
                }
            },
            source: by.source.map(|address| address.to_canonical().to_string()),
            request_id: by.request_id.clone(),
            action: new.action.as_str().to_owned(),
            target_type: target_type.to_owned(),
            target,
            client_id: new.client_id.map(|id| id.to_string()),
            before: new.before.map(redact_json),
            after: new.after.map(redact_json),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_change_only_what_differs_is_kept() {
        let event = NewEvent::new(Action::ClientUpdate, Target::Audit).difference(
            json!({"name": "a", "scopes": "x", "token_ttl": 1, "metadata": {"a": 1}}),
            json!({"name": "b", "scopes": "x", "jwks": {"keys": []}, "metadata": {"a": 1}}),
        );

        assert_eq!(
            event.before.as_deref(),
            Some(r#"{"name":"a","token_ttl":1}"#)
        );
        assert_eq!(
            event.after.as_deref(),
            Some(r#"{"name":"b","jwks":{"keys":[]}}"#)
        );
    }

    #[test]
    fn an_action_is_read_as_it_is_written() {
        for action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(action));
        }
        assert!("client".parse::<Action>().is_err());
    }
}
