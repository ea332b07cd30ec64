//! Owns the rows of `admin_networks`: from where admins have logged in.

use std::net::IpAddr;

use crate::base::clock::UnixTime;
use crate::domain::AdminName;
use crate::store::db::ToValue;
use crate::store::{Result, Store};

impl Store {
    /// Whether this admin has logged in from this network.
    pub async fn is_admin_network(&self, name: &AdminName, network: IpAddr) -> Result<bool> {
        const SQL: &str = "select count(*) from admin_networks where name = $1 and network = $2";
        let values: [&dyn ToValue; 2] = [name, &network.to_string()];
        let found = self.fetch_one(SQL, &values, |row| row.count(0)).await?;
        Ok(found > 0)
    }

    /// Notes that an admin has logged in from a network. Of each admin the latest `limit` networks stay.
    pub async fn note_admin_network(
        &self,
        name: &AdminName,
        network: IpAddr,
        now: UnixTime,
        limit: u32,
    ) -> Result<()> {
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
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        tx.execute(NOTE, &[name, &network.to_string(), &now])
            .await?;
        tx.execute(TRIM, &[name, &limit]).await?;
        tx.commit().await
    }
}
