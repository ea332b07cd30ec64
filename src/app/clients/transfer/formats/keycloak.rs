//! Owns what a client of Keycloak is here: a `ClientRepresentation`, from the export of a realm or alone.

use serde_json::{Map, Value};

use crate::app::clients::spec::members::seconds_since_1970;
use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, RefusedRow, Row, named, text_in, there,
};
use crate::app::clients::transfer::formats::keycloak_attributes::{Attributes, LIFESPAN};
use crate::app::clients::transfer::formats::keycloak_realm::Realm;
use crate::app::clients::transfer::formats::keycloak_scopes::Granted;
use crate::app::clients::transfer::formats::table::{take_secret_text, take_text};
use crate::app::clients::transfer::formats::widening::Widening;
use crate::app::clients::transfer::secrets::SecretRules;
use crate::base::json;
use crate::domain::{ClientStatus, TokenTtl};

/// Members and attributes that say nothing more than others do, or nothing to a machine.
const SILENT: [&str; 13] = [
    "id",
    "protocol",
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

/// Parses a client; `realm` is `None` when the file has clients alone.
pub(super) fn parse(
    row: &mut Map<String, Value>,
    realm: Option<&Realm>,
    rules: &SecretRules,
) -> Row {
    let id = text_in(row, "clientId");
    let id = id.as_deref();
    if id.is_none() {
        let why = "clientId is missing: the file is neither a client nor a realm with `clients`";
        return Err(RefusedRow::bad(None, why));
    }
    if let Some(reason) = why_not(row) {
        row.clear();
        return Err(RefusedRow::skipped(id, reason));
    }
    for name in SILENT {
        row.remove(name);
    }
    let mut compared = there(
        row,
        &[
            "enabled",
            "clientAuthenticatorType",
            "defaultClientScopes",
            "optionalClientScopes",
        ],
    );
    let lifespan = row
        .get("attributes")
        .and_then(|it| it.get(LIFESPAN))
        .cloned();
    let of_realm = realm.and_then(|realm| realm.token_lifespan);
    compared.extend(lifespan.map(|it| (LIFESPAN.to_owned(), it)));
    compared.extend(of_realm.map(|it| ("accessTokenLifespan".to_owned(), it.into())));
    let imported = parse_members(row, realm, rules);
    let mut imported = imported.map_err(|reason| RefusedRow::bad(id, reason))?;
    imported.there = Some(compared);
    Ok(imported)
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
        Some("it is bearer-only, so it gets no tokens")
    } else if !is("serviceAccountsEnabled") {
        Some("it has no service account")
    } else {
        None
    }
}

fn parse_members(
    row: &mut Map<String, Value>,
    realm: Option<&Realm>,
    rules: &SecretRules,
) -> Result<ImportedClient, String> {
    let id = take_text(row, "clientId")?.ok_or("clientId is missing")?;
    let name = take_text(row, "name")?.unwrap_or_default();
    let description = take_text(row, "description")?.unwrap_or_default();
    let mut attributes = Attributes(match row.remove("attributes") {
        Some(Value::Object(attributes)) => attributes,
        _ => Map::new(),
    });
    let kind = take_text(row, "clientAuthenticatorType")?;
    let [methods, jwks, jwks_uri, subject] = read_authentication(kind.as_deref(), &mut attributes)?;
    let mut granted = Granted {
        realm,
        ..Granted::default()
    };
    granted.add_own(row)?;
    granted.add_scopes(row)?;
    let mut remarks = granted.remarks;
    let status = match row.remove("enabled") {
        None | Some(Value::Null | Value::Bool(true)) => ClientStatus::Enabled,
        Some(Value::Bool(false)) => ClientStatus::Disabled,
        Some(_) => return Err("enabled is not true or false".to_owned()),
    };
    let lifespan = realm.and_then(|realm| realm.token_lifespan);
    let (ttl, is_ttl_unknown) = attributes.token_ttl(lifespan, &mut remarks)?;
    let is_certificate_bound = attributes.is_set("tls.client.certificate.bound.access.tokens");
    let is_dpop_bound = attributes.is_set("dpop.bound.access.tokens");
    let mut imported = ImportedClient::of_members(
        &id,
        [
            ("name", name.into()),
            ("description", description.into()),
            ("scopes", granted.scopes.join(" ").into()),
            ("audiences", granted.mapped.audiences.join(" ").into()),
            ("metadata", granted.mapped.claims.into()),
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
    imported.secrets = take_secrets(
        row,
        imported.takes_secrets(),
        rules,
        &mut attributes,
        &mut remarks,
    )?;
    remark_roles(&id, realm, &mut remarks);
    attributes.remark_rest(&mut remarks);
    imported.remarks = remarks;
    imported.widenings = granted.widenings;
    if is_ttl_unknown {
        imported.widenings.push(Widening::UnknownTtl);
    }
    Ok(imported)
}

fn remark_roles(client_id: &str, realm: Option<&Realm>, remarks: &mut Vec<String>) {
    match realm.map(|realm| realm.roles(client_id)) {
        Some(Some([])) => {}
        Some(Some(roles)) => remarks.push(format!(
            "left out roles of its service account: {}; express its rights in scopes or metadata",
            roles.join(", ")
        )),
        Some(None) => {
            let why = "the file has no users, so roles of its service account are left out";
            remarks.push(why.to_owned());
        }
        None => remarks.push(
            "the file has no realm, so the roles of its service account and the claims of its client scopes are left \
                out"
                .to_owned(),
        ),
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
                .map_err(|_| "the attribute jwks.string is not a JWK set")?;
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
                return Err(
                    "its x509.subjectdn is a pattern that can match more than one subject"
                        .to_owned(),
                );
            }
            Ok([
                "tls_client_auth".into(),
                Value::Null,
                Value::Null,
                subject.into(),
            ])
        }
        Some(other) => Err(format!(
            "its clientAuthenticatorType `{other}` is not supported here"
        )),
    }
}

/// The secret, and the one before it while that is good.
fn take_secrets(
    row: &mut Map<String, Value>,
    is_needed: bool,
    rules: &SecretRules,
    attributes: &mut Attributes,
    remarks: &mut Vec<String>,
) -> Result<Vec<ImportedSecret>, String> {
    const ROTATED: &str = "client.secret.rotated";
    let text = take_secret_text(row, "secret")?;
    let expires_at = attributes.number("client.secret.expiration.time")?;
    let rotated = attributes.take(ROTATED);
    let rotated_until = attributes.number("client.secret.rotated.expiration.time")?;
    if !is_needed {
        return Ok(Vec::new());
    }
    let text = text.ok_or("secret is missing")?;
    if text.bytes().all(|byte| byte == b'*') {
        return Err(
            "the export hides its secret: export with `kc.sh export`, not in the console"
                .to_owned(),
        );
    }
    let time = |at: Option<i64>| {
        let at = at.filter(|at| *at > 0).map(seconds_since_1970);
        named("an expiration time", at.transpose())
    };
    let expires_at = time(expires_at)?;
    let mut secrets = vec![named("secret", rules.read(text, expires_at))?];
    match (rotated, time(rotated_until)?) {
        (Some(text), Some(until)) => {
            secrets.push(named(ROTATED, rules.read(text, Some(until)))?);
            remarks.push(format!(
                "imported its rotated secret, which expires at {until}"
            ));
        }
        (Some(_), None) => {
            remarks.push("left out its rotated secret, which has no expiration time".to_owned());
        }
        (None, _) => {}
    }
    Ok(secrets)
}
