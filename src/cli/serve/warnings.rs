//! What is dangerous here and yet keeps nobody from serving: told by `check`, and by `serve` at its start.

use crate::base::private_file::exposure;
use crate::cli::database::open;
use crate::cli::serve::capacity;
use crate::cli::serve::development::is_secret_made_here;
use crate::config::{ClientAddressSource, Config};

/// Each with the variable that it is about. Of the operator's files only that of the settings is looked at: what
/// orchestrators mount is often readable by all, in a container with one user.
pub(in crate::cli) fn find(config: &Config) -> Vec<String> {
    let settings = config.warnings().into_iter().map(|it| it.to_string());
    let database = config.database.warnings().into_iter();
    let database = database.map(|warning| format!("DATABASE_URL: {warning}"));
    let env = exposure(open::env_file());
    let env = env.map(|exposure| format!("SECRET: {exposure}"));
    let capacity = capacity::find(config);
    settings
        .chain(development(config))
        .chain(one_address(config))
        .chain(database)
        .chain(env)
        .chain(capacity)
        .collect()
}

/// Behind a proxy that ends TLS all callers have its address, unless it says theirs.
fn one_address(config: &Config) -> Option<String> {
    let proxies = &config.proxies;
    let is_told = proxies.client_address_from != ClientAddressSource::Connection;
    (proxies.plain.listen.is_some() && !is_told).then(|| {
        "PLAIN_LISTEN: all callers there have the proxy's address, so one of them can get all others throttled: set \
            CLIENT_ADDRESS_FROM and TRUSTED_PROXIES"
            .to_owned()
    })
}

/// What development mode made is for one machine.
fn development(config: &Config) -> Option<String> {
    let listens_beyond = !config.http.listen_addr.ip().is_loopback();
    let is_shared = listens_beyond || !config.database.url.expose().starts_with("sqlite:");
    (config.development && is_shared && is_secret_made_here()).then(|| {
        "SECRET: the server generated it on this machine, and no other replica has it: for more than a first try, set \
            a SECRET and DEVELOPMENT=false"
            .to_owned()
    })
}
