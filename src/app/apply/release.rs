//! Taking a client out of the hands of the file that keeps it.

use crate::app::App;
use crate::app::error::Result;
use crate::domain::{Client, ClientId, Origin};

impl App {
    /// Lets no file keep this client any more, so that it can be changed by hand; the client as it is then. A file that
    /// still has it takes it over again when it is applied.
    pub async fn release_client(&self, by: &Origin, id: &ClientId) -> Result<Client> {
        let stamp = by.at(self.clock.now());
        let done = self.store.release_client(id, stamp).await?;
        self.changed(id, done)?;
        Ok(self.find_client(id).await?.client)
    }
}
