//! Owns the bodies of requests about a client, and the schemas of those and of the answers. What a client is in a
//! document is described in `app`; here stands what each request may say of it.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::app::clients::spec::{ClientSpec, schema};
use crate::app::error::{Error, Result};
use crate::app::{App, NewClient, NewSecret};
use crate::base::secret::Secret;
use crate::domain::ClientChanges;

/// A body with the fields of a client, which is new or is changed. It has these members and no others, so that nothing can
/// be set by the way.
pub(in crate::http::admin_api) struct ClientBody<const IS_NEW: bool>(ClientSpec);

pub(in crate::http::admin_api) type NewClientBody = ClientBody<true>;
pub(in crate::http::admin_api) type ClientChangesBody = ClientBody<false>;

impl<const IS_NEW: bool> ClientBody<IS_NEW> {
    /// The members beside the fields.
    const OWN: &[&str] = if IS_NEW {
        &["client_id", "client_secret", "client_secret_expires_at"]
    } else {
        &[]
    };
}

impl<'de, const IS_NEW: bool> Deserialize<'de> for ClientBody<IS_NEW> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        schema::read_strictly(deserializer, Self::OWN).map(Self)
    }
}

impl<const IS_NEW: bool> PartialSchema for ClientBody<IS_NEW> {
    fn schema() -> RefOr<Schema> {
        Schema::Object(schema::members(Self::OWN)).into()
    }
}

impl<const IS_NEW: bool> ToSchema for ClientBody<IS_NEW> {
    fn name() -> Cow<'static, str> {
        if IS_NEW { "NewClient" } else { "ClientChanges" }.into()
    }
}

impl NewClientBody {
    /// The client, and its first secret if it may log in with one.
    pub(in crate::http::admin_api) fn read(
        self,
        app: &App,
    ) -> Result<(NewClient, Option<NewSecret>)> {
        let mut spec = self.0;
        let chosen = spec.client_secret.take().map(Secret::new);
        let expires_at = spec.client_secret_expires_at.take();
        let new = NewClient::new(spec.client_id.take(), spec.changes()?);
        let secret = app.clients.first_secret(&new, chosen, expires_at)?;
        Ok((new, secret))
    }
}

impl ClientChangesBody {
    pub(in crate::http::admin_api) fn read(mut self) -> Result<ClientChanges> {
        let changes = self.0.changes()?;
        if changes.are_empty() {
            return Err(Error::invalid_request("give at least one change"));
        }
        Ok(changes)
    }
}

/// The schema of a registered client, which `Client` itself serializes to.
pub(in crate::http::admin_api) struct ClientAnswer;

impl PartialSchema for ClientAnswer {
    fn schema() -> RefOr<Schema> {
        Schema::Object(schema::client()).into()
    }
}

impl ToSchema for ClientAnswer {
    fn name() -> Cow<'static, str> {
        "Client".into()
    }
}
