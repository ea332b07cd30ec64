//! Importing clients from a file: the use case. What formats there are, and how each is read, is the business of the
//! files beside this.

mod examine;
pub(in crate::app) mod report;

use futures_util::{StreamExt, TryStreamExt, stream};

pub use crate::app::clients::transfer::formats::file::{ImportFile, ImportFileError};
pub use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, RefusedRow, Row,
};
pub use crate::app::clients::transfer::formats::source::ImportSource;
pub use crate::app::clients::transfer::secrets::{FileSecrets, SecretRules};
pub use report::{
    ImportFormat, ImportLine, ImportNews, ImportOptions, ImportOutcome, ImportReport, MAX_PLAIN,
    OnConflict,
};

use crate::app::clients::Clients;
use crate::app::error::{Error, Result};
use crate::base::redact::redact_string;
use crate::domain::{
    Action, ClientRecord, ClientSecret, ErrorCode, Origin, SecretId, SecretOrigin,
};
use crate::store::{ClientWrite, ClientWritten, IfTaken, StoreError, WriteActions, WrittenClients};
use examine::{Examined, Planned, Seen};

/// Clients that are written in one transaction: of a file with no more all are, or none.
const BATCH: usize = 10_000;

/// Bad rows that are held until it is known that nothing is imported; beyond it they are counted only.
const HELD: usize = 10_000;

/// Who hears how an import goes.
pub type ImportListener<'a> = dyn FnMut(ImportNews<'_>) + Send + 'a;

impl Clients {
    /// Writes the clients of a file, [`BATCH`] of them in each transaction. With a bad row nothing is written, unless
    /// told to keep going: so the file is read twice, and what is wrong is found before anything is done.
    pub async fn import(
        &self,
        by: &Origin,
        source: &ImportSource,
        options: ImportOptions,
        tell: &mut ImportListener<'_>,
    ) -> Result<ImportReport> {
        let mut total = None;
        if options.dry_run || !options.keep_going || options.max_plain.is_some() {
            let mut held = Vec::new();
            let mut report = self
                .walk(
                    by,
                    source,
                    options,
                    Purpose::Check,
                    &mut |news| match &news {
                        ImportNews::Line(line) if !options.dry_run => {
                            if line.is_bad() && held.len() < HELD {
                                held.push((*line).clone());
                            }
                        }
                        ImportNews::Progress(..) if !options.dry_run => {}
                        ImportNews::Line(_) | ImportNews::Progress(..) => tell(news),
                    },
                )
                .await?;
            report.refused = report.bad > 0 && !options.keep_going;
            if options.dry_run {
                return Ok(report);
            }
            if report.refused {
                for line in &held {
                    tell(ImportNews::Line(line));
                }
                (report.imported, report.replaced) = (0, 0);
                return Ok(report);
            }
            total = Some(report.rows());
        }
        self.walk(by, source, options, Purpose::Write(total), tell)
            .await
    }

    /// Goes through the file once.
    async fn walk(
        &self,
        by: &Origin,
        source: &ImportSource,
        options: ImportOptions,
        purpose: Purpose,
        tell: &mut ImportListener<'_>,
    ) -> Result<ImportReport> {
        let rules = SecretRules::new(&self.core.config, options.secrets);
        let mut rows = source.rows(&rules).map_err(|error| unreadable(&error))?;
        let mut report = ImportReport::new(rows.format, options.dry_run);
        // Without a line of names the first client stands in its place.
        let ignored = std::mem::take(&mut rows.ignored).into_iter();
        report.ignored = ignored.map(redact_string).collect();
        let (mut seen, mut done, mut plain) = (Seen::default(), 0, 0);
        loop {
            let batch = rows.take(BATCH).map_err(|error| unreadable(&error))?;
            if batch.is_empty() {
                return Ok(report);
            }
            let size = batch.len() as u64;
            let examined = self
                .examine_import(by, batch, options.on_conflict, &mut seen)
                .await?;
            report.denied += examined.iter().filter(|it| it.is_denied).count() as u64;
            let lines = match purpose {
                Purpose::Check => {
                    plain += examined.iter().map(Examined::count_plain).sum::<u64>();
                    check_plain(plain, options.max_plain)?;
                    examined.into_iter().map(|it| it.line).collect()
                }
                Purpose::Write(total) => {
                    let mut progress = |more| tell(ImportNews::Progress(done + more, total));
                    self.write_import(by, examined, &mut progress).await?
                }
            };
            for line in &lines {
                report.count(line);
                tell(ImportNews::Line(line));
            }
            done += size;
            tell(ImportNews::Progress(done, None));
        }
    }

    /// Hashes what is in clear, and writes; the lines as they came out.
    async fn write_import(
        &self,
        by: &Origin,
        examined: Vec<Examined>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<ImportLine>> {
        let (mut lines, mut places, mut planned) = (Vec::new(), Vec::new(), Vec::new());
        for (place, one) in examined.into_iter().enumerate() {
            lines.push(one.line);
            if let Some(plan) = one.planned {
                places.push(place);
                planned.push(plan);
            }
        }
        let threads = self.core.config.authentication.hashing_threads;
        let mut ready = stream::iter(planned)
            .map(|plan| self.prepare_import(plan))
            .buffered(threads);
        let mut writes = Vec::with_capacity(places.len());
        while let Some(write) = ready.try_next().await? {
            writes.push(write);
            progress((lines.len() - places.len() + writes.len()) as u64);
        }
        drop(ready);
        let actions = WriteActions {
            insert: Action::ClientImport,
            replace: Action::ClientImport,
        };
        let written = self.write_whole_clients(by, &writes, actions).await?;
        for (place, outcome) in places.into_iter().zip(written) {
            let line = &mut lines[place];
            match outcome {
                ClientWritten::Inserted | ClientWritten::Replaced => {}
                ClientWritten::Unchanged => line.outcome = ImportOutcome::Unchanged,
                // Somebody else was quicker.
                ClientWritten::Left => line.outcome = ImportOutcome::Existing,
                ClientWritten::OtherVersion => {
                    let reason = "somebody changed or removed it meanwhile".to_owned();
                    line.outcome = ImportOutcome::Bad { reason };
                }
            }
        }
        Ok(lines)
    }

    /// Writes clients whole, and has memory know of it.
    pub(in crate::app) async fn write_whole_clients(
        &self,
        by: &Origin,
        writes: &[ClientWrite],
        actions: WriteActions,
    ) -> Result<Vec<ClientWritten>> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let stamp = self.core.stamp(by);
        let written =
            self.core
                .store
                .write_clients(writes, actions, self.tokens.last_issue().await?, stamp);
        let WrittenClients {
            outcomes,
            revocations,
        } = match written.await {
            Err(StoreError::Conflict) => {
                let why = "a secret of the file was given to another client meanwhile";
                return Err(Error::conflict(why));
            }
            written => written?,
        };
        for revocation in &revocations {
            self.tokens.revocations.insert(revocation);
        }
        for write in writes {
            self.cache.forget(&write.record.client.client_id);
        }
        Ok(outcomes)
    }

    async fn prepare_import(&self, planned: Planned) -> Result<ClientWrite> {
        let Planned {
            client,
            secrets: planned,
            before,
            expected,
        } = planned;
        let known = before.as_ref().map_or(&[][..], |it| &it.secrets);
        let mut secrets = Vec::with_capacity(planned.len());
        for secret in planned {
            let (secret_hash, expires_at) = match secret {
                ImportedSecret::Kept(secret) => {
                    secrets.push(secret);
                    continue;
                }
                ImportedSecret::Plain(secret, end) => {
                    let hashed = self.secrets.hash(secret.plain(), SecretOrigin::Chosen);
                    (hashed.await?, end)
                }
                ImportedSecret::Hash(hash, end) => (hash, end),
            };
            let same = known.iter().find(|it| it.secret_hash == secret_hash);
            secrets.push(ClientSecret {
                secret_id: same.map_or_else(SecretId::random, |it| it.secret_id.clone()),
                origin: SecretOrigin::Chosen,
                secret_hash,
                hint: String::new(),
                created_at: same.map_or(client.updated_at, |it| it.created_at),
                expires_at,
                unused_for: same.and_then(|it| it.unused_for),
            });
        }
        Ok(ClientWrite {
            record: ClientRecord { client, secrets },
            if_taken: match before {
                None => IfTaken::Leave,
                Some(_) => IfTaken::Replace(expected),
            },
        })
    }
}

/// Why a file is gone through.
#[derive(Clone, Copy)]
enum Purpose {
    Check,
    /// With so many rows, if that is known.
    Write(Option<u64>),
}

impl Examined {
    fn count_plain(&self) -> u64 {
        let planned = self.planned.iter();
        let secrets = planned.flat_map(|plan| &plan.secrets);
        secrets
            .filter(|secret| matches!(secret, ImportedSecret::Plain(..)))
            .count() as u64
    }
}

fn check_plain(count: u64, most: Option<u64>) -> Result<()> {
    match most {
        Some(most) if count > most => Err(Error::invalid_request(format!(
            "the file has more than {most} secrets in clear, which take long to hash: import it by `token-server \
             client import`"
        ))),
        Some(_) | None => Ok(()),
    }
}

fn unreadable(error: &ImportFileError) -> Error {
    Error::new(ErrorCode::InvalidRequest, error.to_string())
}
