//! `/transfer`: all clients out, clients in from a file of whatever server, and clients as a file says. Not below
//! `/clients`, where a client may be called `import`.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::app::clients::transfer::apply::{ApplyNews, ApplyOptions, ApplyReport, Manifest};
use crate::app::clients::transfer::import::{
    ImportLine, ImportNews, ImportOptions, ImportReport, ImportSource, MAX_PLAIN,
};
use crate::app::error::{Error, Result};
use crate::domain::ErrorCode;
use crate::http::admin_api::guard::Operator;
use crate::http::admin_api::request::Query;
use crate::http::openapi::{AdminCreateErrors, AdminListErrors};
use crate::http::request::params;
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::response::download::export_body;
use crate::http::{AppState, response};

/// A body that is a file, whatever type it says it is of: what is in it tells.
pub(in crate::http::admin_api) struct FileBody(Bytes);

impl FromRequest<AppState> for FileBody {
    type Rejection = Error;

    async fn from_request(request: Request, app: &AppState) -> Result<Self> {
        params::read_file(request.into_body(), app).await.map(Self)
    }
}

/// How to import.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct HowToImport {
    /// `token-server`, `table`, `hydra` or `keycloak`; told by what is in the file when left out
    #[param(nullable = false)]
    format: Option<String>,
    /// What to do with a client whose id is taken: `skip`, else `refuse` or `replace`
    #[param(nullable = false)]
    on_conflict: Option<String>,
    /// Say what would come of it, and change nothing
    #[param(nullable = false)]
    dry_run: Option<bool>,
    /// `plain`: a text that has the length of a digest in hex or base64 is a plain secret; without it such a row is refused
    #[param(nullable = false)]
    secrets: Option<String>,
    /// Import the good rows although there are bad ones
    #[param(nullable = false)]
    keep_going: Option<bool>,
}

/// How to apply.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct HowToApply {
    /// What to mark the clients with when the file has no `name`
    #[param(nullable = false)]
    name: Option<String>,
    /// Say what would be done, and change nothing
    #[param(nullable = false)]
    dry_run: Option<bool>,
    /// Also clients that are marked so and no longer in the file: `disable` or `delete`
    #[param(nullable = false)]
    prune: Option<String>,
    /// Take over clients that another file keeps
    #[param(nullable = false)]
    take_over: Option<bool>,
}

#[derive(Serialize)]
struct Imported<'a> {
    #[serde(flatten)]
    report: &'a ImportReport,
    clients: &'a [ImportLine],
}

#[derive(Serialize)]
struct Applied<'a> {
    #[serde(flatten)]
    report: &'a ApplyReport,
    secrets: &'a [Value],
}

/// What came of an import, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportReport)]
struct ImportedAnswer {
    dry_run: bool,
    /// Nothing was, or would be, imported because of bad rows
    refused: bool,
    /// What the file was read as
    format: String,
    /// New clients
    imported: u64,
    /// Clients that were there, and are as the file says now
    replaced: u64,
    /// Clients that were as the file says
    unchanged: u64,
    /// Clients that were there, and are left as they are
    existing: u64,
    /// Rows of what could get no tokens here
    skipped: u64,
    /// Mistakes
    bad: u64,
    /// Names in the file that mean nothing here
    ignored: Vec<String>,
    /// Each row: `line`, `client_id`, `outcome` (`created`, `replaced`, `unchanged`, `existing`, `skipped`, `bad`), then
    /// `reason`, `fields` and `remarks` where there are any
    #[schema(value_type = Vec<Object>)]
    clients: (),
}

/// What came of a file that was applied, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = ApplyReport)]
struct AppliedAnswer {
    /// What its clients are marked with
    name: String,
    dry_run: bool,
    /// Each client: `client_id`, `step` (`create`, `change`, `unchanged`, `disable`, `delete`), `changes` (`field`, `before`,
    /// `after`), `makes_secret`, and `remarks` where there are any
    #[schema(value_type = Vec<Object>)]
    clients: (),
    /// Those that were made, which can be had only now: `client_id`, `client_secret`
    #[schema(value_type = Vec<Object>)]
    secrets: (),
}

/// Writes all clients out as JSON lines, with the hashes of their secrets.
#[utoipa::path(get, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 200, description = "what the file is, a client a line, and how many there are", headers(
        ("cache-control" = String),
    ), body = String, content_type = "application/x-ndjson"),
    AdminListErrors,
))]
pub(in crate::http::admin_api) async fn export_clients(
    State(app): State<AppState>,
    operator: Operator,
    query: Result<Query, Error>,
) -> Result<Response> {
    query?.end()?;
    let body = export_body(app, &operator.origin).await?;
    Ok(response::secret(
        StatusCode::OK,
        "application/x-ndjson",
        body,
    ))
}

/// Imports clients from a file; its secrets may be in clear (at most 1000) or hashed.
#[utoipa::path(post, path = "", tag = "Administration", params(HowToImport, ProofHeader),
    request_body(content = String, content_type = "application/octet-stream",
        description = "the file, up to `MAX_IMPORT`"),
    responses(
        (status = 200, description = "what came of it", body = ImportedAnswer, headers(("cache-control" = String))),
        AdminCreateErrors,
    ),
)]
pub(in crate::http::admin_api) async fn import_clients(
    State(app): State<AppState>,
    operator: Operator,
    query: Result<Query, Error>,
    file: Result<FileBody, Error>,
) -> Result<Response> {
    let (mut query, FileBody(bytes)) = (query?, file?);
    let format = query.take("format", |text| Ok(text.parse()?))?;
    let on_conflict = query.take("on_conflict", |text| Ok(text.parse()?))?;
    let options = ImportOptions {
        on_conflict: on_conflict.unwrap_or(ImportOptions::default().on_conflict),
        dry_run: query.take("dry_run", flag)?.unwrap_or(false),
        keep_going: query.take("keep_going", flag)?.unwrap_or(false),
        max_plain: Some(MAX_PLAIN),
        secrets: query.take("secrets", |text| Ok(text.parse()?))?,
    };
    query.end()?;

    let source = ImportSource::of_bytes(format, bytes);
    let mut clients = Vec::new();
    let report = app
        .clients
        .import(&operator.origin, &source, options, &mut |news| {
            if let ImportNews::Line(line) = news {
                clients.push(line.clone());
            }
        })
        .await?;

    let imported = Imported {
        report: &report,
        clients: &clients,
    };
    if report.refused && !report.dry_run {
        return Ok(with_member(refusal(&report), "report", json!(imported)));
    }
    Ok(response::json(StatusCode::OK, &imported))
}

fn refusal(report: &ImportReport) -> Error {
    let (bad, denied) = (report.bad, report.denied);
    if denied > 0 {
        let why = format!(
            "nothing was imported: {denied} row(s) are for clients with a reserved scope, which only an owner at the portal, \
             or the command line, can import"
        );
        return Error::new(ErrorCode::AccessDenied, why);
    }
    Error::invalid_request(format!("nothing was imported, for {bad} row(s) are bad"))
}

/// Makes clients what a YAML or JSON file says. Done a second time it changes nothing.
#[utoipa::path(post, path = "", tag = "Administration", params(HowToApply, ProofHeader),
    request_body(content = String, content_type = "application/octet-stream",
        description = "the file, up to `MAX_IMPORT`"),
    responses(
        (status = 200, description = "what was done", body = AppliedAnswer, headers(("cache-control" = String))),
        AdminCreateErrors,
    ),
)]
pub(in crate::http::admin_api) async fn apply_clients(
    State(app): State<AppState>,
    operator: Operator,
    query: Result<Query, Error>,
    file: Result<FileBody, Error>,
) -> Result<Response> {
    let (mut query, FileBody(bytes)) = (query?, file?);
    let name = query.take("name", |text| Ok(text.to_owned()))?;
    let options = ApplyOptions {
        dry_run: query.take("dry_run", flag)?.unwrap_or(false),
        prune: query.take("prune", |text| Ok(text.parse()?))?,
        take_over: query.take("take_over", flag)?.unwrap_or(false),
    };
    query.end()?;
    let manifest = Manifest::parse(&bytes, name.as_deref())?;

    let mut secrets = Vec::new();
    let applied = app
        .clients
        .apply(&operator.origin, &manifest, options, &mut |news| {
            if let ApplyNews::Secret(client_id, secret) = news {
                let secret = secret.expose();
                secrets.push(json!({ "client_id": client_id, "client_secret": secret }));
            }
            Ok(())
        })
        .await;

    Ok(match applied {
        Ok(report) => response::json(
            StatusCode::OK,
            &Applied {
                report: &report,
                secrets: &secrets,
            },
        ),
        Err(error) if secrets.is_empty() => error.into_response(),
        // What was made before counts, and could not be had later.
        Err(error) => with_member(error, "secrets", Value::from(secrets)),
    })
}

/// An error with one member more.
fn with_member(error: Error, name: &str, value: Value) -> Response {
    let members = [
        ("error", json!(error.code.as_str())),
        ("error_description", json!(error.description)),
        (name, value),
    ];
    let members: Map<String, Value> = members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let mut response = error.into_response();
    match serde_json::to_vec(&members) {
        Ok(json) => *response.body_mut() = Body::from(json),
        Err(error) => return Error::internal(error).into_response(),
    }
    response
}

fn flag(text: &str) -> Result<bool> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Error::invalid_request(
            "a parameter that says yes or no is `true` or `false`",
        )),
    }
}
