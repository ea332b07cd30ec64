//! Owns how an event is written as JSON, wherever: what it was before and after is JSON in it, not text.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::base::json;
use crate::store::ChainedEvent;

/// An event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
pub struct AuditLine<'a> {
    /// Its place in the chain
    event_id: i64,
    at: UnixTime,
    /// `cli`, `admin`, `client` or `server`
    actor_type: &'a str,
    actor: &'a str,
    /// The caller's address
    source: Option<&'a str>,
    request_id: Option<&'a str>,
    action: &'a str,
    target_type: &'a str,
    target: &'a str,
    /// The client that it concerns
    client_id: Option<&'a str>,
    /// The values before; of a change only the changed members
    #[schema(value_type = Option<Object>)]
    before: Option<Cow<'a, RawValue>>,
    /// The values after
    #[schema(value_type = Option<Object>)]
    after: Option<Cow<'a, RawValue>>,
    /// The hash of the event and of the event before it
    hash: &'a str,
}

impl<'a> AuditLine<'a> {
    /// The event. What should be JSON in it and is not stands there as text: the whole list must not fail for it.
    pub fn of(
        ChainedEvent { event, hash, .. }: &'a ChainedEvent,
    ) -> Result<Self, serde_json::Error> {
        let json = |text: &'a Option<String>| text.as_deref().map(json_or_text).transpose();
        Ok(Self {
            event_id: event.event_id,
            at: event.at,
            actor_type: &event.actor_type,
            actor: &event.actor,
            source: event.source.as_deref(),
            request_id: event.request_id.as_deref(),
            action: &event.action,
            target_type: &event.target_type,
            target: &event.target,
            client_id: event.client_id.as_deref(),
            before: json(&event.before)?,
            after: json(&event.after)?,
            hash,
        })
    }

    /// Events as JSON lines.
    pub fn join(rows: &[ChainedEvent]) -> Result<String, serde_json::Error> {
        let mut text = String::new();
        for row in rows {
            text += &serde_json::to_string(&AuditLine::of(row)?)?;
            text.push('\n');
        }
        Ok(text)
    }
}

fn json_or_text(text: &str) -> Result<Cow<'_, RawValue>, serde_json::Error> {
    match json::from_str::<&RawValue>(text) {
        Ok(json) => Ok(Cow::Borrowed(json)),
        Err(_) => Ok(Cow::Owned(to_raw_value(text)?)),
    }
}
