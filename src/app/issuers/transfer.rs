//! Trusted issuers as one document: written out here, and read in here or at another server.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::app::error::{Error, Result};
use crate::app::issuers::Issuers;
use crate::app::issuers::crud::without_times;
use crate::base::clock::UnixTime;
use crate::domain::{IssuerName, IssuerSpec, MAX_ISSUERS, Origin, TrustedIssuer, word_enum};

/// The only version of the document.
const VERSION: u32 = 1;

/// All issuers of a server. It holds no secret: files are named by their paths.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IssuersDocument {
    /// 1.
    pub version: u32,
    /// Each as it is added; an issuer that is there already becomes what is said here.
    pub issuers: Vec<IssuerSpec>,
}

word_enum! {
    /// What an import does with an issuer.
    pub enum IssuerStep, "a step" {
        /// It is added.
        Add = "add",
        /// It is changed.
        Change = "change",
        /// It is as the document says already.
        Unchanged = "unchanged",
    }
}

/// An issuer of a document, and what becomes of it.
#[derive(Clone, Debug, Serialize)]
pub struct ImportedIssuer {
    /// The issuer.
    pub name: IssuerName,
    /// What is done.
    pub step: IssuerStep,
}

/// An issuer of a document beside the one of its name that is there.
#[derive(Clone, Debug)]
pub(crate) struct PlannedIssuer {
    pub(crate) before: Option<TrustedIssuer>,
    pub(crate) after: TrustedIssuer,
}

impl PlannedIssuer {
    pub(crate) fn step(&self) -> IssuerStep {
        match &self.before {
            None => IssuerStep::Add,
            Some(before) if *before == self.after => IssuerStep::Unchanged,
            Some(_) => IssuerStep::Change,
        }
    }
}

impl Issuers {
    /// All issuers, without when they were written.
    pub async fn export(&self) -> Result<IssuersDocument> {
        let issuers = self.core.store.list_issuers().await?;
        let spec = |issuer: &TrustedIssuer| without_times(IssuerSpec::from(issuer));
        Ok(IssuersDocument {
            version: VERSION,
            issuers: issuers.iter().map(spec).collect(),
        })
    }

    /// Adds and changes issuers as a document says; those that it does not name stay. A member that is left out is as for a
    /// new issuer, but for the status of one that is there. Nothing is written unless all of the document is good;
    /// each issuer is written by itself, with the rights of any write.
    pub async fn import(
        &self,
        by: &Origin,
        document: IssuersDocument,
        dry_run: bool,
    ) -> Result<Vec<ImportedIssuer>> {
        if document.version != VERSION {
            return Err(Error::invalid_request(format!(
                "the document has the unknown version {}; this server reads version {VERSION}",
                document.version
            )));
        }
        let mut imported = Vec::new();
        for it in self.plan(by, document.issuers).await? {
            let (name, step) = (it.after.name.clone(), it.step());
            if !dry_run {
                self.write_planned(by, it).await?;
            }
            imported.push(ImportedIssuer { name, step });
        }
        Ok(imported)
    }

    /// What would come of issuers that a document describes. Refuses what the writes of them would refuse, as far as that can
    /// be known before. Writes nothing.
    pub(crate) async fn plan(
        &self,
        by: &Origin,
        specs: Vec<IssuerSpec>,
    ) -> Result<Vec<PlannedIssuer>> {
        if specs.is_empty() {
            return Ok(Vec::new());
        }
        let there = self.core.store.list_issuers().await?;
        let now = self.core.now();
        let mut names = BTreeSet::new();
        let mut planned = Vec::new();
        for spec in specs {
            let one = self.plan_one(spec, now).await?;
            if !names.insert(one.after.name.clone()) {
                return Err(Error::invalid_request(format!(
                    "the document has the issuer `{}` twice",
                    one.after.name
                )));
            }
            if one.step() != IssuerStep::Unchanged {
                let (before, store) = (one.before.as_ref(), &self.core.store);
                store.check_issuer(before, &one.after, by).await?;
            }
            planned.push(one);
        }
        let new = planned.iter().filter(|it| it.before.is_none()).count();
        if there.len() + new > MAX_ISSUERS {
            return Err(Error::invalid_request(format!(
                "the document has {new} new issuers, and there are {} already: the limit is {MAX_ISSUERS}",
                there.len()
            )));
        }
        Ok(planned)
    }

    async fn plan_one(&self, spec: IssuerSpec, now: UnixTime) -> Result<PlannedIssuer> {
        let says_status = spec.status.is_some();
        let about = spec.name.clone();
        let built = without_times(spec).build(now).map_err(|error| {
            let name = about.as_ref().map_or("(no name)", IssuerName::as_str);
            Error::invalid_request(format!("the issuer `{name}`: {error}"))
        });
        let mut after = built?;
        self.refuse_this_server(&after)?;
        let before = self.core.store.find_issuer(&after.name).await?;
        if let Some(before) = &before {
            if before.anchor != after.anchor {
                return Err(Error::conflict(format!(
                    "the issuer `{}` exists already for {}, and the document has it for {}",
                    before.name, before.anchor, after.anchor
                )));
            }
            (after.created_at, after.updated_at) = (before.created_at, before.updated_at);
            if !says_status {
                after.status = before.status;
            }
        }
        Ok(PlannedIssuer { before, after })
    }

    /// Writes what was planned, unless somebody else has changed the issuer meanwhile.
    pub(crate) async fn write_planned(&self, by: &Origin, planned: PlannedIssuer) -> Result<()> {
        match (planned.step(), planned.before) {
            (IssuerStep::Change, Some(before)) => {
                self.replace(by, &before, planned.after).await.map(drop)
            }
            (IssuerStep::Add, _) => self.insert(by, planned.after).await.map(drop),
            (_, _) => Ok(()),
        }
    }
}
