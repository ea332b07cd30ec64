//! Judges a token by the rules and the keys of one issuer.

use crate::app::issuers::{Issuers, LoadedIssuer};
use crate::jwt::{JudgedRules, PlatformToken, SignatureVerdict};

impl Issuers {
    /// Judges a token. Its signature is looked at last, and only where all else is right, unless every rule is told: so a
    /// token that is refused anyway causes no fetch.
    pub(crate) async fn judge(
        &self,
        issuer: &LoadedIssuer,
        token: &PlatformToken<'_>,
        mut rules: JudgedRules,
    ) -> JudgedRules {
        let own = &self.core.config.token.issuer;
        token.judge_at(&issuer.issuer, own, &mut rules);
        if rules.failure().is_none() || rules.is_complete() {
            self.judge_signature(issuer, token, &mut rules).await;
        }
        rules
    }

    async fn judge_signature(
        &self,
        issuer: &LoadedIssuer,
        token: &PlatformToken<'_>,
        rules: &mut JudgedRules,
    ) {
        let keys = match self.keys(issuer).await {
            Ok(keys) => keys,
            Err(why) => return PlatformToken::add_no_keys(why, rules),
        };
        let verdict = token.judge_signature(&keys.set);
        let may_change = match verdict {
            SignatureVerdict::Good => false,
            SignatureVerdict::Bad => !token.names_its_key(),
            SignatureVerdict::UnknownKey => true,
        };
        if may_change && let Some(newer) = self.newer_keys(issuer, &keys).await {
            return token.add_signature(token.judge_signature(&newer.set), rules);
        }
        token.add_signature(verdict, rules);
    }
}
