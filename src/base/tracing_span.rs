//! Owns how what is recorded for traces is marked, and how what a request waits for is. Knows nothing of ours; where spans
//! go is `telemetry`'s.

use tracing::Span;

/// The target of spans that are recorded. They are of the level `debug`, so that the log takes no notice of them and they
/// cost nothing while there are no traces.
pub(crate) const TARGET: &str = "token_server::traces";

/// A span of something that a request waits for. What the service does by itself is in no trace: a second's look at the
/// changes would else be one each.
pub(crate) fn within_request(span: impl FnOnce() -> Span) -> Span {
    if Span::current().is_none() {
        Span::none()
    } else {
        span()
    }
}
