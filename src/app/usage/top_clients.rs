//! Which clients do most, fail most and waste most. To count that reads what all of them did, so the answers are kept.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::app::App;
use crate::app::error::Result;
use crate::app::usage::refreshing_cache::{Counted, Kept};
use crate::domain::{TokenWaste, UsageOf};
use crate::store::UsageOrder;

/// Clients of one ranking.
const LISTED: u32 = 50;

/// Clients among which those are looked for that waste most: who wastes much was issued much.
const CANDIDATES: u32 = 1_000;

/// SQLite takes some seconds for a million clients, and nobody waits.
const PATIENCE: Duration = Duration::from_mins(1);

const HOUR: i64 = 3_600;

/// Over which time it is looked who wastes most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WasteSpan {
    /// 24 hours.
    Day,
    /// 30 days.
    Month,
}

impl WasteSpan {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Month => "30d",
        }
    }

    fn seconds(self) -> i64 {
        match self {
            Self::Day => 24 * HOUR,
            Self::Month => 30 * 24 * HOUR,
        }
    }
}

impl std::str::FromStr for WasteSpan {
    type Err = crate::domain::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|span| span.as_str() == text)
            .ok_or_else(|| crate::domain::ParseError("a span of time is `24h` or `30d`".to_owned()))
    }
}

/// The clients that did most in the last 24 hours.
#[derive(Debug)]
pub struct TopClients {
    /// By the tokens that they were issued.
    pub active: Vec<UsageOf>,
    /// By what was refused in their name.
    pub failing: Vec<UsageOf>,
}

/// What is kept of it.
pub(in crate::app) struct Rankings {
    top: Kept<TopClients>,
    waste_of_day: Kept<Vec<TokenWaste>>,
    waste_of_month: Kept<Vec<TokenWaste>>,
}

impl Default for Rankings {
    fn default() -> Self {
        Self {
            top: Kept::new(60),
            waste_of_day: Kept::new(60),
            // Thirty times as much to read.
            waste_of_month: Kept::new(30 * 60),
        }
    }
}

impl App {
    /// The clients that did most in the last 24 hours, and when that was counted.
    pub async fn find_top_clients(self: &Arc<Self>) -> Result<Arc<Counted<TopClients>>> {
        let count = |app: Arc<Self>| async move { app.count_top_clients().await }.boxed();
        self.rankings.top.find(self, count).await
    }

    /// The clients that were issued most tokens more than they needed, and when that was counted.
    pub async fn find_waste(
        self: &Arc<Self>,
        span: WasteSpan,
    ) -> Result<Arc<Counted<Vec<TokenWaste>>>> {
        match span {
            WasteSpan::Day => {
                let count =
                    |app: Arc<Self>| async move { app.count_waste(WasteSpan::Day).await }.boxed();
                self.rankings.waste_of_day.find(self, count).await
            }
            WasteSpan::Month => {
                let count =
                    |app: Arc<Self>| async move { app.count_waste(WasteSpan::Month).await }.boxed();
                self.rankings.waste_of_month.find(self, count).await
            }
        }
    }

    async fn count_top_clients(&self) -> Result<TopClients> {
        let since = self.clock.now().plus(-24 * HOUR);
        let store = self.store.patient(PATIENCE);
        let list = async |order| store.list_top_clients(order, since, LISTED).await;
        Ok(TopClients {
            active: list(UsageOrder::Issued).await?,
            failing: list(UsageOrder::Refused).await?,
        })
    }

    async fn count_waste(&self, span: WasteSpan) -> Result<Vec<TokenWaste>> {
        let since = self.clock.now().plus(-span.seconds());
        let ttl = self.config.token.ttl;
        let store = self.store.patient(PATIENCE);
        let mut found = store.list_waste(since, ttl, CANDIDATES).await?;
        found.retain(|waste| waste.wasted() > 0);
        found.sort_by(|one, other| {
            let by_waste = other.wasted().cmp(&one.wasted());
            by_waste.then_with(|| one.client_id.cmp(&other.client_id))
        });
        found.truncate(LISTED as usize);
        Ok(found)
    }
}
