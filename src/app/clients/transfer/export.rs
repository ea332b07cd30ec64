//! Writing all clients out, with the hashes of their secrets, piece by piece: they may be more than memory holds.

use std::collections::BTreeSet;

use crate::app::clients::Clients;
use crate::app::clients::transfer::formats::native;
use crate::app::error::{Error, Result};
use crate::domain::{Action, ClientId, NewEvent, Origin, Target};
use crate::store::{ClientsPage, ClientsRead};

/// Clients of one piece.
const BATCH: u32 = 1_000;

/// How far an export is.
#[derive(Clone, Debug, Default)]
pub struct ClientExport {
    after: Option<ClientId>,
    clients: u64,
    damaged: BTreeSet<String>,
    step: Step,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Head,
    Clients,
    Done,
}

impl ClientExport {
    /// Clients that are written.
    pub fn clients(&self) -> u64 {
        self.clients
    }

    /// Clients that could not be written, for they are damaged in the database.
    pub fn damaged(&self) -> impl Iterator<Item = &str> {
        self.damaged.iter().map(String::as_str)
    }
}

impl Clients {
    /// Begins an export. Who does so is written down before anything is out of hand.
    pub async fn begin_export(&self, by: &Origin) -> Result<ClientExport> {
        let event = NewEvent::new(Action::ClientExport, Target::Clients);
        self.audit.record(by, event).await?;
        Ok(ClientExport::default())
    }

    /// The next lines of an export, if there are any: clients by id, each as one consistent picture.
    pub async fn export(&self, export: &mut ClientExport) -> Result<Option<String>> {
        let mut text = match export.step {
            Step::Done => return Ok(None),
            Step::Head => native::head(self.core.now()).map_err(Error::internal)?,
            Step::Clients => String::new(),
        };
        export.step = Step::Clients;
        let page = ClientsPage {
            after: export.after.take(),
            limit: BATCH,
        };
        let ClientsRead { records, damaged } = self.core.store.list_client_records(&page).await?;
        export.damaged.extend(damaged);
        for record in &records {
            text += &native::client(record).map_err(Error::internal)?;
        }
        export.clients += records.len() as u64;
        if records.len() < BATCH as usize {
            text += &native::end(export.clients, &export.damaged).map_err(Error::internal)?;
            export.step = Step::Done;
        }
        let last = records.into_iter().next_back();
        export.after = last.map(|record| record.client.client_id);
        Ok(Some(text))
    }
}
