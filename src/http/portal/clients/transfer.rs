//! Clients to and from files: all of them out, those of another server in, and clients as a file says. A file is looked at
//! first, and what would come of it is shown; then it is done.

use std::future::ready;

use askama::Template;
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
use crate::app::error::Result;
use crate::config::Bytes;
use crate::domain::{ClientId, ManagedBy};
use crate::http::portal::access::{
    FileForm, Form, Owner, PortalRequest, Shown, Submission, filled_in,
};
use crate::http::portal::links::path_of;
use crate::http::portal::page::{self, FieldErrors, Layout};
use crate::http::response;
use crate::http::response::download::export_body;

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

page::pages!(TransferPage);

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
    report: Option<ImportReport>,
}

/// The same of a file to be applied.
#[derive(Default)]
struct ApplyForm {
    file: String,
    name: String,
    prune: String,
    take_over: bool,
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
    request: PortalRequest<Owner>,
    Shown(applied): Shown<Applied>,
) -> Response {
    let (report, secrets) = applied.unzip();
    let secrets = secrets.unwrap_or_default();
    let line = |(id, secret): &(ClientId, String)| {
        let line = serde_json::json!({ "client_id": id, "client_secret": secret });
        format!("{line}\n")
    };
    page::show(&AppliedPage {
        layout: Layout::new("Applied manifest", PATH, Some(&request)),
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
    request: &PortalRequest<Owner>,
    import: ImportForm,
    apply: ApplyForm,
) -> TransferPage {
    TransferPage {
        layout: Layout::new("Import and export", PATH, Some(request)),
        max_import: Bytes::from(request.app.config().http.max_import),
        import,
        apply,
    }
}

pub(in crate::http::portal) async fn show_transfer(request: PortalRequest<Owner>) -> Response {
    let (import, apply) = (ImportForm::default(), ApplyForm::default());
    page::show(&transfer_page(&request, import, apply))
}

/// All clients as a file. By POST, so that nobody gets it by a link.
pub(in crate::http::portal) async fn export(
    request: PortalRequest<Owner>,
    _form: Form,
) -> Result<Response> {
    let body = export_body(request.app, &request.origin).await?;
    let mut response = response::secret(StatusCode::OK, "application/x-ndjson", body);
    response.headers_mut().insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"clients.jsonl\""),
    );
    Ok(response)
}

/// Imports a file, or says what would come of it.
pub(in crate::http::portal) async fn import(
    request: PortalRequest<Owner>,
    FileForm(mut form): FileForm,
) -> Result<Response> {
    let is_done = form.take("act") == "do";
    let fields = ImportForm {
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
        report: None,
    };
    let mut errors = FieldErrors::default();
    let on_conflict = errors.check("on_conflict", fields.on_conflict.parse());
    let format = filled_in(&fields.format).map(str::parse).transpose();
    let format = errors.check("format", format);
    let narrowing = errors.check("token_ttl", fields.narrowing());
    let read = errors.finish(on_conflict.zip(format).zip(narrowing));
    let mut again = transfer_page(&request, fields, ApplyForm::default());
    let ((on_conflict, format), narrowing) = match read {
        Ok(read) => read,
        Err(error) => return page::again_with(errors, error, ready(Ok(again))).await,
    };
    let fields = &again.import;
    let options = ImportOptions {
        on_conflict,
        keep_going: fields.keep_going,
        dry_run: !is_done,
        max_plain: Some(MAX_PLAIN),
        secrets: FileSecrets {
            plain: fields.plain_secrets,
            generated: fields.generated_secrets,
        },
        narrowing,
    };
    let source = ImportSource::of_bytes(format, fields.file.clone().into_bytes());
    let mut lines = Vec::new();
    let mut tell = |news: ImportNews<'_>| {
        if let ImportNews::Line(line) = news
            && lines.len() < SHOWN
        {
            lines.push(line.clone());
        }
    };
    let (by, clients) = (&request.origin, &request.app.clients);
    match clients.import(by, &source, options, &mut tell).await {
        Ok(report) => {
            again.import.report = Some(ImportReport {
                clients: lines,
                ..report
            });
            Ok(page::show(&again))
        }
        Err(error) => page::again_at("file", error, ready(Ok(again))).await,
    }
}

/// Makes clients what a file says, and redirects to what was done; or says what would be done.
pub(in crate::http::portal) async fn apply(
    request: PortalRequest<Owner>,
    FileForm(mut form): FileForm,
) -> Result<Response> {
    let is_done = form.take("act") == "do";
    let fields = ApplyForm {
        file: form.take("manifest"),
        name: form.take("name"),
        prune: form.take("prune"),
        take_over: form.is_ticked("take_over"),
        report: None,
    };
    let mut errors = FieldErrors::default();
    let prune = filled_in(&fields.prune).map(str::parse).transpose();
    let prune = errors.check("prune", prune);
    let name = filled_in(&fields.name);
    let named = errors.check("name", name.map(ManagedBy::parse).transpose());
    let manifest =
        named.and_then(|_| errors.check("manifest", Manifest::parse(fields.file.as_bytes(), name)));
    let read = errors.finish(prune.zip(manifest));
    let mut again = transfer_page(&request, ImportForm::default(), fields);
    let (prune, manifest) = match read {
        Ok(read) => read,
        Err(error) => return page::again_with(errors, error, ready(Ok(again))).await,
    };
    let options = ApplyOptions {
        dry_run: !is_done,
        prune,
        take_over: again.apply.take_over,
        may_write_issuers: true,
    };
    let mut secrets = Vec::new();
    let mut tell = |news: ApplyNews<'_>| {
        if let ApplyNews::Secret(id, secret) = news {
            secrets.push((id.clone(), secret.expose().clone()));
        }
        Ok(())
    };
    let (by, clients) = (&request.origin, &request.app.clients);
    match clients.apply(by, &manifest, options, &mut tell).await {
        Ok(report) if report.dry_run => {
            again.apply.report = Some(report);
            Ok(page::show(&again))
        }
        Ok(report) => {
            let path = format!("{PATH}/applied");
            Submission::show_once(&request, &(report, secrets), &path).await
        }
        Err(error) => page::again_at("manifest", error, ready(Ok(again))).await,
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

/// What is wrong with a row, or what changes.
fn told(line: &ImportLine) -> String {
    let fields = line.fields.as_ref().map(|it| it.join(", "));
    let told = line.reason.iter().chain(&fields).chain(&line.remarks);
    told.map(String::as_str).collect::<Vec<_>>().join("; ")
}

fn outcome_kind(outcome: ImportOutcome) -> &'static str {
    match outcome {
        ImportOutcome::Created | ImportOutcome::Replaced => "good",
        ImportOutcome::Bad => "bad",
        ImportOutcome::Skipped => "warn",
        ImportOutcome::Unchanged | ImportOutcome::Existing => "",
    }
}
