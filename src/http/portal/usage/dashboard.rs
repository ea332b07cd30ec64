//! The first page: the usage of the last hour and month, what expires soon, and the state of the service.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{COUNTING_PATIENCE, Overview};
use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, Replica, UsageIn};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Owner, Session, Viewer};
use crate::http::portal::links::{path_of, see_done};
use crate::http::portal::page;
use crate::http::portal::page::chart::{Axis, Chart, Grouped};
use crate::http::portal::page::{Layout, When};
use crate::http::portal::usage::charts::{by_day, charts};

const MINUTES: Axis = Axis {
    name: "minutes",
    column: "a minute",
    begins: "60 minutes ago",
    ends: "now",
};

const HOURS: Axis = Axis {
    name: "hours",
    column: "an hour",
    begins: "30 days ago",
    ends: "now",
};

/// The page warns of a certificate that expires within this many seconds: 14 days.
const CERTIFICATE_SOON: i64 = 14 * 86_400;

/// Shown while the clock may be wrong.
struct ClockNotice {
    /// What speaks against it, as a sentence.
    doubt: String,
    /// What the machine's clock says.
    now: UnixTime,
    is_held_back: bool,
    can_confirm: bool,
}

#[derive(Template)]
#[template(path = "usage/dashboard.html")]
struct DashboardPage {
    layout: Layout,
    is_ready: bool,
    clock: Option<ClockNotice>,
    overview: Overview,
    per_minute: [Chart; 3],
    per_hour: [Chart; 3],
    days: Vec<UsageIn>,
    certificate: Option<UnixTime>,
    certificate_expires_soon: bool,
}

const PATH: &str = "/admin/";

/// How far a replica is behind the changes of the others, in seconds.
fn behind(replica: &Replica) -> Option<i64> {
    let read_at = replica.changes_read_at?;
    Some(replica.seen_at.since(read_at).max(0))
}

pub(in crate::http::portal) async fn show_dashboard(
    State(app): State<AppState>,
    session: Session<Viewer>,
) -> Result<Response> {
    let overview = app.overview(COUNTING_PATIENCE).await?;
    let now = overview.at;
    let heard = overview.replicas.iter().filter(|it| it.is_heard(now));
    let certificate = heard.filter_map(|it| it.certificate_expires_at).min();
    let doubt = app.core.find_clock_doubt().await?;
    Ok(page::show(&DashboardPage {
        layout: session.layout("Dashboard", PATH),
        clock: doubt.map(|doubt| ClockNotice {
            doubt: page::capitalized(doubt),
            now: app.clock().wall(),
            is_held_back: !app.config().development,
            can_confirm: session.permits(AdminRole::Owner) && doubt.can_be_confirmed(),
        }),
        is_ready: app.replication.check_readiness().await.is_ok(),
        per_minute: charts(MINUTES, &overview.minutes),
        per_hour: charts(HOURS, &overview.hours),
        days: by_day(&overview.hours),
        certificate,
        certificate_expires_soon: certificate.is_some_and(|at| at.since(now) < CERTIFICATE_SOON),
        overview,
    }))
}

/// Takes this machine's clock for right.
pub(in crate::http::portal) async fn confirm_clock(
    State(app): State<AppState>,
    session: Session<Owner>,
    _form: Form,
) -> Result<Response> {
    app.core.confirm_clock(&session.origin).await?;
    Ok(see_done(PATH, "clock-confirmed"))
}
