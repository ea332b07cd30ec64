//! Small things that know nothing of this service: `crate::` names nothing else from here.

pub mod clock;
pub(crate) mod crypto;
pub(crate) mod fair_queue;
pub mod json;
pub(crate) mod json_exact;
pub(crate) mod json_place;
pub(crate) mod json_writer;
pub mod metrics;
pub(crate) mod pem;
pub(crate) mod postgres_url;
pub(crate) mod printable;
pub(crate) mod private_file;
pub(crate) mod process_limits;
pub mod redact;
pub mod secret;
pub(crate) mod sharded_map;
pub(crate) mod source_network;
pub(crate) mod tracing_span;
pub(crate) mod units;
pub(crate) mod weak_secret;
