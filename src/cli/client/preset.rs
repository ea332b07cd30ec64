//! The options of `client create` for workloads of known platforms: `--from kubernetes` and so on.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::app::error::{Error, Result};
use crate::app::{
    App, Aws, GitHub, GitLab, Google, Instructions, Kubernetes, Preset, PresetPlan, Spiffe,
};
use crate::cli::database::open::origin;
use crate::cli::output::{Output, OutputWithoutId};
use crate::domain::{Client, ClientChanges, IssuerName, IssuerUrl, SpiffeId};

/// A platform.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Platform {
    /// A pod with a service account: --namespace, --service-account
    Kubernetes,
    /// A job of GitHub Actions: --repository-id, --repository-owner-id, and which jobs of the repository
    Github,
    /// A job of GitLab CI: --project-id
    Gitlab,
    /// A workload with a JWT-SVID: --spiffe-id
    Spiffe,
    /// A role or user of AWS IAM: --aws-issuer, --aws-principal
    Aws,
    /// A service account of Google Cloud: --google-account-id
    Google,
}

#[derive(Args)]
pub(in crate::cli) struct PresetArgs {
    /// A preset for a workload of this platform, which logs in with the platform's tokens and has no secret. Also trusts the
    /// issuer, if needed, and prints the configuration for the platform
    #[arg(long, value_name = "PLATFORM")]
    from: Option<Platform>,
    /// The name of the trusted issuer; by default the platform
    #[arg(long, value_name = "NAME", requires = "from")]
    issuer_name: Option<IssuerName>,
    /// Kubernetes: the namespace of the pod
    #[arg(long, requires = "from")]
    namespace: Option<String>,
    /// Kubernetes: the service account of the pod
    #[arg(long, requires = "from")]
    service_account: Option<String>,
    /// Kubernetes: the uid of the service account, so that a later one with the same name does not match
    #[arg(long, value_name = "UID", requires = "from")]
    service_account_uid: Option<String>,
    /// Kubernetes: the `iss` of another cluster than this server's
    #[arg(long, value_name = "URL", requires = "from")]
    cluster_issuer: Option<String>,
    /// GitHub: the number of the repository (`gh api repos/OWNER/NAME --jq .id`)
    #[arg(long, value_name = "NUMBER", requires = "from")]
    repository_id: Option<u64>,
    /// GitHub: the number of the repository's owner (`--jq .owner.id`)
    #[arg(long, value_name = "NUMBER", requires = "from")]
    repository_owner_id: Option<u64>,
    /// GitHub, GitLab: only jobs that deploy to this environment
    #[arg(long, requires = "from")]
    environment: Option<String>,
    /// GitHub: only jobs of this ref, such as `refs/heads/main`
    #[arg(
        long = "ref",
        value_name = "REF",
        requires = "from",
        conflicts_with = "environment"
    )]
    git_ref: Option<String>,
    /// GitHub: only this workflow, such as `acme/app/.github/workflows/deploy.yml@refs/heads/main`
    #[arg(long, requires = "from", conflicts_with_all = ["environment", "git_ref"])]
    workflow_ref: Option<String>,
    /// GitHub: all workflows of the repository, also those that a pull request changes
    #[arg(long, requires = "from", conflicts_with_all = ["environment", "git_ref", "workflow_ref"])]
    any_workflow: bool,
    /// GitHub: the enterprise with its own `iss`
    #[arg(long, value_name = "SLUG", requires = "from")]
    enterprise: Option<String>,
    /// GitHub, GitLab: the host of your own instance
    #[arg(long, requires = "from")]
    host: Option<String>,
    /// GitLab: the number of the project
    #[arg(long, value_name = "NUMBER", requires = "from")]
    project_id: Option<u64>,
    /// GitLab: also jobs of branches and tags that are not protected
    #[arg(long, requires = "from")]
    any_ref: bool,
    /// SPIFFE: the ID of the workload
    #[arg(long, value_name = "ID", requires = "from", value_parser = SpiffeId::parse)]
    spiffe_id: Option<SpiffeId>,
    /// SPIFFE: the URL of the bundle of the trust domain
    #[arg(long, value_name = "URL", requires = "from")]
    bundle_endpoint: Option<String>,
    /// SPIFFE: a file with the bundle of the trust domain
    #[arg(long, value_name = "FILE", requires = "from")]
    bundle_file: Option<String>,
    /// AWS: the issuer of the account (`aws iam get-outbound-web-identity-federation-info`)
    #[arg(long, value_name = "URL", requires = "from")]
    aws_issuer: Option<IssuerUrl>,
    /// AWS: the ARN of the role or user
    #[arg(long, value_name = "ARN", requires = "from")]
    aws_principal: Option<String>,
    /// Google: the unique ID of the service account (`gcloud iam service-accounts describe EMAIL --format='value(uniqueId)'`)
    #[arg(long, value_name = "NUMBER", requires = "from")]
    google_account_id: Option<String>,
}

/// A workload that was registered.
#[derive(Serialize)]
struct Created<'a> {
    client: &'a Client,
    issuer: &'a IssuerName,
    /// What to paste on the platform.
    paste: &'a str,
}

/// What is said of a preset, and the name of its issuer that is registered.
pub(in crate::cli) struct Registering {
    instructions: Instructions,
    issuer: IssuerName,
    warning: Option<&'static str>,
}

impl PresetArgs {
    /// Trusts the issuer and adds the identity to what is registered; `None`: no preset was asked for.
    pub(in crate::cli) async fn prepare(
        self,
        app: &App,
        changes: &mut ClientChanges,
    ) -> Result<Option<Registering>> {
        let name = self.issuer_name.clone();
        let Some(preset) = self.preset()? else {
            return Ok(None);
        };
        if changes.authentication.identities.is_some() {
            return Err(Error::invalid_request("use --from or --identity, not both"));
        }
        let plan = PresetPlan::new(preset.as_ref(), name)?;
        let (issuer, is_new) = app.issuers.ensure(&origin(), plan.issuer).await?;
        if is_new {
            Output::remark(&format!(
                "trusted the issuer `{}` ({}); `token-server issuer check {}` fetches its keys",
                issuer.name, issuer.anchor, issuer.name
            ));
        }
        changes.authentication.identities = Some(plan.identities);
        Ok(Some(Registering {
            instructions: plan.instructions,
            issuer: issuer.name,
            warning: plan.warning,
        }))
    }

    fn preset(self) -> Result<Option<Box<dyn Preset>>> {
        let Some(from) = self.from else {
            return Ok(None);
        };
        self.refuse_others(from)?;
        Ok(Some(match from {
            Platform::Kubernetes => Box::new(Kubernetes {
                namespace: needed(self.namespace, "--namespace")?,
                service_account: needed(self.service_account, "--service-account")?,
                uid: self.service_account_uid,
                cluster: self.cluster_issuer,
            }),
            Platform::Github => Box::new(self.github()?),
            Platform::Gitlab => Box::new(GitLab {
                project_id: needed(self.project_id, "--project-id")?,
                any_ref: self.any_ref,
                environment: self.environment,
                host: self.host,
            }),
            Platform::Spiffe => Box::new(Spiffe {
                id: needed(self.spiffe_id, "--spiffe-id")?,
                bundle_endpoint: self.bundle_endpoint,
                bundle_file: self.bundle_file,
            }),
            Platform::Aws => Box::new(Aws {
                issuer: needed(self.aws_issuer, "--aws-issuer")?,
                principal: needed(self.aws_principal, "--aws-principal")?,
            }),
            Platform::Google => Box::new(Google {
                account_id: needed(self.google_account_id, "--google-account-id")?,
            }),
        }))
    }

    /// The jobs are narrowed by claims that a pull request cannot choose.
    fn github(self) -> Result<GitHub> {
        let repository_id = needed(self.repository_id, "--repository-id")?;
        let owner_id = needed(self.repository_owner_id, "--repository-owner-id")?;
        let claims = [
            ("/environment", self.environment),
            ("/ref", self.git_ref),
            ("/workflow_ref", self.workflow_ref),
        ];
        let mut claims = claims.into_iter();
        let narrowed = claims.find_map(|(claim, value)| Some((claim, value?)));
        if narrowed.is_none() && !self.any_workflow {
            return Err(Error::invalid_request(
                "choose the jobs of the repository: --environment, --ref or --workflow-ref, or --any-workflow",
            ));
        }
        Ok(GitHub {
            repository_id,
            owner_id,
            narrowed,
            enterprise: self.enterprise,
            host: self.host,
        })
    }

    /// An option of another platform would be a condition that nobody looks at.
    fn refuse_others(&self, from: Platform) -> Result<()> {
        let options = self.options();
        let mut options = options.iter();
        match options.find(|(_, is_said, of)| *is_said && !of.contains(&from)) {
            Some((name, ..)) => Err(Error::invalid_request(format!(
                "{name} is not an option of this preset"
            ))),
            None => Ok(()),
        }
    }

    /// Every option: its name, whether it is said, and the platforms that have it.
    #[rustfmt::skip]
    fn options(&self) -> [(&'static str, bool, &'static [Platform]); 20] {
        use Platform::{Aws, Github, Gitlab, Google, Kubernetes, Spiffe};
        [
            ("--namespace", self.namespace.is_some(), &[Kubernetes]),
            ("--service-account", self.service_account.is_some(), &[Kubernetes]),
            ("--service-account-uid", self.service_account_uid.is_some(), &[Kubernetes]),
            ("--cluster-issuer", self.cluster_issuer.is_some(), &[Kubernetes]),
            ("--repository-id", self.repository_id.is_some(), &[Github]),
            ("--repository-owner-id", self.repository_owner_id.is_some(), &[Github]),
            ("--ref", self.git_ref.is_some(), &[Github]),
            ("--workflow-ref", self.workflow_ref.is_some(), &[Github]),
            ("--any-workflow", self.any_workflow, &[Github]),
            ("--enterprise", self.enterprise.is_some(), &[Github]),
            ("--environment", self.environment.is_some(), &[Github, Gitlab]),
            ("--host", self.host.is_some(), &[Github, Gitlab]),
            ("--project-id", self.project_id.is_some(), &[Gitlab]),
            ("--any-ref", self.any_ref, &[Gitlab]),
            ("--spiffe-id", self.spiffe_id.is_some(), &[Spiffe]),
            ("--bundle-endpoint", self.bundle_endpoint.is_some(), &[Spiffe]),
            ("--bundle-file", self.bundle_file.is_some(), &[Spiffe]),
            ("--aws-issuer", self.aws_issuer.is_some(), &[Aws]),
            ("--aws-principal", self.aws_principal.is_some(), &[Aws]),
            ("--google-account-id", self.google_account_id.is_some(), &[Google]),
        ]
    }
}

fn needed<T>(value: Option<T>, name: &str) -> Result<T> {
    value.ok_or_else(|| Error::invalid_request(format!("{name} is missing")))
}

impl Registering {
    /// Prints the client, and what is to be pasted.
    pub(in crate::cli) fn print(
        &self,
        app: &App,
        client: &Client,
        output: OutputWithoutId,
    ) -> anyhow::Result<()> {
        if let Some(warning) = self.warning {
            Output::remark(&format!("warning: {warning}"));
        }
        let own = app.config().token.issuer.as_str();
        let paste = &self.instructions.render(own, &client.client_id);
        let created = Created {
            client,
            issuer: &self.issuer,
            paste,
        };
        output.print(&created, || {
            let identities = client.authentication.identities.iter();
            let identities: Vec<String> = identities.map(|it| format!("  {it}")).collect();
            format!(
                "client {}, which has no secret and logs in as\n{}\n\n{paste}",
                client.client_id,
                identities.join("\n")
            )
        })
    }
}
