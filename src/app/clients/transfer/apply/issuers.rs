//! Owns what becomes of the trusted issuers of a file: they are planned with its clients, and written before them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::clients::Clients;
use crate::app::clients::diff::{FieldChange, diff};
use crate::app::clients::transfer::apply::{
    ApplyListener, ApplyNews, ApplyOptions, ApplyStep, Manifest,
};
use crate::app::error::{Error, Result};
use crate::app::issuers::{IssuerStep, PlannedIssuer};
use crate::domain::{ADMIN_ISSUERS_SCOPE, ErrorCode, IssuerName, Origin};

/// A trusted issuer in the result of an apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppliedIssuer {
    /// The issuer.
    #[schema(value_type = String)]
    pub name: IssuerName,
    /// The result: `create`, `change` or `unchanged`.
    pub step: ApplyStep,
    /// The changed members.
    pub changes: Vec<FieldChange>,
}

impl From<&PlannedIssuer> for AppliedIssuer {
    fn from(planned: &PlannedIssuer) -> Self {
        let before = planned.before.as_ref();
        Self {
            name: planned.after.name.clone(),
            step: match planned.step() {
                IssuerStep::Add => ApplyStep::Create,
                IssuerStep::Change => ApplyStep::Change,
                IssuerStep::Unchanged => ApplyStep::Unchanged,
            },
            changes: before.map_or_else(Vec::new, |before| diff(before, &planned.after)),
        }
    }
}

/// How many issuers each step is for, for people; `None`: there are no issuers.
pub(super) fn summary(issuers: &[AppliedIssuer]) -> Option<String> {
    let count = |step| issuers.iter().filter(|it| it.step == step).count();
    let [created, changed, unchanged] =
        [ApplyStep::Create, ApplyStep::Change, ApplyStep::Unchanged].map(count);
    let text = || format!("{created} created, {changed} changed, {unchanged} unchanged");
    (!issuers.is_empty()).then(text)
}

impl Clients {
    pub(super) async fn plan_issuers(
        &self,
        by: &Origin,
        manifest: &Manifest,
        options: ApplyOptions,
    ) -> Result<Vec<PlannedIssuer>> {
        if !manifest.issuers.is_empty() && !options.may_write_issuers {
            return Err(Error::new(
                ErrorCode::AccessDenied,
                format!(
                    "the file has trusted issuers: to apply it, a token also needs the scope {ADMIN_ISSUERS_SCOPE}"
                ),
            ));
        }
        self.issuers.plan(by, manifest.issuers.clone()).await
    }

    pub(super) async fn carry_out_issuers(
        &self,
        by: &Origin,
        planned: Vec<PlannedIssuer>,
        options: ApplyOptions,
        tell: &mut ApplyListener<'_>,
    ) -> Result<Vec<AppliedIssuer>> {
        let mut issuers = Vec::with_capacity(planned.len());
        for it in planned {
            let applied = AppliedIssuer::from(&it);
            if !options.dry_run {
                self.issuers.write_planned(by, it).await?;
                tell(ApplyNews::IssuerDone(&applied))?;
            }
            issuers.push(applied);
        }
        Ok(issuers)
    }
}
