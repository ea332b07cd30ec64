//! Owns how it is read from `usage_hours` which clients are issued more tokens than they need.

use crate::base::clock::UnixTime;
use crate::domain::{ExcessTokens, TokenQuota, TokenTtl};
use crate::store::db::Row;
use crate::store::{Result, Store};

impl Store {
    /// What the clients needed that were issued most tokens since a time, `limit` at most, in no order. `ttl` is the lifetime of tokens of a client that has none of its own.
    pub async fn list_waste(
        &self,
        since: UnixTime,
        ttl: TokenTtl,
        limit: u32,
    ) -> Result<Vec<ExcessTokens>> {
        // Who was issued most is found first, and only of those the needed tokens are counted: one for each span of their
        // lifetime in which there was one; of lifetimes below an hour as many as fit into one.
        const SQL: &str = "
            with busiest as (
                select client_id, cast(sum(issued) as bigint) as issued
                from usage_hours
                where hour >= $1 and issued > 0 and client_id <> ''
                group by client_id
                order by sum(issued) desc, client_id
                limit $3),
            candidates as (
                select b.client_id, c.token_quota, coalesce(c.token_ttl, $2) as ttl, b.issued
                from busiest b
                join clients c on c.client_id = b.client_id)
            select k.client_id, k.token_quota, k.ttl, k.issued, (
                select cast(case
                    when k.ttl >= 3600 then count(distinct u.hour / k.ttl)
                    else coalesce(sum(case
                        when u.issued < (3599 + k.ttl) / k.ttl then u.issued
                        else (3599 + k.ttl) / k.ttl end), 0)
                    end as bigint)
                from usage_hours u
                where u.client_id = k.client_id and u.hour >= $1 and u.issued > 0) as needed
            from candidates k";
        self.fetch_all(SQL, &[&since, &ttl.seconds(), &limit], read_waste)
            .await
    }
}

fn read_waste(row: &Row) -> Result<ExcessTokens> {
    let quota: Option<i64> = row.get("token_quota")?;
    Ok(ExcessTokens {
        client_id: row.parse("client_id")?,
        token_ttl: TokenTtl::from_seconds(row.get("ttl")?)?,
        token_quota: quota.map(TokenQuota::from_count).transpose()?,
        issued: row.count("issued")?,
        needed: row.count("needed")?,
    })
}
