//! `/transfer`: all clients out, clients in from a file of whatever server, and clients as a file says. Not below
//! `/clients`, where a client may be called `import`.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::app::clients::transfer::apply::{ApplyNews, ApplyOptions, ApplyReport, Manifest, Prune};
use crate::app::clients::transfer::import::{
    FileSecrets, ImportFormat, ImportNews, ImportOptions, ImportReport, ImportSource, MAX_PLAIN,
    Narrowing, OnConflict,
};
use crate::app::error::{Error, Result};
use crate::domain::{ClientId, ErrorCode, TokenTtl};
use crate::http::admin_api::guard::Operator;
use crate::http::request::body;
use crate::http::request::query::{Query, parsed};
use crate::http::response::download::export_body;
use crate::http::{AppState, response};

/// A body that is a file, whatever type it says it is of: what is in it tells.
pub(in crate::http::admin_api) struct FileBody(Bytes);

impl FromRequest<AppState> for FileBody {
    type Rejection = Error;

    async fn from_request(request: Request, app: &AppState) -> Result<Self> {
        body::read_file(request.into_body(), app).await.map(Self)
    }
}

/// How to import.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(in crate::http::admin_api) struct HowToImport {
    /// `token-server`, `table`, `hydra` or `keycloak`; told by what is in the file when left out
    #[param(inline)]
    format: Option<ImportFormat>,
    /// What to do with a client whose id is taken: `skip`, else `refuse` or `replace`
    #[param(inline)]
    on_conflict: Option<OnConflict>,
    /// Say what would come of it, and change nothing
    #[serde(default)]
    dry_run: bool,
    /// `plain`: a text that has the length of a digest in hex or base64 is a plain secret; without it such a row is refused.
    /// `generated`: the other server generated all secrets, and those that are strong take little work. Or `plain,generated`
    #[param(value_type = Option<String>)]
    secrets: Option<FileSecrets>,
    /// Leave metadata out
    #[serde(default)]
    drop_metadata: bool,
    /// Leave out scopes that the other server grants only when asked for, with the audiences that come with them
    #[serde(default)]
    drop_optional_scopes: bool,
    /// Give no scope to a request that names none, if the other server does so
    #[serde(default)]
    explicit_scopes_only: bool,
    /// How many seconds tokens live of clients for which the file does not say it
    #[serde(default, deserialize_with = "parsed")]
    token_ttl: Option<i64>,
    /// Import the good rows although there are bad ones
    #[serde(default)]
    keep_going: bool,
}

/// How to apply.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http::admin_api) struct HowToApply {
    /// What to mark the clients with when the file has no `name`
    name: Option<String>,
    /// Say what would be done, and change nothing
    #[serde(default)]
    dry_run: bool,
    /// Also clients that are marked so and no longer in the file: `disable` or `delete`
    #[param(inline)]
    prune: Option<Prune>,
    /// Take over clients that another file keeps
    #[serde(default)]
    take_over: bool,
}

/// What came of a file that was applied.
#[derive(Serialize, ToSchema)]
#[schema(as = ApplyResult)]
struct Applied<'a> {
    #[serde(flatten)]
    report: &'a ApplyReport,
    /// The secrets that were made, which can be had only now
    secrets: &'a [MadeSecret],
}

/// A secret that was made, with its client.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedSecret)]
struct MadeSecret {
    client_id: ClientId,
    client_secret: String,
}

/// Writes all clients out as JSON lines, with the hashes of their secrets.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "what the file is, a client a line, and how many there are", headers(
        ("cache-control" = String),
    ), body = String, content_type = "application/x-ndjson"),
))]
pub(in crate::http::admin_api) async fn export_clients(
    State(app): State<AppState>,
    operator: Operator,
    Query(()): Query<()>,
) -> Result<Response> {
    let body = export_body(app, &operator.origin).await?;
    Ok(response::secret(
        StatusCode::OK,
        "application/x-ndjson",
        body,
    ))
}

/// Imports clients from a file; its secrets may be in clear (at most 1000) or hashed.
#[utoipa::path(post, path = "", params(HowToImport),
    request_body(content = String, content_type = "application/octet-stream",
        description = "the file, up to `MAX_IMPORT`"),
    responses(
        (status = 200, description = "what came of it", body = ImportReport),
    ),
)]
pub(in crate::http::admin_api) async fn import_clients(
    State(app): State<AppState>,
    operator: Operator,
    query: Result<Query<HowToImport>, Error>,
    file: Result<FileBody, Error>,
) -> Result<Response> {
    let (Query(how), FileBody(bytes)) = (query?, file?);
    let options = ImportOptions {
        on_conflict: how.on_conflict.unwrap_or_default(),
        dry_run: how.dry_run,
        keep_going: how.keep_going,
        max_plain: Some(MAX_PLAIN),
        secrets: how.secrets.unwrap_or_default(),
        narrowing: Narrowing {
            drop_metadata: how.drop_metadata,
            drop_optional_scopes: how.drop_optional_scopes,
            explicit_scopes_only: how.explicit_scopes_only,
            token_ttl: how.token_ttl.map(TokenTtl::from_seconds).transpose()?,
        },
    };

    let source = ImportSource::of_bytes(how.format, bytes);
    let mut clients = Vec::new();
    let mut report = app
        .clients
        .import(&operator.origin, &source, options, &mut |news| {
            if let ImportNews::Line(line) = news {
                clients.push(line.clone());
            }
        })
        .await?;

    report.clients = clients;
    if report.refused && !report.dry_run {
        return Ok(with_member(refusal(&report), "report", &json!(report)));
    }
    Ok(response::ok(&report))
}

fn refusal(report: &ImportReport) -> Error {
    let (bad, denied) = (report.bad, report.denied);
    if denied > 0 {
        let why = format!(
            "nothing was imported: {denied} row(s) are for clients with a reserved scope or change identifiers, which only \
             an owner at the portal, or the command line, can do"
        );
        return Error::new(ErrorCode::AccessDenied, why);
    }
    Error::invalid_request(format!("nothing was imported, for {bad} row(s) are bad"))
}

/// Makes clients what a YAML or JSON file says. Done a second time it changes nothing.
#[utoipa::path(post, path = "", params(HowToApply),
    request_body(content = String, content_type = "application/octet-stream",
        description = "the file, up to `MAX_IMPORT`"),
    responses(
        (status = 200, description = "what was done", body = Applied),
    ),
)]
pub(in crate::http::admin_api) async fn apply_clients(
    State(app): State<AppState>,
    operator: Operator,
    query: Result<Query<HowToApply>, Error>,
    file: Result<FileBody, Error>,
) -> Result<Response> {
    let (Query(how), FileBody(bytes)) = (query?, file?);
    let options = ApplyOptions {
        dry_run: how.dry_run,
        prune: how.prune,
        take_over: how.take_over,
        may_write_issuers: operator.may_write_issuers,
    };
    let manifest = Manifest::parse(&bytes, how.name.as_deref())?;

    let mut secrets = Vec::new();
    let applied = app
        .clients
        .apply(&operator.origin, &manifest, options, &mut |news| {
            if let ApplyNews::Secret(client_id, secret) = news {
                secrets.push(MadeSecret {
                    client_id: client_id.clone(),
                    client_secret: secret.expose().clone(),
                });
            }
            Ok(())
        })
        .await;

    Ok(match applied {
        Ok(report) => response::ok(&Applied {
            report: &report,
            secrets: &secrets,
        }),
        Err(error) if secrets.is_empty() => error.into_response(),
        // What was made before counts, and could not be had later.
        Err(error) => with_member(error, "secrets", &json!(secrets)),
    })
}

/// An error with one member more.
fn with_member(error: Error, name: &str, value: &Value) -> Response {
    let members = json!({
        "error": error.code.as_str(),
        "error_description": error.description,
        (name): value,
    });
    let mut response = error.into_response();
    *response.body_mut() = Body::from(members.to_string());
    response
}
