//! Owns the rows of `acme_accounts`, `acme_certificates` and `acme_challenges`. Sees sealed keys only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::clock::UnixTime;
use crate::domain::{
    AcmeChallenge, AcmeRecord, AcmeSubject, Change, NewEvent, SealedCertificate, Stamp,
};
use crate::store::db::{Row, RowsOf, ToValue, query};
use crate::store::{Result, Store, StoreError, TrustedTime};

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
    pub async fn find_acme_account(&self, directory: &str) -> Result<Option<String>> {
        const SQL: &str = "select sealed_credentials from acme_accounts where directory = $1";
        self.fetch_optional(SQL, &[&directory], |row| row.get(0))
            .await
    }

    /// Keeps credentials in place of those there may be.
    pub async fn upsert_acme_account(
        &self,
        directory: &str,
        sealed: &str,
        event: NewEvent,
        stamp: Stamp<'_>,
    ) -> Result<()> {
        const SQL: &str = "
            insert into acme_accounts (directory, sealed_credentials, created_at)
            values ($1, $2, $3)
            on conflict (directory) do update
            set sealed_credentials = excluded.sealed_credentials, created_at = excluded.created_at";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        tx.execute(SQL, &[&directory, &sealed, &stamp.at]).await?;
        self.commit_changes(tx, stamp, vec![Change::Certificate], vec![event])
            .await
    }

    /// Every subject that there was an order for.
    pub async fn list_acme_certificates(&self) -> Result<Vec<AcmeRecord>> {
        query(CERTIFICATES)
            .fetch_all(&mut self.acquire_feed().await?, read_certificate)
            .await
    }

    /// Lets one replica order, and no other until the lease is over; false when another one has it, or when nothing
    /// is due by `due_by`.
    pub async fn lease_acme_order(
        &self,
        lease: &AcmeLease,
        due_by: UnixTime,
        now: TrustedTime,
    ) -> Result<bool> {
        const SQL: &str = "
            insert into acme_certificates (directory, names, holder, leased_until)
            values ($1, $2, $3, $4)
            on conflict (directory, names) do update
            set holder = excluded.holder, leased_until = excluded.leased_until
            where acme_certificates.leased_until <= $6 and acme_certificates.due_at <= $5";
        let values: &[&dyn ToValue] = &[
            &lease.subject.directory,
            &lease.subject.names,
            &lease.holder,
            &lease.until,
            &due_by,
            &now.time(),
        ];
        Ok(self.execute(SQL, values).await? == 1)
    }

    /// Gives up what a replica has, if it has anything.
    pub async fn release_acme_orders(&self, holder: &str) -> Result<()> {
        const SQL: &str =
            "update acme_certificates set holder = null, leased_until = 0 where holder = $1";
        self.execute(SQL, &[&holder]).await.map(drop)
    }

    /// Keeps what was issued, and ends the lease; false when it was over before.
    pub async fn complete_acme_order(
        &self,
        lease: &AcmeLease,
        issued: &SealedCertificate,
        due_at: UnixTime,
        event: NewEvent,
        stamp: Stamp<'_>,
    ) -> Result<bool> {
        const SQL: &str = "
            update acme_certificates
            set chain = $4, sealed_key = $5, issued_at = $6, expires_at = $7, due_at = $8, holder = null,
                leased_until = 0, failures = 0, failed_at = null, problem = null
            where directory = $1 and names = $2 and holder = $3";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let values: &[&dyn ToValue] = &[
            &lease.subject.directory,
            &lease.subject.names,
            &lease.holder,
            &issued.chain,
            &issued.sealed_key,
            &issued.issued_at,
            &issued.expires_at,
            &due_at,
        ];
        if tx.execute(SQL, values).await? == 0 {
            return Ok(false);
        }
        self.commit_changes(tx, stamp, vec![Change::Certificate], vec![event])
            .await?;
        Ok(true)
    }

    /// Keeps why nothing was issued, and ends the lease; with an event where it is another reason than before.
    pub async fn fail_acme_order(
        &self,
        lease: &AcmeLease,
        failure: &AcmeFailure,
        event: Option<NewEvent>,
        stamp: Stamp<'_>,
    ) -> Result<()> {
        const SQL: &str = "
            update acme_certificates
            set failures = $4, due_at = $5, problem = $6, failed_at = $7, holder = null, leased_until = 0
            where directory = $1 and names = $2 and holder = $3";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let values: &[&dyn ToValue] = &[
            &lease.subject.directory,
            &lease.subject.names,
            &lease.holder,
            &failure.failures,
            &failure.due_at,
            &failure.problem,
            &stamp.at,
        ];
        tx.execute(SQL, values).await?;
        let events = event.into_iter().collect();
        self.commit_change_if_recorded(tx, stamp, Change::Certificate, events)
            .await
    }

    /// Puts the key sealed anew in the place of the one that was, unless another came meanwhile.
    pub async fn reseal_acme_key(&self, old: &str, new: &str) -> Result<()> {
        const SQL: &str = "update acme_certificates set sealed_key = $2 where sealed_key = $1";
        self.execute(SQL, &[&old, &new]).await.map(drop)
    }

    /// Puts the credentials sealed anew in the place of those that were, unless others came meanwhile.
    pub async fn reseal_acme_account(&self, old: &str, new: &str) -> Result<()> {
        const SQL: &str =
            "update acme_accounts set sealed_credentials = $2 where sealed_credentials = $1";
        self.execute(SQL, &[&old, &new]).await.map(drop)
    }

    /// Every account's credentials by the URL of its directory, sealed.
    pub async fn list_acme_accounts(&self) -> Result<Vec<(String, String)>> {
        const SQL: &str =
            "select directory, sealed_credentials from acme_accounts order by directory";
        self.fetch_all(SQL, &[], |row| Ok((row.get(0)?, row.get(1)?)))
            .await
    }

    /// What authorities have to find at this time.
    pub async fn list_acme_challenges(&self, now: UnixTime) -> Result<Vec<AcmeChallenge>> {
        const SQL: &str = "select name, digest from acme_challenges where expires_at > $1";
        let of = RowsOf::new("acme_challenges", "name");
        query(SQL)
            .bind(&[&now])
            .fetch_undamaged(&mut self.acquire_feed().await?, of, read_challenge)
            .await
    }

    /// Has every replica show these to the authority, until a time.
    pub async fn upsert_acme_challenges(
        &self,
        challenges: &[AcmeChallenge],
        expires_at: UnixTime,
        now: UnixTime,
    ) -> Result<()> {
        const SQL: &str = "
            insert into acme_challenges (name, digest, expires_at)
            values ($1, $2, $3)
            on conflict (name) do update
            set digest = excluded.digest, expires_at = excluded.expires_at";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        for challenge in challenges {
            let digest = URL_SAFE_NO_PAD.encode(challenge.digest);
            let values: [&dyn ToValue; 3] = [&challenge.name, &digest, &expires_at];
            tx.execute(SQL, &values).await?;
        }
        self.commit_unrecorded(tx, Change::Certificate, now).await
    }

    /// Has no replica show them any more, unless another order's stand there now.
    pub async fn delete_acme_challenges(
        &self,
        challenges: &[AcmeChallenge],
        now: UnixTime,
    ) -> Result<()> {
        const SQL: &str = "delete from acme_challenges where name = $1 and digest = $2";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        for challenge in challenges {
            let digest = URL_SAFE_NO_PAD.encode(challenge.digest);
            tx.execute(SQL, &[&challenge.name, &digest]).await?;
        }
        self.commit_unrecorded(tx, Change::Certificate, now).await
    }

    /// Removes what nobody asks for any more: challenges that are over, and the certificates, with their keys, that
    /// expired at `end` or before.
    pub async fn prune_acme(&self, end: TrustedTime, now: TrustedTime) -> Result<()> {
        const OVER: &str = "delete from acme_challenges where expires_at <= $1";
        const EXPIRED: &str = "
            delete from acme_certificates
            where expires_at <= $1 and leased_until <= $2";
        let (end, now) = (end.time(), now.time());
        self.execute(OVER, &[&now]).await?;
        self.execute(EXPIRED, &[&end, &now]).await.map(drop)
    }
}

const CERTIFICATES: &str = "
    select directory, names, chain, sealed_key, issued_at, expires_at, due_at, failures, failed_at, problem
    from acme_certificates
    order by directory, names";

fn read_certificate(row: &Row) -> Result<AcmeRecord> {
    let (chain, sealed_key) = (row.get("chain")?, row.get("sealed_key")?);
    let issued_at = row.optional_time("issued_at")?;
    let expires_at = row.optional_time("expires_at")?;
    let certificate = match (chain, sealed_key, issued_at, expires_at) {
        (Some(chain), Some(sealed_key), Some(issued_at), Some(expires_at)) => {
            Some(SealedCertificate {
                chain,
                sealed_key,
                issued_at,
                expires_at,
            })
        }
        _ => None,
    };
    Ok(AcmeRecord {
        subject: AcmeSubject {
            directory: row.get("directory")?,
            names: row.get("names")?,
        },
        certificate,
        due_at: row.time("due_at")?,
        failures: row.get("failures")?,
        failed_at: row.optional_time("failed_at")?,
        problem: row.get("problem")?,
    })
}

fn read_challenge(row: &Row) -> Result<AcmeChallenge> {
    let digest: &str = row.get("digest")?;
    let decoded = URL_SAFE_NO_PAD.decode(digest).ok();
    Ok(AcmeChallenge {
        name: row.get("name")?,
        digest: decoded
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| StoreError::Corrupt(format!("`{digest}` is not a digest")))?,
    })
}
