//! `health`: whether the server on this machine is alive, for images that have neither a shell nor curl.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use url::Url;

use super::output::Output;
use crate::app::ask_health;
use crate::cli::database::open;

/// Check whether the server on this machine is alive or ready
///
/// Exits with 0 when the server answers 200, otherwise with 1. Asks `OPS_LISTEN`, or `LISTEN_ADDR` if that is off. There it
/// trusts the certificate in `TLS_CERT`, also a self-signed one, and certificates of the system's authorities.
#[derive(Args)]
pub(super) struct HealthArgs {
    /// Ask `/readyz` (the server can issue and verify tokens) instead of `/healthz`
    #[arg(long)]
    ready: bool,
    /// Ask this URL instead
    #[arg(long, value_name = "URL", conflicts_with = "ready")]
    url: Option<Url>,
    /// The longest time to wait
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = crate::config::parse_seconds)]
    timeout: i64,
}

pub(super) async fn run(args: HealthArgs) -> anyhow::Result<ExitCode> {
    // Also with mistakes in it: the server runs with the settings that it started with.
    let (config, _) = open::load()?.read();
    let path = if args.ready { "/readyz" } else { "/healthz" };
    let timeout = Duration::from_secs(args.timeout.unsigned_abs());
    let body = ask_health(&config, path, args.url, timeout).await;
    let body = body.context("the server is not healthy")?;
    Output::text(&(body.trim_end().to_owned() + "\n"))?;
    Ok(ExitCode::SUCCESS)
}
