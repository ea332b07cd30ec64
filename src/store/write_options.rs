//! Owns what a write depends on beside its own values, and what it stores with them: the rows of `stored_responses`, what was
//! answered to a request that may come again, sealed by the caller.

use crate::base::clock::UnixTime;
use crate::domain::ExpectedVersion;
use crate::store::db::{ToValue, Tx};
use crate::store::{Result, Store, TrustedTime};

/// The default: any version, no response to store.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions<'a> {
    /// The versions at which a client is changed or deleted.
    pub expected: ExpectedVersion,
    /// The response to store in the transaction. If one is stored for its key already, nothing is written.
    pub response: Option<&'a StoredResponse>,
}

impl WriteOptions<'_> {
    /// Stores the response, if there is one; false if the same request was answered before.
    pub(in crate::store) async fn store_response(&self, tx: &mut Tx<'_>) -> Result<bool> {
        match self.response {
            Some(response) => store_response(tx, response).await,
            None => Ok(true),
        }
    }
}

/// An answer to be kept for when its request comes again.
#[derive(Clone, Debug)]
pub struct StoredResponse {
    /// The name of the request.
    pub key: String,
    /// The answer, sealed.
    pub sealed: String,
    /// Until when.
    pub expires_at: UnixTime,
}

/// Keeps an answer; false when there is one already, also when another transaction, for which this waits, is just keeping
/// it. A row counts until it is pruned, whatever the clock of the caller says: a wrong one would do a request twice.
pub(in crate::store) async fn store_response(
    tx: &mut Tx<'_>,
    answer: &StoredResponse,
) -> Result<bool> {
    const SQL: &str = "
        insert into stored_responses (key, sealed_response, expires_at)
        values ($1, $2, $3)
        on conflict (key) do nothing";
    let values: [&dyn ToValue; 3] = [&answer.key, &answer.sealed, &answer.expires_at];
    Ok(tx.execute(SQL, &values).await? == 1)
}

impl Store {
    /// The answer to the request of this name, sealed, unless it was pruned.
    pub async fn find_stored_response(&self, key: &str) -> Result<Option<String>> {
        const SQL: &str = "
            select sealed_response
            from stored_responses
            where key = $1";
        self.fetch_optional(SQL, &[&key], |row| row.get(0)).await
    }

    /// Stores an answer apart from what it answers.
    pub async fn insert_stored_response(&self, answer: &StoredResponse) -> Result<()> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        store_response(&mut tx, answer).await?;
        tx.commit().await
    }

    /// Takes the answer to the request of this name, sealed, if its time is not over: of two replicas that try at once one
    /// gets it. The row stays, empty, so that the request is not done a second time.
    pub async fn take_stored_response(&self, key: &str, now: UnixTime) -> Result<Option<String>> {
        const FIND: &str = "
            select sealed_response
            from stored_responses
            where key = $1 and sealed_response <> '' and expires_at > $2";
        const EMPTY: &str = "
            update stored_responses
            set sealed_response = ''
            where key = $1 and sealed_response = $2";
        let found: Option<String> = self
            .fetch_optional(FIND, &[&key, &now], |row| row.get(0))
            .await?;
        let Some(sealed) = found else { return Ok(None) };
        let emptied = self.execute(EMPTY, &[&key, &sealed]).await?;
        Ok((emptied == 1).then_some(sealed))
    }

    /// Forgets the answers whose time is over; how many that were.
    pub async fn prune_stored_responses(&self, now: TrustedTime) -> Result<u64> {
        const SQL: &str = "delete from stored_responses where expires_at <= $1";
        self.execute(SQL, &[&now.time()]).await
    }
}
