//! `client create --from …`: the issuer, the identity, and what is to be pasted.

use serde_json::{Value, json};

use crate::harness::{Shell, Signer};

/// The issuer of an account of AWS.
const AWS: &str = "https://abc123-def456.tokens.sts.global.api.aws";

const ROLE: &str = "arn:aws:iam::123456789012:role/billing";

/// A platform, the options of a workload there, and what is registered and printed: the `iss` or trust domain, the identity, and
/// something to paste.
type Case = (
    &'static str,
    &'static [&'static str],
    &'static str,
    Value,
    &'static str,
);

#[rustfmt::skip]
fn platforms() -> Vec<Case> {
    vec![
        ("kubernetes", &["--namespace", "prod", "--service-account", "billing", "--service-account-uid", "u1"],
            "https://kubernetes.default.svc.cluster.local",
            json!({"issuer": "kubernetes", "subject": "system:serviceaccount:prod:billing",
                "claims": {"/kubernetes.io/serviceaccount/uid": "u1"}}),
            "serviceAccountToken:"),
        ("github", &["--repository-id", "74", "--repository-owner-id", "65", "--environment", "production"],
            "https://token.actions.githubusercontent.com",
            json!({"issuer": "github",
                "claims": {"/environment": "production", "/repository_id": "74", "/repository_owner_id": "65"}}),
            "id-token: write"),
        ("github", &["--repository-id", "74", "--repository-owner-id", "65", "--ref", "refs/heads/main", "--enterprise", "acme"],
            "https://token.actions.githubusercontent.com/acme",
            json!({"issuer": "github",
                "claims": {"/ref": "refs/heads/main", "/repository_id": "74", "/repository_owner_id": "65"}}),
            "ACTIONS_ID_TOKEN_REQUEST_URL"),
        ("gitlab", &["--project-id", "22", "--host", "gitlab.acme.test"],
            "https://gitlab.acme.test",
            json!({"issuer": "gitlab", "claims": {"/project_id": "22", "/ref_protected": "true"}}),
            "id_tokens:"),
        ("spiffe", &["--spiffe-id", "spiffe://acme.test/a", "--bundle-endpoint", "https://spire.acme.test/"],
            "acme.test",
            json!({"issuer": "spiffe", "subject": "spiffe://acme.test/a"}),
            "jwt-spiffe"),
        ("aws", &["--aws-issuer", AWS, "--aws-principal", ROLE],
            AWS,
            json!({"issuer": "aws", "subject": ROLE, "claims": {"/https:~1~1sts.amazonaws.com~1/principal_id": ROLE}}),
            "aws sts get-web-identity-token --audience https://"),
        ("google", &["--google-account-id", "110248495921238986420"],
            "https://accounts.google.com",
            json!({"issuer": "google", "subject": "110248495921238986420"}),
            "Metadata-Flavor: Google"),
    ]
}

#[tokio::test]
async fn each_platform_is_registered_by_one_command_that_prints_what_to_paste() {
    for (platform, arguments, issuer, identity, pasted) in platforms() {
        let shell = Shell::migrated().await;
        let create = ["client", "create", "billing", "--from", platform];
        let run = shell.run(&[&create[..], arguments, &["--json"]].concat());
        assert_eq!(run.code, 0, "{platform}: {run:?}");
        let made = run.json();
        assert_eq!(
            made["client"]["identities"],
            json!([identity]),
            "{platform}"
        );
        assert_eq!(made["client"].get("client_secret"), None);
        let paste = made["paste"].as_str().unwrap();
        assert!(paste.contains(pasted), "{platform}: {paste}");
        assert!(paste.contains("client_id=billing"), "{paste}");
        let shown = shell.run(&["issuer", "show", platform, "--json"]).json();
        let anchor = shown.get("issuer").or(shown.get("trust_domain"));
        assert_eq!(anchor.unwrap(), issuer, "{platform}");
        // The second client of the platform finds the issuer there.
        let again = ["client", "create", "second", "--from", platform];
        let again = shell.run(&[&again[..], arguments].concat());
        assert_eq!(again.code, 0, "{platform}: {again:?}");
        assert!(again.out.contains(pasted), "{again:?}");
    }
}

const GITHUB: &[&str] = &[
    "--from",
    "github",
    "--repository-id",
    "74",
    "--repository-owner-id",
    "65",
];

/// Options that are too few or wrong, and what is told.
#[rustfmt::skip]
const MISTAKES: &[(&[&str], &[&str], &str)] = &[
    (&["--from", "kubernetes", "--namespace", "prod"], &[], "--service-account is missing"),
    (&["--from", "github", "--repository-id", "74", "--any-workflow"], &[], "--repository-owner-id is missing"),
    (GITHUB, &[], "choose the jobs"),
    (GITHUB, &["--any-workflow", "--namespace", "prod"], "--namespace is not an option"),
    (&["--from", "gitlab"], &[], "--project-id is missing"),
    (&["--from", "aws", "--aws-issuer", AWS], &[], "--aws-principal is missing"),
    (&["--from", "aws", "--aws-issuer", AWS], &["--aws-principal", "arn:aws:sts::123456789012:assumed-role/billing/session"],
        "is not the ARN of a role or user"),
    (&["--from", "google", "--google-account-id", "billing@acme.test"], &[], "is not the unique ID"),
    (&["--from", "google", "--google-account-id", "1", "--host", "a"], &[], "--host is not an option"),
    (&["--from", "gitlab", "--project-id", "1", "--ref", "main"], &[], "--ref is not an option"),
    (&["--from", "spiffe", "--spiffe-id", "spiffe://acme.test/a"], &[], "in a bundle"),
    (GITHUB, &["--any-workflow", "--identity", r#"{"issuer":"github","subject":"a"}"#], "not both"),
];

/// How the keys of an issuer are fetched, and how often its tokens are good.
#[tokio::test]
async fn the_issuer_of_a_preset_is_as_its_platform_is() {
    let pod = "/var/run/secrets/kubernetes.io/serviceaccount";
    let own_cluster = json!({
        "issuer": "https://kubernetes.default.svc.cluster.local", "replay": "allow", "private_addresses": true,
        "jwks_uri": "https://kubernetes.default.svc/openid/v1/jwks",
        "ca_file": format!("{pod}/ca.crt"), "bearer_token_file": format!("{pod}/token"),
    });
    let eks = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC";
    let account = ["--namespace", "prod", "--service-account", "billing"];
    let foreign = [&account[..], &["--cluster-issuer", eks]].concat();
    let repository = ["--repository-id", "74", "--repository-owner-id", "65"];
    let workflow = "acme/app/.github/workflows/deploy.yml@refs/heads/main";
    let hosted = [&repository[..], &["--host", "github.acme.test"]].concat();
    let hosted = [&hosted[..], &["--workflow-ref", workflow]].concat();
    let github = [&repository[..], &["--environment", "prod"]].concat();
    for (platform, arguments, expected) in [
        ("kubernetes", account.to_vec(), own_cluster),
        (
            "kubernetes",
            foreign,
            json!({"issuer": eks, "replay": "allow", "private_addresses": false}),
        ),
        (
            "github",
            github,
            json!({"issuer": "https://token.actions.githubusercontent.com", "replay": "once"}),
        ),
        (
            "github",
            hosted,
            json!({"issuer": "https://github.acme.test/_services/token", "replay": "once"}),
        ),
        (
            "gitlab",
            vec!["--project-id", "22"],
            json!({"issuer": "https://gitlab.com", "replay": "allow"}),
        ),
        (
            "aws",
            vec!["--aws-issuer", AWS, "--aws-principal", ROLE],
            json!({"issuer": AWS, "replay": "once"}),
        ),
        (
            "google",
            vec!["--google-account-id", "1"],
            json!({"replay": "allow"}),
        ),
        (
            "spiffe",
            vec![
                "--spiffe-id",
                "spiffe://acme.test/a",
                "--bundle-file",
                "/bundle.json",
            ],
            json!({"trust_domain": "acme.test", "bundle_file": "/bundle.json", "replay": "allow"}),
        ),
    ] {
        let shell = Shell::migrated().await;
        let create = ["client", "create", "billing", "--from", platform];
        let made = shell.run(&[&create[..], &arguments, &["--json"]].concat());
        assert_eq!(made.code, 0, "{platform}: {made:?}");
        let shown = shell.run(&["issuer", "show", platform, "--json"]).json();
        for (member, value) in expected.as_object().unwrap() {
            let found = shown.get(member).unwrap_or(&Value::Bool(false));
            assert_eq!(found, value, "{platform}: {member}");
        }
        if arguments.contains(&workflow) {
            let claims = &made.json()["client"]["identities"][0]["claims"];
            assert_eq!(claims["/workflow_ref"], workflow);
        }
        if platform == "kubernetes" && !arguments.contains(&"--cluster-issuer") {
            // The first try of the page, of a server that cannot reach the cluster.
            std::fs::write(
                shell.path().join("keys.json"),
                Signer::new("RS256").jwks("k"),
            )
            .unwrap();
            let line = "issuer update kubernetes --jwks keys.json --ca-file none --bearer-token-file none --private-addresses=false";
            let updated = shell.run(&line.split(' ').collect::<Vec<_>>());
            assert_eq!(updated.code, 0, "{updated:?}");
            assert_eq!(shell.run(&["issuer", "check", "kubernetes"]).code, 0);
            let page = include_str!("../../../../docs/workload-identity/kubernetes.md");
            assert!(page.contains(&format!("`token-server {line}`")));
        }
        if !arguments.contains(&"--cluster-issuer") {
            continue;
        }
        for member in ["jwks_uri", "ca_file", "bearer_token_file"] {
            assert_eq!(shown.get(member), None, "{shown}");
        }
    }
}

#[tokio::test]
async fn a_preset_that_names_too_little_or_something_else_is_refused() {
    let shell = Shell::migrated().await;
    for (arguments, more, told) in MISTAKES {
        let arguments = [*arguments, *more].concat();
        let run = shell.run(&[&["client", "create", "a"][..], &arguments].concat());
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert!(run.err.contains(told), "{arguments:?}: {run:?}");
    }
    assert!(shell.run(&["client", "list"]).out.lines().count() <= 1);
    let warned = shell.run(&[&["client", "create", "a"][..], GITHUB, &["--any-workflow"]].concat());
    assert!(
        warned.code == 0 && warned.err.contains("pull request"),
        "{warned:?}"
    );
    let other = [
        "--from",
        "github",
        "--repository-id",
        "1",
        "--repository-owner-id",
        "1",
        "--any-workflow",
        "--enterprise",
        "x",
    ];
    let taken = shell.run(&[&["client", "create", "b"][..], &other].concat());
    assert!(
        taken.code == 4 && taken.err.contains("--issuer-name"),
        "{taken:?}"
    );
}

#[tokio::test]
async fn identities_are_added_listed_and_removed() {
    let shell = Shell::migrated().await;
    assert_eq!(
        shell
            .run(&["issuer", "add", "k8s", "--issuer", "https://k8s.test"])
            .code,
        0
    );
    assert_eq!(shell.run(&["client", "create", "billing"]).code, 0);
    let identity = |arguments: &[&str]| shell.run(&[&["client", "identity"], arguments].concat());
    let added = identity(&["add", "billing", "--issuer", "k8s", "--subject", "one"]);
    assert_eq!(added.code, 0, "{added:?}");
    let added = identity(&[
        "add", "billing", "--issuer", "k8s", "--claim", "/a=1", "--claim", "/b=2",
    ]);
    assert_eq!(added.code, 0, "{added:?}");
    assert_eq!(identity(&["add", "billing", "--issuer", "k8s"]).code, 2);
    assert_eq!(
        identity(&["add", "billing", "--issuer", "none", "--subject", "a"]).code,
        2
    );
    let listed = identity(&["list", "billing", "--json"]).json();
    let expected = json!([{"issuer": "k8s", "subject": "one"}, {"issuer": "k8s", "claims": {"/a": "1", "/b": "2"}}]);
    assert_eq!(listed["identities"], expected);
    let shown = shell.run(&["client", "show", "billing"]);
    assert!(
        shown.out.contains("secrets_beside_identity") && shown.out.contains("still needed"),
        "{shown:?}"
    );
    assert_eq!(identity(&["remove", "billing", "3"]).code, 3);
    let left = identity(&["remove", "billing", "1", "--yes", "--json"]).json();
    assert_eq!(
        left["identities"],
        json!([{"issuer": "k8s", "claims": {"/a": "1", "/b": "2"}}])
    );
}
