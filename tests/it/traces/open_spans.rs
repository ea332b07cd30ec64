//! The spans that have begun and not ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::harness::until;

#[derive(Clone, Default)]
pub(super) struct OpenSpans(Arc<AtomicUsize>);

impl OpenSpans {
    /// To be added last: it then counts a span as ended after it was recorded.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        self.clone().with_filter(filter_fn(|metadata| {
            metadata.is_span() && metadata.target() == "token_server::traces"
        }))
    }

    pub(super) async fn until_none(&self) {
        let is_none = async || self.0.load(Ordering::Acquire) == 0;
        until("every span has ended", is_none).await;
    }
}

impl<S: Subscriber> Layer<S> for OpenSpans {
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn on_close(&self, _: Id, _: Context<'_, S>) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
