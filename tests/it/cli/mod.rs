//! The command line, as the built binary in a folder of its own.

mod admin;
mod audit;
mod check;
mod clients;
mod clock;
mod explain;
mod key;
mod migrate;
mod output;
mod place;
mod serve;
mod settings;
mod token;
mod usage;

pub(crate) use serve::{free_port, read_until, signal};
