//! Owns the rows of `remembered_answers`: what was answered to a request that may come again, sealed by the caller.

use crate::base::clock::UnixTime;
use crate::store::{Store, StoreError, TrustedTime, execute, on_pool};

/// An answer to be kept for when its request comes again.
#[derive(Clone, Debug)]
pub struct RememberedAnswer {
    /// The name of the request.
    pub key: String,
    /// The answer, sealed.
    pub sealed: String,
    /// Until when.
    pub expires_at: UnixTime,
}

/// A row counts until it is pruned, whatever the clock of the caller says: a wrong one would do a request twice.
pub(super) const REMEMBER: &str = "
    insert into remembered_answers (key, sealed_answer, expires_at)
    values ($1, $2, $3)
    on conflict (key) do nothing";

/// Keeps an answer on an open transaction of either product; false when there is one already, also when another
/// transaction, for which this waits, is just keeping it.
macro_rules! remember {
    ($tx:ident, $answer:expr) => {{
        let done = sqlx::query($crate::store::idempotency::REMEMBER)
            .bind(&$answer.key)
            .bind(&$answer.sealed)
            .bind($answer.expires_at.0)
            .execute(&mut *$tx)
            .await?;
        done.rows_affected() == 1
    }};
}
pub(super) use remember;

impl Store {
    /// The answer to the request of this name, sealed, unless it was pruned.
    pub async fn find_remembered_answer(&self, key: &str) -> Result<Option<String>, StoreError> {
        const SQL: &str = "
            select sealed_answer
            from remembered_answers
            where key = $1";
        Ok(on_pool!(self, |pool| sqlx::query_scalar(SQL)
            .bind(key)
            .fetch_optional(pool)
            .await)?)
    }

    /// Forgets the answers whose time is over; how many that were.
    pub async fn prune_remembered_answers(&self, now: TrustedTime) -> Result<u64, StoreError> {
        const SQL: &str = "delete from remembered_answers where expires_at <= $1";
        Ok(execute!(self, SQL, now.time().0)?)
    }
}
