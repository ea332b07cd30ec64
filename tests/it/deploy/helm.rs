//! The Helm chart: what it renders, by Helm itself, before the judges of Kubernetes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use token_server::config::Config;
use yaml_rust2::{Yaml, YamlEmitter, YamlLoader};

use super::{judge, ran, read, texts, yaml};
use crate::proxies::kubernetes::{GATEWAY_API, module};

const CHART: &str = "deploy/helm";

const ISSUER: &str = "settings.ISSUER=https://tokens.example.com";

/// Everything that can be turned on.
const EVERYTHING: &[&str] = &[
    ISSUER,
    "secrets.migrate=token-server-migrate",
    "admin.origin=https://tokens-admin.example.com",
    "backup.enabled=true",
    "backup.existingClaim=dumps",
    "clientApply.enabled=true",
    "clientApply.prune=disable",
    "gateway.enabled=true",
    "gateway.parentRefs[0].name=tokens",
    "gateway.hostnames[0]=tokens.example.com",
    "networkPolicy.egressPorts[0]=443",
    "imagePullSecrets[0].name=registry",
];

/// The newest version whose definitions are here.
const CERT_MANAGER: &str = "github.com/cert-manager/cert-manager@v1.19.1";

fn helm(arguments: &[&str]) -> (bool, String) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/helm/helm");
    assert!(
        program.exists(),
        "helm is not here: scripts/interop builds it"
    );
    ran(Command::new(program).args(arguments))
}

fn set(values: &[&'static str]) -> Vec<&'static str> {
    values.iter().flat_map(|value| ["--set", value]).collect()
}

fn template(values: &[&'static str]) -> (bool, String) {
    let base = ["template", "tokens", CHART, "--namespace", "token-server"];
    let base = [&base[..], &["--kube-version", "1.30.0"]].concat();
    helm(&[&base[..], &set(values)].concat())
}

/// The objects that are made of these values, by kind and name.
fn render(values: &[&'static str]) -> BTreeMap<(String, String), Yaml> {
    let (is_good, text) = template(values);
    assert!(is_good, "{text}");
    let documents = YamlLoader::load_from_str(&text).unwrap().into_iter();
    let text = |it: &Yaml| it.as_str().unwrap().to_owned();
    let named = documents.filter(|it| !it.is_null()).map(|it| {
        let name = (text(&it["kind"]), text(&it["metadata"]["name"]));
        (name, it)
    });
    named.collect()
}

fn find(objects: &BTreeMap<(String, String), Yaml>, kind: &str, name: &str) -> Yaml {
    let key = (kind.to_owned(), name.to_owned());
    objects
        .get(&key)
        .unwrap_or_else(|| panic!("no {key:?}: {:?}", objects.keys()))
        .clone()
}

/// The pods of all objects.
fn pods(objects: &BTreeMap<(String, String), Yaml>) -> Vec<Yaml> {
    let specs = objects.values().filter_map(|it| match it["kind"].as_str() {
        Some("Deployment" | "Job") => Some(it["spec"]["template"]["spec"].clone()),
        Some("CronJob") => Some(it["spec"]["jobTemplate"]["spec"]["template"]["spec"].clone()),
        _ => None,
    });
    specs.collect()
}

fn containers(pod: &Yaml) -> Vec<Yaml> {
    let kinds = ["initContainers", "containers"].into_iter();
    let found = kinds.filter_map(|kind| pod[kind].as_vec().cloned());
    found.flatten().collect()
}

/// A value of a setting as the pods get it.
fn settings(objects: &BTreeMap<(String, String), Yaml>) -> BTreeMap<String, String> {
    let data = find(objects, "ConfigMap", "tokens")["data"].clone();
    let pairs = data.as_hash().unwrap().iter();
    pairs
        .map(|(name, value)| {
            let value = value.as_str().map(str::to_owned);
            (name.as_str().unwrap().to_owned(), value.unwrap())
        })
        .collect()
}

#[test]
fn the_chart_has_the_version_of_the_program() {
    let chart = yaml("deploy/helm/Chart.yaml");
    for member in ["version", "appVersion"] {
        assert_eq!(chart[member].as_str(), Some(env!("CARGO_PKG_VERSION")));
    }
    assert_eq!(chart["kubeVersion"].as_str(), Some(">=1.30.0-0"));
}

#[test]
fn every_setting_of_the_values_is_one() {
    let values = yaml("deploy/helm/values.yaml");
    let known = crate::config::sample();
    let settings = values["settings"].as_hash().unwrap();
    for name in settings.keys() {
        assert!(known.contains_key(name.as_str().unwrap()), "{name:?}");
    }
    assert_eq!(values["admin"]["enabled"].as_bool(), Some(true));
    assert_eq!(values["networkPolicy"]["enabled"].as_bool(), Some(true));
}

#[test]
#[ignore = "interop"]
fn helm_finds_no_fault() {
    for values in [&[ISSUER][..], EVERYTHING] {
        let lint = ["lint", CHART, "--strict", "--kube-version", "1.30.0"];
        let (is_good, said) = helm(&[&lint[..], &set(values)].concat());
        assert!(is_good, "{said}");
    }
}

#[test]
#[ignore = "interop"]
fn what_is_rendered_is_what_kubernetes_and_gateway_api_take() {
    let folder = TempDir::new().unwrap();
    let mut routes = Vec::new();
    for (round, values) in [&[ISSUER][..], EVERYTHING].into_iter().enumerate() {
        for ((kind, name), object) in render(values) {
            let path = folder.path().join(format!("{round}-{kind}-{name}.yaml"));
            let mut text = String::new();
            YamlEmitter::new(&mut text).dump(&object).unwrap();
            fs::write(&path, text).unwrap();
            if kind == "TLSRoute" {
                routes.push(path);
                continue;
            }
            for version in ["1.30", "1.37"] {
                let mut validate = judge("kubernetes-validate");
                validate.args(["--strict", "--kubernetes-version", version]);
                let (is_good, said) = ran(validate.arg(&path));
                assert!(
                    is_good && said.contains(" passed "),
                    "{kind} {name}: {said}"
                );
            }
        }
    }
    assert_eq!(routes.len(), 1);
    routes.push(Path::new(CHART).join("examples/gateway.yaml"));
    for version in GATEWAY_API {
        let definitions = module(version, "config/crd/experimental");
        let kinds = ["tlsroutes", "gateways"]
            .map(|kind| definitions.join(format!("gateway.networking.k8s.io_{kind}.yaml")));
        let (is_good, said) = ran(judge("python3")
            .arg("tests/deploy/crds.py")
            .args(kinds)
            .arg("--")
            .args(&routes));
        assert!(is_good, "{said}");
    }
    let (is_good, said) = ran(judge("python3")
        .arg("tests/deploy/crds.py")
        .arg(module(
            CERT_MANAGER,
            "deploy/crds/cert-manager.io_certificates.yaml",
        ))
        .arg("--")
        .arg("deploy/helm/examples/certificate.yaml"));
    assert!(is_good, "{said}");
}

#[test]
#[ignore = "interop"]
fn a_value_that_is_missing_or_made_twice_is_an_error() {
    for (values, why) in [
        (&[][..], "settings.ISSUER is required"),
        (
            &[ISSUER, "settings.TLS_KEY=/elsewhere"][..],
            "settings.TLS_KEY: the chart makes this setting itself",
        ),
        (&[ISSUER, "backup.enabled=true"][..], "backup.existingClaim"),
        (&[ISSUER, "gateway.enabled=true"][..], "gateway.parentRefs"),
    ] {
        let (is_good, said) = template(values);
        assert!(!is_good && said.contains(why), "{why}: {said}");
    }
}

#[test]
#[ignore = "interop"]
fn the_settings_are_understood_and_no_secret_is_made() {
    let known = crate::config::sample();
    for values in [&[ISSUER][..], EVERYTHING] {
        let objects = render(values);
        assert!(!objects.keys().any(|(kind, _)| kind == "Secret"));
        let mut settings = settings(&objects);
        for name in settings.keys() {
            assert!(known.contains_key(name), "{name}");
        }
        settings.retain(|name, _| !name.ends_with("_FILE"));
        settings.insert("SECRET".to_owned(), crate::harness::SECRET.to_owned());
        let config = Config::from_lookup(|name| settings.get(name).cloned()).unwrap();
        // Of the portal and the admin API: a port of their own.
        let admin = config.admin.listen_addr.unwrap();
        assert_ne!(admin.port(), config.http.listen_addr.port());
    }
    let off = render(&[ISSUER, "admin.enabled=false"]);
    assert_eq!(settings(&off)["ADMIN"], "off");
    let services = off.keys().filter(|(kind, _)| kind == "Service");
    assert_eq!(services.count(), 1);
}

#[test]
#[ignore = "interop"]
fn every_pod_is_confined_and_has_limits() {
    let objects = render(EVERYTHING);
    let pods = pods(&objects);
    assert_eq!(pods.len(), 4);
    for pod in &pods {
        assert_eq!(pod["automountServiceAccountToken"].as_bool(), Some(false));
        let security = &pod["securityContext"];
        assert_eq!(security["runAsNonRoot"].as_bool(), Some(true));
        assert_eq!(
            security["seccompProfile"]["type"].as_str(),
            Some("RuntimeDefault")
        );
        for container in containers(pod) {
            let confined = &container["securityContext"];
            assert_eq!(confined["readOnlyRootFilesystem"].as_bool(), Some(true));
            assert_eq!(confined["allowPrivilegeEscalation"].as_bool(), Some(false));
            assert!(texts(&confined["capabilities"]["drop"]).contains("ALL"));
            let memory = &container["resources"]["limits"]["memory"];
            assert!(memory.as_str().is_some(), "{container:?}");
        }
    }
}

/// As it was decided for deploy/kubernetes, of which this chart is the other form.
#[test]
#[ignore = "interop"]
fn the_deployment_is_that_of_the_manifests() {
    let objects = render(&[ISSUER]);
    let ours = find(&objects, "Deployment", "tokens")["spec"]["template"]["spec"].clone();
    let theirs = yaml("deploy/kubernetes/deployment.yaml")["spec"]["template"]["spec"].clone();
    for member in ["terminationGracePeriodSeconds", "securityContext"] {
        assert_eq!(sorted(&ours[member]), sorted(&theirs[member]), "{member}");
    }
    let (ours, theirs) = (&ours["containers"][0], &theirs["containers"][0]);
    for member in [
        "args",
        "resources",
        "ports",
        "startupProbe",
        "readinessProbe",
        "livenessProbe",
        "lifecycle",
        "securityContext",
    ] {
        assert_eq!(sorted(&ours[member]), sorted(&theirs[member]), "{member}");
    }
}

/// The same value with its members in one order.
fn sorted(value: &Yaml) -> Yaml {
    if let Some(members) = value.as_hash() {
        let members = members.iter().map(|(name, it)| (name.clone(), sorted(it)));
        let ordered: BTreeMap<_, _> = members.collect();
        return Yaml::Hash(ordered.into_iter().collect());
    }
    match value.as_vec() {
        Some(items) => Yaml::Array(items.iter().map(sorted).collect()),
        None => value.clone(),
    }
}

#[test]
#[ignore = "interop"]
fn the_jobs_verify_the_trail_back_up_and_apply_clients_before_the_pods() {
    let objects = render(EVERYTHING);
    let pod = |it: &Yaml| it["spec"]["template"]["spec"].clone();
    let cron = |name: &str| find(&objects, "CronJob", name)["spec"]["jobTemplate"].clone();
    let verify = pod(&cron("tokens-audit-verify"));
    let arguments = verify["containers"][0]["args"].as_vec().unwrap();
    assert_eq!(arguments[0].as_str(), Some("audit"));
    assert_eq!(arguments[1].as_str(), Some("verify"));

    let dump = pod(&cron("tokens-backup"));
    let script = dump["containers"][0]["command"][2].as_str().unwrap();
    assert!(script.contains("umask 077") && script.contains("pg_dump"));
    // The database's URL, and not SECRET.
    let items = dump["volumes"][0]["secret"]["items"].as_vec().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["key"].as_str(), Some("DATABASE_URL"));

    let apply = find(&objects, "Job", "tokens-client-apply");
    let hook = &apply["metadata"]["annotations"]["helm.sh/hook"];
    assert_eq!(hook.as_str(), Some("pre-install,pre-upgrade"));
    let pod = pod(&apply);
    assert_eq!(texts(&pod["initContainers"][0]["args"]), ["migrate"].into());
    let arguments = texts(&pod["containers"][0]["args"]);
    assert!(arguments.contains("apply") && arguments.contains("--prune=disable"));
    // It comes before the ConfigMap of the release: its settings are its own.
    let names = pod["containers"][0]["env"].as_vec().unwrap().iter();
    let names = names.map(|it| it["name"].as_str().unwrap().to_owned());
    let all = settings(&objects);
    assert_eq!(
        names.collect::<Vec<_>>(),
        all.into_keys().collect::<Vec<_>>()
    );
    assert!(read("deploy/helm/values.yaml").contains("  enabled: false\n  # disable, delete"));
}
