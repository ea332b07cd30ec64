//! Owns what a client of Keycloak is here: a `ClientRepresentation`, from the export of a realm or alone.

use serde_json::{Map, Value};

use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, RefusedRow, Row, named,
};
use crate::app::clients::transfer::formats::keycloak_mappers::take_mappers;
use crate::app::clients::transfer::formats::table::{take_secret_text, take_text, take_words};
use crate::app::clients::transfer::secrets::SecretRules;
use crate::base::clock::UnixTime;
use crate::base::json;
use crate::domain::{ClientStatus, TokenTtl};

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

/// Members and attributes that say nothing more than others do, or nothing to a machine.
const SILENT: [&str; 12] = [
    "id",
    "surrogateAuthRequired",
    "alwaysDisplayInConsole",
    "redirectUris",
    "webOrigins",
    "standardFlowEnabled",
    "directAccessGrantsEnabled",
    "frontchannelLogout",
    "fullScopeAllowed",
    "nodeReRegistrationTimeout",
    "serviceAccountsEnabled",
    "access",
];

/// Parses a client.
pub(super) fn parse(row: &mut Map<String, Value>, rules: &SecretRules) -> Row {
    let id = row.get("clientId").and_then(Value::as_str);
    let id = id.map(str::to_owned);
    let id = id.as_deref();
    if let Some(reason) = why_not(row) {
        row.clear();
        return Err(RefusedRow::skipped(id, reason));
    }
    for name in SILENT {
        row.remove(name);
    }
    parse_members(row, rules).map_err(|reason| RefusedRow::bad(id, reason))
}

/// Why a client is none that could get tokens here.
fn why_not(row: &Map<String, Value>) -> Option<&'static str> {
    let is = |name: &str| row.get(name) == Some(&Value::Bool(true));
    let protocol = row.get("protocol").and_then(Value::as_str);
    if protocol.is_some_and(|protocol| protocol != "openid-connect") {
        Some("its protocol is not openid-connect")
    } else if is("publicClient") {
        Some("it is a public client")
    } else if is("bearerOnly") {
        Some("it is bearer-only: it gets no tokens")
    } else if !is("serviceAccountsEnabled") {
        Some("it has no service account")
    } else {
        None
    }
}

fn parse_members(
    row: &mut Map<String, Value>,
    rules: &SecretRules,
) -> Result<ImportedClient, String> {
    let mut remarks = Vec::new();
    let id = take_text(row, "clientId")?.ok_or("clientId is missing")?;
    let name = take_text(row, "name")?.unwrap_or_default();
    let description = take_text(row, "description")?.unwrap_or_default();
    let mut attributes = Attributes(match row.remove("attributes") {
        Some(Value::Object(attributes)) => attributes,
        _ => Map::new(),
    });
    let kind = take_text(row, "clientAuthenticatorType")?;
    let [methods, jwks, jwks_uri, subject] = read_authentication(kind.as_deref(), &mut attributes)?;
    let scopes = take_scopes(row, &mut remarks)?;
    let (audiences, metadata) = take_mappers(row, &mut remarks)?;
    let status = match row.remove("enabled") {
        None | Some(Value::Null | Value::Bool(true)) => ClientStatus::Enabled,
        Some(Value::Bool(false)) => ClientStatus::Disabled,
        Some(_) => return Err("enabled is neither true nor false".to_owned()),
    };
    let ttl = attributes.token_ttl(&mut remarks)?;
    let is_certificate_bound = attributes.is_set("tls.client.certificate.bound.access.tokens");
    let is_dpop_bound = attributes.is_set("dpop.bound.access.tokens");
    let mut imported = ImportedClient::of_members(
        &id,
        [
            ("name", name.into()),
            ("description", description.into()),
            ("scopes", scopes.join(" ").into()),
            ("audiences", audiences.join(" ").into()),
            ("metadata", metadata.into()),
            ("token_ttl", ttl.map(TokenTtl::seconds).into()),
            ("auth_methods", methods),
            ("jwks", jwks),
            ("jwks_uri", jwks_uri),
            ("tls_client_auth_subject_dn", subject),
            (
                "tls_client_certificate_bound_access_tokens",
                is_certificate_bound.into(),
            ),
            ("dpop_bound_access_tokens", is_dpop_bound.into()),
        ],
    )?;
    imported.status = Some(status);
    imported.secrets = take_secret(row, imported.takes_secrets(), rules, &mut attributes)?;
    imported.remarks = remarks;
    Ok(imported)
}

/// What Keycloak keeps of a client beside its members, all of it texts.
struct Attributes(Map<String, Value>);

impl Attributes {
    fn take(&mut self, name: &str) -> Option<String> {
        let text = self.0.remove(name)?.as_str()?.to_owned();
        Some(text).filter(|text| !text.is_empty())
    }

    fn is_set(&mut self, name: &str) -> bool {
        self.take(name).is_some_and(|text| text == "true")
    }

    fn number(&mut self, name: &str) -> Result<Option<i64>, String> {
        let text = self.take(name);
        let number = text.map(|text| text.parse::<i64>()).transpose();
        number.map_err(|_| format!("the attribute {name} is no number"))
    }

    /// What is beyond our bounds is not taken: a client must not be lost for it.
    fn token_ttl(&mut self, remarks: &mut Vec<String>) -> Result<Option<TokenTtl>, String> {
        const NAME: &str = "access.token.lifespan";
        // -1: that of the realm.
        let Some(seconds) = self.number(NAME)?.filter(|seconds| *seconds >= 0) else {
            return Ok(None);
        };
        let ttl = TokenTtl::from_seconds(seconds).ok();
        if ttl.is_none() {
            remarks.push(format!(
                "{NAME} is {seconds} s, which is not 60 to 86400: its tokens live as long as TOKEN_TTL says"
            ));
        }
        Ok(ttl)
    }
}

/// `auth_methods`, `jwks`, `jwks_uri` and `tls_client_auth_subject_dn`.
fn read_authentication(
    kind: Option<&str>,
    attributes: &mut Attributes,
) -> Result<[Value; 4], String> {
    match kind {
        None | Some("client-secret") => Ok([const { Value::Null }; 4]),
        Some("client-jwt") => {
            let uri = attributes.take("jwks.url");
            let uri = uri.filter(|_| attributes.is_set("use.jwks.url"));
            let set = attributes.take("jwks.string");
            let set = set.filter(|_| attributes.is_set("use.jwks.string") && uri.is_none());
            let set: Option<Value> = set
                .map(|text| json::from_str(&text))
                .transpose()
                .map_err(|_| "the attribute jwks.string is no JWK set")?;
            if set.is_none() && uri.is_none() {
                return Err(
                    "its key is a certificate: register the public key as a JWK set here"
                        .to_owned(),
                );
            }
            Ok([
                "private_key_jwt".into(),
                set.into(),
                uri.into(),
                Value::Null,
            ])
        }
        Some("client-x509") => {
            let subject = attributes.take("x509.subjectdn");
            if attributes.is_set("x509.allow.regex.pattern.comparison") {
                return Err("its x509.subjectdn is a pattern, and names more than one".to_owned());
            }
            Ok([
                "tls_client_auth".into(),
                Value::Null,
                Value::Null,
                subject.into(),
            ])
        }
        Some(other) => Err(format!(
            "its clientAuthenticatorType `{other}` is not possible here"
        )),
    }
}

fn take_secret(
    row: &mut Map<String, Value>,
    is_needed: bool,
    rules: &SecretRules,
    attributes: &mut Attributes,
) -> Result<Vec<ImportedSecret>, String> {
    let text = take_secret_text(row, "secret")?;
    let expires_at = attributes.number("client.secret.expiration.time")?;
    if !is_needed {
        return Ok(Vec::new());
    }
    let text = text.ok_or("secret is missing")?;
    if text.bytes().all(|byte| byte == b'*') {
        return Err(
            "the export hides its secret: export by `kc.sh export`, not in the console".to_owned(),
        );
    }
    let expires_at = expires_at.filter(|at| *at > 0).map(UnixTime);
    Ok(vec![named("secret", rules.read(text, expires_at))?])
}

/// All that it may ask for: what Keycloak gives unasked, and what it gives when asked.
fn take_scopes(
    row: &mut Map<String, Value>,
    remarks: &mut Vec<String>,
) -> Result<Vec<String>, String> {
    let mut scopes = Vec::new();
    for name in ["defaultClientScopes", "optionalClientScopes"] {
        let words = take_words(row, name)?.into_iter();
        for word in words.filter(|it| !BUILT_IN.contains(&it.as_str())) {
            if name == "optionalClientScopes" {
                remarks.push(format!(
                    "`{word}` is optional there; here it is granted too to who asks for no scope"
                ));
            }
            scopes.push(word);
        }
    }
    Ok(scopes)
}
