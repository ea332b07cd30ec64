//! Owns how the audit trail and all clients are answered as a file: piece by piece, for it may be longer than memory.

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::{StreamExt, stream};

use crate::app::error::{Error, Result};
use crate::app::{AuditFilter, AuditFormat};
use crate::domain::Origin;
use crate::http::{AppState, response};

/// The events that `filter` admits, the oldest first.
pub(in crate::http) async fn audit_export(
    app: AppState,
    filter: AuditFilter,
    format: AuditFormat,
) -> Result<Response> {
    // The first piece before the answer begins: an error can still be told then.
    let first = app.audit.export(&filter, format, 0).await?;
    let rest = stream::try_unfold(first.after, move |after| {
        let (app, filter) = (app.clone(), filter.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let piece = app.audit.export(&filter, format, after).await?;
            Ok::<_, Error>(Some((Bytes::from(piece.text), piece.after)))
        }
    });
    let first = stream::once(async move { Ok::<_, Error>(Bytes::from(first.text)) });
    let content_type = match format {
        AuditFormat::Json => "application/x-ndjson",
        AuditFormat::Csv => "text/csv; charset=utf-8",
    };
    let body = Body::from_stream(first.chain(rest));
    Ok(response::secret(StatusCode::OK, content_type, body))
}

/// All clients. The first of them are read before the answer begins: an error can still be told then.
pub(in crate::http) async fn export_body(app: AppState, by: &Origin) -> Result<Body> {
    let mut export = app.clients.begin_export(by).await?;
    let first = app.clients.export(&mut export).await?.unwrap_or_default();
    let first = stream::once(async move { Ok::<_, Error>(Bytes::from(first)) });
    let rest = stream::try_unfold(export, move |mut export| {
        let app = app.clone();
        async move {
            let piece = app.clients.export(&mut export).await?;
            Ok::<_, Error>(piece.map(|text| (Bytes::from(text), export)))
        }
    });
    Ok(Body::from_stream(first.chain(rest)))
}
