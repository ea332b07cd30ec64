//! `check`: everything that `serve` needs, reported at once, without serving.

use std::process::ExitCode;

use anyhow::Context;

use crate::app::{App, AuditEnd, CLOCK_TOLERANCE, open_store};
use crate::base::clock::Clock;
use crate::cli::database::open;
use crate::cli::exit_code;
use crate::cli::output::{Output, chain};
use crate::cli::serve::check_issuers::check_issuers;
use crate::cli::serve::warnings;
use crate::config::{Config, ConfigErrors};
use crate::http::{Certificate, CertificateProblem, issued_certificate_problems};
use crate::store::Store;

/// What is said of a file of SQLite that `serve` makes in development mode.
const TO_BE_MADE: &str = "SQLite has no file yet; `serve` creates it";

pub(in crate::cli) async fn run() -> anyhow::Result<ExitCode> {
    let (mut config, mistakes) = open::load()?.read();
    // It writes nothing, in development mode neither.
    let may_create = std::mem::take(&mut config.database.create_if_missing);
    let mut report = Report::default();
    for mistake in &mistakes.0 {
        report.fail(&mistake.to_string());
    }
    if mistakes.0.is_empty() {
        report.good(&format!(
            "configuration: valid; issuer {}",
            config.token.issuer
        ));
    }
    // A mistaken path or URL was told above; its default is nobody's business.
    if !are_about(&mistakes, "TLS_") && config.acme.is_none() {
        let is_read_whole = mistakes.0.is_empty();
        check_certificate(&mut report, &config, is_read_whole);
    }
    let authentication = check_client_authentication(&config);
    let opens = authentication.is_ok();
    if !are_about(&mistakes, "TLS_CLIENT_") && !are_about(&mistakes, "JWKS_URI_") {
        report.add("client authentication", authentication);
    }
    if !are_about(&mistakes, "DATABASE_") {
        let database = check_database(&config, may_create).await;
        let answers = database.as_ref().is_ok_and(Option::is_some);
        report.add(
            "database",
            database.map(|it| it.unwrap_or_else(|| TO_BE_MADE.to_owned())),
        );
        if answers && opens && mistakes.0.is_empty() {
            check_clients(&mut report, &config).await;
            check_identifiers(&mut report, &config).await;
            check_issuers(&mut report, &config).await;
            check_secrets(&mut report, &config).await;
            if config.acme.is_some() {
                check_acme(&mut report, &config).await;
            }
            check_clock(&mut report, &config).await;
            check_audit(&mut report, &config).await;
            check_keys(&mut report, &config).await;
            check_admins(&mut report, &config).await;
        }
    }
    for warning in warnings::find(&config) {
        report.warn(&warning);
    }
    report.print()
}

fn are_about(mistakes: &ConfigErrors, prefix: &str) -> bool {
    mistakes
        .0
        .iter()
        .any(|mistake| mistake.name.starts_with(prefix))
}

#[derive(Default)]
pub(super) struct Report {
    text: String,
    failed: bool,
}

impl Report {
    fn good(&mut self, text: &str) {
        self.text += &format!("ok    {text}\n");
    }

    /// What does not keep the server from serving.
    pub(super) fn warn(&mut self, text: &str) {
        self.text += &format!("warn  {text}\n");
    }

    pub(super) fn fail(&mut self, text: &str) {
        self.text += &format!("FAIL  {text}\n");
        self.failed = true;
    }

    /// What is right in some places, for the operator to know.
    pub(super) fn note(&mut self, text: &str) {
        self.text += &format!("note  {text}\n");
    }

    fn add_problem(&mut self, problem: &CertificateProblem) {
        match problem {
            CertificateProblem::Invalid(text) => self.fail(&format!("certificate: {text}")),
            CertificateProblem::Warning(text) => self.warn(&format!("certificate: {text}")),
            CertificateProblem::Remark(text) => self.note(&format!("certificate: {text}")),
        }
    }

    fn add(&mut self, what: &str, finding: anyhow::Result<String>) {
        match finding {
            Ok(text) => self.good(&format!("{what}: {text}")),
            Err(error) => self.fail(&format!("{what}: {}", chain(&error))),
        }
    }

    fn print(self) -> anyhow::Result<ExitCode> {
        Output::text(&self.text)?;
        Ok(exit_code(!self.failed))
    }

    /// Reports an error as a failure of `what`.
    pub(super) fn some_or_fail<T>(
        &mut self,
        what: &str,
        found: anyhow::Result<Option<T>>,
    ) -> Option<T> {
        found.unwrap_or_else(|error| {
            self.fail(&format!("{what}: {}", chain(&error)));
            None
        })
    }
}

pub(super) fn open_app(config: &Config) -> anyhow::Result<App> {
    App::open(config.clone(), Clock::system())
}

/// What `read` finds; `None` where migrations are pending: its tables and columns may not be there yet.
pub(super) async fn read_if_migrated<T, E>(
    store: &Store,
    read: impl Future<Output = Result<T, E>>,
) -> anyhow::Result<Option<T>>
where
    anyhow::Error: From<E>,
{
    if !store.list_pending_migrations().await?.is_empty() {
        return Ok(None);
    }
    Ok(Some(read.await?))
}

/// Its hosts are looked at only when every setting is right: else a default could be taken for the issuer.
fn check_certificate(report: &mut Report, config: &Config, is_read_whole: bool) {
    let certificate = match Certificate::load(config.tls.clone()) {
        Ok(certificate) => certificate,
        Err(error) => return report.fail(&format!("certificate: {error}")),
    };
    report.good(&format!(
        "certificate: {} and its key match",
        config.tls.cert.display()
    ));
    for problem in certificate.problems(config) {
        if is_read_whole || matches!(problem, CertificateProblem::Invalid(_)) {
            report.add_problem(&problem);
        }
    }
}

/// Clients whose tokens must be bound to a certificate, where no certificate can come.
async fn check_clients(report: &mut Report, config: &Config) {
    let may_come = config.client_authentication.ask_for_certificates
        || config.proxies.client_cert_header.is_some();
    let count = async {
        let store = open_store(config)?;
        read_if_migrated(&store, store.count_certificate_bound_clients()).await
    };
    let count = report.some_or_fail("clients", count.await);
    if let Some(n) = count.filter(|n| *n > 0 && !may_come) {
        report.warn(&format!(
            "clients: the tokens of {n} are bound to certificates, but the server takes none: set TLS_CLIENT_CA, \
                TLS_CLIENT_CERTIFICATES or, behind a proxy, CLIENT_CERT_HEADER"
        ));
    }
}

/// Clients that introspect and are told that every token but their own is inactive. The refusals are what is known of
/// who introspects; nothing is written for an introspection that goes well.
async fn check_identifiers(report: &mut Report, config: &Config) {
    const NAMED: u32 = 10;
    let read = async {
        let store = open_store(config)?;
        // One more tells whether there are others.
        let clients = store.list_introspecting_without_identifier(NAMED + 1);
        read_if_migrated(&store, clients).await
    };
    let clients = report
        .some_or_fail("identifiers", read.await)
        .unwrap_or_default();
    if clients.is_empty() {
        return;
    }
    let named = clients.iter().take(NAMED as usize);
    let named: Vec<String> = named.map(|id| format!("`{id}`")).collect();
    let others = clients.len() > named.len();
    let more = if others { " and others" } else { "" };
    let named = named.join(", ");
    report.warn(&format!(
        "identifiers: {named}{more} introspect tokens and have no identifier, so all tokens but their own are \
            inactive for them: set the audience of each one with `client update --identifier`"
    ));
}

/// Clients whose secrets are hashed with more work than a file may bring: they were stored when the bounds were higher, or by
/// another program.
async fn check_secrets(report: &mut Report, config: &Config) {
    const NAMED: usize = 10;
    let read = async {
        let app = open_app(config)?;
        read_if_migrated(app.store(), app.clients.find_heavy_secrets(NAMED)).await
    };
    let heavy = report
        .some_or_fail("secrets", read.await)
        .unwrap_or_default();
    if heavy.clients == 0 {
        return;
    }
    let named: Vec<String> = heavy.named.iter().map(|id| format!("`{id}`")).collect();
    let all = match heavy.clients {
        clients if clients > named.len() as u64 => format!(" and others ({clients} clients)"),
        _ => String::new(),
    };
    let named = named.join(", ");
    report.warn(&format!(
        "secrets: a hash of {named}{all} takes more work than IMPORT_MAX_BCRYPT_COST, IMPORT_MAX_PBKDF2_ROUNDS, \
         IMPORT_MAX_HASH_MEMORY or IMPORT_MAX_ARGON2_PASSES allows, or cannot be verified: each guess at it holds up the logins \
         of all clients with chosen secrets; give these clients new secrets"
    ));
}

/// The certificate that an authority issues: serving begins without it, and without the authority too.
async fn check_acme(report: &mut Report, config: &Config) {
    let read = async {
        let app = open_app(config)?;
        let acme = app.acme()?;
        read_if_migrated(app.store(), acme.read()).await?;
        let problems = issued_certificate_problems(&app);
        anyhow::Ok(Some((acme.standing(), problems, acme.probe().await)))
    };
    let Some((standing, problems, probed)) = report.some_or_fail("certificate", read.await) else {
        return;
    };
    match (standing.expires_at, &standing.problem) {
        (_, Some(problem)) => report.warn(&format!("certificate: {problem}")),
        (Some(end), None) => report.good(&format!("certificate: issued, valid until {end}")),
        (None, None) => report.warn("certificate: none issued yet; `serve` orders one"),
    }
    for problem in &problems {
        report.add_problem(problem);
    }
    match probed {
        Ok(()) => report.good(&format!("certificate: {} answers", standing.directory)),
        Err(error) => report.warn(&format!("certificate: {}: {error}", standing.directory)),
    }
}

/// Whether the clock can be trusted by which stored things are removed, rotated and ended.
async fn check_clock(report: &mut Report, config: &Config) {
    let read = async {
        let app = open_app(config)?;
        let doubt = read_if_migrated(app.store(), app.core.find_clock_doubt()).await?;
        anyhow::Ok(doubt.map(|doubt| (doubt, app.clock().ahead_of_database())))
    };
    let Some(found) = report.some_or_fail("clock", read.await) else {
        return;
    };
    match found {
        (Some(doubt), _) if config.development => report.warn(&format!("clock: {doubt}")),
        (Some(doubt), _) => report.fail(&format!(
            "clock: the server removes, rotates and expires nothing by time: {doubt}"
        )),
        (None, Some(ahead)) if ahead.abs() > CLOCK_TOLERANCE => report.warn(&format!(
            "clock: this machine's clock differs from the database's by {ahead} s: correct the wrong one"
        )),
        (None, Some(_)) => report.good("clock: this machine's clock agrees with the database's"),
        (None, None) => {
            report.good("clock: the server uses this machine's clock, and the database does not contradict it");
        }
    }
}

/// Whether the audit trail can go on, without which nothing can be changed.
async fn check_audit(report: &mut Report, config: &Config) {
    let read = async {
        let store = open_store(config)?;
        read_if_migrated(&store, store.find_audit_end()).await
    };
    match report.some_or_fail("audit trail", read.await) {
        None => {}
        Some(AuditEnd { key: Err(why), .. }) => report.fail(&format!(
            "audit trail: the server cannot append an event, and refuses every change: {why}"
        )),
        Some(AuditEnd { head, .. }) if head.link.event_id == 0 => {
            report.good("audit trail: no event yet");
        }
        Some(AuditEnd { head, .. }) => report.good(&format!(
            "audit trail: its last event, {}, is authentic",
            head.link.event_id
        )),
    }
}

async fn check_admins(report: &mut Report, config: &Config) {
    let read = async {
        let app = open_app(config)?;
        let warning = read_if_migrated(app.store(), app.admins.find_lockout_warning()).await?;
        anyhow::Ok(warning.flatten())
    };
    if let Some(warning) = report.some_or_fail("admins", read.await) {
        report.warn(&warning);
    }
}

/// Every key that cannot be opened, each on a line.
async fn check_keys(report: &mut Report, config: &Config) {
    let read = async {
        let app = open_app(config)?;
        let keys = read_if_migrated(app.store(), app.keys.list()).await?;
        anyhow::Ok(Some(keys.unwrap_or_default()))
    };
    let Some(keys) = report.some_or_fail("keys", read.await) else {
        return;
    };
    let problems: Vec<&String> = keys.iter().filter_map(|k| k.problem.as_ref()).collect();
    for problem in &problems {
        report.fail(&format!("keys: {problem}"));
    }
    if problems.is_empty() {
        let alg = config.keys.signing_alg;
        let others = if alg.is_asymmetric() {
            "other services can verify tokens offline"
        } else {
            "other services cannot verify tokens offline and must ask /verify; the metadata names no JWKS"
        };
        report.good(&format!(
            "keys: {} can be opened; SIGNING_ALG is {alg}, under which {others}",
            keys.len()
        ));
    }
}

fn check_client_authentication(config: &Config) -> anyhow::Result<String> {
    crate::app::check_client_authentication(config)?;
    let certificates = if config.client_authentication.ask_for_certificates {
        "the server asks clients for certificates"
    } else {
        "the server does not ask clients for certificates"
    };
    Ok(
        match config.client_authentication.jwks_uri.hosts.as_slice() {
            [] => format!("{certificates}; no jwks_uri is allowed"),
            hosts => format!("{certificates}; a jwks_uri may be at {}", hosts.join(", ")),
        },
    )
}

/// `None`: there is no file yet, which `serve` makes.
async fn check_database(config: &Config, may_create: bool) -> anyhow::Result<Option<String>> {
    let store = open_store(config)?;
    if may_create && store.missing_file().is_some() {
        return Ok(None);
    }
    store.reach().await.context("DATABASE_URL")?;
    let pending = store.list_pending_migrations().await;
    let pending = pending.context("DATABASE_URL")?;
    let location = store.location();
    Ok(Some(match pending.len() {
        0 => format!("{location} answers; its schema is up to date"),
        n => format!("{location} answers; {n} migration(s) are pending and run at the next start"),
    }))
}
