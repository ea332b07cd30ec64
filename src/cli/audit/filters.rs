//! Owns how events are chosen on the command line.

use clap::Args;

use crate::app::AuditFilter;
use crate::base::clock::UnixTime;
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
        let moment = |moment: Option<Timestamp>| {
            moment.map(|moment| match moment {
                Timestamp::At(at) => at,
                Timestamp::Ago(seconds) => now.plus(-seconds),
            })
        };
        let (actor_type, actor) = match self.actor {
            Some((kind, name)) => (Some(kind), name),
            None => (None, None),
        };
        AuditFilter {
            actor_type,
            actor,
            action: self.action,
            client_id: self.client,
            since: moment(self.since),
            until: moment(self.until),
        }
    }
}

fn parse_actor(text: &str) -> Result<(String, Option<String>), String> {
    let (kind, name) = match text.split_once(':') {
        Some((kind, name)) => (kind, Some(name.to_owned())),
        None => (text, None),
    };
    if Actor::KINDS.contains(&kind) {
        Ok((kind.to_owned(), name))
    } else {
        Err(
            "an actor is `cli`, `admin`, `client` or `server`, or one of them with `:` and a name"
                .to_owned(),
        )
    }
}

fn parse_moment(text: &str) -> Result<Timestamp, String> {
    match text.parse() {
        Ok(at) => Ok(Timestamp::At(at)),
        Err(_) => match crate::config::parse_seconds(text) {
            Ok(seconds) => Ok(Timestamp::Ago(seconds)),
            Err(_) => Err(
                "a time is `2026-07-01T00:00:00Z`, or a duration back from now such as `24h`"
                    .to_owned(),
            ),
        },
    }
}
