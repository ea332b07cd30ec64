//! Owns the reading of what was counted, and its end by age.

use std::net::IpAddr;

use sqlx::{AssertSqlSafe, FromRow};

use crate::base::clock::UnixTime;
use crate::domain::{
    ClientId, ClientUses, LastUse, SecretId, SecretUses, UsageCounts, UsageIn, UsageOf, UsageSpan,
};
use crate::store::{Store, StoreError, TrustedTime, execute, on_pool, placeholders};

/// By what clients are put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageOrder {
    /// By the tokens that they were given.
    Issued,
    /// By what was refused in their name.
    Refused,
    /// By how often their tokens were found good.
    Verified,
}

impl Store {
    /// When a client and its secrets were last used, and how often since a time. What was before a client of this id was
    /// registered is of another one.
    pub async fn find_client_uses(
        &self,
        id: &ClientId,
        since: UnixTime,
    ) -> Result<ClientUses, StoreError> {
        const SQL: &str = "
            select u.secret_id, u.used_at, u.source, (
                select cast(coalesce(sum(h.uses), 0) as bigint)
                from secret_hours h
                where h.client_id = u.client_id and h.secret_id = u.secret_id and h.hour >= $2
            ) as uses
            from last_uses u
            join clients c on c.client_id = u.client_id
            where u.client_id = $1 and u.used_at >= c.created_at
            order by u.secret_id";
        let rows: Vec<UseRow> = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(id.as_str())
            .bind(since.0)
            .fetch_all(pool)
            .await)?;
        let mut found = ClientUses::default();
        for row in rows {
            let last = last_use(row.used_at, &row.source)?;
            if row.secret_id.is_empty() {
                found.last = Some(last);
            } else {
                found.secrets.push(SecretUses {
                    secret_id: SecretId::parse(&row.secret_id)?,
                    last,
                    uses_24h: count(row.uses),
                });
            }
        }
        Ok(found)
    }

    /// When these clients were last used, those that were.
    pub async fn list_last_uses(
        &self,
        ids: &[&ClientId],
    ) -> Result<Vec<(ClientId, LastUse)>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let places = placeholders(1, ids.len());
        let sql = format!(
            "select u.client_id, u.used_at, u.source
            from last_uses u
            join clients c on c.client_id = u.client_id
            where u.secret_id = '' and u.used_at >= c.created_at and u.client_id in {places}"
        );
        let rows: Vec<(String, i64, String)> = on_pool!(self, |pool| {
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            for id in ids {
                query = query.bind(id.as_str());
            }
            query.fetch_all(pool).await
        })?;
        rows.into_iter()
            .map(|(id, used_at, source)| Ok((ClientId::parse(&id)?, last_use(used_at, &source)?)))
            .collect()
    }

    /// What all clients together did since a time.
    pub async fn list_usage_totals(
        &self,
        span: UsageSpan,
        since: UnixTime,
    ) -> Result<Vec<UsageIn>, StoreError> {
        const SQL: &str = "
            select start, issued, refused, verified
            from usage_totals
            where span = $1 and start >= $2
            order by start";
        let rows: Vec<CountsRow> = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(span.seconds())
            .bind(since.0)
            .fetch_all(pool)
            .await)?;
        Ok(rows.into_iter().map(UsageIn::from).collect())
    }

    /// What a client did since a time, by the hour.
    pub async fn list_client_usage(
        &self,
        id: &ClientId,
        since: UnixTime,
    ) -> Result<Vec<UsageIn>, StoreError> {
        const SQL: &str = "
            select hour as start, issued, refused, verified
            from usage_hours
            where client_id = $1 and hour >= $2
            order by hour";
        let rows: Vec<CountsRow> = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(id.as_str())
            .bind(since.0)
            .fetch_all(pool)
            .await)?;
        Ok(rows.into_iter().map(UsageIn::from).collect())
    }

    /// The clients that did most since a time.
    pub async fn list_top_clients(
        &self,
        order: UsageOrder,
        since: UnixTime,
        limit: u32,
    ) -> Result<Vec<UsageOf>, StoreError> {
        let column = match order {
            UsageOrder::Issued => "issued",
            UsageOrder::Refused => "refused",
            UsageOrder::Verified => "verified",
        };
        let sql = format!(
            "select client_id, cast(sum(issued) as bigint), cast(sum(refused) as bigint),
                cast(sum(verified) as bigint)
            from usage_hours
            where hour >= $1 and client_id <> ''
            group by client_id
            having sum({column}) > 0
            order by sum({column}) desc, client_id
            limit $2"
        );
        let rows: Vec<(String, i64, i64, i64)> = on_pool!(self, |pool| {
            sqlx::query_as(AssertSqlSafe(sql))
                .bind(since.0)
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })?;
        rows.into_iter()
            .map(|(id, issued, refused, verified)| {
                Ok(UsageOf {
                    client_id: ClientId::parse(&id)?,
                    counts: counts(issued, refused, verified),
                })
            })
            .collect()
    }

    /// How many tokens these clients were issued in the hour that begins then, those that were.
    pub async fn list_issued_in_hour(
        &self,
        ids: &[&ClientId],
        hour: UnixTime,
    ) -> Result<Vec<(ClientId, u64)>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (2..=ids.len() + 1).map(|n| format!("${n}")).collect();
        let sql = format!(
            "select client_id, issued from usage_hours where hour = $1 and client_id in ({})",
            places.join(", ")
        );
        let rows: Vec<(String, i64)> = on_pool!(self, |pool| {
            let mut query = sqlx::query_as(AssertSqlSafe(sql)).bind(hour.0);
            for id in ids {
                query = query.bind(id.as_str());
            }
            query.fetch_all(pool).await
        })?;
        rows.into_iter()
            .map(|(id, issued)| Ok((ClientId::parse(&id)?, count(issued))))
            .collect()
    }

    /// What was counted of no known client since a time.
    pub async fn sum_usage_of_nobody(&self, since: UnixTime) -> Result<UsageCounts, StoreError> {
        const SQL: &str = "
            select cast(coalesce(sum(issued), 0) as bigint), cast(coalesce(sum(refused), 0) as bigint),
                cast(coalesce(sum(verified), 0) as bigint)
            from usage_hours
            where client_id = '' and hour >= $1";
        let (issued, refused, verified) = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(since.0)
            .fetch_one(pool)
            .await)?;
        Ok(counts(issued, refused, verified))
    }

    /// Forgets when a client that is no more was last used.
    pub async fn delete_uses(&self, id: &ClientId) -> Result<(), StoreError> {
        const LAST: &str = "delete from last_uses where client_id = $1";
        const HOURS: &str = "delete from secret_hours where client_id = $1";
        execute!(self, LAST, id.as_str())?;
        execute!(self, HOURS, id.as_str())?;
        Ok(())
    }

    /// Removes the hours of clients before `end`; how many, `limit` at most.
    pub async fn prune_usage_hours(&self, end: TrustedTime, limit: u32) -> Result<u64, StoreError> {
        const SQL: &str = "
            delete from usage_hours
            where (client_id, hour) in (
                select client_id, hour from usage_hours where hour < $1 order by hour limit $2)";
        Ok(execute!(self, SQL, end.time().0, i64::from(limit))?)
    }

    /// Removes the hours of secrets before `end`; how many, `limit` at most.
    pub async fn prune_secret_hours(
        &self,
        end: TrustedTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        const SQL: &str = "
            delete from secret_hours
            where (client_id, secret_id, hour) in (
                select client_id, secret_id, hour from secret_hours where hour < $1 order by hour limit $2)";
        Ok(execute!(self, SQL, end.time().0, i64::from(limit))?)
    }

    /// Removes the totals before `end`; how many.
    pub async fn prune_usage_totals(
        &self,
        span: UsageSpan,
        end: TrustedTime,
    ) -> Result<u64, StoreError> {
        const SQL: &str = "delete from usage_totals where span = $1 and start < $2";
        Ok(execute!(self, SQL, span.seconds(), end.time().0)?)
    }
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn counts(issued: i64, refused: i64, verified: i64) -> UsageCounts {
    UsageCounts {
        issued: count(issued),
        refused: count(refused),
        verified: count(verified),
    }
}

fn last_use(used_at: i64, source: &str) -> Result<LastUse, StoreError> {
    let source: Result<IpAddr, _> = source.parse();
    Ok(LastUse {
        used_at: UnixTime(used_at),
        source: source.map_err(|_| StoreError::Corrupt("a source is no address".to_owned()))?,
    })
}

#[derive(FromRow)]
struct UseRow {
    secret_id: String,
    used_at: i64,
    source: String,
    uses: i64,
}

#[derive(FromRow)]
struct CountsRow {
    start: i64,
    issued: i64,
    refused: i64,
    verified: i64,
}

impl From<CountsRow> for UsageIn {
    fn from(row: CountsRow) -> Self {
        Self {
            start: UnixTime(row.start),
            counts: counts(row.issued, row.refused, row.verified),
        }
    }
}
