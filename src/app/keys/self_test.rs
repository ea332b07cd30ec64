//! A token for nobody that is issued and verified to see that it can be. It is in no database and no memory, is not
//! counted, and is dropped at once; nobody ever has it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use anyhow::{Context, ensure};

use crate::app::error::{Error, Result};
use crate::app::keys::Keys;
use crate::base::clock::UnixTime;
use crate::domain::{Client, ClientId, TokenTtl};
use crate::jwt::Grant;

/// Whom the token is for, and what came of it.
#[derive(Debug)]
pub(crate) struct SelfTest {
    client: Client,
    /// The second at which it was last good. Who asks often is answered from here: an RSA signature takes as long
    /// as a hundred requests, and anybody may ask.
    good_at: AtomicI64,
    failing: AtomicBool,
}

impl SelfTest {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::new(ClientId::parse("canary")?, UnixTime(0)),
            good_at: AtomicI64::new(i64::MIN),
            failing: AtomicBool::new(false),
        })
    }
}

impl Keys {
    /// Fails when a token cannot be issued, or not be verified then. Says so in the log once, and once when it can again.
    pub fn run_self_test(&self) -> Result<()> {
        let now = self.core.now();
        if self.self_test.good_at.load(Ordering::Acquire) == now.0 {
            return Ok(());
        }
        let tested = self.issue_and_verify(now);
        let failed_before = self
            .self_test
            .failing
            .swap(tested.is_err(), Ordering::AcqRel);
        match tested {
            Ok(()) => {
                self.self_test.good_at.store(now.0, Ordering::Release);
                if failed_before {
                    tracing::info!("tokens can be issued and verified again");
                }
                Ok(())
            }
            Err(cause) => {
                if !failed_before {
                    tracing::error!("tokens cannot be issued and verified: {cause:#}");
                }
                let told = Error::temporarily_unavailable(
                    "tokens cannot be issued and verified; the log says why",
                );
                Err(told.with_source(cause))
            }
        }
    }

    fn issue_and_verify(&self, now: UnixTime) -> anyhow::Result<()> {
        let keys = self.current();
        let token = keys
            .issue(
                Grant {
                    client: &self.self_test.client,
                    generation: self.self_test.client.generation,
                    scope: Cow::Borrowed(&self.self_test.client.scopes),
                    audience: self.core.config.token.audience.clone().into(),
                    ttl: TokenTtl::MIN,
                    cnf: None,
                },
                now,
            )
            .context("issuing")?;
        let claims = keys.verify(&token.jwt, now).context("verifying")?;
        ensure!(claims.jti == token.jti, "it is another token when verified");
        Ok(())
    }
}
