//! Owns the rows of `acme_accounts`, `acme_certificates` and `acme_challenges`. Sees sealed keys only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::FromRow;

use super::{Store, StoreError, TrustedTime, execute, in_transaction, on_feed, on_pool};
use crate::base::clock::UnixTime;
use crate::domain::{
    AcmeChallenge, AcmeRecord, AcmeSubject, Change, NewEvent, SealedCertificate, Stamp,
};
use crate::store::audit::append::record;
use crate::store::replication::changes::tell;

/// Who may order for a subject for a while.
#[derive(Clone, Debug)]
pub struct AcmeLease {
    /// For whom.
    pub subject: AcmeSubject,
    /// Which replica.
    pub holder: String,
    /// Until when nobody else does.
    pub until: UnixTime,
}

/// An order that came to nothing.
#[derive(Clone, Debug)]
pub struct AcmeFailure {
    /// How many that makes since the last one that did not.
    pub failures: i64,
    /// When the next one may begin.
    pub due_at: UnixTime,
    /// Why.
    pub problem: String,
}

impl Store {
    /// The credentials at an authority, sealed.
    pub async fn find_acme_account(&self, directory: &str) -> Result<Option<String>, StoreError> {
        const SQL: &str = "select sealed_credentials from acme_accounts where directory = $1";
        Ok(on_pool!(self, |pool| sqlx::query_scalar(SQL)
            .bind(directory)
            .fetch_optional(pool)
            .await)?)
    }

    /// Keeps credentials in place of those there may be.
    pub async fn upsert_acme_account(
        &self,
        directory: &str,
        sealed: &str,
        event: NewEvent,
        stamp: Stamp<'_>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into acme_accounts (directory, sealed_credentials, created_at)
            values ($1, $2, $3)
            on conflict (directory) do update
            set sealed_credentials = excluded.sealed_credentials, created_at = excluded.created_at";
        in_transaction!(self, |tx| {
            sqlx::query(SQL)
                .bind(directory)
                .bind(sealed)
                .bind(stamp.at.0)
                .execute(&mut *tx)
                .await?;
            record!(self, tx, stamp, Change::Certificate, vec![event]);
        })
    }

    /// Every subject that there was an order for.
    pub async fn list_acme_certificates(&self) -> Result<Vec<AcmeRecord>, StoreError> {
        const SQL: &str = "
            select directory, names, chain, sealed_key, issued_at, expires_at, due_at, failures, failed_at, problem
            from acme_certificates
            order by directory, names";
        let rows: Vec<Row> = on_feed!(self, |pool| sqlx::query_as(SQL).fetch_all(pool).await)?;
        Ok(rows.into_iter().map(AcmeRecord::from).collect())
    }

    /// Lets one replica order, and no other until the lease is over; false when another one has it, or when nothing
    /// is due by `due_by`.
    pub async fn lease_acme_order(
        &self,
        lease: &AcmeLease,
        due_by: UnixTime,
        now: TrustedTime,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            insert into acme_certificates (directory, names, holder, leased_until)
            values ($1, $2, $3, $4)
            on conflict (directory, names) do update
            set holder = excluded.holder, leased_until = excluded.leased_until
            where acme_certificates.leased_until <= $6 and acme_certificates.due_at <= $5";
        let leased = execute!(
            self,
            SQL,
            &lease.subject.directory,
            &lease.subject.names,
            &lease.holder,
            lease.until.0,
            due_by.0,
            now.time().0,
        )?;
        Ok(leased == 1)
    }

    /// Gives up what a replica has, if it has anything.
    pub async fn release_acme_orders(&self, holder: &str) -> Result<(), StoreError> {
        const SQL: &str =
            "update acme_certificates set holder = null, leased_until = 0 where holder = $1";
        execute!(self, SQL, holder)?;
        Ok(())
    }

    /// Keeps what was issued, and ends the lease; false when it was over before.
    pub async fn complete_acme_order(
        &self,
        lease: &AcmeLease,
        issued: &SealedCertificate,
        due_at: UnixTime,
        event: NewEvent,
        stamp: Stamp<'_>,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            update acme_certificates
            set chain = $4, sealed_key = $5, issued_at = $6, expires_at = $7, due_at = $8, holder = null,
                leased_until = 0, failures = 0, failed_at = null, problem = null
            where directory = $1 and names = $2 and holder = $3";
        in_transaction!(self, |tx| {
            let done = sqlx::query(SQL)
                .bind(&lease.subject.directory)
                .bind(&lease.subject.names)
                .bind(&lease.holder)
                .bind(&issued.chain)
                .bind(&issued.sealed_key)
                .bind(issued.issued_at.0)
                .bind(issued.expires_at.0)
                .bind(due_at.0)
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            record!(self, tx, stamp, Change::Certificate, vec![event]);
            true
        })
    }

    /// Keeps why nothing was issued, and ends the lease; with an event where it is another reason than before.
    pub async fn fail_acme_order(
        &self,
        lease: &AcmeLease,
        failure: &AcmeFailure,
        event: Option<NewEvent>,
        stamp: Stamp<'_>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update acme_certificates
            set failures = $4, due_at = $5, problem = $6, failed_at = $7, holder = null, leased_until = 0
            where directory = $1 and names = $2 and holder = $3";
        in_transaction!(self, |tx| {
            sqlx::query(SQL)
                .bind(&lease.subject.directory)
                .bind(&lease.subject.names)
                .bind(&lease.holder)
                .bind(failure.failures)
                .bind(failure.due_at.0)
                .bind(&failure.problem)
                .bind(stamp.at.0)
                .execute(&mut *tx)
                .await?;
            let events = event.into_iter().collect();
            record!(self, tx, stamp, Change::Certificate, events);
        })
    }

    /// Puts the key sealed anew in the place of the one that was, unless another came meanwhile.
    pub async fn reseal_acme_key(&self, old: &str, new: &str) -> Result<(), StoreError> {
        const SQL: &str = "update acme_certificates set sealed_key = $2 where sealed_key = $1";
        execute!(self, SQL, old, new)?;
        Ok(())
    }

    /// The same of the credentials.
    pub async fn reseal_acme_account(&self, old: &str, new: &str) -> Result<(), StoreError> {
        const SQL: &str =
            "update acme_accounts set sealed_credentials = $2 where sealed_credentials = $1";
        execute!(self, SQL, old, new)?;
        Ok(())
    }

    /// Every account's credentials by the URL of its directory, sealed.
    pub async fn list_acme_accounts(&self) -> Result<Vec<(String, String)>, StoreError> {
        const SQL: &str =
            "select directory, sealed_credentials from acme_accounts order by directory";
        Ok(on_pool!(self, |pool| sqlx::query_as(SQL)
            .fetch_all(pool)
            .await)?)
    }

    /// What authorities have to find at this time.
    pub async fn list_acme_challenges(
        &self,
        now: UnixTime,
    ) -> Result<Vec<AcmeChallenge>, StoreError> {
        const SQL: &str = "select name, digest from acme_challenges where expires_at > $1";
        let rows: Vec<(String, String)> = on_feed!(self, |pool| sqlx::query_as(SQL)
            .bind(now.0)
            .fetch_all(pool)
            .await)?;
        let challenge = |(name, digest): (String, String)| {
            let decoded = URL_SAFE_NO_PAD.decode(&digest).ok();
            let digest = decoded
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| StoreError::Corrupt(format!("`{digest}` is no digest")))?;
            Ok(AcmeChallenge { name, digest })
        };
        rows.into_iter().map(challenge).collect()
    }

    /// Has every replica show these to the authority, until a time.
    pub async fn upsert_acme_challenges(
        &self,
        challenges: &[AcmeChallenge],
        expires_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into acme_challenges (name, digest, expires_at)
            values ($1, $2, $3)
            on conflict (name) do update
            set digest = excluded.digest, expires_at = excluded.expires_at";
        in_transaction!(self, |tx| {
            for challenge in challenges {
                sqlx::query(SQL)
                    .bind(&challenge.name)
                    .bind(URL_SAFE_NO_PAD.encode(challenge.digest))
                    .bind(expires_at.0)
                    .execute(&mut *tx)
                    .await?;
            }
            tell!(tx, Change::Certificate, now);
        })
    }

    /// Has no replica show them any more, unless another order's stand there now.
    pub async fn delete_acme_challenges(
        &self,
        challenges: &[AcmeChallenge],
        now: UnixTime,
    ) -> Result<(), StoreError> {
        const SQL: &str = "delete from acme_challenges where name = $1 and digest = $2";
        in_transaction!(self, |tx| {
            for challenge in challenges {
                sqlx::query(SQL)
                    .bind(&challenge.name)
                    .bind(URL_SAFE_NO_PAD.encode(challenge.digest))
                    .execute(&mut *tx)
                    .await?;
            }
            tell!(tx, Change::Certificate, now);
        })
    }

    /// Removes what nobody asks for any more: challenges that are over, and the certificates, with their keys, that
    /// expired at `end` or before.
    pub async fn prune_acme(&self, end: TrustedTime, now: TrustedTime) -> Result<(), StoreError> {
        const CHALLENGES: &str = "delete from acme_challenges where expires_at <= $1";
        const CERTIFICATES: &str = "
            delete from acme_certificates
            where expires_at <= $1 and leased_until <= $2";
        let (end, now) = (end.time(), now.time());
        execute!(self, CHALLENGES, now.0)?;
        execute!(self, CERTIFICATES, end.0, now.0)?;
        Ok(())
    }
}

#[derive(FromRow)]
struct Row {
    directory: String,
    names: String,
    chain: Option<String>,
    sealed_key: Option<String>,
    issued_at: Option<i64>,
    expires_at: Option<i64>,
    due_at: i64,
    failures: i64,
    failed_at: Option<i64>,
    problem: Option<String>,
}

impl From<Row> for AcmeRecord {
    fn from(row: Row) -> Self {
        let parts = (row.chain, row.sealed_key, row.issued_at, row.expires_at);
        let certificate = match parts {
            (Some(chain), Some(sealed_key), Some(issued_at), Some(expires_at)) => {
                Some(SealedCertificate {
                    chain,
                    sealed_key,
                    issued_at: UnixTime(issued_at),
                    expires_at: UnixTime(expires_at),
                })
            }
            _ => None,
        };
        Self {
            subject: AcmeSubject {
                directory: row.directory,
                names: row.names,
            },
            certificate,
            due_at: UnixTime(row.due_at),
            failures: row.failures,
            failed_at: row.failed_at.map(UnixTime),
            problem: row.problem,
        }
    }
}
