//! Owns who may write what: the reserved scopes, and the rights that an actor needs for a write. Pure: the store asks here
//! inside the transaction that writes, about the row that it has locked.

use super::{
    Actor, AdminName, AdminRole, Client, ClientId, Identifiers, IssuerName, Scope, TrustedIssuer,
};

/// The scope of tokens that may read through the admin API.
pub const ADMIN_READ_SCOPE: &str = "admin:read";

/// The scope of tokens that may change things through the admin API.
pub const ADMIN_WRITE_SCOPE: &str = "admin:write";

/// The scope of tokens that may export all clients with the hashes of their secrets. No other scope includes it: a
/// program that may change clients must not learn what clients with reserved scopes log in with.
pub const ADMIN_EXPORT_SCOPE: &str = "admin:export";

/// The scope of tokens that may write trusted issuers through the admin API. No other scope includes it: who writes an
/// issuer says who the clients with an identity there are.
pub const ADMIN_ISSUERS_SCOPE: &str = "admin:issuers";

/// The scopes of the admin API.
const ADMIN_API: [&str; 4] = [
    ADMIN_READ_SCOPE,
    ADMIN_WRITE_SCOPE,
    ADMIN_EXPORT_SCOPE,
    ADMIN_ISSUERS_SCOPE,
];

/// The scope that lets a client introspect every token.
pub const INTROSPECT_SCOPE: &str = "token:introspect";

/// The scope for reading revocations. Nothing uses it yet; it is reserved so that nobody has it by then.
pub const REVOCATIONS_SCOPE: &str = "revocations:read";

/// Every scope with this prefix is reserved.
const RESERVED_PREFIX: &str = "admin:";

/// The other reserved scopes.
const RESERVED: [&str; 2] = [INTROSPECT_SCOPE, REVOCATIONS_SCOPE];

/// Why an actor may not do something: one sentence for the actor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AccessDenied(pub String);

/// What a write does to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEffect {
    /// It only takes away, and can be undone by those who may change the client: the client is disabled, or its tokens
    /// are revoked.
    Restricts,
    /// Anything else.
    Changes,
}

impl Scope {
    /// What makes a scope reserved: a prefix, and whole scopes.
    pub(crate) fn reserved() -> (&'static str, [&'static str; 2]) {
        (RESERVED_PREFIX, RESERVED)
    }

    /// Whether a scope of the admin API is among these. Its tokens need the audience of that API beside it.
    pub fn allows_admin_api(&self) -> bool {
        self.tokens().any(|token| ADMIN_API.contains(&token))
    }

    /// The first reserved scope of these: one that gives power over this server or over the tokens of others.
    pub fn first_reserved(&self) -> Option<&str> {
        self.tokens()
            .find(|token| token.starts_with(RESERVED_PREFIX) || RESERVED.contains(token))
    }
}

impl Actor {
    /// Refuses to give a client a reserved scope, and to write identifiers other than those that it has. `before`: the
    /// client as it is; `None`: it is new.
    pub fn check_grant(&self, before: Option<&Client>, after: &Client) -> Result<(), AccessDenied> {
        if self.has_all_rights() {
            return Ok(());
        }
        if let Some(scope) = after.scopes.first_reserved() {
            return Err(AccessDenied(format!(
                "the scope {scope} is reserved: only an owner at the portal or the command line can give it to a client"
            )));
        }
        if before.map_or(&Identifiers::default(), |it| &it.identifiers) != &after.identifiers {
            return Err(AccessDenied(
                "identifiers are reserved: only an owner at the portal or the command line can write them"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether the actor may write the identifiers of a client, so that a front can offer it.
    pub fn may_write_identifiers(&self) -> bool {
        self.has_all_rights()
    }

    /// Refuses a write to a client that has a reserved scope, unless the write only restricts the client.
    pub fn check_client_write(
        &self,
        id: &ClientId,
        scopes: &Scope,
        effect: ClientEffect,
    ) -> Result<(), AccessDenied> {
        match (scopes.first_reserved(), effect) {
            (Some(scope), ClientEffect::Changes) if !self.has_all_rights() => {
                Err(AccessDenied(format!(
                    "the client `{id}` has the reserved scope {scope}: only an owner at the portal or the command \
                        line can change, enable or delete it, or write its secrets; other operators can disable it \
                        and revoke its tokens"
                )))
            }
            (Some(_), ClientEffect::Changes | ClientEffect::Restricts) | (None, _) => Ok(()),
        }
    }

    /// Refuses a write to a portal admin. Admins change their own credentials (password and second factors); owners
    /// change everything.
    pub fn check_admin_write(
        &self,
        name: &AdminName,
        only_credentials: bool,
    ) -> Result<(), AccessDenied> {
        let is_self = matches!(self, Self::Admin { name: own, .. } if own == name.as_str());
        if self.has_all_rights() || (is_self && only_credentials) {
            return Ok(());
        }
        Err(AccessDenied(format!(
            "only an owner at the portal or the command line can change the admin `{name}`"
        )))
    }

    /// Refuses a write to signing keys. A client came here with a token that has [`ADMIN_WRITE_SCOPE`], which only owners
    /// and the command line give.
    pub fn check_key_write(&self) -> Result<(), AccessDenied> {
        if self.has_all_rights() || matches!(self, Self::Client(_)) {
            return Ok(());
        }
        Err(AccessDenied(
            "only an owner at the portal or the command line can change signing keys".to_owned(),
        ))
    }

    /// Refuses a write to a trusted issuer. `after` is the issuer as it will be; `None`: it is removed. A client came here
    /// with a token that has [`ADMIN_ISSUERS_SCOPE`]. `reserved` is a client with a reserved scope and an identity at the
    /// issuer.
    pub fn check_issuer_write(
        &self,
        name: &IssuerName,
        before: Option<&TrustedIssuer>,
        after: Option<&TrustedIssuer>,
        reserved: Option<&ClientId>,
    ) -> Result<(), AccessDenied> {
        if self.has_all_rights() {
            return Ok(());
        }
        if !matches!(self, Self::Client(_)) {
            return Err(AccessDenied(
                "only an owner at the portal or the command line can write trusted issuers"
                    .to_owned(),
            ));
        }
        if let Some(id) = reserved {
            return Err(AccessDenied(format!(
                "the client `{id}` has a reserved scope and an identity at the issuer `{name}`: only an owner at the \
                    portal or the command line can write it"
            )));
        }
        if after.is_some_and(|it| !it.has_reach_of(before)) {
            return Err(AccessDenied(format!(
                "the issuer `{name}` reads files of the server or reaches private addresses: only an owner at the \
                    portal or the command line can write that"
            )));
        }
        Ok(())
    }

    /// Refuses to confirm the clock: under a wrong one everything that ends by time is removed.
    pub fn check_clock_write(&self) -> Result<(), AccessDenied> {
        if self.has_all_rights() {
            return Ok(());
        }
        Err(AccessDenied(
            "only an owner at the portal or the command line can confirm the clock".to_owned(),
        ))
    }

    /// Whether this is an owner at the portal, somebody at the command line, or the server itself.
    fn has_all_rights(&self) -> bool {
        match self {
            Self::Server | Self::Cli(_) => true,
            Self::Admin { role, .. } => *role == Some(AdminRole::Owner),
            Self::Client(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UnixTime;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn with(scopes: &str, identifiers: &str) -> Client {
        let mut client = Client::new(ClientId::parse("a").unwrap(), UnixTime(0));
        client.scopes = scope(scopes);
        client.identifiers = Identifiers::parse(identifiers).unwrap();
        client
    }

    fn admin(role: Option<AdminRole>) -> Actor {
        Actor::Admin {
            name: "ann".to_owned(),
            role,
        }
    }

    fn client() -> Actor {
        Actor::Client(ClientId::parse("robot").unwrap())
    }

    /// Everybody, and whether they have all rights.
    fn actors() -> [(Actor, bool); 7] {
        [
            (Actor::Server, true),
            (Actor::Cli("root".to_owned()), true),
            (admin(Some(AdminRole::Owner)), true),
            (admin(Some(AdminRole::Operator)), false),
            (admin(Some(AdminRole::Viewer)), false),
            (admin(None), false),
            (client(), false),
        ]
    }

    #[test]
    fn reserved_scopes_are_whole_words_in_the_spelling_that_counts() {
        for text in [
            "admin:",
            "admin:read",
            "read admin:anything write",
            "  admin:write  ",
            "admin:*",
            "token:introspect",
            "revocations:read",
        ] {
            assert!(scope(text).first_reserved().is_some(), "{text}");
        }
        // None of these is a scope that this server asks for.
        for text in [
            "",
            "admin",
            "administrator",
            "Admin:read",
            "read,admin:write",
            "x:admin:read",
            "token:introspection",
            "token:",
            "revocations:write",
        ] {
            assert_eq!(scope(text).first_reserved(), None, "{text}");
        }
    }

    #[test]
    fn only_owners_and_the_command_line_give_reserved_scopes() {
        for (actor, has_all_rights) in actors() {
            let check = |text: &str| actor.check_grant(None, &with(text, ""));
            let is_granted = check("admin:write").is_ok();
            assert_eq!(is_granted, has_all_rights, "{actor:?}");
            let refused = check("read token:introspect").err();
            let told = refused.is_some_and(|it| it.0.contains("token:introspect"));
            assert_ne!(told, has_all_rights, "{actor:?}");
            assert_eq!(check("read write"), Ok(()), "{actor:?}");
        }
    }

    #[test]
    fn only_owners_and_the_command_line_write_identifiers() {
        let [none, one, another] = ["", "https://a", "https://a b"].map(|it| with("read", it));
        for (actor, has_all_rights) in actors() {
            let may = actor.may_write_identifiers();
            assert_eq!(may, has_all_rights, "{actor:?}");
            for (before, after) in [
                (None, &one),
                (Some(&none), &one),
                (Some(&one), &another),
                (Some(&one), &none),
            ] {
                let refused = actor.check_grant(before, after).err();
                assert_eq!(refused.is_none(), has_all_rights, "{actor:?}");
                let told = |it: AccessDenied| it.0.starts_with("identifiers are reserved");
                assert!(refused.is_none_or(told), "{actor:?}");
            }
            for (before, after) in [(None, &none), (Some(&none), &none), (Some(&one), &one)] {
                let checked = actor.check_grant(before, after);
                assert_eq!(checked, Ok(()), "{actor:?}");
            }
        }
    }

    #[test]
    fn others_only_restrict_a_client_with_a_reserved_scope() {
        let id = ClientId::parse("chief").unwrap();
        for (actor, has_all_rights) in actors() {
            let check = |text: &str, effect| {
                let checked = actor.check_client_write(&id, &scope(text), effect);
                checked.is_ok()
            };
            let may_change = check("admin:read", ClientEffect::Changes);
            assert_eq!(may_change, has_all_rights, "{actor:?}");
            assert!(check("admin:read", ClientEffect::Restricts), "{actor:?}");
            assert!(check("read", ClientEffect::Restricts), "{actor:?}");
            assert!(check("read", ClientEffect::Changes), "{actor:?}");
        }
    }

    #[test]
    fn admins_change_their_own_credentials_and_owners_every_admin() {
        let [ann, ben] = ["ann", "ben"].map(|name| AdminName::parse(name).unwrap());
        for (actor, has_all_rights) in actors() {
            let check = |name, only| actor.check_admin_write(name, only).is_ok();
            assert_eq!(check(&ben, false), has_all_rights, "{actor:?}");
            assert_eq!(check(&ben, true), has_all_rights, "{actor:?}");
            assert_eq!(check(&ann, false), has_all_rights, "{actor:?}");
            assert_eq!(check(&ann, true), actor != client(), "{actor:?}");
        }
    }

    #[test]
    fn no_admin_but_an_owner_changes_signing_keys() {
        for (actor, has_all_rights) in actors() {
            let may = has_all_rights || actor == client();
            assert_eq!(actor.check_key_write().is_ok(), may, "{actor:?}");
        }
    }
}
