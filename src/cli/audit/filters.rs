//! Owns how events are chosen on the command line.

use clap::Args;

use crate::app::AuditFilter;
use crate::base::clock::UnixTime;
use crate::config::parse_seconds;
use crate::domain::{Action, Actor, ClientId};

/// Which events.
#[derive(Args)]
pub(super) struct Filters {
    /// Only events of this actor: `cli`, `admin`, `client` or `server`, or one of them by name, such as `cli:alice`
    #[arg(long, value_name = "KIND[:NAME]", value_parser = parse_actor)]
    actor: Option<(String, Option<String>)>,
    /// Only this action: `client.create`, or all of a kind: `client.`
    #[arg(long, value_parser = Action::parse_kind)]
    action: Option<String>,
    /// Only events about this client
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<ClientId>,
    /// Only events since this time: `2026-07-01T00:00:00Z`, or a time back from now: `24h`
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    since: Option<Timestamp>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    until: Option<Timestamp>,
}

#[derive(Clone, Copy)]
enum Timestamp {
    At(UnixTime),
    Ago(i64),
}

impl Filters {
    pub(super) fn read(self, now: UnixTime) -> AuditFilter {
        let moment = |moment: Timestamp| match moment {
            Timestamp::At(at) => at,
            Timestamp::Ago(seconds) => now.plus(-seconds),
        };
        let (actor_type, actor) = self.actor.unzip();
        AuditFilter {
            actor_type,
            actor: actor.flatten(),
            action: self.action,
            client_id: self.client,
            since: self.since.map(moment),
            until: self.until.map(moment),
        }
    }
}

fn parse_actor(text: &str) -> Result<(String, Option<String>), String> {
    let (kind, name) = match text.split_once(':') {
        Some((kind, name)) => (kind, Some(name.to_owned())),
        None => (text, None),
    };
    if Actor::KINDS.contains(&kind) {
        return Ok((kind.to_owned(), name));
    }
    Err(
        "an actor is `cli`, `admin`, `client` or `server`, or one of them with `:` and a name"
            .to_owned(),
    )
}

fn parse_moment(text: &str) -> Result<Timestamp, &'static str> {
    let at = text.parse().map(Timestamp::At);
    at.or_else(|_| parse_seconds(text).map(Timestamp::Ago))
        .map_err(|_| "a time is `2026-07-01T00:00:00Z`, or a duration back from now such as `24h`")
}
