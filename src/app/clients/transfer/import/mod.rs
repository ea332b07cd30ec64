//! Importing clients from a file: the use case. What formats there are, and how each is read, is the business of
//! `formats`; what would come of a row, of `plan`.

mod report;

pub use crate::app::clients::transfer::formats::file::ImportFile;
pub use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, RefusedRow, Row,
};
pub use crate::app::clients::transfer::formats::source::ImportSource;
pub use crate::app::clients::transfer::formats::widening::{Narrowing, Widening};
pub use crate::app::clients::transfer::secrets::{FileSecrets, SecretRules};
pub use report::{
    ImportFormat, ImportLine, ImportNews, ImportOptions, ImportOutcome, ImportReport, MAX_PLAIN,
    OnConflict,
};

use crate::app::clients::Clients;
use crate::app::clients::transfer::plan::{PlanOptions, Planned, Seen};
use crate::app::error::{Error, Result};
use crate::base::redact::redact_string;
use crate::domain::{Action, Origin};
use crate::store::{ClientWritten, WriteActions};

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
        if options.dry_run {
            return self.walk(by, source, options, Purpose::Check, tell).await;
        }
        let mut total = None;
        if !options.keep_going || options.max_plain.is_some() {
            let mut held = Vec::new();
            let mut keep_bad = |news: ImportNews<'_>| match news {
                ImportNews::Line(line) if line.is_bad() && held.len() < HELD => {
                    held.push(line.clone());
                }
                ImportNews::Line(_) | ImportNews::Progress(..) => {}
            };
            let checked = self.walk(by, source, options, Purpose::Check, &mut keep_bad);
            let mut report = checked.await?;
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
        let mut rows = source.rows(&rules)?;
        let mut report = ImportReport::new(rows.format, options.dry_run);
        // Without a line of names the first client stands in its place.
        let ignored = std::mem::take(&mut rows.ignored).into_iter();
        report.ignored = ignored.map(redact_string).collect();
        let plan_options = PlanOptions {
            on_conflict: options.on_conflict,
            vouches_for_secrets: options.secrets.generated,
            ..PlanOptions::default()
        };
        let (mut seen, mut done, mut plain) = (Seen::default(), 0, 0);
        loop {
            let mut batch = rows.take(BATCH)?;
            if batch.is_empty() {
                let is_check = matches!(purpose, Purpose::Check);
                report.refused = is_check && report.bad > 0 && !options.keep_going;
                return Ok(report);
            }
            let size = batch.len() as u64;
            for client in batch.iter_mut().flat_map(|(_, row)| row) {
                options.narrowing.apply(client);
            }
            let planned = self.plan(by, batch, plan_options, Some(&mut seen)).await?;
            let lines = match purpose {
                Purpose::Check => {
                    plain += planned.iter().map(count_plain).sum::<u64>();
                    check_plain(plain, options.max_plain)?;
                    planned.into_iter().map(|(line, _)| line).collect()
                }
                Purpose::Write(total) => {
                    let mut progress = |more| tell(ImportNews::Progress(done + more, total));
                    self.write_import(by, planned, &mut progress).await?
                }
            };
            for (row, mut line) in (done + 1..).zip(lines) {
                line.row = row;
                let line = &line;
                report.count(line);
                tell(ImportNews::Line(line));
            }
            done += size;
            tell(ImportNews::Progress(done, None));
        }
    }

    /// Writes what is to be; the lines as they came out.
    async fn write_import(
        &self,
        by: &Origin,
        planned: Vec<Planned>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<ImportLine>> {
        let (mut lines, mut places, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for (place, (line, write)) in planned.into_iter().enumerate() {
            lines.push(line);
            if let Some(write) = write {
                places.push(place);
                writes.push(*write);
            }
        }
        let others = lines.len() - places.len();
        let actions = WriteActions {
            insert: Action::ClientImport,
            replace: Action::ClientImport,
        };
        let progress = |hashed| progress((others + hashed) as u64);
        let written = self.write_planned(by, writes, actions, progress).await?;
        for (place, outcome) in places.into_iter().zip(written) {
            let (outcome, reason) = match outcome {
                ClientWritten::Inserted | ClientWritten::Replaced => continue,
                ClientWritten::Unchanged => (ImportOutcome::Unchanged, None),
                // Somebody else was quicker.
                ClientWritten::Left => (ImportOutcome::Existing, None),
                ClientWritten::OtherVersion => {
                    let reason = "meanwhile somebody changed or removed it".to_owned();
                    (ImportOutcome::Bad, Some(reason))
                }
            };
            let line = &mut lines[place];
            (line.outcome, line.reason, line.fields) = (outcome, reason, None);
        }
        Ok(lines)
    }
}

/// Why a file is gone through.
#[derive(Clone, Copy)]
enum Purpose {
    Check,
    /// With so many rows, if that is known.
    Write(Option<u64>),
}

fn count_plain((_, write): &Planned) -> u64 {
    let secrets = write.iter().flat_map(|it| &it.secrets);
    secrets
        .filter(|it| matches!(it, ImportedSecret::Plain(..)))
        .count() as u64
}

fn check_plain(count: u64, most: Option<u64>) -> Result<()> {
    match most {
        Some(most) if count > most => Err(Error::invalid_request(format!(
            "the file has more than {most} plain secrets, which take long to hash: import it with `token-server \
                client import`"
        ))),
        Some(_) | None => Ok(()),
    }
}
