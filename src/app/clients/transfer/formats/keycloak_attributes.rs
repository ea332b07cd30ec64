//! Owns the attributes of a client of Keycloak: a map of texts beside its members. What is not taken is named.

use serde_json::{Map, Value};

use crate::app::clients::transfer::formats::lifespan;
use crate::domain::TokenTtl;

/// Attributes that are for people, for logins in a browser or for SAML, and those that say when something was made.
const SILENT: [&str; 12] = [
    "acr.loa.map",
    "client.secret.creation.time",
    "client.secret.rotated.creation.time",
    "consent.screen.text",
    "display.on.consent.screen",
    "gui.order",
    "jwks.string",
    "jwks.url",
    "login_theme",
    "post.logout.redirect.uris",
    "realm_client",
    "use.refresh.tokens",
];

/// Groups of such attributes.
const SILENT_GROUPS: [&str; 8] = [
    "backchannel.logout.",
    "ciba.",
    "frontchannel.logout.",
    "oauth2.device.",
    "oidc.ciba.",
    "pkce.",
    "saml",
    "use.jwks.",
];

/// The client's own lifespan of tokens.
pub(super) const LIFESPAN: &str = "access.token.lifespan";

/// What Keycloak stores of a client beside its members, all of it texts.
pub(super) struct Attributes(pub(super) Map<String, Value>);

impl Attributes {
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let text = self.0.remove(name)?.as_str()?.to_owned();
        Some(text).filter(|text| !text.is_empty())
    }

    pub(super) fn is_set(&mut self, name: &str) -> bool {
        self.take(name).is_some_and(|text| text == "true")
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<i64>, String> {
        let text = self.take(name);
        let number = text.map(|text| text.parse::<i64>()).transpose();
        number.map_err(|_| format!("the attribute {name} is not a number"))
    }

    /// The client's own lifespan, else that of the realm; and whether neither is known.
    pub(super) fn token_ttl(
        &mut self,
        of_realm: Option<i64>,
        remarks: &mut Vec<String>,
    ) -> Result<(Option<TokenTtl>, bool), String> {
        // -1: that of the realm.
        let own = self.number(LIFESPAN)?.filter(|seconds| *seconds >= 0);
        let (seconds, name) = match (own, of_realm) {
            (Some(seconds), _) => (seconds, LIFESPAN),
            (None, Some(seconds)) => (seconds, "accessTokenLifespan of its realm"),
            (None, None) => return Ok((None, true)),
        };
        Ok((lifespan::of_seconds(seconds, name, remarks), false))
    }

    /// Names what is left.
    pub(super) fn remark_rest(mut self, remarks: &mut Vec<String>) {
        if let Some(algorithm) = self.take("access.token.signed.response.alg") {
            remarks.push(format!(
                "there its tokens are signed with {algorithm}, here with the server's key"
            ));
        }
        let says_something = |value: &Value| {
            let text = value.as_str();
            text.is_none_or(|text| !text.is_empty() && text != "false")
        };
        let is_silent = |name: &str| {
            SILENT.contains(&name) || SILENT_GROUPS.iter().any(|group| name.starts_with(group))
        };
        let rest = self.0.iter();
        let rest = rest.filter(|(name, value)| says_something(value) && !is_silent(name));
        let names: Vec<&str> = rest.map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            remarks.push(format!("left out attributes: {}", names.join(", ")));
        }
    }
}
