//! Says of an assertion which rule it satisfies and which not, with what was expected and what came: by the code that judges
//! a login. Nothing is used up, and nothing of the signature is shown.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::authentication::Authentication;
use crate::app::error::Result;
use crate::app::issuers::LoadedIssuer;
use crate::domain::{Client, ClientId, ClientRecord, IdentityRule, IssuerStatus, Replay};
use crate::jwt::{ClientAssertion, JudgedRule, JudgedRules, PlatformToken};

/// Issuers that are named to somebody whose token is of none.
const MAX_NAMED: usize = 20;

/// The result of a login with an assertion.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct AssertionExplanation {
    /// Whether it would authenticate a client, if it is unused and comes from an allowed network
    pub accepted: bool,
    /// The client
    #[schema(value_type = Option<String>)]
    pub client_id: Option<ClientId>,
    /// The rules, in the order of the checks
    pub rules: Vec<ExplainedRule>,
    /// Remarks
    pub remarks: Vec<String>,
}

/// A rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedRule {
    /// The origin of the rule: every token, an issuer, or an identity of a client
    pub about: String,
    /// The rule, and the result
    #[serde(flatten)]
    pub judged: JudgedRule,
}

impl AssertionExplanation {
    /// Adds rules; whether all passed.
    fn add(&mut self, about: &str, rules: impl IntoIterator<Item = JudgedRule>) -> bool {
        let mut passed = true;
        for judged in rules {
            passed &= judged.passed;
            let about = about.to_owned();
            self.rules.push(ExplainedRule { about, judged });
        }
        passed
    }

    fn finish(self, client_id: Option<ClientId>) -> Self {
        Self {
            accepted: client_id.is_some(),
            client_id,
            ..self
        }
    }
}

impl Authentication {
    /// Explains an assertion as `/token` would judge it, with the `client_id` beside it if there is one.
    pub async fn explain_assertion(
        &self,
        assertion: &str,
        client_id: Option<&str>,
    ) -> Result<AssertionExplanation> {
        self.core.require_known_clients()?;
        let mut explaining = AssertionExplanation::default();
        let assertion = assertion.trim();
        let parsed = PlatformToken::parse(assertion);
        let came = parsed.as_ref();
        let came = came.map_or_else(ToString::to_string, |_| "one".to_owned());
        let expected = "a JWT with the claims `sub`, `aud` and `exp`";
        let format = JudgedRule::new("format", expected, came, parsed.is_ok());
        explaining.add("every assertion", [format]);
        let Ok(token) = parsed else {
            return Ok(explaining.finish(None));
        };
        let record = match client_id {
            None => None,
            Some(id) => {
                let record = self.cache.find(id, &self.core).await?;
                let about = format!("client `{id}`");
                explaining.add(&about, [client_rule(record.as_deref())]);
                Some(record)
            }
        };
        if !token.is_of_platform() {
            let own = self.explain_own(explaining, assertion, &token, client_id);
            return own.await;
        }
        let mut rules = JudgedRules::complete();
        token.judge_alone(self.core.now(), &mut rules);
        let alone = explaining.add("every assertion", rules.into_told());
        let verified = self.explain_issuers(&mut explaining, &token).await?;
        let proven = match record {
            Some(record) => {
                record.and_then(|it| explain_client(&mut explaining, &it, &verified, &token))
            }
            None => {
                self.explain_owners(&mut explaining, &verified, &token)
                    .await?
            }
        };
        Ok(explaining.finish(proven.filter(|_| alone)))
    }

    /// The issuers that the token may be of, each with whether it verifies the token.
    async fn explain_issuers(
        &self,
        explaining: &mut AssertionExplanation,
        token: &PlatformToken<'_>,
    ) -> Result<Vec<(Arc<LoadedIssuer>, bool)>> {
        let candidates = self.issuers.candidates(token, false).await?;
        if candidates.is_empty() {
            let came = token.iss().unwrap_or_else(|| token.sub());
            let all = self.issuers.all().await?;
            let named = all.iter().take(MAX_NAMED).map(|it| {
                let is_off = it.issuer.status == IssuerStatus::Disabled;
                let off = if is_off { " (disabled)" } else { "" };
                format!("{}{off}", it.issuer.anchor)
            });
            let named: Vec<String> = named.collect();
            let expected = format!("one of the enabled trusted issuers: {}", named.join(", "));
            let rule = JudgedRule::new("issuer", expected, format!("`{came}`"), false);
            explaining.add("trusted issuers", [rule]);
        }
        let mut judged = Vec::new();
        for issuer in candidates {
            let rules = JudgedRules::complete();
            let rules = self.issuers.judge(&issuer, token, rules).await;
            let about = format!("issuer `{}`", issuer.issuer.name);
            let passed = explaining.add(&about, rules.into_told());
            if issuer.issuer.replay == Replay::Once {
                explaining.remarks.push(format!(
                    "A token of the {about} is valid once; this explanation does not check whether this one was used \
                        before."
                ));
            }
            judged.push((issuer, passed));
        }
        Ok(judged)
    }

    /// Without a `client_id`: the one client that has the identity at the one issuer that verifies the token.
    async fn explain_owners(
        &self,
        explaining: &mut AssertionExplanation,
        verified: &[(Arc<LoadedIssuer>, bool)],
        token: &PlatformToken<'_>,
    ) -> Result<Option<ClientId>> {
        let mut right = verified.iter().filter(|(_, passed)| *passed);
        let (Some((issuer, _)), another) = (right.next(), right.next()) else {
            return Ok(None);
        };
        let about = "a request without client_id";
        if another.is_some() {
            let came = "two, so the request needs a client_id";
            let rule = JudgedRule::new("issuers that verify it", "one", came, false);
            explaining.add(about, [rule]);
            return Ok(None);
        }
        let owners = self.issuers.find_owners(issuer, token).await?;
        let mut matching = Vec::new();
        let only = [(Arc::clone(issuer), true)];
        for id in owners.iter() {
            if let Some(record) = self.cache.get_or_load(id, self.core.database()?).await? {
                let named = explain_client(explaining, &record, &only, token);
                matching.extend(named);
            }
        }
        let came: Vec<String> = matching.iter().map(|id| format!("`{id}`")).collect();
        let came = if came.is_empty() {
            "none".to_owned()
        } else {
            came.join(", ")
        };
        let expected = "exactly one client with an identity of this subject";
        let rule = JudgedRule::new("client", expected, came, matching.len() == 1);
        let is_one = explaining.add(about, [rule]);
        Ok(matching.pop().filter(|_| is_one))
    }

    /// An assertion of the client itself. `claimed`: the `client_id` beside it.
    async fn explain_own(
        &self,
        mut explaining: AssertionExplanation,
        assertion: &str,
        token: &PlatformToken<'_>,
        claimed: Option<&str>,
    ) -> Result<AssertionExplanation> {
        let about = "own assertion";
        let is_claimed = claimed.is_none_or(|claimed| {
            let expected = format!("`{claimed}`, the client_id beside the assertion");
            let (came, is_same) = (format!("`{}`", token.sub()), claimed == token.sub());
            explaining.add(about, [JudgedRule::new("`sub`", expected, came, is_same)])
        });
        let token_endpoint = self.token_endpoint();
        let rules = self.assertion_rules(&token_endpoint);
        let parsed = ClientAssertion::parse(assertion, rules, self.core.now());
        let came = parsed.as_ref();
        let came = came.map_or_else(ToString::to_string, |_| "right".to_owned());
        let rule = JudgedRule::new("header and claims", "right", came, parsed.is_ok());
        explaining.add(about, [rule]);
        let Ok(own) = parsed else {
            return Ok(explaining.finish(None));
        };
        let record = self.cache.find(token.sub(), &self.core).await?;
        explaining.add(about, [client_rule(record.as_deref())]);
        let Some(record) = record else {
            return Ok(explaining.finish(None));
        };
        let judged = self.judge_assertion(&record.client, &own).await;
        let is_good = judged.is_ok();
        let came = judged.map_or_else(Cow::into_owned, |()| "so signed".to_owned());
        let rule = JudgedRule::new("signature", "made with a key of the client", came, is_good);
        explaining.add(about, [rule]);
        let proven = (is_good && is_claimed).then(|| record.client.client_id.clone());
        Ok(explaining.finish(proven))
    }
}

fn client_rule(record: Option<&ClientRecord>) -> JudgedRule {
    let came = match record.map(|it| it.client.may_log_in()) {
        None => "unknown",
        Some(Ok(())) => "enabled",
        Some(Err(_)) => "disabled",
    };
    JudgedRule::new("client", "enabled", came, came == "enabled")
}

/// The rules of the identities of a client at the issuers of a token; its id if one of them, verified, is satisfied.
fn explain_client(
    explaining: &mut AssertionExplanation,
    record: &ClientRecord,
    issuers: &[(Arc<LoadedIssuer>, bool)],
    token: &PlatformToken<'_>,
) -> Option<ClientId> {
    let client: &Client = &record.client;
    let (mut is_proven, mut count) = (false, 0);
    for (issuer, is_verified) in issuers {
        let identities = client.authentication.identities.iter();
        for identity in identities.filter(|it| *it.issuer() == issuer.issuer.name) {
            count += 1;
            let id = &client.client_id;
            let about = format!("identity {count} of `{id}` at `{}`", issuer.issuer.name);
            let rules = identity.judge(token.claims(), &issuer.issuer.anchor);
            let is_satisfied = explaining.add(&about, rules.map(|rule| judged(&rule)));
            is_proven |= is_satisfied && *is_verified;
        }
    }
    if count == 0 && !issuers.is_empty() {
        explain_no_identity(explaining, client);
    }
    if !client.allowed_networks.is_empty() {
        explaining.remarks.push(format!(
            "From other networks than {} the client is refused.",
            client.allowed_networks
        ));
    }
    (is_proven && client.may_log_in().is_ok()).then(|| client.client_id.clone())
}

/// A rule of an identity as rules of tokens are shown.
fn judged(rule: &IdentityRule<'_>) -> JudgedRule {
    let quoted = |value: &str| format!("`{value}`");
    let came = rule.came.as_deref();
    let came = came.map_or_else(|| "absent".to_owned(), quoted);
    JudgedRule::new(rule.claim, quoted(rule.expected), came, rule.passed)
}

fn explain_no_identity(explaining: &mut AssertionExplanation, client: &Client) {
    let identities = client.authentication.identities.iter();
    let names: Vec<&str> = identities.map(|it| it.issuer().as_str()).collect();
    let came = if names.is_empty() {
        "none".to_owned()
    } else {
        format!("at {}", names.join(", "))
    };
    let rule = JudgedRule::new("identity", "one at an issuer of the token", came, false);
    explaining.add(&format!("client `{}`", client.client_id), [rule]);
}
