//! Small things that know nothing of this service: `crate::` names nothing else from here.

pub mod clock;
pub(crate) mod collections;
pub(crate) mod crypto;
pub mod json;
pub mod metrics;
pub(crate) mod postgres_url;
pub(crate) mod printable;
pub(crate) mod private_file;
pub(crate) mod process_limits;
pub mod redact;
pub mod secret;
pub(crate) mod source_network;
pub(crate) mod tracing_span;
pub(crate) mod units;
