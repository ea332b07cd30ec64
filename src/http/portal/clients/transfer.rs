//! Clients to and from files: all of them out, those of another server in, and clients as a file says. A file is looked at
//! first, and what would come of it is shown; then it is done.

use askama::Template;
use axum::extract::State;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use crate::app::clients::spec::members::Lifetime;
use crate::app::clients::transfer::apply::{
    ApplyNews, ApplyOptions, ApplyReport, ApplyStep, Manifest, Prune,
};
use crate::app::clients::transfer::import::{
    FileSecrets, ImportFormat, ImportLine, ImportNews, ImportOptions, ImportOutcome, ImportReport,
    ImportSource, MAX_PLAIN, Narrowing, OnConflict,
};
use crate::app::error::{Error, Result};
use crate::config::Bytes;
use crate::domain::ClientId;
use crate::http::portal::access::form::{FileForm, Form, filled_in};
use crate::http::portal::access::session::{Owner, Session};
use crate::http::portal::access::submission::{Shown, Submission};
use crate::http::portal::links::path_of;
use crate::http::portal::page;
use crate::http::portal::page::Layout;
use crate::http::response::download::export_body;
use crate::http::{AppState, response};

const PATH: &str = "/admin/transfer";

/// Rows that a page shows; the command line shows all.
const SHOWN: usize = 1_000;

#[derive(Template)]
#[template(path = "clients/transfer.html")]
struct TransferPage {
    layout: Layout,
    max_import: Bytes,
    import: ImportForm,
    apply: ApplyForm,
}

/// The form of an import, as it is filled in, and what came of it.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box of its own")]
struct ImportForm {
    file: String,
    format: String,
    on_conflict: String,
    plain_secrets: bool,
    generated_secrets: bool,
    drop_metadata: bool,
    drop_optional_scopes: bool,
    explicit_scopes_only: bool,
    token_ttl: String,
    keep_going: bool,
    error: Option<String>,
    report: Option<ImportReport>,
}

/// The same of a file to be applied.
#[derive(Default)]
struct ApplyForm {
    file: String,
    name: String,
    prune: String,
    take_over: bool,
    error: Option<String>,
    report: Option<ApplyReport>,
}

/// What an apply did, and the secrets that it made.
type Applied = (ApplyReport, Vec<(ClientId, String)>);

#[derive(Template)]
#[template(path = "clients/applied/applied.html")]
struct AppliedPage {
    layout: Layout,
    /// `None`: it was shown before.
    report: Option<ApplyReport>,
    secrets: Vec<(ClientId, String)>,
    /// The secrets, in a form that programs read.
    lines: String,
}

/// Shows what an apply did, once.
pub(in crate::http::portal) async fn show_applied(
    session: Session<Owner>,
    Shown(applied): Shown<Applied>,
) -> Response {
    let (report, secrets) = applied.unzip();
    let secrets = secrets.unwrap_or_default();
    let line = |(id, secret): &(ClientId, String)| {
        let line = serde_json::json!({ "client_id": id, "client_secret": secret });
        format!("{line}\n")
    };
    page::show(&AppliedPage {
        layout: Layout::new("Applied manifest", PATH, Some(&session)),
        lines: secrets.iter().map(line).collect(),
        report,
        secrets,
    })
}

impl ImportForm {
    fn narrowing(&self) -> Result<Narrowing> {
        let ttl = filled_in(&self.token_ttl).map(|it| Lifetime::Text(it.to_owned()).parse());
        Ok(Narrowing {
            drop_metadata: self.drop_metadata,
            drop_optional_scopes: self.drop_optional_scopes,
            explicit_scopes_only: self.explicit_scopes_only,
            token_ttl: ttl.transpose()?,
        })
    }
}

fn transfer_page(
    app: &AppState,
    session: &Session<Owner>,
    import: ImportForm,
    apply: ApplyForm,
) -> TransferPage {
    TransferPage {
        layout: Layout::new("Import and export", PATH, Some(session)),
        max_import: Bytes::from(app.config().http.max_import),
        import,
        apply,
    }
}

/// What can be done.
pub(in crate::http::portal) async fn show_transfer(
    State(app): State<AppState>,
    session: Session<Owner>,
) -> Result<Response> {
    let (import, apply) = (ImportForm::default(), ApplyForm::default());
    Ok(page::show(&transfer_page(&app, &session, import, apply)))
}

/// All clients as a file. By POST, so that nobody gets it by a link.
pub(in crate::http::portal) async fn export(
    State(app): State<AppState>,
    session: Session<Owner>,
    _form: Form,
) -> Result<Response> {
    let body = export_body(app, &session.origin).await?;
    let mut response = response::secret(StatusCode::OK, "application/x-ndjson", body);
    response.headers_mut().insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"clients.jsonl\""),
    );
    Ok(response)
}

/// Imports a file, or says what would come of it.
pub(in crate::http::portal) async fn import(
    State(app): State<AppState>,
    session: Session<Owner>,
    FileForm(mut form): FileForm,
) -> Result<Response> {
    let is_done = form.take("act") == "do";
    let mut fields = ImportForm {
        file: form.take("file"),
        format: form.take("format"),
        on_conflict: form.take("on_conflict"),
        plain_secrets: form.is_ticked("plain_secrets"),
        generated_secrets: form.is_ticked("generated_secrets"),
        drop_metadata: form.is_ticked("drop_metadata"),
        drop_optional_scopes: form.is_ticked("drop_optional_scopes"),
        explicit_scopes_only: form.is_ticked("explicit_scopes_only"),
        token_ttl: form.take("token_ttl"),
        keep_going: form.is_ticked("keep_going"),
        ..ImportForm::default()
    };
    let mut lines = Vec::new();
    let imported = async {
        let options = ImportOptions {
            on_conflict: fields.on_conflict.parse()?,
            keep_going: fields.keep_going,
            dry_run: !is_done,
            max_plain: Some(MAX_PLAIN),
            secrets: FileSecrets {
                plain: fields.plain_secrets,
                generated: fields.generated_secrets,
            },
            narrowing: fields.narrowing()?,
        };
        let format = filled_in(&fields.format).map(str::parse).transpose()?;
        let source = ImportSource::of_bytes(format, fields.file.clone().into_bytes());
        let mut tell = |news: ImportNews<'_>| {
            if let ImportNews::Line(line) = news
                && lines.len() < SHOWN
            {
                lines.push(line.clone());
            }
        };
        app.clients
            .import(&session.origin, &source, options, &mut tell)
            .await
    };
    let (report, failed) = shown(imported.await)?;
    fields.report = report.map(|report| ImportReport {
        clients: lines,
        ..report
    });
    fields.error = failed.as_ref().map(page::sentence);
    let page = transfer_page(&app, &session, fields, ApplyForm::default());
    Ok(answered(&page, failed))
}

/// Makes clients what a file says, and redirects to what was done; or says what would be done.
pub(in crate::http::portal) async fn apply(
    State(app): State<AppState>,
    session: Session<Owner>,
    FileForm(mut form): FileForm,
) -> Result<Response> {
    let is_done = form.take("act") == "do";
    let mut fields = ApplyForm {
        file: form.take("manifest"),
        name: form.take("name"),
        prune: form.take("prune"),
        take_over: form.is_ticked("take_over"),
        ..ApplyForm::default()
    };
    let mut secrets = Vec::new();
    let applied = async {
        let options = ApplyOptions {
            dry_run: !is_done,
            prune: filled_in(&fields.prune).map(str::parse).transpose()?,
            take_over: fields.take_over,
            may_write_issuers: true,
        };
        let manifest = Manifest::parse(fields.file.as_bytes(), filled_in(&fields.name))?;
        let mut tell = |news: ApplyNews<'_>| {
            if let ApplyNews::Secret(id, secret) = news {
                secrets.push((id.clone(), secret.expose().clone()));
            }
            Ok(())
        };
        app.clients
            .apply(&session.origin, &manifest, options, &mut tell)
            .await
    };
    let (report, failed) = shown(applied.await)?;
    if let Some(report) = report.as_ref().filter(|it| !it.dry_run) {
        let submission = Submission::random();
        submission.store(&app, &session, &(report, secrets)).await?;
        return Ok(submission.see(&format!("{PATH}/applied")));
    }
    fields.report = report;
    fields.error = failed.as_ref().map(page::sentence);
    let page = transfer_page(&app, &session, ImportForm::default(), fields);
    Ok(answered(&page, failed))
}

/// What came of a file, or the error that is shown with the form.
fn shown<T>(done: Result<T>) -> Result<(Option<T>, Option<Error>)> {
    match done {
        Ok(report) => Ok((Some(report), None)),
        Err(error) => Ok((None, Some(page::mendable(error)?))),
    }
}

fn answered(page: &TransferPage, failed: Option<Error>) -> Response {
    match failed {
        Some(error) => page::show_again(page, error),
        None => page::show(page),
    }
}

fn path(client_id: &str) -> Option<String> {
    ClientId::parse(client_id).ok().map(|id| path_of(&id))
}

fn step_kind(step: ApplyStep) -> &'static str {
    match step {
        ApplyStep::Create | ApplyStep::Change => "good",
        ApplyStep::Disable | ApplyStep::Delete => "bad",
        ApplyStep::Unchanged => "",
    }
}

impl TransferPage {
    fn path(client_id: &str) -> Option<String> {
        path(client_id)
    }

    /// What is wrong with a row, or what changes.
    fn told(line: &ImportLine) -> String {
        let fields = line.fields.as_ref().map(|it| it.join(", "));
        let told = line.reason.iter().chain(&fields).chain(&line.remarks);
        told.map(String::as_str).collect::<Vec<_>>().join("; ")
    }

    fn kind(line: &ImportLine) -> &'static str {
        match line.outcome {
            ImportOutcome::Created | ImportOutcome::Replaced => "good",
            ImportOutcome::Bad => "bad",
            ImportOutcome::Skipped => "warn",
            ImportOutcome::Unchanged | ImportOutcome::Existing => "",
        }
    }
}
