//! What is dangerous here and yet keeps nobody from serving: told by `check`, and by `serve` at its start.

use std::path::Path;

use crate::base::private_file::exposure;
use crate::cli::serve::capacity;
use crate::config::Config;

/// Each with the variable that it is about. Looked at is `.env` of the working directory, and no other file of the
/// operator's: what orchestrators mount is often readable by all, in a container with one user.
pub(in crate::cli) fn find(config: &Config) -> Vec<String> {
    let settings = config.warnings().into_iter();
    let settings = settings.map(|it| format!("{}: {}", it.name, it.message));
    let database = config.database.warnings().into_iter();
    let database = database.map(|warning| format!("DATABASE_URL: {warning}"));
    let env = exposure(Path::new(".env"));
    let env = env.map(|exposure| format!("SECRET: {exposure}"));
    let capacity = capacity::find(config);
    settings
        .chain(database)
        .chain(env)
        .chain(capacity)
        .collect()
}
