//! The store's promises, each a test, on every database.

mod changes;
mod clients;
mod damage;
mod head;
mod keys;
mod migrations;
mod password;
mod pools;
mod revocations;
mod rights;
mod secrets;
mod single_use_values;
mod tls;

use token_server::base::clock::UnixTime;
use token_server::domain::{
    Action, AllowedNetworks, Audience, AuthMethods, AuthenticationSettings, CertificateSubject,
    Client, ClientKeys, ClientRecord, ClientSecret, ClientStatus, ClientVersion, Description,
    ExchangeRules, ExpectedVersion, Generation, Identifiers, JwkSet, ManagedBy, Metadata, Name,
    Scope, SecretId, SecretOrigin, SenderConstraint, TokenId, TokenQuota, TokenTtl, TokenTyp,
};
use token_server::store::{
    ClientInserted, ClientWrite, ClientWritten, IfTaken, Store, StoreError, WriteActions,
    WriteOptions,
};

use crate::harness::{BY, NOW, id};

/// The floor of a replica that has seen no generation.
const LOW: Generation = Generation::ZERO;

/// At any version, without a response to store.
const ANY: &WriteOptions<'_> = &WriteOptions {
    expected: ExpectedVersion::Any,
    response: None,
};

/// What an import writes to the trail.
const IMPORT: WriteActions = WriteActions {
    insert: Action::ClientImport,
    replace: Action::ClientImport,
};

/// Inserts a client that is not there.
async fn insert(store: &Store, record: &ClientRecord, at: UnixTime) {
    let inserted = store.insert_client(record, ANY, BY.at(at)).await;
    assert_eq!(inserted.unwrap(), ClientInserted::Inserted);
}

/// Inserts those of the clients that are not there.
async fn insert_missing(
    store: &Store,
    records: Vec<ClientRecord>,
) -> Result<Vec<ClientWritten>, StoreError> {
    let writes = records.into_iter().map(|record| ClientWrite {
        record,
        if_taken: IfTaken::Leave,
    });
    let writes: Vec<ClientWrite> = writes.collect();
    let written = store.write_clients(&writes, IMPORT, LOW, BY.at(NOW));
    Ok(written.await?.outcomes)
}

fn token(n: u128) -> TokenId {
    TokenId::parse(&format!("{n:032x}")).unwrap()
}

fn generation(number: i64) -> Generation {
    Generation::from_number(number).unwrap()
}

/// A client as the store has it, but for its version and its generation, which the store begins.
async fn find(store: &Store, client_id: &str) -> Option<ClientRecord> {
    let mut found = store.find_client(&id(client_id)).await.unwrap()?;
    found.client.version = ClientVersion::default();
    found.client.generation = LOW;
    Some(found)
}

/// The version and the generation of a client.
async fn counted(store: &Store, client_id: &str) -> (i64, i64) {
    let client = store
        .find_client(&id(client_id))
        .await
        .unwrap()
        .unwrap()
        .client;
    let version = client.version.to_string().parse().unwrap();
    (version, client.generation.number())
}

/// RFC 8037 appendix A.2.
const KEYS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

const RULES: &str =
    r#"{"https://e":{"scopes":"read","map":{"view":"read"}},"https://f":{"scopes":"write"}}"#;

/// A client with everything set.
fn record(client_id: &str) -> ClientRecord {
    ClientRecord {
        client: Client {
            client_id: id(client_id),
            name: Name::parse("Ünïcode 'quoted' name").unwrap(),
            description: Description::parse("two\nlines").unwrap(),
            status: ClientStatus::Enabled,
            scopes: Scope::parse("read write").unwrap(),
            audiences: Audience::parse_list("https://b https://a").unwrap(),
            identifiers: Identifiers::parse("https://d https://c").unwrap(),
            exchange_rules: ExchangeRules::parse(RULES).unwrap(),
            metadata: Metadata::parse(r#"{"z":1,"a":"ü"}"#).unwrap(),
            token_ttl: Some(TokenTtl::from_seconds(90).unwrap()),
            explicit_scopes_only: true,
            token_typ: Some(TokenTyp::Jwt),
            token_quota: TokenQuota::from_count(7).ok(),
            allowed_networks: AllowedNetworks::parse("10.0.0.0/8 2001:db8::/32").unwrap(),
            authentication: AuthenticationSettings {
                auth_methods: AuthMethods::parse("private_key_jwt tls_client_auth").unwrap(),
                keys: Some(ClientKeys::Inline(JwkSet::parse(KEYS).unwrap())),
                certificate_subject: CertificateSubject::parse("subject_dn=CN=ü,O=b\\,c").ok(),
                ..AuthenticationSettings::default()
            },
            sender_constraint: SenderConstraint {
                tls_client_certificate_bound_access_tokens: false,
                dpop_bound_access_tokens: true,
            },
            managed_by: ManagedBy::parse("team.yaml").ok(),
            created_at: UnixTime(100),
            updated_at: UnixTime(100),
            version: ClientVersion::default(),
            generation: LOW,
        },
        secrets: vec![secret("AAAAAAAA", 100, None)],
    }
}

/// A client with everything else set.
fn record_without_secret(client_id: &str) -> ClientRecord {
    ClientRecord {
        secrets: Vec::new(),
        ..record(client_id)
    }
}

fn secret(secret_id: &str, created_at: i64, expires_at: Option<i64>) -> ClientSecret {
    ClientSecret {
        secret_id: SecretId::parse(secret_id).unwrap(),
        origin: SecretOrigin::Generated,
        secret_hash: format!("hash of {secret_id}"),
        hint: "wxyz".to_owned(),
        created_at: UnixTime(created_at),
        expires_at: expires_at.map(UnixTime),
        unused_for: None,
        vouched: false,
    }
}
