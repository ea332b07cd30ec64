//! Owns the bodies of requests about a client, and the schemas of those and of the answers. What a client is in a
//! document is described in `app`; here stands what each request may say of it.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::app::clients::spec::{ClientSpec, schema};
use crate::app::error::{Error, Result};
use crate::app::{App, NewClient, NewSecret};
use crate::base::secret::Secret;
use crate::domain::ClientChanges;

/// A body with the fields of a client. It has these members and no others, so that nothing can be set by the way.
pub(in crate::http::admin_api) struct ClientBody<K>(ClientSpec, PhantomData<K>);

/// What tells one kind of body from another.
pub(in crate::http::admin_api) trait BodyKind {
    /// The name of the schema.
    const NAME: &str;
    /// The members beside the fields.
    const OWN: &[&str];
}

/// A client to be registered.
pub(in crate::http::admin_api) struct New;

impl BodyKind for New {
    const NAME: &str = "NewClient";
    const OWN: &[&str] = &["client_id", "client_secret", "client_secret_expires_at"];
}

/// A change of a client.
pub(in crate::http::admin_api) struct Changes;

impl BodyKind for Changes {
    const NAME: &str = "ClientChanges";
    const OWN: &[&str] = &[];
}

pub(in crate::http::admin_api) type NewClientBody = ClientBody<New>;
pub(in crate::http::admin_api) type ClientChangesBody = ClientBody<Changes>;

impl<'de, K: BodyKind> Deserialize<'de> for ClientBody<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spec = schema::read_strictly(deserializer, K::OWN)?;
        Ok(Self(spec, PhantomData))
    }
}

impl<K: BodyKind> PartialSchema for ClientBody<K> {
    fn schema() -> RefOr<Schema> {
        Schema::Object(schema::members(K::OWN)).into()
    }
}

impl<K: BodyKind> ToSchema for ClientBody<K> {
    fn name() -> Cow<'static, str> {
        K::NAME.into()
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
    /// What to change.
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
