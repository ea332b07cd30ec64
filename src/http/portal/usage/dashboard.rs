//! The first page: the usage of the last hour and month, what expires soon, and the state of the service.

use askama::Template;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{COUNTING_PATIENCE, ClientQuery, Overview};
use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, Replica, UsageIn, UsageSpan};
use crate::http::portal::access::{PortalRequest, Viewer};
use crate::http::portal::links::path_of;
use crate::http::portal::page::{self, Chart, Grouped, Layout, When, charts};
use crate::http::portal::usage::clock::ClockNotice;
use crate::http::portal::usage::metrics::{Latency, Metric, by_day, latencies, metrics};

/// The page warns of a certificate that expires within this many seconds: 14 days.
const CERTIFICATE_SOON: i64 = 14 * 86_400;

#[derive(Template)]
#[template(path = "usage/dashboard.html")]
struct DashboardPage {
    layout: Layout,
    is_ready: bool,
    /// Shown until the first token: what comes first.
    first_steps: Option<FirstSteps>,
    metrics: [Metric; 4],
    /// When the last full hour ended.
    full_until: UnixTime,
    /// The name of this replica, and what it measured.
    replica: String,
    latencies: Vec<Latency>,
    clock: Option<ClockNotice>,
    overview: Overview,
    per_minute: [Chart; 3],
    per_hour: [Chart; 3],
    days: Vec<UsageIn>,
    certificate: Option<UnixTime>,
    certificate_expires_soon: bool,
}

/// What an operator does first.
struct FirstSteps {
    has_clients: bool,
    can_create: bool,
    can_invite: bool,
    get_token: String,
    verify: String,
}

impl FirstSteps {
    /// `None`: a token was issued in the last 30 days.
    async fn find(request: &PortalRequest<Viewer>, overview: &Overview) -> Result<Option<Self>> {
        if overview.hours.iter().any(|it| it.counts.issued > 0) {
            return Ok(None);
        }
        let one = ClientQuery {
            limit: 1,
            ..ClientQuery::default()
        };
        let first = request.app.clients.list(&one).await?.clients;
        let issuer = overview.issuer.trim_end_matches('/');
        Ok(Some(Self {
            has_clients: !first.is_empty(),
            can_create: request.permits(AdminRole::Operator),
            can_invite: request.permits(AdminRole::Owner),
            get_token: format!("curl -u 'CLIENT_ID:CLIENT_SECRET' -X POST '{issuer}/authorize'"),
            verify: format!("curl -H 'Authorization: Bearer TOKEN' '{issuer}/verify'"),
        }))
    }
}

pub(super) const PATH: &str = "/admin/";

/// How far a replica is behind the changes of the others, in seconds.
fn behind(replica: &Replica) -> Option<i64> {
    let read_at = replica.changes_read_at?;
    Some(replica.seen_at.since(read_at).max(0))
}

pub(in crate::http::portal) async fn show_dashboard(
    request: PortalRequest<Viewer>,
) -> Result<Response> {
    let app = &request.app;
    let overview = app.overview(COUNTING_PATIENCE).await?;
    let now = overview.at;
    let heard = overview.replicas.iter().filter(|it| it.is_heard(now));
    let certificate = heard.filter_map(|it| it.certificate_expires_at).min();
    let last_hour = overview.hours.last();
    Ok(page::show(&DashboardPage {
        layout: request.layout("Dashboard", PATH),
        clock: ClockNotice::find(&request).await?,
        first_steps: FirstSteps::find(&request, &overview).await?,
        metrics: metrics(&overview.hours),
        full_until: last_hour.map_or(now, |it| it.start),
        replica: app.replication.name(),
        latencies: latencies(app),
        is_ready: app.replication.check_readiness().await.is_ok(),
        per_minute: charts(UsageSpan::Minute, &overview.minutes),
        per_hour: charts(UsageSpan::Hour, &overview.hours),
        days: by_day(&overview.hours),
        certificate,
        certificate_expires_soon: certificate.is_some_and(|at| at.since(now) < CERTIFICATE_SOON),
        overview,
    }))
}
