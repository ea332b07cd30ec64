//! small things without knowledge of this service; names no other module of the crate

pub mod clock;
pub(crate) mod crypto;
pub mod json;
pub(crate) mod json_writer;
pub mod metrics;
pub(crate) mod pem;
pub(crate) mod private_file;
pub mod redact;
pub mod secret;
pub(crate) mod sharded_map;
pub(crate) mod tracing_span;
pub(crate) mod units;
pub(crate) mod weak_secret;
