//! A collector of traces on this machine.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;

/// Takes everything.
pub(super) struct Collector {
    pub(super) address: SocketAddr,
    shared: Arc<Mutex<Received>>,
}

/// What came.
#[derive(Clone, Default)]
pub(super) struct Received {
    /// The headers of each request.
    pub(super) headers: Vec<HeaderMap>,
    /// The bodies as they came.
    pub(super) bodies: Vec<Bytes>,
    pub(super) resource: Vec<KeyValue>,
    pub(super) spans: Vec<Span>,
}

impl Collector {
    pub(super) async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    pub(super) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::default();
        let router = Self::router(Arc::clone(&shared));
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { address, shared }
    }

    pub(super) fn router(shared: Arc<Mutex<Received>>) -> Router {
        Router::new()
            .route("/v1/traces", post(take))
            .with_state(shared)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn received(&self) -> Received {
        self.shared.lock().unwrap().clone()
    }
}

async fn take(
    State(shared): State<Arc<Mutex<Received>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let mut received = shared.lock().unwrap();
    received.headers.push(headers);
    received.bodies.push(body);
    for of_resource in request.resource_spans {
        received.resource = of_resource.resource.unwrap_or_default().attributes;
        for of_scope in of_resource.scope_spans {
            received.spans.extend(of_scope.spans);
        }
    }
    StatusCode::OK
}

impl Received {
    /// The spans of one name.
    pub(super) fn named(&self, name: &str) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.name == name).collect()
    }

    /// The only span of that name.
    #[track_caller]
    pub(super) fn only(&self, name: &str) -> &Span {
        let names: Vec<&str> = self.spans.iter().map(|span| span.name.as_str()).collect();
        match &self.named(name)[..] {
            [span] => span,
            found => panic!("{} spans of {name} among {names:?}", found.len()),
        }
    }
}

/// An attribute as text; empty when it is not there.
pub(super) fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()) {
        Some(AnyValue {
            value: Some(Value::StringValue(text)),
        }) => text,
        Some(AnyValue {
            value: Some(Value::IntValue(number)),
        }) => number.to_string(),
        _ => String::new(),
    }
}

/// Bytes as a log has them.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}
