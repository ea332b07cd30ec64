//! Every field in files: rows, exports, manifests, and what other servers write.

use serde_json::{Value, json};
use token_server::app::clients::transfer::import::{
    ImportNews, ImportOptions, ImportSource, OnConflict,
};
use token_server::domain::ClientStatus;

use super::{
    A_SECRET, CLIENT, KEYS, assert_is, delete, fields, import, parse, register, registered,
    service, set,
};
use crate::admin_api::Robot;
use crate::harness::{BY, TestApp, id};

#[tokio::test]
async fn a_row_of_a_file_sets_and_clears_every_field_and_leaves_alone_what_it_does_not_say() {
    for is_csv in [true, false] {
        let test = service().await;
        let row = |member: Option<(&str, Value)>| {
            if is_csv {
                let quoted = |value: Value| value.as_str().unwrap().replace('"', "\"\"");
                let (name, cell) = member.map_or_else(Default::default, |(name, value)| {
                    (format!(",{name}"), format!(",\"{}\"", quoted(value)))
                });
                return format!(
                    "client_id,client_secret{name}\n\"{CLIENT}\",\"{A_SECRET}\"{cell}\n"
                );
            }
            let mut row = json!({ "client_id": CLIENT, "client_secret": A_SECRET });
            if let Some((name, value)) = member {
                row[name] = value;
            }
            json!([row]).to_string()
        };
        for field in fields(&test).await {
            let (value, nothing) = if is_csv {
                (field.text().into(), "".into())
            } else {
                (field.value(), Value::Null)
            };
            let front = if is_csv { "CSV" } else { "JSON" };
            import(&test, &row(Some((field.name, value.clone())))).await;
            assert_is(&registered(&test).await, field, &field.value(), front);
            import(&test, &row(None)).await;
            let kept = registered(&test).await;
            assert_is(&kept, field, &field.value(), &format!("{front} without it"));
            import(&test, &row(Some((field.name, nothing)))).await;
            let cleared = registered(&test).await;
            assert_is(&cleared, field, &field.default(), &format!("{front} empty"));
            import(&test, &row(Some((field.name, value)))).await;
            let set = registered(&test).await;
            assert_is(&set, field, &field.value(), &format!("{front} again"));
            delete(&test).await;
        }
    }
}

#[tokio::test]
async fn an_export_has_every_field_and_an_import_of_it_brings_it_back() {
    let test = service().await;
    let other = service().await;
    let robot = Robot::new(&test).await;
    for field in fields(&test).await {
        register(&test).await;
        let without = test.export().await;
        set(&test, &robot, field).await;
        let with = test.export().await;

        import(&other, &with).await;
        assert_eq!(registered(&other).await, registered(&test).await);
        assert_is(&registered(&other).await, field, &field.value(), "export");
        import(&other, &without).await;
        assert_is(&registered(&other).await, field, &field.default(), "export");
        delete(&test).await;
    }
}

#[tokio::test]
async fn a_manifest_sets_every_field_and_clears_what_it_leaves_out() {
    let test = service().await;
    let apply = async |members: Value| {
        let mut client = json!({ "client_id": CLIENT });
        for (name, value) in members.as_object().unwrap() {
            client[name] = value.clone();
        }
        let file = json!({ "version": 1, "name": "team", "clients": [client] });
        test.apply(&file.to_string()).await.unwrap();
        registered(&test).await
    };
    for field in fields(&test).await {
        let set = apply(json!({ field.name: field.value() })).await;
        assert_is(&set, field, &field.value(), "apply");
        let left_out = apply(json!({})).await;
        assert_is(&left_out, field, &field.default(), "apply without it");
    }
}

/// What clients of other servers have beside `client_id`, secrets and, of Keycloak, whether they are enabled.
const OF_HYDRA: &[&str] = &[
    "name",
    "scopes",
    "audiences",
    "metadata",
    "token_ttl",
    "auth_methods",
    "jwks",
    "jwks_uri",
];

const OF_KEYCLOAK: &[&str] = &[
    "name",
    "description",
    "scopes",
    "audiences",
    "metadata",
    "token_ttl",
    "auth_methods",
    "jwks",
    "jwks_uri",
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
    "tls_client_certificate_bound_access_tokens",
    "dpop_bound_access_tokens",
];

#[tokio::test]
async fn a_file_of_another_server_leaves_alone_what_that_server_does_not_have() {
    let hydra = json!([{ "client_id": CLIENT, "client_secret": A_SECRET, "grant_types": ["client_credentials"] }]);
    let keycloak =
        json!([{ "clientId": CLIENT, "secret": A_SECRET, "serviceAccountsEnabled": true }]);
    for (file, said) in [(hydra, OF_HYDRA), (keycloak, OF_KEYCLOAK)] {
        let test = service().await;
        let robot = Robot::new(&test).await;
        for field in fields(&test).await {
            register(&test).await;
            set(&test, &robot, field).await;
            import(&test, &file.to_string()).await;
            let is_said = said.contains(&field.name);
            let client = registered(&test).await;
            let found = client.get(field.name).cloned().unwrap_or_default();
            assert_eq!(found == field.value(), !is_said, "{}: {found}", field.name);
            delete(&test).await;
        }
    }
}

#[tokio::test]
async fn a_row_without_a_status_does_not_enable_a_client() {
    let test = TestApp::new().await;
    register(&test).await;
    let disabled = ClientStatus::Disabled;
    test.set_client_status(&id(CLIENT), disabled).await;

    let row = format!("client_id,client_secret,name\n{CLIENT},{A_SECRET},New\n");
    import(&test, &row).await;

    let client = registered(&test).await;
    assert_eq!(
        (&client["status"], &client["name"]),
        (&json!("disabled"), &json!("New"))
    );
}

#[tokio::test]
async fn a_row_with_a_secret_for_a_client_whose_methods_take_none_is_refused() {
    let test = TestApp::new().await;
    let set = parse(KEYS);
    let file = json!({ "version": 1, "name": "team", "clients": [
        { "client_id": CLIENT, "jwks": set, "auth_methods": "private_key_jwt" }
    ] });
    test.apply(&file.to_string()).await.unwrap();
    let before = registered(&test).await;

    let row = format!("client_id,client_secret\n{CLIENT},{A_SECRET}\n");
    let source = ImportSource::of_bytes(None, row.into_bytes());
    let options = ImportOptions {
        on_conflict: OnConflict::Replace,
        ..ImportOptions::default()
    };
    let mut tell = |_: ImportNews<'_>| {};
    let report = test.app.clients.import(BY, &source, options, &mut tell);
    let report = report.await.unwrap();

    assert!(report.refused && report.bad == 1, "{report:?}");
    assert_eq!(registered(&test).await, before);
}
