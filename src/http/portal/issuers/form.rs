//! The form of an issuer: a text for each member of the one description, to create an issuer and to change one.

use askama::Template;
use axum::response::Response;
use serde_json::{Map, Value};

use crate::app::error::Result;
use crate::base::json;
use crate::config::parse_seconds;
use crate::domain::{
    Audience, FilePath, IssuerAlgorithms, IssuerName, IssuerSpec, IssuerUrl, JwksUri, KeySource,
    MaxLifetime, ParseError, Replay, TrustAnchor, TrustDomain, TrustedIssuer,
};
use crate::http::portal::access::{Form, Owner, PortalRequest};
use crate::http::portal::clients::form::pretty;
use crate::http::portal::issuers::typed::{Typed, again};
use crate::http::portal::issuers::{PATH, path_of_issuer};
use crate::http::portal::links::see_done;
use crate::http::portal::page::{self, Layout};

const NEW_PATH: &str = "/admin/new-issuer";

/// Of which one at most is filled in; the first is where all are empty.
const PLACES: [&str; 5] = [
    "discovery_url",
    "jwks_uri",
    "jwks",
    "bundle_endpoint",
    "bundle_file",
];

const OTHERS: [&str; 11] = [
    "name",
    "issuer",
    "trust_domain",
    "allowed_hosts",
    "private_addresses",
    "ca_file",
    "bearer_token_file",
    "algorithms",
    "audiences",
    "max_lifetime",
    "replay",
];

const WORDS: &[char] = &[' ', '\n', '\t'];

#[derive(Template)]
#[template(path = "issuers/issuer_form.html")]
struct FormPage {
    layout: Layout,
    /// `None`: the issuer is not there yet.
    there: Option<There>,
    typed: Typed,
}

/// The issuer that a form changes.
struct There {
    name: IssuerName,
    anchor: TrustAnchor,
    /// That of the issuer that the form shows.
    version: String,
    is_stale: bool,
    path: String,
}

page::pages!(FormPage);

fn read(form: &mut Form) -> Typed {
    Typed::read(form, &[&PLACES[..], &OTHERS[..]].concat())
}

/// A form with what is configured.
fn filled(issuer: &TrustedIssuer) -> Typed {
    let fetch = &issuer.fetch;
    let path = |path: Option<&FilePath>| path.map(ToString::to_string).unwrap_or_default();
    let audiences = issuer.audiences.iter().map(Audience::as_str);
    let ticked = if fetch.private_addresses { "yes" } else { "" };
    let place = match &issuer.keys {
        KeySource::Discovery(None) => None,
        KeySource::Discovery(Some(uri)) => Some(("discovery_url", uri.to_string())),
        KeySource::JwksUri(uri) => Some(("jwks_uri", uri.to_string())),
        KeySource::Inline(set) => Some(("jwks", pretty(set.as_str()))),
        KeySource::BundleEndpoint(uri) => Some(("bundle_endpoint", uri.to_string())),
        KeySource::BundleFile(file) => Some(("bundle_file", file.to_string())),
    };
    let algorithms = if issuer.algorithms == IssuerAlgorithms::default() {
        String::new()
    } else {
        issuer.algorithms.to_string()
    };
    let others = [
        ("allowed_hosts", fetch.allowed_hosts.join(" ")),
        ("private_addresses", ticked.to_owned()),
        ("ca_file", path(fetch.ca_file.as_ref())),
        ("bearer_token_file", path(fetch.bearer_token_file.as_ref())),
        ("algorithms", algorithms),
        ("audiences", audiences.collect::<Vec<_>>().join(" ")),
        (
            "max_lifetime",
            format!("{}s", issuer.max_lifetime.seconds()),
        ),
        ("replay", issuer.replay.to_string()),
    ];
    Typed::new(others.into_iter().chain(place))
}

/// What the form says of an issuer but for its name and its anchor. Every member is said something of: what is empty is as
/// for a new issuer.
fn spec(typed: &mut Typed) -> IssuerSpec {
    let filled: Vec<_> = PLACES.iter().filter(|it| typed.is_ticked(it)).collect();
    if let [first, second, ..] = filled.as_slice() {
        let why = format!("an issuer has its keys in one place: `{first}` is filled in too");
        typed.refuse(second, why);
    }
    let lifetime = typed.parse("max_lifetime", parse_lifetime);
    IssuerSpec {
        discovery_url: Some(typed.parse("discovery_url", parse_url)),
        jwks_uri: Some(typed.parse("jwks_uri", parse_url)),
        jwks: Some(typed.parse("jwks", parse_keys)),
        bundle_endpoint: Some(typed.parse("bundle_endpoint", parse_url)),
        bundle_file: Some(typed.parse("bundle_file", FilePath::parse)),
        allowed_hosts: Some(typed.parse_each("allowed_hosts", WORDS, IssuerSpec::parse_host)),
        private_addresses: Some(typed.is_ticked("private_addresses")),
        ca_file: Some(typed.parse("ca_file", FilePath::parse)),
        bearer_token_file: Some(typed.parse("bearer_token_file", FilePath::parse)),
        algorithms: Some(typed.parse_each("algorithms", WORDS, |word| {
            IssuerAlgorithms::parse(word).map(|_| word.to_owned())
        })),
        audiences: Some(typed.parse_each("audiences", WORDS, |word| {
            Audience::parse(word).map(|audience| audience.to_string())
        })),
        max_lifetime: Some(lifetime.unwrap_or_default().seconds()),
        replay: typed.parse("replay", Replay::parse),
        ..IssuerSpec::default()
    }
}

/// The whole issuer that the form describes.
fn new_spec(typed: &mut Typed) -> IssuerSpec {
    let name = typed.parse("name", IssuerName::parse);
    if typed.text("name").is_empty() {
        typed.refuse("name", "an issuer needs a name");
    }
    let issuer = typed.parse("issuer", IssuerUrl::parse);
    let trust_domain = typed.parse("trust_domain", TrustDomain::parse);
    match (typed.text("issuer"), typed.text("trust_domain")) {
        ("", "") => typed.refuse("issuer", "an issuer needs an `iss` or a trust domain"),
        ("", _) | (_, "") => {}
        (_, _) => typed.refuse(
            "trust_domain",
            "an issuer has either an `iss` or a trust domain",
        ),
    }
    IssuerSpec {
        name,
        issuer,
        trust_domain,
        ..spec(typed)
    }
}

/// What [`JwksUri`] says of itself is said of the field.
fn parse_url(text: &str) -> Result<String, ParseError> {
    let parsed = JwksUri::parse(text).map(|uri| uri.to_string());
    parsed.map_err(|error| ParseError::new(error.0.replacen("a jwks_uri", "the URL", 1)))
}

fn parse_keys(text: &str) -> Result<Map<String, Value>, ParseError> {
    json::from_str(text)
        .map_err(|error| ParseError::new(format!("a JWK set must be a JSON object: {error}")))
}

fn parse_lifetime(text: &str) -> Result<MaxLifetime, ParseError> {
    MaxLifetime::from_seconds(parse_seconds(text).map_err(ParseError::new)?)
}

pub(in crate::http::portal) async fn show_new_issuer(request: PortalRequest<Owner>) -> Response {
    let typed = Typed::new([("max_lifetime", "1h".to_owned())]);
    page::show(&new_page(&request, typed))
}

fn new_page(request: &PortalRequest<Owner>, typed: Typed) -> FormPage {
    FormPage {
        layout: request.layout("Add trusted issuer", NEW_PATH),
        there: None,
        typed,
    }
}

/// Trusts another issuer.
pub(in crate::http::portal) async fn create_issuer(
    request: PortalRequest<Owner>,
    mut form: Form,
) -> Result<Response> {
    let mut typed = read(&mut form);
    let spec = new_spec(&mut typed);
    let checked = typed.finish();
    let at_field = checked.is_err();
    let created = match checked {
        Ok(()) => request.app.issuers.add(&request.origin, spec).await,
        Err(error) => Err(error),
    };
    match created {
        Ok(issuer) => Ok(see_done(&path_of_issuer(&issuer.name), "created")),
        Err(error) => again(new_page(&request, typed), error, at_field),
    }
}

/// The form of an issuer as it is, or as it was typed over a version of the issuer.
async fn edit_page(
    request: &PortalRequest<Owner, IssuerName>,
    typed: Option<(String, Typed)>,
) -> Result<FormPage> {
    let name = &request.target;
    let issuer = request.app.issuers.find(name).await?.issuer;
    let current = issuer.version();
    let (version, typed) = typed.unwrap_or_else(|| (current.clone(), filled(&issuer)));
    Ok(FormPage {
        layout: request.layout(format!("Edit {name}"), PATH),
        there: Some(There {
            name: name.clone(),
            anchor: issuer.anchor,
            is_stale: version != current,
            version,
            path: path_of_issuer(name),
        }),
        typed,
    })
}

pub(in crate::http::portal) async fn show_edit(
    request: PortalRequest<Owner, IssuerName>,
) -> Result<Response> {
    Ok(page::show(&edit_page(&request, None).await?))
}

/// Changes the issuer, unless somebody else has since the form was shown.
pub(in crate::http::portal) async fn edit(
    request: PortalRequest<Owner, IssuerName>,
    mut form: Form,
) -> Result<Response> {
    let (issuers, by, name) = (&request.app.issuers, &request.origin, &request.target);
    let version = form.need("version")?;
    let mut typed = read(&mut form);
    let spec = spec(&mut typed);
    let checked = typed.finish();
    let at_field = checked.is_err();
    let saved = match checked {
        Ok(()) => issuers.update_seen(by, name, spec, Some(&version)).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(_) => Ok(see_done(&path_of_issuer(name), "saved")),
        Err(error) => {
            let page = edit_page(&request, Some((version, typed)));
            again(page.await?, error, at_field)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_has_every_member_of_the_one_description() {
        let unknown = json::from_str::<IssuerSpec>(r#"{"?":1}"#).unwrap_err();
        let unknown = unknown.to_string();
        // Behind the name that is unknown stand all that are known.
        let known: Vec<&str> = unknown.split('`').skip(3).step_by(2).collect();
        assert!(known.len() > 15, "{unknown}");
        for name in known {
            let is_other = ["status", "created_at", "updated_at"].contains(&name);
            let is_field = PLACES.contains(&name) || OTHERS.contains(&name);
            assert!(is_field != is_other, "{name}");
        }
    }

    #[test]
    fn what_a_form_shows_is_what_it_says() {
        for text in [
            r#"{"name":"a","issuer":"https://a.test"}"#,
            r#"{"name":"a","issuer":"https://a.test","discovery_url":"https://b.test/d","allowed_hosts":["c.test:8443"],
                "private_addresses":true,"ca_file":"/ca","bearer_token_file":"/t","algorithms":["ES256"],"audiences":["x","y"],
                "max_lifetime":600,"replay":"allow"}"#,
            r#"{"name":"a","trust_domain":"a.test","bundle_endpoint":"https://b.test/"}"#,
            r#"{"name":"a","trust_domain":"a.test","bundle_file":"/b"}"#,
            r#"{"name":"a","issuer":"https://a.test","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519",
                "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}"#,
        ] {
            let described: IssuerSpec = json::from_str(text).unwrap();
            let issuer = described.build(crate::base::clock::UnixTime(0)).unwrap();
            let mut typed = filled(&issuer);
            let again = spec(&mut typed).apply_to(&issuer).unwrap();
            typed.finish().unwrap();
            assert_eq!(again.replay, issuer.replay);
            assert_eq!(again.max_lifetime, issuer.max_lifetime);
            assert_eq!(again.fetch, issuer.fetch);
            assert_eq!(again.audiences, issuer.audiences);
            assert_eq!(again.algorithms, issuer.algorithms);
            match (&again.keys, &issuer.keys) {
                // The JSON of the form has its members in another order.
                (KeySource::Inline(again), KeySource::Inline(before)) => {
                    assert_eq!(again.keys(), before.keys());
                }
                (again, before) => assert_eq!(again, before),
            }
        }
    }
}
