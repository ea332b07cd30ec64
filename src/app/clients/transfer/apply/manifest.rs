//! Owns the files of `client apply`: YAML or JSON that says which trusted issuers and clients there are to be. Parses untrusted bytes; what is
//! wrong is told with its place, and never with what a member holds.

use std::collections::HashSet;

use serde::Deserialize;

use super::plain_words;

use crate::app::clients::spec::ClientSpec;
use crate::app::clients::spec::secret::{SecretSpec, SecretsSpec};
use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, OtherSecrets, RefusedRow, Row,
};
use crate::app::clients::transfer::secrets::SecretRules;
use crate::app::error::explain;
use crate::base::clock::UnixTime;
use crate::base::json::{self, exact};
use crate::domain::{ClientId, IssuerSpec, ManagedBy, ParseError};

/// The version that is read.
const VERSION: u32 = 1;

/// A file of trusted issuers and clients.
#[derive(Debug)]
pub struct Manifest {
    /// The name of the manifest.
    pub name: ManagedBy,
    pub(in crate::app) issuers: Vec<IssuerSpec>,
    pub(in crate::app) entries: Vec<Entry>,
}

/// A client of a file.
#[derive(Debug)]
pub(in crate::app) struct Entry {
    /// All of it but its secrets.
    pub(in crate::app) client: ImportedClient,
    /// `None`: its secrets are not the file's business.
    pub(in crate::app) secrets: Option<SecretsSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    name: Option<ManagedBy>,
    #[serde(default)]
    issuers: Vec<IssuerSpec>,
    clients: Vec<ClientSpec>,
}

impl Manifest {
    /// Reads JSON when the first character is `{`, else YAML. A file that has no name is called `otherwise`.
    pub fn parse(bytes: &[u8], otherwise: Option<&str>) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| ParseError::new(format!("the file is not UTF-8: {error}")))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let document = if text.trim_start().starts_with('{') {
            let document = json::from_str(text).map_err(|error| error.to_string());
            document.and_then(|it| {
                exact::check(text)
                    .map(|()| it)
                    .map_err(|why| why.to_string())
            })
        } else {
            read_yaml(text)
        };
        let document: Document = document.map_err(|error| ParseError::new(explain(&error)))?;
        if document.version != VERSION {
            return Err(ParseError::new(format!(
                "version: this server reads only version {VERSION}"
            )));
        }
        let name = match (document.name, otherwise) {
            (Some(name), _) => name,
            (None, Some(name)) => ManagedBy::parse(name)?,
            (None, None) => {
                return Err(ParseError::new(
                    "`name`, the name of the manifest, is missing",
                ));
            }
        };
        let mut seen = HashSet::new();
        let entries = document
            .clients
            .into_iter()
            .enumerate()
            .map(|(at, spec)| Entry::read(at, spec, &mut seen));
        Ok(Self {
            name,
            issuers: document.issuers,
            entries: entries.collect::<Result<_, _>>()?,
        })
    }
}

impl Entry {
    fn read(
        at: usize,
        mut spec: ClientSpec,
        seen: &mut HashSet<ClientId>,
    ) -> Result<Self, ParseError> {
        let Some(id) = spec.client_id.take() else {
            return Err(ParseError::new(format!(
                "clients[{at}]: client_id is missing"
            )));
        };
        let place = format!("clients[{at}] `{id}`");
        let here = |error: &dyn std::fmt::Display| ParseError::new(format!("{place}: {error}"));
        if !seen.insert(id.clone()) {
            return Err(here(&"the file has this client_id twice"));
        }
        spec.refuse_others(&[]).map_err(|error| here(&error))?;
        let secrets = spec.secrets.take();
        let mut client = ImportedClient::of(id, &mut spec).map_err(|error| here(&error))?;
        client.is_complete = true;
        Ok(Self { client, secrets })
    }

    /// The client with its secrets, for a plan.
    pub(super) fn row(&self, rules: &SecretRules, now: UnixTime) -> Row {
        let mut client = self.client.clone();
        match &self.secrets {
            None => client.other_secrets = OtherSecrets::Left,
            Some(SecretsSpec::Make) => client.other_secrets = OtherSecrets::LeftOrMade,
            Some(SecretsSpec::These(list)) => {
                let secrets = read_secrets(&client.client_id, list, rules, now);
                let id = client.client_id.as_str();
                client.secrets = secrets.map_err(|why| RefusedRow::bad(Some(id), why.0))?;
            }
        }
        Ok(client)
    }
}

fn read_secrets(
    id: &ClientId,
    list: &[SecretSpec],
    rules: &SecretRules,
    now: UnixTime,
) -> Result<Vec<ImportedSecret>, ParseError> {
    let (mut secrets, mut seen) = (Vec::new(), HashSet::new());
    for document in list {
        let secret = document.read(id, now, rules)?;
        if !seen.insert(secret.secret_id.clone()) {
            return Err(ParseError::new("the file has a secret twice"));
        }
        secrets.push(ImportedSecret::Kept(secret));
    }
    Ok(secrets)
}

fn read_yaml(text: &str) -> Result<Document, String> {
    // A part of the file in an error could be a secret.
    let options = serde_saphyr::options! { with_snippet: false };
    let document = serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        Document::deserialize(json::objects_only(yaml))
    });
    let document = document.map_err(|error| error.to_string())?;
    plain_words::check(text)?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> String {
        Manifest::parse(text.as_bytes(), Some("f"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = "version: 1\nname: team\nclients:\n  - client_id: a\n    scopes: [b, a]\n    token_ttl: 15m\n    metadata: {tenant: acme, n: 1}\n    secrets: make\n";
        let json = r#"{"version":1,"name":"team","clients":[{"client_id":"a","scopes":"a b","token_ttl":900,"metadata":{"tenant":"acme","n":1},"secrets":"make"}]}"#;
        let [yaml, json] = [yaml, json].map(|it| Manifest::parse(it.as_bytes(), None).unwrap());
        assert_eq!(yaml.name, json.name);
        let [yaml, json] = [yaml, json].map(|mut it| it.entries.remove(0));
        assert_eq!(yaml.client.client_id, json.client.client_id);
        assert_eq!(yaml.client.fields, json.client.fields);
        assert_eq!(yaml.client.fields.scopes.unwrap().as_str(), "a b");
        assert!(matches!(yaml.secrets, Some(SecretsSpec::Make)));
        assert_eq!(yaml.client.status, None);
    }

    #[test]
    fn issuers_stand_beside_the_clients() {
        let yaml = "version: 1\nissuers:\n  - name: k8s\n    issuer: https://k8s.test\n    replay: allow\n    algorithms: [ES256]\nclients: []\n";
        let json = r#"{"version":1,"issuers":[{"name":"k8s","issuer":"https://k8s.test","replay":"allow","algorithms":["ES256"]}],"clients":[]}"#;
        let [yaml, json] = [yaml, json].map(|text| {
            let read = Manifest::parse(text.as_bytes(), Some("f")).unwrap();
            let built = read.issuers.into_iter().map(|it| it.build(UnixTime(0)));
            built.collect::<Result<Vec<_>, _>>().unwrap()
        });
        assert_eq!(yaml, json);
        assert_eq!(yaml[0].algorithms.to_string(), "ES256");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, told) in [
            (
                "version: 1\nclients:\n  - client_id: a\n    scope: b\n",
                ["scope", "line 4"],
            ),
            (
                "version: 1\nclients:\n  - client_id: a b\n",
                ["client_id", "line 3"],
            ),
            (
                "version: 1\nclients:\n  - client_id: a\n    client_id: b\n",
                ["client_id", "line 4"],
            ),
            (
                "version: 1\nclients:\n  - client_id: a\n    scopes: a\"b\n",
                ["clients[0] `a`", "scope"],
            ),
            (
                "version: 1\nclients:\n  - client_id: a\n    auth_methods: none\n",
                ["clients[0] `a`", "method"],
            ),
            (
                "version: 1\nclients:\n  - {client_id: a}\n  - {client_id: a}\n",
                ["clients[1] `a`", "twice"],
            ),
            ("version: 2\nclients: []\n", ["version", "1"]),
            (
                "{\"version\":1,\n\"clients\":[{\"client_id\":\"a\",\"x\":1}]}",
                ["unknown field `x`", "line 2"],
            ),
            (
                "version: 1\nclients: []\nissuers:\n  - name: k8s\n    iss: a\n",
                ["unknown field `iss`", "line 5"],
            ),
            (
                "version: 1\nclients: []\nissuers:\n  - name: k8s\n    issuer: http://a\n",
                ["https", "line 5"],
            ),
            ("clients: []\n", ["version", "line"]),
            ("- a\n", ["line 1", ""]),
        ] {
            let error = error(text);
            assert!(told.iter().all(|it| error.contains(it)), "{text}: {error}");
        }
    }

    #[test]
    fn a_list_in_the_place_of_members_is_refused_however_deep() {
        let hash = r#"[null,null,"$2b$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG","",null,null,null]"#;
        for text in [
            "[1, a, []]".to_owned(),
            "version: 1\nclients:\n  - [a]\n".to_owned(),
            format!("version: 1\nclients:\n  - client_id: a\n    secrets: [{hash}]\n"),
            format!(r#"{{"version":1,"clients":[{{"client_id":"a","secrets":[{hash}]}}]}}"#),
        ] {
            let error = error(&text);
            assert!(
                error.contains("object") || error.contains("mapping"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn an_error_does_not_repeat_what_a_member_holds() {
        for text in [
            "version: 1\nclients:\n  - client_id: a\n    secrets: hunter2\n",
            "version: 1\nclients:\n  - client_id: a\n    secrets:\n      - hunter2\n",
            "version: 1\nclients:\n  - client_id: a\n    client_secret: hunter2\n",
            "version: 1\nclients:\n  - client_id: a\n    secrets:\n      - secret_hash: {hunter2: 1}\n",
            "{\"version\":1,\"clients\":[{\"client_id\":\"a\",\"secrets\":[\"hunter2\"]}]}",
        ] {
            let error = error(text);
            assert!(!error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn what_would_change_its_meaning_is_refused() {
        let yaml = |member: &str| format!("version: 1\nclients:\n  - client_id: a\n    {member}\n");
        for member in [
            "name: NO",
            "metadata: {country: NO}",
            "metadata: {list: [a, y]}",
            "metadata: {zip: 01234}",
            "metadata: {count: 1_000}",
            "metadata: {version: 1.10}",
            "metadata: {big: 123456789012345678901234567890}",
            "dpop_bound_access_tokens: yes",
        ] {
            let error = error(&yaml(member));
            assert!(
                error.contains("quotes") || error.contains("tokens"),
                "{member}: {error}"
            );
        }
        for member in [
            "name: 'NO'",
            "metadata: {country: \"NO\", zip: '01234', version: '1.10', n: 12, on: \"y\", t: true, z: null}",
            "dpop_bound_access_tokens: true",
        ] {
            let text = yaml(member);
            let read = Manifest::parse(text.as_bytes(), Some("f"));
            assert!(read.is_ok(), "{member}: {read:?}");
        }
        for (members, told) in [
            (r#""metadata":{"a":1,"a":2}"#, "`a` is repeated"),
            (r#""metadata":{"a":1.10}"#, "lose digits"),
            (
                r#""secrets":[{"secret_hash":"x","expires_at":1800000000000}]"#,
                "milliseconds",
            ),
        ] {
            let text = format!(r#"{{"version":1,"clients":[{{"client_id":"a",{members}}}]}}"#);
            let error = error(&text);
            assert!(error.contains(told), "{members}: {error}");
        }
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "version: 1\nclients: []\nname: &a0 x\n".to_owned();
        for n in 1..40 {
            text += &format!("k{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1);
        }
        assert!(Manifest::parse(text.as_bytes(), None).is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            let _ = Manifest::parse(text.as_bytes(), None);
            let _ = Manifest::parse(&bytes, None);
            let _ = Manifest::parse(format!("version: 1\nclients: {text}").as_bytes(), None);
        }
    }
}
