//! Which clients do most, fail most and have most excess tokens. To count that reads what all of them did, so the answers are kept.

use std::sync::Arc;
use std::time::Duration;

use crate::app::core::Core;
use crate::app::error::Result;
use crate::app::usage::Usage;
use crate::app::usage::refreshing_cache::{Counted, RefreshingCache};
use crate::domain::{ExcessTokens, UsageOf, word_enum};
use crate::store::UsageOrder;

/// Clients of one ranking.
const LISTED: u32 = 50;

/// Clients whose excess tokens are counted: a client with many was issued many.
const CANDIDATES: u32 = 1_000;

/// SQLite takes some seconds for a million clients, and nobody waits.
const PATIENCE: Duration = Duration::from_mins(1);

const HOUR: i64 = 3_600;

word_enum! {
    /// The time over which excess tokens are counted.
    pub enum ExcessSpan, "a span of time" {
        /// 24 hours.
        Day = "24h",
        /// 30 days.
        Month = "30d",
    }
}

impl ExcessSpan {
    fn seconds(self) -> i64 {
        match self {
            Self::Day => 24 * HOUR,
            Self::Month => 30 * 24 * HOUR,
        }
    }
}

/// The clients that did most in the last 24 hours.
#[derive(Debug)]
pub struct BusiestClients {
    /// By the tokens that they were issued.
    pub active: Vec<UsageOf>,
    /// By what was refused in their name.
    pub failing: Vec<UsageOf>,
}

pub(crate) struct Rankings {
    busiest: Arc<RefreshingCache<BusiestClients>>,
    excess_of_day: Arc<RefreshingCache<Vec<ExcessTokens>>>,
    excess_of_month: Arc<RefreshingCache<Vec<ExcessTokens>>>,
}

impl Default for Rankings {
    fn default() -> Self {
        Self {
            busiest: RefreshingCache::new(60),
            excess_of_day: RefreshingCache::new(60),
            // Thirty times as much to read.
            excess_of_month: RefreshingCache::new(30 * 60),
        }
    }
}

impl Usage {
    /// The clients that did most in the last 24 hours, and when that was counted.
    pub async fn find_busiest_clients(&self) -> Result<Arc<Counted<BusiestClients>>> {
        let core = Arc::clone(&self.core);
        let count = async move { count_busiest_clients(&core).await };
        self.rankings.busiest.find(&self.core.clock, count).await
    }

    /// The clients that were issued most excess tokens, and when that was counted.
    pub async fn find_excess_tokens(
        &self,
        span: ExcessSpan,
    ) -> Result<Arc<Counted<Vec<ExcessTokens>>>> {
        let cache = match span {
            ExcessSpan::Day => &self.rankings.excess_of_day,
            ExcessSpan::Month => &self.rankings.excess_of_month,
        };
        let core = Arc::clone(&self.core);
        let count = async move { count_excess_tokens(&core, span).await };
        cache.find(&self.core.clock, count).await
    }
}

async fn count_busiest_clients(core: &Core) -> Result<BusiestClients> {
    let since = core.now().plus(-24 * HOUR);
    let store = core.store.patient(PATIENCE);
    let list = async |order| store.list_top_clients(order, since, LISTED).await;
    Ok(BusiestClients {
        active: list(UsageOrder::Issued).await?,
        failing: list(UsageOrder::Refused).await?,
    })
}

async fn count_excess_tokens(core: &Core, span: ExcessSpan) -> Result<Vec<ExcessTokens>> {
    let since = core.now().plus(-span.seconds());
    let ttl = core.config.token.ttl;
    let store = core.store.patient(PATIENCE);
    let mut found = store.list_waste(since, ttl, CANDIDATES).await?;
    found.retain(|waste| waste.wasted() > 0);
    found.sort_by(|one, other| {
        let by_waste = other.wasted().cmp(&one.wasted());
        by_waste.then_with(|| one.client_id.cmp(&other.client_id))
    });
    found.truncate(LISTED as usize);
    Ok(found)
}
