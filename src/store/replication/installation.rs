//! Owns the row of `installation`, and what is asked of a database before it is used: which one it is, and whether it takes
//! changes. The row also says when this database was last in use under a clock that was right: only SQLite needs it, where the
//! database has no clock of its own.

use serde_json::json;
use sqlx::{Executor, PgConnection, Row as _};

use crate::base::clock::UnixTime;
use crate::base::secret::random_base62;
use crate::domain::{Action, Change, Generation, Installation, NewEvent, Stamp, Target};
use crate::store::db::guard::Guard;
use crate::store::db::{Fault, Pool, Row, ToValue, query};
use crate::store::{Result, Store, StoreError};

/// Characters of an identity: about 130 bits.
const IDENTITY_LENGTH: usize = 22;

/// What a standby, a database that is read-only by default and a server that is read-only have in common.
const POSTGRES: &str = "
    select identity, epoch, generation, current_setting('transaction_read_only')::boolean as is_read_only
    from installation";

const SQLITE: &str = "select identity, epoch, generation, false as is_read_only from installation";

/// The database that answers, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which one it is.
    pub installation: Installation,
    /// Whether Postgres takes no changes: it is a standby, or was set so. Others may write to another server.
    pub is_read_only: bool,
}

/// What the database knows of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockMark {
    /// When a server last noted that its clock is right; `None`: never.
    pub noted_at: Option<UnixTime>,
    /// The time of the event that was appended last to the audit trail.
    pub last_event_at: Option<UnixTime>,
    /// How often an operator confirmed the clock.
    pub confirmations: i64,
}

impl Store {
    /// Gives a new database its identity.
    pub(in crate::store) async fn insert_installation(&self) -> Result<()> {
        const SQL: &str = "
            insert into installation (only_row, identity, epoch, generation, clock_confirmations)
            values (1, $1, 1, 0, 0)
            on conflict (only_row) do nothing";
        // A database that takes no changes now may have its row.
        if self.find_standing().await?.is_some() {
            return Ok(());
        }
        let identity = random_base62(IDENTITY_LENGTH);
        self.execute(SQL, &[&identity]).await.map(drop)
    }

    /// The database that the change feed's connection leads to; an error if it has no identity.
    pub(in crate::store) async fn read_standing(&self) -> Result<Standing> {
        self.find_standing().await?.ok_or_else(no_installation)
    }

    /// Starts a new epoch; and revokes every token that was issued before, unless `keep_tokens`.
    pub async fn start_epoch(&self, keep_tokens: bool, stamp: Stamp<'_>) -> Result<Installation> {
        const START: &str = "
            update installation
            set epoch = epoch + 1, generation = (
                select max(value)
                from (
                    select installation.generation as value
                    union all select max(generation) + 1 from clients where $1
                    union all select max(generation) + 1 from revocations where $1
                    union all select $2) as candidates)
            returning identity, epoch, generation";
        let lowest = if keep_tokens {
            Generation::default()
        } else {
            // A client that the backup lacks may have begun in this very second.
            Generation::at(stamp.at.plus(1))
        };
        let mut conn = self.acquire_unhurried().await?;
        let mut tx = conn.begin().await?;
        let is_raised = !keep_tokens;
        let values: [&dyn ToValue; 2] = [&is_raised, &lowest];
        let installation = tx.fetch_one(START, &values, read_installation).await?;
        let event = NewEvent::new(Action::InstallationRestore, Target::Installation).after(json!({
            "identity": installation.identity,
            "epoch": installation.epoch,
            "generation": installation.generation,
            "tokens": if keep_tokens { "kept" } else { "revoked" },
        }));
        self.commit_changes(tx, stamp, vec![Change::Revocation], vec![event])
            .await?;
        Ok(installation)
    }

    /// Reads what the database knows of the time.
    pub async fn find_clock_mark(&self) -> Result<ClockMark> {
        const SQL: &str = "
            select clock_noted_at, clock_confirmations,
                (select at from audit_events order by event_id desc limit 1) as last_event_at
            from installation";
        let mark = self.fetch_optional(SQL, &[], |row| {
            Ok(ClockMark {
                noted_at: row.optional_time("clock_noted_at")?,
                last_event_at: row.optional_time("last_event_at")?,
                confirmations: row.get("clock_confirmations")?,
            })
        });
        mark.await?.ok_or_else(no_installation)
    }

    /// Notes that the clock is right now.
    pub async fn note_clock(&self, now: UnixTime) -> Result<()> {
        const SQL: &str = "update installation set clock_noted_at = $1";
        self.execute(SQL, &[&now]).await.map(drop)
    }

    /// Takes over the time of an event that is in the future, so that the events which follow do not hide it.
    pub async fn note_future(&self, event_at: UnixTime) -> Result<()> {
        const SQL: &str = "
            update installation
            set clock_noted_at = $1
            where clock_noted_at is null or clock_noted_at < $1";
        self.execute(SQL, &[&event_at]).await.map(drop)
    }

    /// Keeps that an operator confirmed the clock, for all processes on this database. `doubt` is what spoke against it.
    pub async fn confirm_clock(&self, doubt: Option<String>, stamp: Stamp<'_>) -> Result<()> {
        const SQL: &str = "
            update installation
            set clock_noted_at = $1, clock_confirmations = clock_confirmations + 1";
        stamp.by.actor.check_clock_write()?;
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        tx.execute(SQL, &[&stamp.at]).await?;
        let event = NewEvent::new(Action::ClockConfirm, Target::Clock)
            .after(json!({ "time": stamp.at.to_string(), "doubt": doubt }));
        self.commit_event(tx, stamp, event).await
    }

    async fn find_standing(&self) -> Result<Option<Standing>> {
        let sql = match &self.feed {
            Pool::Postgres(_) => POSTGRES,
            Pool::Sqlite(_) => SQLITE,
        };
        let mut feed = self.acquire_feed().await?;
        let found = query(sql).fetch_optional(&mut feed, |row| {
            Ok(Standing {
                installation: read_installation(row)?,
                is_read_only: row.get("is_read_only")?,
            })
        });
        found.await
    }
}

/// Refuses a new connection to another database than the one that this process uses: nothing is read there and nothing
/// written. Notes a database that is read-only.
pub(in crate::store) async fn check_postgres(
    guard: &Guard,
    connection: &mut PgConnection,
) -> sqlx::Result<()> {
    if !guard.is_known() {
        return Ok(());
    }
    let row = connection.fetch_one(POSTGRES).await?;
    let identity = row.try_get("identity")?;
    if row.try_get("is_read_only")? {
        guard.note_fault(Fault::ReadOnly);
    }
    let checked = guard.check_identity(identity);
    checked.map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))
}

fn no_installation() -> StoreError {
    let why = "the table `installation` has no row; run `token-server migrate`";
    StoreError::Corrupt(why.to_owned())
}

fn read_installation(row: &Row) -> Result<Installation> {
    Ok(Installation {
        identity: row.get("identity")?,
        epoch: row.get("epoch")?,
        generation: row.generation("generation")?,
    })
}
