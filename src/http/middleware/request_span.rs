//! Owns the span of a request, where requests are traced: whose trace it is part of (W3C Trace Context), and what it
//! says, in the words of OpenTelemetry's conventions for HTTP.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing::field::{Empty, display};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::base::redact::holds_secret;
use crate::base::tracing_span::TARGET;
use crate::http::response::LogContext;

/// A request that is traced.
#[derive(Debug)]
pub(in crate::http) struct Trace {
    span: Span,
    /// In hexadecimal; `None` where nobody records.
    id: Option<String>,
}

impl Trace {
    /// Goes on with the trace that the caller sends, else begins one.
    pub(in crate::http) fn begin(request: &Request, method: &'static str, route: &str) -> Self {
        let span = tracing::debug_span!(
            target: TARGET,
            "request",
            otel.name = %format_args!("{method} {route}"),
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = method,
            http.route = route,
            http.response.status_code = Empty,
            error.type = Empty,
            client_id = Empty,
            request_id = Empty,
        );
        let parent = TraceContextPropagator::new().extract(&CallersContext(request.headers()));
        // It cannot where nobody records.
        let _ = span.set_parent(parent);
        let context = span.context();
        let context = context.span().span_context().clone();
        let id = context.is_valid().then(|| context.trace_id().to_string());
        Self { span, id }
    }

    /// What is done for the request is to be done in this span.
    pub(in crate::http) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The ID of the trace, for the log.
    pub(in crate::http) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Says what became of it. A refusal is the caller's error, and none of this service.
    pub(in crate::http) fn end(
        &self,
        status: StatusCode,
        request_id: &HeaderValue,
        note: &LogContext,
    ) {
        self.span
            .record("http.response.status_code", status.as_u16());
        self.span
            .record("request_id", request_id.to_str().unwrap_or_default());
        if let Some(client_id) = &note.client_id {
            self.span.record("client_id", display(client_id));
        }
        if let Some(error) = note.error.as_ref().filter(|_| !status.is_success()) {
            self.span.record("error.type", error.code.as_str());
        }
        if status.is_server_error() {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

/// What the caller says of its trace. `tracestate` is free text, which goes on to the collector: not with a secret in it.
struct CallersContext<'a>(&'a HeaderMap);

impl Extractor for CallersContext<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.get(key)?.to_str().ok()?;
        Some(value).filter(|value| !holds_secret(value))
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}
