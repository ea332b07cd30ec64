//! A stand-in for the programs of a platform and for its servers that workloads ask: tokens as the platform writes them.

use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::Path as InPath;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use token_server::base::secret::random_base62;

use super::super::CLUSTER;
use crate::harness::{Signer, make_program};

/// What a job of GitHub asks for its token with.
pub(super) const REQUEST_TOKEN: &str = "a token for the request of a token";

const UID: &str = "0cb5a3f5-6f4f-4f6e-8d0d-58e1a1f3d9b1";
const ROLE: &str = "arn:aws:iam::123456789012:role/billing";
const ACCOUNT_ID: &str = "110248495921238986420";
const SPIFFE_ID: &str = "spiffe://acme.example/ns/prod/sa/billing";

/// Each calls back, with its arguments a line each.
const PROGRAMS: [&str; 5] = ["kubectl", "gh", "gcloud", "aws", "spire-agent"];
const PROGRAM: &str = "#!/bin/sh\nexec curl -sS --fail-with-body -H 'content-type: text/plain' \
                       --data-binary \"$(printf '%s\\n' \"$@\")\" \"$STAND_IN/run/$(basename \"$0\")\"\n";

/// The platform with its key.
struct Minter {
    platform: &'static str,
    signer: Signer,
    folder: PathBuf,
}

pub(super) struct StandIn {
    pub(super) port: u16,
    /// The folder of the programs.
    pub(super) programs: PathBuf,
    minter: Arc<Minter>,
}

/// The `iss` of its tokens.
pub(super) fn issuer_of(platform: &str) -> &'static str {
    match platform {
        "kubernetes" => CLUSTER,
        "github" => super::super::GITHUB,
        "gitlab" => "https://gitlab.com",
        "aws" => "https://abc.tokens.sts.global.api.aws",
        "google" => "https://accounts.google.com",
        _ => "",
    }
}

impl StandIn {
    pub(super) fn start(platform: &'static str, folder: &Path) -> Self {
        let alg = match platform {
            "spiffe" => "ES256",
            "aws" => "ES384",
            _ => "RS256",
        };
        let minter = Arc::new(Minter {
            platform,
            signer: Signer::new(alg),
            folder: folder.to_owned(),
        });
        let programs = folder.join("bin");
        std::fs::create_dir(&programs).unwrap();
        for name in PROGRAMS {
            make_program(&programs.join(name), PROGRAM);
        }
        let binary = env!("CARGO_BIN_EXE_token-server");
        symlink(binary, programs.join("token-server")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = router(Arc::clone(&minter));
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            port,
            programs,
            minter,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn signer(&self) -> &Signer {
        &self.minter.signer
    }

    pub(super) fn mint(&self, audience: &str) -> String {
        self.minter.mint(audience)
    }
}

fn router(minter: Arc<Minter>) -> Router {
    let (programs, github, google) = (Arc::clone(&minter), Arc::clone(&minter), minter);
    Router::new()
        .route(
            "/run/{program}",
            post(async move |InPath(program): InPath<String>, body: String| {
                let arguments: Vec<&str> = body.lines().collect();
                match programs.run(&program, &arguments) {
                    Some(out) => out.into_response(),
                    None => {
                        let told = format!("{program} {arguments:?}: no such command");
                        (StatusCode::BAD_REQUEST, told).into_response()
                    }
                }
            }),
        )
        .route(
            "/github",
            get(async move |uri: Uri, headers: HeaderMap| {
                let bearer = format!("Bearer {REQUEST_TOKEN}");
                if !has(&headers, "authorization", &bearer) || asked(&uri, "api-version").is_none()
                {
                    return StatusCode::UNAUTHORIZED.into_response();
                }
                let token = github.mint(asked(&uri, "audience").unwrap());
                json!({"count": token.len(), "value": token})
                    .to_string()
                    .into_response()
            }),
        )
        .route(
            "/computeMetadata/v1/instance/service-accounts/default/identity",
            get(async move |uri: Uri, headers: HeaderMap| -> Response {
                if !has(&headers, "metadata-flavor", "Google") {
                    return StatusCode::FORBIDDEN.into_response();
                }
                google
                    .mint(asked(&uri, "audience").unwrap())
                    .into_response()
            }),
        )
}

fn has(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|it| it == value)
}

/// The value of a parameter in the query, as it was sent.
fn asked<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let mut parameters = uri.query()?.split('&').filter_map(|it| it.split_once('='));
    let found = parameters.find(|(found, _)| *found == name)?;
    Some(found.1)
}

/// The value behind an option.
fn option<'a>(arguments: &[&'a str], name: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|it| *it == name)?;
    arguments.get(at + 1).copied()
}

impl Minter {
    /// What a program of the platform prints; `None`: it knows no such command.
    fn run(&self, program: &str, arguments: &[&str]) -> Option<String> {
        match (program, arguments) {
            (
                "kubectl",
                [
                    "get",
                    "serviceaccount",
                    "billing",
                    "-n",
                    "prod",
                    "-o",
                    "jsonpath={.metadata.uid}",
                ],
            ) => Some(UID.to_owned()),
            ("kubectl", ["apply", "-f", file]) => Some(self.start_pod(file)),
            ("gh", ["api", "repos/acme/app", "--jq", ".id, .owner.id"]) => {
                Some("74\n65\n".to_owned())
            }
            (
                "gcloud",
                [
                    "iam",
                    "service-accounts",
                    "describe",
                    account,
                    "--format=value(uniqueId)",
                ],
            ) if account.ends_with(".gserviceaccount.com") => Some(format!("{ACCOUNT_ID}\n")),
            ("aws", ["iam", "enable-outbound-web-identity-federation"]) => {
                let issuer = issuer_of(self.platform);
                Some(json!({"IssuerIdentifier": issuer}).to_string())
            }
            ("aws", ["sts", "get-web-identity-token", options @ ..])
                if option(options, "--signing-algorithm") == Some("ES384")
                    && option(options, "--duration-seconds") == Some("300")
                    && option(options, "--query") == Some("WebIdentityToken")
                    && option(options, "--output") == Some("text") =>
            {
                Some(self.mint(option(options, "--audience")?) + "\n")
            }
            ("spire-agent", ["api", "fetch", "jwt", options @ ..])
                if option(options, "-output") == Some("json") =>
            {
                let svid = self.mint(option(options, "-audience")?);
                let svids = json!([{"svids": [{"spiffe_id": SPIFFE_ID, "svid": svid, "hint": ""}]}, {"bundles": {}}]);
                Some(svids.to_string())
            }
            (_, _) => None,
        }
    }

    /// Does what the kubelet does: mounts the token that the volume of a pod asks for.
    fn start_pod(&self, file: &str) -> String {
        let text = std::fs::read_to_string(self.folder.join(file)).unwrap();
        let pod: Value = token_server::base::json::from_str(&text).unwrap();
        let spec = &pod["spec"];
        assert_eq!(
            (&pod["metadata"]["namespace"], &spec["serviceAccountName"]),
            (&json!("prod"), &json!("billing"))
        );
        let (mount, volume) = (
            &spec["containers"][0]["volumeMounts"][0],
            &spec["volumes"][0],
        );
        assert_eq!(mount["name"], volume["name"]);
        assert_eq!(mount["mountPath"], super::MOUNTED);
        let asked = &volume["projected"]["sources"][0]["serviceAccountToken"];
        assert!(asked["expirationSeconds"].as_i64() >= Some(600), "{asked}");
        let token = self.mint(asked["audience"].as_str().unwrap());
        let path = self
            .folder
            .join("pod")
            .join(asked["path"].as_str().unwrap());
        std::fs::write(path, token).unwrap();
        "pod/billing created\n".to_owned()
    }

    /// A token for an audience, now.
    fn mint(&self, audience: &str) -> String {
        let now = token_server::base::clock::Clock::system().now().0;
        let mut claims = self.claims(audience);
        for (name, value) in [
            ("iat", json!(now)),
            ("nbf", json!(now - 5)),
            ("exp", json!(now + 300)),
            ("iss", json!(issuer_of(self.platform))),
        ] {
            claims[name] = value;
        }
        if self.platform == "spiffe" {
            claims.as_object_mut().unwrap().remove("iss");
        }
        self.signer.sign(json!({"kid": "k", "typ": "JWT"}), &claims)
    }

    /// What a platform says of a workload, in its published form.
    fn claims(&self, audience: &str) -> Value {
        let jti = random_base62(22);
        match self.platform {
            "kubernetes" => json!({
                "aud": [audience], "jti": jti, "sub": "system:serviceaccount:prod:billing",
                "kubernetes.io": {
                    "namespace": "prod", "node": {"name": "n1", "uid": "u"}, "pod": {"name": "billing", "uid": "p"},
                    "serviceaccount": {"name": "billing", "uid": UID},
                },
            }),
            "github" => json!({
                "aud": audience, "jti": jti, "sub": "repo:acme/app:environment:production", "ref": "refs/heads/main",
                "repository": "acme/app", "repository_id": "74", "repository_owner": "acme", "repository_owner_id": "65",
                "environment": "production", "event_name": "push", "run_id": "9", "runner_environment": "github-hosted",
            }),
            "gitlab" => json!({
                "aud": audience, "jti": jti, "sub": "project_path:acme/app:ref_type:branch:ref:main", "project_id": "22",
                "project_path": "acme/app", "ref": "main", "ref_protected": "true", "environment": "production", "job_id": "302",
            }),
            "aws" => json!({
                "aud": audience, "jti": jti, "sub": ROLE,
                "https://sts.amazonaws.com/": {
                    "aws_account": "123456789012", "principal_id": ROLE, "source_region": "eu-west-1", "request_tags": {},
                },
            }),
            "google" => json!({"aud": audience, "azp": ACCOUNT_ID, "sub": ACCOUNT_ID}),
            _ => json!({"aud": [audience], "sub": SPIFFE_ID}),
        }
    }
}
