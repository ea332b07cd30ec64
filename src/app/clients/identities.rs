//! Adding an identity to a client and removing one: the list that is there is changed, and no other.

use crate::app::clients::Clients;
use crate::app::error::{Error, Result};
use crate::domain::{
    Client, ClientChanges, ClientId, ClientIdentity, ClientVersion, ExpectedVersion, Identities,
    Origin,
};

impl Clients {
    /// Lets tokens that an identity asks for be the client. A second time nothing changes.
    pub async fn add_identity(
        &self,
        by: &Origin,
        id: &ClientId,
        identity: ClientIdentity,
    ) -> Result<Client> {
        let client = self.find(id).await?.client;
        let there = client.authentication.identities.iter().cloned();
        let list = there.chain([identity]).collect();
        self.write_identities(by, &client, list).await
    }

    /// Removes an identity of a client.
    pub async fn remove_identity(
        &self,
        by: &Origin,
        id: &ClientId,
        identity: &ClientIdentity,
    ) -> Result<Client> {
        let client = self.find(id).await?.client;
        let there = client.authentication.identities.iter();
        let list: Vec<_> = there.filter(|it| *it != identity).cloned().collect();
        if list.len() == client.authentication.identities.len() {
            return Err(Error::not_found(format_args!(
                "identity `{identity}` of `{id}`"
            )));
        }
        self.write_identities(by, &client, list).await
    }

    async fn write_identities(
        &self,
        by: &Origin,
        client: &Client,
        list: Vec<ClientIdentity>,
    ) -> Result<Client> {
        let mut changes = ClientChanges::default();
        changes.authentication.identities = Some(Identities::new(list)?);
        let expected = ExpectedVersion::OneOf(vec![ClientVersion::from(client)]);
        self.update(by, &client.client_id, &expected, changes).await
    }
}
