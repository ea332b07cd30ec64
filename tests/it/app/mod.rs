//! What the use cases promise whoever asks: memory that is never wrong, secrets that are renewed.

mod apply;
mod directory;
mod generations;
pub(crate) mod import;
pub(crate) mod lanes;
mod look_ups;
mod renewal;
mod revocations;
mod room;
mod secrets;
mod throttle;
