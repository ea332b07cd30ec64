//! Clients, and changes of them where it does not matter who makes them.

use token_server::app::clients::transfer::apply::{ApplyOptions, ApplyReport, Manifest};
use token_server::app::error::Result;
use token_server::app::{NewClient, NewSecret};
use token_server::domain::{
    ClientChanges, ClientId, ClientRecord, ClientStatus, ExpectedVersion, Metadata, Scope,
    SenderConstraint,
};

use super::{BY, TestApp};

/// The client that [`TestApp::client`] registers.
pub(crate) const CLIENT: &str = "billing";

pub(crate) fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

/// A client with this id, and nothing else.
pub(crate) fn new_client(client_id: &str) -> NewClient {
    NewClient {
        client_id: Some(id(client_id)),
        ..NewClient::default()
    }
}

impl TestApp {
    /// Registers the client [`CLIENT`] with the scopes `read write`; its secret.
    pub(crate) async fn client(&self) -> String {
        self.register(NewClient {
            scopes: Scope::parse("read write").unwrap(),
            metadata: Metadata::parse(r#"{"tenant":"acme"}"#).unwrap(),
            ..new_client(CLIENT)
        })
        .await
    }

    /// Registers a client; its secret.
    pub(crate) async fn register(&self, new: NewClient) -> String {
        let secret = Some(NewSecret::default());
        let registered = self.app.clients.register(BY, new, secret).await;
        registered.unwrap().1.unwrap().plain.expose().clone()
    }

    /// Registers [`CLIENT`] as one whose tokens must be bound to its certificate; its secret.
    pub(crate) async fn certificate_bound_client(&self) -> String {
        self.register(NewClient {
            scopes: Scope::parse("read").unwrap(),
            sender_constraint: SenderConstraint {
                tls_client_certificate_bound_access_tokens: true,
                ..SenderConstraint::default()
            },
            ..new_client(CLIENT)
        })
        .await
    }

    /// Applies a manifest.
    pub(crate) async fn apply(&self, manifest: &str) -> Result<ApplyReport> {
        let manifest = Manifest::parse(manifest.as_bytes(), None)?;
        let options = ApplyOptions::default();
        let clients = &self.app.clients;
        clients.apply(BY, &manifest, options, &mut |_| Ok(())).await
    }

    /// An export of all clients.
    pub(crate) async fn export(&self) -> String {
        let clients = &self.app.clients;
        let mut export = clients.begin_export(BY).await.unwrap();
        let mut file = String::new();
        while let Some(lines) = clients.export(&mut export).await.unwrap() {
            file += &lines;
        }
        file
    }

    pub(crate) async fn find_client(&self, id: &ClientId) -> ClientRecord {
        self.app.clients.find(id).await.unwrap()
    }

    pub(crate) async fn update_client(&self, id: &ClientId, changes: ClientChanges) {
        let any = ExpectedVersion::Any;
        let updated = self.app.clients.update(BY, id, &any, changes).await;
        updated.unwrap();
    }

    pub(crate) async fn set_client_status(&self, id: &ClientId, status: ClientStatus) {
        let set = self.app.clients.set_status(BY, id, status).await;
        set.unwrap();
    }

    pub(crate) async fn delete_client(&self, id: &ClientId) {
        let any = ExpectedVersion::Any;
        self.app.clients.delete(BY, id, &any).await.unwrap();
    }
}
