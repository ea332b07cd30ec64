//! A token for nobody that is issued and verified to see that it can be. It is in no database and no memory, is not
//! counted, and is dropped at once; nobody ever has it.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use anyhow::{Context, ensure};

use crate::app::error::{Error, Result};
use crate::app::keys::Keys;
use crate::base::clock::UnixTime;
use crate::domain::{Client, ClientId, TokenTtl};
use crate::jwt::{AccessToken, Grant, IssuedToken, KeySet, Signing};

/// Whom the token is for, and what came of it.
#[derive(Debug)]
pub(crate) struct SelfTest {
    client: Client,
    /// The second at which it was last good. Who asks often is answered from here: an RSA signature takes as long
    /// as a hundred requests, and anybody may ask.
    good_at: AtomicI64,
    /// One test at a time.
    turn: tokio::sync::Mutex<()>,
    failing: AtomicBool,
}

impl SelfTest {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::new(ClientId::parse("canary")?, UnixTime(0)),
            good_at: AtomicI64::new(i64::MIN),
            turn: tokio::sync::Mutex::default(),
            failing: AtomicBool::new(false),
        })
    }
}

impl Keys {
    /// Fails when a token cannot be issued, or not be verified then. Says so in the log once, and once when it can again.
    /// For threads that may wait for an RSA signature.
    pub fn run_self_test(&self) -> Result<()> {
        let now = self.core.now();
        if self.has_passed(now) {
            return Ok(());
        }
        let keys = self.current();
        let tested = self.issue_test_token(&keys, now).and_then(|issued| {
            let jwt = issued.signing.finish().context("signing")?;
            verify_test_token(&keys, &issued.details.with_jwt(jwt), now)
        });
        self.conclude(now, tested)
    }

    /// [`run_self_test`](Self::run_self_test) for threads that may not. An RSA signature is not made in the lane of signing
    /// either: how full its queue is says nothing about the keys.
    pub(crate) async fn run_self_test_apart(&self) -> Result<()> {
        if self.has_passed(self.core.now()) {
            return Ok(());
        }
        let _turn = self.self_test.turn.lock().await;
        let now = self.core.now();
        if self.has_passed(now) {
            return Ok(());
        }
        let keys = Arc::clone(&self.current());
        let tested = async {
            let IssuedToken { signing, details } = self.issue_test_token(&keys, now)?;
            let jwt = match signing {
                Signing::Done(jwt) => jwt,
                Signing::Due(unsigned) => {
                    let signing = tokio::task::spawn_blocking(move || unsigned.sign());
                    signing.await?.context("signing")?
                }
            };
            verify_test_token(&keys, &details.with_jwt(jwt), now)
        };
        self.conclude(now, tested.await)
    }

    /// Whether it was good in this second.
    fn has_passed(&self, now: UnixTime) -> bool {
        self.self_test.good_at.load(Ordering::Acquire) == now.0
    }

    fn conclude(&self, now: UnixTime, tested: anyhow::Result<()>) -> Result<()> {
        let test = &self.self_test;
        let failed_before = test.failing.swap(tested.is_err(), Ordering::AcqRel);
        match tested {
            Ok(()) => {
                test.good_at.store(now.0, Ordering::Release);
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

    fn issue_test_token(&self, keys: &KeySet, now: UnixTime) -> anyhow::Result<IssuedToken<'_>> {
        let client = &self.self_test.client;
        let grant = Grant {
            client,
            generation: client.generation,
            scope: Cow::Borrowed(&client.scopes),
            audience: self.core.config.token.audience.clone().into(),
            ttl: TokenTtl::MIN,
            typ: self.core.config.token.typ,
            cnf: None,
            delegation: None,
        };
        keys.issue(grant, now).context("issuing")
    }
}

fn verify_test_token(keys: &KeySet, token: &AccessToken<'_>, now: UnixTime) -> anyhow::Result<()> {
    let claims = keys.verify(&token.jwt, now).context("verifying")?;
    ensure!(claims.jti == token.jti, "it is another token when verified");
    Ok(())
}
