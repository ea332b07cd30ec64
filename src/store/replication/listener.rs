//! Owns the connection on which Postgres says that something has changed: one beside the pool's, for it waits all
//! the time. It only makes the news quicker; behind a pooler that does not pass it on nothing else changes.

use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tokio::time::timeout;

use crate::store::db::pool::Pool;
use crate::store::replication::changes::CHANNEL;
use crate::store::{Store, StoreError};

/// After so much silence the connection is tried: one that a firewall has forgotten says nothing either.
const SILENCE: Duration = Duration::from_secs(30);

/// What a sign of life may take.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// Hears of changes.
pub struct ChangeListener {
    listener: PgListener,
    schema: String,
}

impl Store {
    /// Hears of changes from now on; `None` where the database tells nobody.
    pub async fn listen(&self) -> Result<Option<ChangeListener>, StoreError> {
        let Pool::Postgres(pool) = &self.pool else {
            return Ok(None);
        };
        self.refresh_url().await;
        match timeout(SIGN_OF_LIFE, listen(pool)).await {
            Ok(listening) => listening.map(Some),
            Err(_) => Err(lost().into()),
        }
    }
}

async fn listen(pool: &PgPool) -> Result<ChangeListener, StoreError> {
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
    Ok(ChangeListener {
        listener,
        schema: schema.unwrap_or_default(),
    })
}

impl ChangeListener {
    /// Waits until something has changed. Fails when the connection is lost, and with it what was said meanwhile.
    pub async fn wait(&mut self) -> Result<(), StoreError> {
        loop {
            match timeout(SILENCE, self.listener.try_recv()).await {
                Ok(Ok(Some(told))) if told.payload() == self.schema => return Ok(()),
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => return Err(lost().into()),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => {
                    let asked = timeout(SIGN_OF_LIFE, self.listener.execute("select 1"));
                    asked.await.map_err(|_| lost())??;
                }
            }
        }
    }
}

fn lost() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into())
}
