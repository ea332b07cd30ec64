//! Owns the rows of `admin_networks`: from where admins have logged in.

use std::net::IpAddr;

use crate::base::clock::UnixTime;
use crate::domain::AdminName;
use crate::store::{Store, StoreError, in_transaction, on_pool};

impl Store {
    /// Whether this admin has logged in from this network.
    pub async fn is_admin_network(
        &self,
        name: &AdminName,
        network: IpAddr,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "select count(*) from admin_networks where name = $1 and network = $2";
        let found: i64 = on_pool!(self, |pool| sqlx::query_scalar(SQL)
            .bind(name.as_str())
            .bind(network.to_string())
            .fetch_one(pool)
            .await)?;
        Ok(found > 0)
    }

    /// Notes that an admin has logged in from a network. Of each admin the latest `limit` networks stay.
    pub async fn note_admin_network(
        &self,
        name: &AdminName,
        network: IpAddr,
        now: UnixTime,
        limit: u32,
    ) -> Result<(), StoreError> {
        const NOTE: &str = "
            insert into admin_networks (name, network, logged_in_at)
            values ($1, $2, $3)
            on conflict (name, network) do update set logged_in_at = excluded.logged_in_at";
        const TRIM: &str = "
            delete from admin_networks
            where name = $1 and network not in (
                select network
                from admin_networks
                where name = $1
                order by logged_in_at desc, network
                limit $2)";
        in_transaction!(self, |tx| {
            sqlx::query(NOTE)
                .bind(name.as_str())
                .bind(network.to_string())
                .bind(now.0)
                .execute(&mut *tx)
                .await?;
            sqlx::query(TRIM)
                .bind(name.as_str())
                .bind(i64::from(limit))
                .execute(&mut *tx)
                .await?;
        })
    }
}
