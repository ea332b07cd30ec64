//! What can be said of the examples in YAML without their proxies: they parse, and what they ask `/verify` is
//! understood.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use yaml_rust2::{Yaml, YamlLoader};

use super::scene::proxy::{BOUND, PLAIN};
use super::scene::{AUDIENCE, SCOPE, good_token, token, token_with};
use crate::deploy::ran;
use crate::harness::TestApp;

fn example(folder: &str, name: &str) -> Yaml {
    let text = fs::read_to_string(Path::new(folder).join(name)).unwrap();
    let mut documents = YamlLoader::load_from_str(&text).unwrap();
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0)
}

/// Passes a token that is good for the examples, and none that lacks the scope, the audience or the claim.
pub(super) async fn asks_for_scope_audience_and_claim(target: &str) {
    let test = TestApp::new().await;
    let good = good_token(&test).await;
    let weak = token(&test, "weak", "invoices.write", AUDIENCE).await;
    let other = token(&test, "other", "invoices.read", "https://other").await;
    let bare = token_with(&test, "bare", SCOPE, AUDIENCE, "{}").await;
    let verify = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        test.get_with(target, &headers).await.status
    };

    assert_eq!(verify(&good).await, 200, "{target}");
    assert_eq!(verify(&weak).await, 403, "{target}");
    assert_eq!(verify(&other).await, 401, "{target}");
    assert_eq!(verify(&bare).await, 403, "{target}");
}

#[tokio::test]
async fn envoys_prefix_asks_for_scope_audience_and_claim() {
    for folder in [PLAIN, BOUND] {
        let envoy = example(folder, "envoy.yaml");
        let manager = &envoy["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0];
        let filters = manager["typed_config"]["http_filters"].as_vec().unwrap();
        let names: Vec<_> = filters.iter().map(|filter| &filter["name"]).collect();
        let [forged, ext_authz, router] = &names[..] else {
            panic!("{names:?}");
        };

        assert_eq!(forged.as_str(), Some("envoy.filters.http.header_mutation"));
        assert_eq!(ext_authz.as_str(), Some("envoy.filters.http.ext_authz"));
        assert_eq!(router.as_str(), Some("envoy.filters.http.router"));
        let service = &filters[1]["typed_config"]["http_service"];
        let prefix = service["path_prefix"].as_str().unwrap();
        for original in ["/", "/invoices/7?scope=x&audience=y"] {
            asks_for_scope_audience_and_claim(&format!("{prefix}{original}")).await;
        }
    }
}

#[tokio::test]
async fn traefiks_address_asks_for_scope_audience_and_claim() {
    let traefik = example(PLAIN, "traefik.yml");
    let file = &traefik["providers"]["file"]["filename"];
    assert_eq!(file.as_str(), Some("/etc/traefik/dynamic.yml"));
    for folder in [PLAIN, BOUND] {
        let dynamic = example(folder, "traefik-dynamic.yml");
        let router = &dynamic["http"]["routers"]["invoices"];
        let middlewares = router["middlewares"].as_vec().unwrap();
        assert_eq!(middlewares.last().unwrap().as_str(), Some("verify"));

        let verify = &dynamic["http"]["middlewares"]["verify"]["forwardAuth"];
        let address = verify["address"].as_str().unwrap();
        let target = address
            .strip_prefix("https://token-server.internal:2600")
            .unwrap();

        asks_for_scope_audience_and_claim(target).await;
    }
}

/// A module of Go in `tests/deploy/envoy` has the definitions.
fn judge_envoy(path: &Path) -> (bool, String) {
    let mut go = Command::new("go");
    ran(go
        .args(["run", "."])
        .arg(path)
        .current_dir("tests/deploy/envoy"))
}

#[test]
#[ignore = "interop"]
fn envoys_configurations_are_what_its_definitions_take() {
    for folder in [PLAIN, BOUND] {
        let path = fs::canonicalize(Path::new(folder).join("envoy.yaml")).unwrap();
        let (is_good, said) = judge_envoy(&path);
        assert!(is_good && said.contains("envoy.yaml: good"), "{said}");
    }
}

#[test]
#[ignore = "interop"]
fn what_envoys_definitions_do_not_take_would_be_found() {
    let folder = TempDir::new().unwrap();
    let text = fs::read_to_string(Path::new(PLAIN).join("envoy.yaml")).unwrap();
    for (theirs, broken) in [
        ("remove_on_match:", "remove_on_matches:"),
        ("prefix: x-token- } }", "prefix: \"\" } }"),
        ("failure_mode_allow: false", "failure_mode_allow: 7"),
    ] {
        assert!(text.contains(theirs), "{theirs}");
        let file = folder.path().join("envoy.yaml");
        fs::write(&file, text.replacen(theirs, broken, 1)).unwrap();

        let (is_good, said) = judge_envoy(&file);

        assert!(!is_good, "{broken}: {said}");
    }
}
