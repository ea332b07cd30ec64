//! Owns what is dangerous in a configuration and yet does not keep the server from serving.

use crate::base::secret::weak::weakness;
use crate::config::{Config, ConfigError};

impl Config {
    /// What an operator should change, each with its variable.
    pub fn warnings(&self) -> Vec<ConfigError> {
        let previous = self.token.secret_previous.as_ref();
        let weakness = previous.and_then(|secret| weakness(secret.expose()));
        let weak = weakness.map(|weakness| ConfigError {
            name: "SECRET_PREVIOUS".to_owned(),
            message: format!(
                "{weakness}; an attacker who guesses it can sign tokens until you remove it: remove it when the \
                    longest token lifetime has passed"
            ),
        });
        self.tolerated.iter().cloned().chain(weak).collect()
    }
}
