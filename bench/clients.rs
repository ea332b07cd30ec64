//! Registers clients for the bench, through the use case that every front calls: one by one on the
//! command line would take minutes. Settings come from the environment, as for the service.
//!
//! `clients <generated> <chosen>` prints a login form a line, those with generated secrets first.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use token_server::app::{App, NewClient};
use token_server::base::clock::Clock;
use token_server::base::secret::{Secret, random_base62};
use token_server::config::Environment;
use token_server::domain::{Metadata, Origin, Scope};

/// As many at once as the database pool has connections.
const AT_ONCE: usize = 10;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<Result<_, _>>()?;
    let [generated, chosen] = numbers.as_slice() else {
        anyhow::bail!("clients <generated> <chosen>");
    };
    let mut config = Environment::load(Path::new("/nonexistent"))?.config()?;
    config.database.create_if_missing = true;
    let app = Arc::new(App::open(config, Clock::system())?);
    app.store().migrate(&|_| {}).await?;

    let chosen_ones =
        std::iter::repeat_n(false, *generated).chain(std::iter::repeat_n(true, *chosen));
    let forms: Vec<String> = stream::iter(chosen_ones)
        .map(|chosen| register(&app, chosen))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut out = std::io::stdout().lock();
    for form in forms {
        writeln!(out, "{form}")?;
    }
    Ok(())
}

async fn register(app: &App, chosen: bool) -> anyhow::Result<String> {
    let new = NewClient {
        scopes: Scope::parse("orders:read orders:write")?,
        metadata: Metadata::parse(r#"{"tenant":"acme","role":"importer","regions":["eu","us"]}"#)?,
        ..NewClient::default()
    };
    let secret = app
        .secrets
        .new_secret(chosen.then(|| Secret::new(random_base62(24))), None)?;
    let (client, added) = app
        .clients
        .register(&Origin::SERVER, new, Some(secret))
        .await?;
    // Base62 and `_` need no escaping in a form.
    let added = added.context("the client has no secret")?;
    let plain = added.plain.expose();
    Ok(format!(
        "client_id={}&client_secret={plain}",
        client.client_id
    ))
}
