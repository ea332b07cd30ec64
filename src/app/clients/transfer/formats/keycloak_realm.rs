//! Owns what an export of a realm says beside its clients: the realm's lifespan of tokens, the client scopes with their
//! mappers, and the roles of service accounts.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::base::json;
use crate::domain::ParseError;

/// Roles that every realm gives to everybody.
const BUILT_IN_ROLES: [&str; 4] = [
    "offline_access",
    "uma_authorization",
    "account.manage-account",
    "account.view-profile",
];

#[derive(Debug)]
pub(super) struct Realm {
    /// How long tokens live whose client does not say it, in seconds.
    pub(super) token_lifespan: Option<i64>,
    scopes: HashMap<String, ClientScope>,
    /// By client id; `None`: the file has no users.
    roles: Option<HashMap<String, Vec<String>>>,
}

#[derive(Debug)]
pub(super) struct ClientScope {
    /// Whether it is for `OpenID` Connect at all.
    pub(super) is_oidc: bool,
    /// Whether the tokens name it in `scope`.
    pub(super) is_in_tokens: bool,
    pub(super) mappers: Vec<Value>,
}

impl Realm {
    /// Reads the object that has the clients. A page of a list has nothing of all this.
    pub(super) fn read(text: &str) -> Result<Self, ParseError> {
        let realm: Map<String, Value> =
            json::from_str(text).map_err(|_| ParseError::new("a realm is not a JSON object"))?;
        let scopes = list(realm.get("clientScopes"));
        let everybodys = role_of_everybody(&realm);
        let users = realm.get("users").and_then(Value::as_array);
        let accounts = users.map(|users| {
            let accounts = users.iter().filter_map(|user| {
                let client = user.get("serviceAccountClientId")?.as_str()?;
                let mut roles = roles_in(user, "realmRoles", "clientRoles");
                roles.retain(|role| Some(role) != everybodys.as_ref());
                Some((client.to_owned(), roles))
            });
            accounts.collect()
        });
        Ok(Self {
            token_lifespan: realm.get("accessTokenLifespan").and_then(Value::as_i64),
            scopes: scopes.iter().filter_map(ClientScope::read).collect(),
            roles: accounts,
        })
    }

    pub(super) fn scope(&self, name: &str) -> Option<&ClientScope> {
        self.scopes.get(name)
    }

    /// The roles of a client's service account, but for those that everybody has; `None`: the file does not say them.
    pub(super) fn roles(&self, client_id: &str) -> Option<&[String]> {
        let roles = self.roles.as_ref()?.get(client_id);
        Some(roles.map_or(&[], Vec::as_slice))
    }
}

impl ClientScope {
    fn read(scope: &Value) -> Option<(String, Self)> {
        let name = scope.get("name")?.as_str()?.to_owned();
        let protocol = scope.get("protocol").and_then(Value::as_str);
        let is_in_tokens = scope.pointer("/attributes/include.in.token.scope");
        let read = Self {
            is_oidc: protocol.is_none_or(|it| it == "openid-connect"),
            is_in_tokens: is_in_tokens
                .and_then(Value::as_str)
                .is_none_or(|it| it == "true"),
            mappers: list(scope.get("protocolMappers")).to_vec(),
        };
        Some((name, read))
    }
}

/// The role that everybody has, if it gives no more than Keycloak's own does. What an operator has added to it is named.
fn role_of_everybody(realm: &Map<String, Value>) -> Option<String> {
    let name = realm.get("defaultRole")?.get("name")?.as_str()?;
    let roles = list(realm.get("roles").and_then(|roles| roles.get("realm")));
    let role = roles
        .iter()
        .find(|role| role.get("name") == Some(&Value::from(name)));
    let composites = role.and_then(|role| role.get("composites"));
    let parts = composites
        .map(|it| roles_in(it, "realm", "client"))
        .unwrap_or_default();
    let is_plain = parts.iter().all(|it| BUILT_IN_ROLES.contains(&it.as_str()));
    is_plain.then(|| name.to_owned())
}

/// The roles of the realm, and those of clients as `client.role`.
fn roles_in(value: &Value, of_realm: &str, of_clients: &str) -> Vec<String> {
    let mut roles: Vec<String> = words(value.get(of_realm)).map(str::to_owned).collect();
    let of_clients = value.get(of_clients).and_then(Value::as_object);
    for (client, list) in of_clients.into_iter().flatten() {
        roles.extend(words(Some(list)).map(|role| format!("{client}.{role}")));
    }
    roles
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn words(value: Option<&Value>) -> impl Iterator<Item = &str> {
    list(value).iter().filter_map(Value::as_str)
}
