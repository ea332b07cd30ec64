//! Owns the connection on which Postgres says that something has changed: one beside the pool's, for it waits all
//! the time. It only makes the news quicker; behind a pooler that does not pass it on nothing else changes.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tokio::time::timeout;

use crate::base::clock::Stopwatch;
use crate::store::db::{Calls, Pool};
use crate::store::replication::changes::CHANNEL;
use crate::store::{Result, Store};

/// How often it is looked whether the connection still leads to the right server.
const LOOK: Duration = Duration::from_secs(1);

/// After so much silence the connection is tried: one that a firewall has forgotten says nothing either.
const SILENCE: Duration = Duration::from_secs(30);

/// What a sign of life may take.
pub(in crate::store) const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// Hears of changes.
pub struct ChangeListener {
    listener: PgListener,
    schema: String,
    calls: Arc<Calls>,
    opened: Stopwatch,
    heard: Stopwatch,
}

impl Store {
    /// Hears of changes from now on; `None` where the database tells nobody.
    pub async fn listen(&self) -> Result<Option<ChangeListener>> {
        let Pool::Postgres(pool) = &self.pool else {
            return Ok(None);
        };
        self.refresh_url().await;
        let opened = Stopwatch::start();
        let listening = timeout(SIGN_OF_LIFE, listen(pool)).await;
        let (listener, schema) = listening.map_err(|_| lost())??;
        Ok(Some(ChangeListener {
            listener,
            schema,
            calls: Arc::clone(&self.calls),
            opened,
            heard: Stopwatch::start(),
        }))
    }
}

/// With the name of the schema, which changes of this database come under.
async fn listen(pool: &PgPool) -> Result<(PgListener, String)> {
    let own = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_with((*pool.connect_options()).clone())
        .await?;
    let mut listener = PgListener::connect_with(&own).await?;
    listener.eager_reconnect(false);
    let schema: Option<String> = sqlx::query_scalar("select current_schema()")
        .fetch_one(&mut listener)
        .await?;
    listener.listen(CHANNEL).await?;
    Ok((listener, schema.unwrap_or_default()))
}

impl ChangeListener {
    /// Waits until something has changed. Fails when the connection is lost, and with it what was said meanwhile; also when
    /// it leads to a server that is the primary no more.
    pub async fn wait(&mut self) -> Result<()> {
        loop {
            let told = timeout(LOOK, self.listener.try_recv()).await;
            if self.calls.guard.is_outdated(self.opened.elapsed()) {
                return Err(lost().into());
            }
            if told.is_ok() {
                self.heard = Stopwatch::start();
            }
            match told {
                Ok(Ok(Some(told))) if told.payload() == self.schema => return Ok(()),
                Ok(Ok(None)) => return Err(lost().into()),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) if self.heard.elapsed() >= SILENCE => {
                    let asked = timeout(SIGN_OF_LIFE, self.listener.execute("select 1"));
                    asked.await.map_err(|_| lost())??;
                    self.heard = Stopwatch::start();
                }
                Ok(Ok(Some(_))) | Err(_) => {}
            }
        }
    }
}

fn lost() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into())
}
