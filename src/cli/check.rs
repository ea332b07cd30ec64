//! `check`: everything that `serve` needs, reported at once, without serving.

use std::process::ExitCode;

use super::environment;
use super::output::Output;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::Certificate;

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let config = match environment::load()?.config() {
        Ok(config) => config,
        Err(mistakes) => {
            for mistake in &mistakes.0 {
                Output::text(&format!("FAIL  {}: {}\n", mistake.name, mistake.message));
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    let findings = [
        (
            "configuration",
            Ok(format!("parses; issuer {}", config.token.issuer)),
        ),
        ("certificate", check_certificate(&config)),
        ("database", check_database(config).await),
    ];
    let mut code = ExitCode::SUCCESS;
    for (what, finding) in findings {
        match finding {
            Ok(text) => Output::text(&format!("ok    {what}: {text}\n")),
            Err(error) => {
                Output::text(&format!("FAIL  {what}: {error:#}\n"));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn check_certificate(config: &Config) -> anyhow::Result<String> {
    Certificate::load(config.tls.clone())?;
    Ok(format!("{} and its key fit", config.tls.cert.display()))
}

async fn check_database(config: Config) -> anyhow::Result<String> {
    let app = App::open(config, Clock::system())?;
    app.store().ping().await?;
    let pending = app.store().list_pending_migrations().await?;
    let product = app.store().product();
    Ok(match pending.len() {
        0 => format!("{product} answers, its schema is up to date"),
        n => format!("{product} answers, {n} migration(s) are pending and will run at start"),
    })
}
