//! Judges a token by the rules and the keys of one issuer.

use crate::app::issuers::{Issuers, LoadedIssuer};
use crate::jwt::{JudgedRule, PlatformToken, SignatureVerdict};

/// The rules of an issuer, and what came of each.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) rules: Vec<JudgedRule>,
}

impl Judgement {
    /// The first rule that the token does not satisfy.
    pub(crate) fn failure(&self) -> Option<&JudgedRule> {
        self.rules.iter().find(|rule| !rule.passed)
    }
}

impl Issuers {
    /// Judges a token. Its signature is looked at last, and only where all else is right, unless `every_rule` is asked for: so
    /// a token that is refused anyway causes no fetch.
    pub(crate) async fn judge(
        &self,
        issuer: &LoadedIssuer,
        token: &PlatformToken<'_>,
        every_rule: bool,
    ) -> Judgement {
        let own = &self.core.config.token.issuer;
        let rules = token.judge_at(&issuer.issuer, own);
        let mut judgement = Judgement { rules };
        if judgement.failure().is_none() || every_rule {
            let rule = self.judge_signature(issuer, token).await;
            judgement.rules.push(rule);
        }
        judgement
    }

    async fn judge_signature(
        &self,
        issuer: &LoadedIssuer,
        token: &PlatformToken<'_>,
    ) -> JudgedRule {
        let keys = match self.keys(issuer).await {
            Ok(keys) => keys,
            Err(why) => {
                return JudgedRule::new("signature", "made with a key of the issuer", why, false);
            }
        };
        let verdict = token.judge_signature(&keys.set);
        let may_change = match verdict {
            SignatureVerdict::Good => false,
            SignatureVerdict::Bad => !token.names_its_key(),
            SignatureVerdict::UnknownKey => true,
        };
        if may_change && let Some(newer) = self.newer_keys(issuer, &keys).await {
            return token.signature_rule(token.judge_signature(&newer.set));
        }
        token.signature_rule(verdict)
    }
}
