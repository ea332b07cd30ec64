//! The first page: what the service did in the last hour and the last month, what ends soon, and how it is.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::COUNTING_PATIENCE;
use crate::app::Overview;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::{EndingSecret, Replica, UsageIn, UsageOf};
use crate::http::AppState;
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::clients::list::path_of;
use crate::http::portal::page;
use crate::http::portal::page::chart::{Axis, Chart, Grouped};
use crate::http::portal::page::{Layout, When};

const MINUTES: Axis = Axis {
    column: "a minute",
    begins: "60 minutes ago",
    ends: "now",
};

const HOURS: Axis = Axis {
    column: "an hour",
    begins: "30 days ago",
    ends: "now",
};

/// A certificate that ends within so many seconds is warned of: 14 days.
const CERTIFICATE_SOON: i64 = 14 * 86_400;

#[derive(Template)]
#[template(path = "usage/dashboard.html")]
struct DashboardPage {
    layout: Layout,
    is_ready: bool,
    overview: Overview,
    per_minute: [Chart; 3],
    per_hour: [Chart; 3],
    days: Vec<UsageIn>,
    replicas: Vec<ShownReplica>,
    certificate: Option<UnixTime>,
    certificate_ends_soon: bool,
    active: Vec<Ranked>,
    failing: Vec<Ranked>,
    ending: Vec<Ending>,
}

/// A secret that ends soon.
struct Ending {
    path: String,
    it: EndingSecret,
}

struct ShownReplica {
    it: Replica,
    is_heard: bool,
    /// How far behind the changes of others it was, in seconds.
    behind: Option<i64>,
}

/// A client among those that do most.
struct Ranked {
    path: String,
    it: UsageOf,
}

fn ranked(list: &[UsageOf]) -> Vec<Ranked> {
    let shown = |it: &UsageOf| Ranked {
        path: path_of(&it.client_id),
        it: it.clone(),
    };
    list.iter().map(shown).collect()
}

/// What was issued, verified and refused.
pub(in crate::http::portal) fn charts(
    ids: [&'static str; 3],
    axis: Axis,
    spans: &[UsageIn],
) -> [Chart; 3] {
    let values = |of: fn(&UsageIn) -> u64| -> Vec<u64> { spans.iter().map(of).collect() };
    let [issued, verified, refused] = ids;
    [
        Chart::new(
            issued,
            "Issued",
            "issued",
            axis,
            &values(|it| it.counts.issued),
        ),
        Chart::new(
            verified,
            "Verified",
            "verified",
            axis,
            &values(|it| it.counts.verified),
        ),
        Chart::new(
            refused,
            "Refused",
            "refused",
            axis,
            &values(|it| it.counts.refused),
        ),
    ]
}

/// Hours put together to days, for a table that is not too long.
fn by_day(hours: &[UsageIn]) -> Vec<UsageIn> {
    let whole = |day: &[UsageIn]| {
        let mut sum = *day.first()?;
        for hour in &day[1..] {
            sum.counts.add(hour.counts);
        }
        Some(sum)
    };
    hours.chunks(24).filter_map(whole).collect()
}

pub(in crate::http::portal) async fn show_dashboard(
    State(app): State<AppState>,
    session: Session<Viewer>,
) -> Result<Response> {
    let overview = app.overview(COUNTING_PATIENCE).await?;
    let now = overview.at;
    let replicas = overview.replicas.iter().map(|it| ShownReplica {
        is_heard: it.is_heard(now),
        behind: it.changes_read_at.map(|at| it.seen_at.since(at).max(0)),
        it: it.clone(),
    });
    let heard = overview.replicas.iter().filter(|it| it.is_heard(now));
    let certificate = heard.filter_map(|it| it.certificate_expires_at).min();
    let ending = overview.ending_secrets.iter().map(|it| Ending {
        path: path_of(&it.client_id),
        it: it.clone(),
    });
    Ok(page::show(&DashboardPage {
        layout: Layout::new("Dashboard", "/admin/", Some(&session)),
        is_ready: app.replication.check_readiness().is_ok(),
        per_minute: charts(
            ["issued-minutes", "verified-minutes", "refused-minutes"],
            MINUTES,
            &overview.minutes,
        ),
        per_hour: charts(
            ["issued-hours", "verified-hours", "refused-hours"],
            HOURS,
            &overview.hours,
        ),
        days: by_day(&overview.hours),
        replicas: replicas.collect(),
        certificate,
        certificate_ends_soon: certificate.is_some_and(|at| at.since(now) < CERTIFICATE_SOON),
        active: ranked(&overview.most_active),
        failing: ranked(&overview.most_failing),
        ending: ending.collect(),
        overview,
    }))
}
