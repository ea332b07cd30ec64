//! Owns what the client scopes of a client of Keycloak are here: scopes, and what their mappers put into tokens.

use serde_json::{Map, Value};

use crate::app::clients::transfer::formats::keycloak_mappers::Mapped;
use crate::app::clients::transfer::formats::keycloak_realm::Realm;
use crate::app::clients::transfer::formats::table::take_words;
use crate::app::clients::transfer::formats::widening::Widening;

/// The client scopes that every realm has: they say which claims about people are in a token.
const BUILT_IN: [&str; 14] = [
    "acr",
    "address",
    "basic",
    "email",
    "microprofile-jwt",
    "offline_access",
    "openid",
    "organization",
    "phone",
    "profile",
    "role_list",
    "roles",
    "service_account",
    "web-origins",
];

/// What the tokens of a client may have, from its own mappers and from its client scopes.
#[derive(Default)]
pub(super) struct Granted<'a> {
    /// `None`: the file has clients alone.
    pub(super) realm: Option<&'a Realm>,
    pub(super) scopes: Vec<String>,
    pub(super) mapped: Mapped,
    pub(super) widenings: Vec<Widening>,
    pub(super) remarks: Vec<String>,
}

impl Granted<'_> {
    /// Adds what the client's own mappers do.
    pub(super) fn add_own(&mut self, row: &mut Map<String, Value>) -> Result<(), String> {
        match row.remove("protocolMappers") {
            None | Some(Value::Null) => {}
            Some(Value::Array(mappers)) => {
                for mapper in &mappers {
                    self.mapped.add(mapper, "", &mut self.remarks);
                }
            }
            Some(_) => return Err("protocolMappers is not a list".to_owned()),
        }
        Ok(())
    }

    /// Adds what Keycloak gives unasked, then what it gives when asked.
    pub(super) fn add_scopes(&mut self, row: &mut Map<String, Value>) -> Result<(), String> {
        for name in take_words(row, "defaultClientScopes")? {
            self.add_default(name);
        }
        let mut asked = Vec::new();
        for name in take_words(row, "optionalClientScopes")? {
            self.add_optional(name, &mut asked);
        }
        self.remark_defaults();
        for (audience, scope) in asked {
            if !self.mapped.audiences.contains(&audience) {
                self.mapped.audiences.push(audience.clone());
                self.widenings
                    .push(Widening::OptionalAudience { audience, scope });
            }
        }
        match self.mapped.audiences.as_slice() {
            [] => self.widenings.push(Widening::NoAudiences),
            [_] => {}
            [first, ..] => self.remarks.push(format!(
                "there its tokens have all its audiences; here they have `{first}`, or the audiences of the request"
            )),
        }
        Ok(())
    }

    /// There a request that names optional scopes gets the default ones too.
    fn remark_defaults(&mut self) {
        let is_optional = |word: &String| {
            self.widenings
                .contains(&Widening::OptionalScope(word.clone()))
        };
        let defaults = self.scopes.iter().filter(|word| !is_optional(word));
        let defaults: Vec<&str> = defaults.map(String::as_str).collect();
        if !defaults.is_empty() && defaults.len() < self.scopes.len() {
            self.remarks.push(format!(
                "here a request with scopes gets only these; there it also gets `{}`",
                defaults.join(" ")
            ));
        }
    }

    fn add_default(&mut self, name: String) {
        let is_built_in = BUILT_IN.contains(&name.as_str());
        let scope = self.realm.and_then(|realm| realm.scope(&name));
        if let Some(scope) = scope.filter(|it| it.is_oidc) {
            let whose = format!(" of the client scope `{name}`");
            // What else these do is about people, and roles are named apart.
            let mut none = Vec::new();
            for mapper in &scope.mappers {
                let told = if is_built_in {
                    &mut none
                } else {
                    &mut self.remarks
                };
                self.mapped.add(mapper, &whose, told);
            }
        }
        if is_built_in || scope.is_some_and(|it| !it.is_oidc) {
            return;
        }
        self.remarks.extend(why_no_scope(&name, self.realm));
        if scope.is_none_or(|it| it.is_in_tokens) {
            self.scopes.push(name);
        }
    }

    /// A claim of an optional scope would be in all tokens here: it is left out. Its audiences go to `asked`.
    fn add_optional(&mut self, name: String, asked: &mut Vec<(String, String)>) {
        let scope = self.realm.and_then(|realm| realm.scope(&name));
        if BUILT_IN.contains(&name.as_str()) || scope.is_some_and(|it| !it.is_oidc) {
            return;
        }
        self.remarks.extend(why_no_scope(&name, self.realm));
        let mut mapped = Mapped::default();
        let whose = format!(" of the client scope `{name}`");
        for mapper in scope.map_or(&[][..], |it| &it.mappers) {
            mapped.add(mapper, &whose, &mut self.remarks);
        }
        if !mapped.claims.is_empty() {
            let claims: Vec<&str> = mapped.claims.keys().map(String::as_str).collect();
            self.remarks.push(format!(
                "left out claims of the optional scope `{name}`: {}",
                claims.join(", ")
            ));
        }
        let named = mapped.audiences.into_iter();
        asked.extend(named.map(|audience| (audience, name.clone())));
        if scope.is_none_or(|it| it.is_in_tokens) {
            self.scopes.push(name.clone());
            self.widenings.push(Widening::OptionalScope(name));
        }
    }
}

/// What is not known of a client scope, or why it is no scope here.
fn why_no_scope(name: &str, realm: Option<&Realm>) -> Option<String> {
    let scope = realm?.scope(name);
    match scope {
        None => Some(format!(
            "the realm in the file does not describe the client scope `{name}`, so its claims are left out"
        )),
        Some(scope) if !scope.is_in_tokens => Some(format!(
            "left out its client scope `{name}`, which tokens do not contain there (include.in.token.scope)"
        )),
        Some(_) => None,
    }
}
