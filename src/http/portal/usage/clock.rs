//! Owns what the portal says about a clock that may be wrong, and its confirmation, before which a question says what then runs.

use axum::response::Response;

use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::AdminRole;
use crate::http::portal::access::{Form, Owner, PortalRequest, Viewer};
use crate::http::portal::links::see_done;
use crate::http::portal::page::{self, Question};
use crate::http::portal::usage::dashboard::PATH;

/// Shown while the clock may be wrong.
pub(super) struct ClockNotice {
    /// What speaks against it, as a sentence.
    pub(super) doubt: String,
    /// What the machine's clock says.
    pub(super) now: UnixTime,
    pub(super) is_held_back: bool,
    pub(super) can_confirm: bool,
}

impl ClockNotice {
    /// `None`: nothing speaks against the clock.
    pub(super) async fn find(request: &PortalRequest<Viewer>) -> Result<Option<Self>> {
        let app = &request.app;
        let doubt = app.core.find_clock_doubt().await?;
        Ok(doubt.map(|doubt| Self {
            doubt: page::capitalized(doubt),
            now: app.clock().wall(),
            is_held_back: !app.config().development,
            can_confirm: request.permits(AdminRole::Owner) && doubt.can_be_confirmed(),
        }))
    }
}

pub(in crate::http::portal) async fn ask_confirm(
    request: PortalRequest<Owner>,
) -> Result<Question> {
    let (app, asked) = (&request.app, "Confirm the clock?");
    let question = Question::new(&request, asked, "Confirm clock", PATH, "clock/confirm");
    let Some(doubt) = app.core.find_clock_doubt().await? else {
        let fact = "The server does not doubt the clock: there is nothing to confirm.";
        return Ok(question.impossible(fact));
    };
    let question = question.fact(page::capitalized(doubt));
    if !doubt.can_be_confirmed() {
        let fact = "The server uses the clock of Postgres: set the wrong one of the two clocks.";
        return Ok(question.impossible(fact));
    }
    let now = app.clock().wall();
    Ok(question
        .fact(format!("This machine's clock says `{now}`. Compare it with a correct clock."))
        .fact(
            "Held back until now; from now on they run by this clock: removal of expired revocations, sessions, \
                usage, refusals and audit events; rotation and deletion of signing keys; certificate orders; idle \
                expiry of secrets.",
        )
        .fact("With a wrong clock they remove what is still needed, and nobody can undo this."))
}

/// Takes this machine's clock for right.
pub(in crate::http::portal) async fn confirm_clock(
    request: PortalRequest<Owner>,
    _form: Form,
) -> Result<Response> {
    let core = &request.app.core;
    core.confirm_clock(&request.origin).await?;
    Ok(see_done(PATH, "clock-confirmed"))
}
