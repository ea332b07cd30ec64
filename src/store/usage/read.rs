//! Owns the reading of what was counted, and its end by age.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::base::clock::UnixTime;
use crate::domain::{
    ClientId, ClientUses, ExchangeUsage, IdentityDigest, IdentityUse, LastUsed, SecretId,
    SecretUses, UsageCounts, UsageIn, UsageOf, UsageSpan,
};
use crate::store::db::{Row, RowsOf, ToValue, query};
use crate::store::{Result, Store, StoreError, TrustedTime};

/// By what clients are put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageOrder {
    /// By the tokens that they were given.
    Issued,
    /// By what was refused in their name.
    Refused,
}

impl Store {
    /// When a client, its secrets and its identities were last used, and how often since a time. What was before a client of this id was
    /// registered is of another one.
    pub async fn find_client_uses(&self, id: &ClientId, since: UnixTime) -> Result<ClientUses> {
        const SQL: &str = "
            select u.secret_id, u.used_at, u.source, (
                select cast(coalesce(sum(h.uses), 0) as bigint)
                from secret_hours h
                where h.client_id = u.client_id and h.secret_id = u.secret_id and h.hour >= $2
            ) as uses
            from last_used u
            join clients c on c.client_id = u.client_id
            where u.client_id = $1 and u.used_at >= c.created_at
            order by u.secret_id";
        let mut found = ClientUses::default();
        let mut each = |row: &Row| {
            let last = read_last_use(row)?;
            match row.get("secret_id")? {
                "" => found.last = Some(last),
                secret_id => found.secrets.push(SecretUses {
                    secret_id: SecretId::parse(secret_id)?,
                    last,
                    uses_24h: row.count("uses")?,
                }),
            }
            Ok(())
        };
        query(SQL)
            .bind(&[id, &since])
            .for_each(&mut self.acquire_read().await?, &mut each)
            .await?;
        found.identities = self.find_identity_uses(id).await?;
        Ok(found)
    }

    async fn find_identity_uses(
        &self,
        id: &ClientId,
    ) -> Result<BTreeMap<IdentityDigest, IdentityUse>> {
        const SQL: &str = "
            select u.identity, u.issuer, u.subject, u.used_at, u.source
            from last_identity_use u
            join clients c on c.client_id = u.client_id
            where u.client_id = $1 and u.used_at >= c.created_at
            order by u.identity";
        let read = |row: &Row| {
            let used = IdentityUse {
                issuer: row.parse("issuer")?,
                subject: row.get::<&str>("subject")?.to_owned(),
                last: read_last_use(row)?,
            };
            Ok((IdentityDigest::from_stored(row.get("identity")?), used))
        };
        let found = self.fetch_all(SQL, &[id], read).await?;
        Ok(found.into_iter().collect())
    }

    /// When these clients were last used, those that were.
    pub async fn list_last_uses(&self, ids: &[&ClientId]) -> Result<Vec<(ClientId, LastUsed)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = query(
            "select u.client_id, u.used_at, u.source
            from last_used u
            join clients c on c.client_id = u.client_id
            where u.secret_id = '' and u.used_at >= c.created_at and u.client_id in ",
        );
        query.push_list(ids.iter().map(|id| id.to_value()));
        let read = |row: &Row| Ok((row.parse("client_id")?, read_last_use(row)?));
        let of = RowsOf::new("last_used", "client_id");
        query
            .fetch_undamaged(&mut self.acquire_read().await?, of, read)
            .await
    }

    /// What all clients together did since a time.
    pub async fn list_usage_totals(
        &self,
        span: UsageSpan,
        since: UnixTime,
    ) -> Result<Vec<UsageIn>> {
        const SQL: &str = "
            select start, issued, refused, verified
            from usage_totals
            where span = $1 and start >= $2
            order by start";
        self.fetch_all(SQL, &[&span.seconds(), &since], read_usage)
            .await
    }

    /// What a client did since a time, by the hour.
    pub async fn list_client_usage(&self, id: &ClientId, since: UnixTime) -> Result<Vec<UsageIn>> {
        const SQL: &str = "
            select hour as start, issued, refused, verified
            from usage_hours
            where client_id = $1 and hour >= $2
            order by hour";
        self.fetch_all(SQL, &[id, &since], read_usage).await
    }

    /// How often a client exchanged a token for each target since a time, the most frequent one first.
    pub async fn list_exchanges(
        &self,
        id: &ClientId,
        since: UnixTime,
    ) -> Result<Vec<ExchangeUsage>> {
        const SQL: &str = "
            select target, cast(sum(exchanges) as bigint) as exchanges
            from exchange_hours
            where client_id = $1 and hour >= $2
            group by target
            order by sum(exchanges) desc, target";
        let read = |row: &Row| {
            Ok(ExchangeUsage {
                target: row.parse("target")?,
                exchanges: row.count("exchanges")?,
            })
        };
        self.fetch_all(SQL, &[id, &since], read).await
    }

    /// The clients that did most since a time.
    pub async fn list_top_clients(
        &self,
        order: UsageOrder,
        since: UnixTime,
        limit: u32,
    ) -> Result<Vec<UsageOf>> {
        let column = match order {
            UsageOrder::Issued => "issued",
            UsageOrder::Refused => "refused",
        };
        let mut query = query(
            "select client_id, cast(sum(issued) as bigint) as issued, cast(sum(refused) as bigint) as refused,
                cast(sum(verified) as bigint) as verified
            from usage_hours
            where hour >= $1 and client_id <> ''
            group by client_id
            having sum(",
        )
        .bind(&[&since, &limit]);
        query.push(column).push(") > 0 order by sum(").push(column);
        query.push(") desc, client_id limit $2");
        let read = |row: &Row| {
            Ok(UsageOf {
                client_id: row.parse("client_id")?,
                counts: read_counts(row)?,
            })
        };
        let of = RowsOf::new("usage_hours", "client_id");
        query
            .fetch_undamaged(&mut self.acquire_read().await?, of, read)
            .await
    }

    /// How many tokens these clients were issued in the hour that begins then, those that were.
    pub async fn list_issued_in_hour(
        &self,
        ids: &[&ClientId],
        hour: UnixTime,
    ) -> Result<Vec<(ClientId, u64)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query =
            query("select client_id, issued from usage_hours where hour = $1 and client_id in ");
        query = query.bind(&[&hour]);
        query.push_list(ids.iter().map(|id| id.to_value()));
        let read = |row: &Row| Ok((row.parse("client_id")?, row.count("issued")?));
        query.fetch_all(&mut self.acquire_read().await?, read).await
    }

    /// Forgets when a client that is no more was last used.
    pub async fn delete_uses(&self, id: &ClientId) -> Result<()> {
        const LAST: &str = "delete from last_used where client_id = $1";
        const IDENTITIES: &str = "delete from last_identity_use where client_id = $1";
        const HOURS: &str = "delete from secret_hours where client_id = $1";
        for sql in [LAST, IDENTITIES, HOURS] {
            self.execute(sql, &[id]).await?;
        }
        Ok(())
    }

    /// Removes the hours of clients before `end`; how many, `limit` at most.
    pub async fn prune_usage_hours(&self, end: TrustedTime, limit: u32) -> Result<u64> {
        const SQL: &str = "
            delete from usage_hours
            where (client_id, hour) in (
                select client_id, hour from usage_hours where hour < $1 order by hour limit $2)";
        self.execute(SQL, &[&end.time(), &limit]).await
    }

    /// Removes the hours of exchanges before `end`; how many, `limit` at most.
    pub async fn prune_exchange_hours(&self, end: TrustedTime, limit: u32) -> Result<u64> {
        const SQL: &str = "
            delete from exchange_hours
            where (client_id, target, hour) in (
                select client_id, target, hour from exchange_hours where hour < $1 order by hour limit $2)";
        self.execute(SQL, &[&end.time(), &limit]).await
    }

    /// Removes the hours of secrets before `end`; how many, `limit` at most.
    pub async fn prune_secret_hours(&self, end: TrustedTime, limit: u32) -> Result<u64> {
        const SQL: &str = "
            delete from secret_hours
            where (client_id, secret_id, hour) in (
                select client_id, secret_id, hour from secret_hours where hour < $1 order by hour limit $2)";
        self.execute(SQL, &[&end.time(), &limit]).await
    }

    /// Removes the totals before `end`; how many.
    pub async fn prune_usage_totals(&self, span: UsageSpan, end: TrustedTime) -> Result<u64> {
        const SQL: &str = "delete from usage_totals where span = $1 and start < $2";
        self.execute(SQL, &[&span.seconds(), &end.time()]).await
    }
}

fn read_usage(row: &Row) -> Result<UsageIn> {
    Ok(UsageIn {
        start: row.time("start")?,
        counts: read_counts(row)?,
    })
}

fn read_counts(row: &Row) -> Result<UsageCounts> {
    Ok(UsageCounts {
        issued: row.count("issued")?,
        refused: row.count("refused")?,
        verified: row.count("verified")?,
    })
}

fn read_last_use(row: &Row) -> Result<LastUsed> {
    let source: Result<IpAddr, _> = row.get::<&str>("source")?.parse();
    Ok(LastUsed {
        used_at: row.time("used_at")?,
        source: source.map_err(|_| StoreError::Corrupt("a source is not an address".to_owned()))?,
    })
}
