use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use yaml_rust2::Yaml;

use super::{judge, names, ran, read, texts, yaml};

const FOLDER: &str = "deploy/kubernetes";

/// The oldest that takes `preStop` with `sleep`, and the newest that the judge knows.
const VERSIONS: [&str; 2] = ["1.30", "1.37"];

/// Every object, by its file.
fn manifests() -> BTreeSet<String> {
    let mut names = names(FOLDER);
    assert!(names.remove("kustomization.yaml"));
    names
}

fn validate(version: &str, path: &Path) -> (bool, String) {
    let mut validate = judge("kubernetes-validate");
    ran(validate
        .args(["--strict", "--kubernetes-version", version])
        .arg(path))
}

fn pods() -> Yaml {
    yaml("deploy/kubernetes/deployment.yaml")["spec"]["template"]["spec"].clone()
}

#[test]
#[ignore = "interop"]
fn the_manifests_are_what_kubernetes_takes() {
    for name in manifests() {
        for version in VERSIONS {
            let (is_good, said) = validate(version, &Path::new(FOLDER).join(&name));
            assert!(is_good && said.contains(" passed "), "{name}: {said}");
        }
    }
}

#[test]
#[ignore = "interop"]
fn a_name_that_kubernetes_does_not_know_would_be_found() {
    let folder = TempDir::new().unwrap();
    let broken = folder.path().join("deployment.yaml");
    let text = read("deploy/kubernetes/deployment.yaml");
    fs::write(&broken, text.replace("readinessProbe:", "readynessProbe:")).unwrap();

    let (is_good, said) = validate(VERSIONS[1], &broken);

    assert!(!is_good && said.contains("readynessProbe"), "{said}");
}

#[test]
fn all_of_them_are_applied_and_no_secret_is_among_them() {
    let kustomization = yaml("deploy/kubernetes/kustomization.yaml");
    let applied = texts(&kustomization["resources"]);

    assert_eq!(applied, manifests().iter().map(String::as_str).collect());
    for name in manifests() {
        assert_ne!(
            yaml(&format!("{FOLDER}/{name}"))["kind"].as_str(),
            Some("Secret")
        );
    }
    let volumes = pods()["volumes"].clone();
    let referred = volumes.as_vec().unwrap().iter();
    let referred: BTreeSet<_> = referred
        .map(|volume| volume["secret"]["secretName"].as_str().unwrap())
        .collect();
    let comment = read("deploy/kubernetes/kustomization.yaml");
    for secret in referred {
        assert!(
            comment.contains(&format!(" {secret} ")),
            "how {secret} is made"
        );
    }
}

#[test]
fn containers_can_write_nothing_and_gain_nothing() {
    let pods = pods();
    assert_eq!(pods["automountServiceAccountToken"].as_bool(), Some(false));
    let pod = &pods["securityContext"];
    assert_eq!(pod["runAsNonRoot"].as_bool(), Some(true));
    assert_eq!(
        pod["seccompProfile"]["type"].as_str(),
        Some("RuntimeDefault")
    );

    for kind in ["initContainers", "containers"] {
        for container in pods[kind].as_vec().unwrap() {
            let confined = &container["securityContext"];
            assert_eq!(confined["readOnlyRootFilesystem"].as_bool(), Some(true));
            assert_eq!(confined["allowPrivilegeEscalation"].as_bool(), Some(false));
            assert_eq!(
                texts(&confined["capabilities"]["drop"]),
                BTreeSet::from(["ALL"])
            );
            assert!(!confined["privileged"].as_bool().unwrap_or(false));
            assert!(
                container["resources"]["limits"]["memory"]
                    .as_str()
                    .is_some()
            );
        }
    }
}

/// Metrics have no TLS.
#[test]
fn metrics_are_for_the_monitoring_and_the_portal_for_operators() {
    let policy = yaml("deploy/kubernetes/networkpolicy.yaml");
    let ingress = policy["spec"]["ingress"].as_vec().unwrap();
    let ports = |rule: &Yaml| {
        let ports = rule["ports"].as_vec().unwrap().iter();
        ports
            .map(|port| port["port"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    let [https, ops, admin] = &ingress[..] else {
        panic!("{ingress:?}");
    };

    assert!(https["from"].is_badvalue());
    assert_eq!(ports(https), [2600]);
    for (rule, port, namespace) in [(ops, 2601, "monitoring"), (admin, 2602, "token-server")] {
        assert_eq!(ports(rule), [port]);
        let from = &rule["from"][0]["namespaceSelector"]["matchLabels"];
        let name = from["kubernetes.io/metadata.name"].as_str();
        assert_eq!(name, Some(namespace));
    }
    let kustomization = read("deploy/kubernetes/kustomization.yaml");
    for setting in ["OPS_LISTEN=0.0.0.0:2601", "ADMIN_LISTEN=0.0.0.0:2602"] {
        assert!(kustomization.contains(&format!("- {setting}\n")));
    }
}

/// The public Service does not lead to the portal and the admin API.
#[test]
fn the_portal_and_the_admin_api_have_a_service_of_their_own() {
    for (file, name, port) in [
        ("service.yaml", "token-server", "https"),
        ("service-admin.yaml", "token-server-admin", "admin"),
    ] {
        let service = yaml(&format!("{FOLDER}/{file}"));
        assert_eq!(service["metadata"]["name"].as_str(), Some(name));
        let ports = service["spec"]["ports"].as_vec().unwrap();
        assert_eq!(ports.len(), 1);
        assert_eq!(ports[0]["targetPort"].as_str(), Some(port));
    }
}

/// The database is migrated by one that does nothing else, and those that serve leave it alone.
#[test]
fn migrations_run_before_the_new_version_serves() {
    let pods = pods();

    assert_eq!(
        texts(&pods["initContainers"][0]["args"]),
        BTreeSet::from(["migrate"])
    );
    let serves = texts(&pods["containers"][0]["args"]);
    assert_eq!(serves, BTreeSet::from(["serve", "--no-migrate"]));
}

#[test]
fn a_pod_has_the_time_that_its_stop_takes() {
    let pods = pods();
    let container = &pods["containers"][0];
    let pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        .as_i64()
        .unwrap();
    let grace = &crate::config::sample()["SHUTDOWN_GRACE"];
    let grace: i64 = grace.strip_suffix('s').unwrap().parse().unwrap();

    assert!(pods["terminationGracePeriodSeconds"].as_i64().unwrap() > pause + grace);
}

/// None is taken out of the service only since the database is gone.
#[test]
fn probes_ask_what_the_server_answers() {
    let pods = pods();
    let container = &pods["containers"][0];
    let path = |probe: &str| {
        let asked = &container[probe]["httpGet"];
        assert_eq!(asked["scheme"].as_str(), Some("HTTPS"));
        assert_eq!(asked["port"].as_str(), Some("https"));
        asked["path"].as_str().unwrap().to_owned()
    };

    assert_eq!(path("startupProbe"), "/readyz");
    assert_eq!(path("readinessProbe"), "/healthz");
    assert_eq!(path("livenessProbe"), "/healthz");
    assert_eq!(container["ports"][0]["containerPort"].as_i64(), Some(2600));
}
