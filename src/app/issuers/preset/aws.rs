//! A principal of AWS IAM, by outbound identity federation (`sts:GetWebIdentityToken`).

use serde_json::{Value, json};

use crate::app::error::{Error, Result};
use crate::app::issuers::paste;
use crate::app::issuers::preset::Preset;
use crate::domain::{ClientId, IssuerUrl};

/// Who asked for the token, below the claim `https://sts.amazonaws.com/`. The `sub` may be somebody on whose behalf it asked.
const PRINCIPAL: &str = "/https:~1~1sts.amazonaws.com~1/principal_id";

/// A role or user of AWS IAM.
#[derive(Clone, Debug)]
pub struct Aws {
    /// The issuer of its account: every account has one of its own.
    pub issuer: IssuerUrl,
    /// Its ARN.
    pub principal: String,
}

impl Preset for Aws {
    fn name(&self) -> &'static str {
        "aws"
    }

    /// A session of a role has another ARN each time; the token names the role.
    fn check(&self) -> Result<()> {
        let parts: Vec<&str> = self.principal.splitn(6, ':').collect();
        let is_good = match parts.as_slice() {
            ["arn", partition, "iam", "", account, name] => {
                let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
                let is_named = name.starts_with("role/") || name.starts_with("user/");
                partition.starts_with("aws") && is_account && is_named
            }
            _ => false,
        };
        if is_good {
            return Ok(());
        }
        Err(Error::invalid_request(format!(
            "`{}` is not the ARN of a role or user, such as arn:aws:iam::123456789012:role/billing",
            self.principal
        )))
    }

    fn issuer(&self) -> Value {
        json!({"issuer": self.issuer.as_str(), "replay": "once"})
    }

    fn subject(&self) -> Option<String> {
        Some(self.principal.clone())
    }

    fn claims(&self) -> Vec<(&'static str, String)> {
        vec![(PRINCIPAL, self.principal.clone())]
    }

    fn instructions(&self, issuer: &str, client_id: &ClientId) -> String {
        paste::aws(issuer, client_id)
    }
}
