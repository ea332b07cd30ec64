//! The manifests of Kubernetes gateways, without a cluster: the schemas of their kinds take them, and what they ask `/verify`
//! is understood.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use yaml_rust2::{Yaml, YamlLoader};

use super::yaml::asks_for_scope_audience_and_claim;
use crate::deploy::{judge, ran};

const FOLDER: &str = "docs/proxies/kubernetes";
const FILES: [&str; 2] = ["httproute.yaml", "envoy-gateway.yaml"];

/// What the manifests ask for, which is what the service may read.
const IDENTITY: [&str; 8] = [
    "x-token-client-id",
    "x-token-scope",
    "x-token-audience",
    "x-token-expires",
    "x-token-subject",
    "x-token-actor",
    "x-token-claim-tenant",
    "x-token-metadata",
];

/// Where the definitions are: modules of Go, which the `go` command gets.
pub(crate) const GATEWAY_API: [&str; 2] = [
    "sigs.k8s.io/gateway-api@v1.4.1",
    "sigs.k8s.io/gateway-api@v1.6.1",
];
const ENVOY_GATEWAY: &str = "github.com/envoyproxy/gateway@v1.9.1";

fn documents(name: &str) -> Vec<Yaml> {
    let text = fs::read_to_string(Path::new(FOLDER).join(name)).unwrap();
    YamlLoader::load_from_str(&text).unwrap()
}

fn of_kind(name: &str, kind: &str) -> Yaml {
    let mut found = documents(name)
        .into_iter()
        .filter(|document| document["kind"].as_str() == Some(kind));
    found
        .next()
        .unwrap_or_else(|| panic!("{name} has no {kind}"))
}

fn lowercase(list: &Yaml) -> Vec<String> {
    let list = list.as_vec().unwrap().iter();
    list.map(|name| name.as_str().unwrap().to_lowercase())
        .collect()
}

async fn asks_and_hands_on(path: &Yaml, headers: &Yaml) {
    let prefix = path.as_str().unwrap();
    for original in ["/", "/invoices/7?scope=x&audience=y"] {
        asks_for_scope_audience_and_claim(&format!("{prefix}{original}")).await;
    }
    assert_eq!(lowercase(headers), IDENTITY);
}

#[tokio::test]
async fn external_auth_asks_for_what_it_hands_on() {
    let route = of_kind("httproute.yaml", "HTTPRoute");
    let filters = route["spec"]["rules"][0]["filters"].as_vec().unwrap();
    let [filter] = &filters[..] else {
        panic!("{filters:?}");
    };
    let http = &filter["externalAuth"]["http"];
    assert_eq!(http["allowedHeaders"], Yaml::BadValue);

    asks_and_hands_on(&http["path"], &http["allowedResponseHeaders"]).await;
}

#[tokio::test]
async fn the_security_policy_asks_for_what_it_hands_on() {
    let policy = of_kind("envoy-gateway.yaml", "SecurityPolicy");
    let auth = &policy["spec"]["extAuth"];
    assert_eq!(auth["failOpen"].as_bool(), Some(false));
    let headers = &of_kind("envoy-gateway.yaml", "ClientTrafficPolicy")["spec"]["headers"];
    let removed = &headers["earlyRequestHeaders"]["removeOnMatch"][0];
    assert_eq!(removed["type"].as_str(), Some("Prefix"));
    assert_eq!(removed["value"].as_str(), Some("x-token-"));
    assert_eq!(
        headers["withUnderscoresAction"].as_str(),
        Some("DropHeader")
    );

    asks_and_hands_on(&auth["http"]["path"], &auth["http"]["headersToBackend"]).await;
}

/// What the route names is granted, and the gateway verifies whom it asks.
#[test]
fn what_stands_in_another_namespace_is_granted_and_tls_is_verified() {
    for (name, asks) in [
        ("httproute.yaml", "HTTPRoute"),
        ("envoy-gateway.yaml", "SecurityPolicy"),
    ] {
        let grant = of_kind(name, "ReferenceGrant");
        assert_eq!(grant["spec"]["from"][0]["kind"].as_str(), Some(asks));
        let namespace = &of_kind(name, asks)["metadata"]["namespace"];
        assert_eq!(&grant["spec"]["from"][0]["namespace"], namespace);
        let tls = of_kind(name, "BackendTLSPolicy");
        let validation = &tls["spec"]["validation"];
        assert_eq!(
            validation["hostname"].as_str(),
            Some("token-server.internal")
        );
        for granted in [&grant, &tls] {
            let namespace = &granted["metadata"]["namespace"];
            assert_eq!(namespace.as_str(), Some("token-server"), "{name}");
        }
    }
}

/// A folder of a module of Go.
pub(crate) fn module(name: &str, folder: &str) -> PathBuf {
    let (is_good, said) = ran(Command::new("go").args(["mod", "download", "-json", name]));
    assert!(is_good, "{name}: {said}");
    let start = said.find('{').unwrap();
    let said: serde_json::Value = token_server::base::json::from_str(said[start..].trim()).unwrap();
    Path::new(said["Dir"].as_str().unwrap()).join(folder)
}

fn validate(gateway_api: &str, manifests: &[PathBuf]) -> (bool, String) {
    let gateway_api = module(gateway_api, "config/crd/experimental");
    let kinds = ["httproutes", "referencegrants", "backendtlspolicies"]
        .map(|kind| gateway_api.join(format!("gateway.networking.k8s.io_{kind}.yaml")));
    let generated = "charts/gateway-helm/charts/crds/crds/generated";
    let envoy_gateway = module(ENVOY_GATEWAY, generated);
    let envoy_kinds = ["securitypolicies", "clienttrafficpolicies"]
        .map(|kind| envoy_gateway.join(format!("gateway.envoyproxy.io_{kind}.yaml")));
    ran(judge("python3")
        .arg("tests/deploy/crds.py")
        .args(kinds)
        .args(envoy_kinds)
        .arg("--")
        .args(manifests))
}

#[test]
#[ignore = "interop"]
fn the_manifests_are_what_the_definitions_take() {
    for version in GATEWAY_API {
        let files = FILES.map(|name| Path::new(FOLDER).join(name));
        let (is_good, said) = validate(version, &files);
        assert!(is_good && said.contains("5 objects, 0 faults"), "{said}");
    }
}

#[test]
#[ignore = "interop"]
fn a_name_that_the_definitions_do_not_know_would_be_found() {
    let folder = TempDir::new().unwrap();
    for (name, theirs, broken) in [
        (
            "httproute.yaml",
            "allowedResponseHeaders:",
            "allowedResponsHeaders:",
        ),
        ("httproute.yaml", "path: /verify", "path: verify?"),
        (
            "envoy-gateway.yaml",
            "headersToBackend:",
            "headerToBackend:",
        ),
        ("envoy-gateway.yaml", "type: Prefix", "type: Begin"),
    ] {
        let text = fs::read_to_string(Path::new(FOLDER).join(name)).unwrap();
        assert!(text.contains(theirs), "{name}: {theirs}");
        let file = folder.path().join(name);
        fs::write(&file, text.replacen(theirs, broken, 1)).unwrap();

        let (is_good, said) = validate(GATEWAY_API[1], &[file]);

        assert!(!is_good, "{broken}: {said}");
    }
}
