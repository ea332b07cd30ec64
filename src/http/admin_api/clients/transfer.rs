//! `/transfer`: all clients out, clients in from a file of whatever server, and clients as a file says. Not below
//! `/clients`, where a client may be called `import`.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
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
    /// `token-server`, `table`, `hydra` or `keycloak`; by default detected from the content
    #[param(inline)]
    format: Option<ImportFormat>,
    /// What to do with an existing client: `skip` (the default), `refuse` or `replace`
    #[param(inline)]
    on_conflict: Option<OnConflict>,
    /// Show the result, and change nothing
    #[serde(default)]
    dry_run: bool,
    /// `plain`: a text with the length of a digest in hex or base64 is a plain secret; by default such a row is a mistake.
    /// `generated`: the other server generated all secrets, so that hashing strong ones is cheap. Or `plain,generated`
    #[param(value_type = Option<String>)]
    secrets: Option<FileSecrets>,
    /// Ignore metadata
    #[serde(default)]
    drop_metadata: bool,
    /// Ignore scopes that the other server grants only on request, with their audiences
    #[serde(default)]
    drop_optional_scopes: bool,
    /// Give a request without `scope` no scopes, if the other server does so
    #[serde(default)]
    explicit_scopes_only: bool,
    /// The token lifetime in seconds of clients without one in the file
    #[serde(default, deserialize_with = "parsed")]
    token_ttl: Option<i64>,
    /// Skip rows with mistakes and import the others
    #[serde(default)]
    keep_going: bool,
}

/// How to apply.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http::admin_api) struct HowToApply {
    /// The name of the manifest, if the file has no `name`
    name: Option<String>,
    /// Show the changes, and change nothing
    #[serde(default)]
    dry_run: bool,
    /// Also `disable` or `delete` clients of this manifest that are no longer in the file
    #[param(inline)]
    prune: Option<Prune>,
    /// Take over clients that another manifest manages
    #[serde(default)]
    take_over: bool,
}

/// The result of applying a manifest.
#[derive(Serialize, ToSchema)]
#[schema(as = ApplyResult)]
struct Applied<'a> {
    #[serde(flatten)]
    report: &'a ApplyReport,
    /// The new secrets; the server shows them only here
    secrets: &'a [MadeSecret],
}

/// A new secret, with its client.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedSecret)]
struct MadeSecret {
    client_id: ClientId,
    client_secret: String,
}

/// Exports all clients as JSON lines, with the hashes of their secrets.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "a head, one client a line, and the number of clients", body = String, content_type = "application/x-ndjson"),
))]
pub(in crate::http::admin_api) async fn export_clients(
    Operator { app, by, .. }: Operator,
    Query(()): Query<()>,
) -> Result<Response> {
    let body = export_body(app, &by).await?;
    Ok(response::secret(
        StatusCode::OK,
        "application/x-ndjson",
        body,
    ))
}

/// Imports clients from a file; its secrets may be plain (at most 1000) or hashed.
#[utoipa::path(post, path = "", params(HowToImport),
    request_body(content = String, content_type = "application/octet-stream",
        description = "the file, up to `MAX_IMPORT`"),
    responses(
        (status = 200, description = "the result", body = ImportReport),
    ),
)]
pub(in crate::http::admin_api) async fn import_clients(
    Operator { app, by, .. }: Operator,
    query: Result<Query<HowToImport>>,
    file: Result<FileBody>,
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
        .import(&by, &source, options, &mut |news| {
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
            "nothing was imported: {denied} row(s) are for clients with a reserved scope or change identifiers, which \
                only an owner at the portal or the command line can do"
        );
        return Error::new(ErrorCode::AccessDenied, why);
    }
    Error::invalid_request(format!(
        "nothing was imported, because {bad} row(s) have mistakes"
    ))
}

/// Applies a manifest: creates and changes the clients of a YAML or JSON file. A second run changes nothing.
#[utoipa::path(post, path = "", params(HowToApply),
    request_body(content = String, content_type = "application/octet-stream",
        description = "the file, up to `MAX_IMPORT`"),
    responses(
        (status = 200, description = "the result of each issuer and client", body = Applied),
    ),
)]
pub(in crate::http::admin_api) async fn apply_clients(
    Operator {
        app,
        by,
        may_write_issuers,
        ..
    }: Operator,
    query: Result<Query<HowToApply>>,
    file: Result<FileBody>,
) -> Result<Response> {
    let (Query(how), FileBody(bytes)) = (query?, file?);
    let options = ApplyOptions {
        dry_run: how.dry_run,
        prune: how.prune,
        take_over: how.take_over,
        may_write_issuers,
    };
    let manifest = Manifest::parse(&bytes, how.name.as_deref())?;

    let mut secrets = Vec::new();
    let applied = app
        .clients
        .apply(&by, &manifest, options, &mut |news| {
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
