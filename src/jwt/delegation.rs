//! Owns the claims of a token that came from another one by token exchange (RFC 8693): the tokens that it ends with, and
//! who acts for its subject. What is not as we write it does not parse, since ignoring it would be to forget a condition.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::domain::{ClientId, Generation, ParseError, TokenId};
use crate::jwt::{AccessTokenClaims, SignedClaims};

/// The most tokens between a token and the first one that it came from, and the most actors in `act`.
const MAX_DEPTH: usize = 5;

/// The tokens that a token came from, the oldest first: 1 to 5. To revoke one of them revokes the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Vec<RootToken>")]
#[schema(min_items = 1, max_items = 5)]
pub struct Roots(Vec<RootToken>);

/// An ancestor of a token, with the values by which it can be revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RootToken {
    /// Its name.
    pub jti: TokenId,
    /// The client that it was issued to.
    pub client: ClientId,
    /// Its generation.
    #[serde(rename = "gen")]
    pub generation: Generation,
}

/// The actor for the subject of a token (RFC 8693 §4.1), with the earlier actors nested, 5 at most. For people and logs; no
/// decision depends on nested actors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActClaim {
    /// The client that acts.
    pub sub: ClientId,
    /// The earlier actor.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, no_recursion)]
    pub act: Option<Box<ActClaim>>,
}

/// What a token takes over from the one that it is exchanged for.
#[derive(Clone, Debug)]
pub struct Delegation {
    /// The subject token.
    pub subject: Arc<SignedClaims>,
    /// What the new token ends with.
    pub roots: Roots,
    /// Who acts with the new token.
    pub act: ActClaim,
}

impl Delegation {
    /// What the token of `requester` for `subject` takes over. `None`: there are 5 tokens before `subject` already.
    pub fn new(subject: Arc<SignedClaims>, requester: &ClientId) -> Option<Self> {
        let claims = &subject.claims;
        let act = ActClaim {
            sub: requester.clone(),
            act: claims.act.clone().map(Box::new),
        };
        let roots = Roots::of_descendant(claims)?;
        (act.depth() <= MAX_DEPTH).then_some(Self {
            subject,
            roots,
            act,
        })
    }
}

impl Roots {
    /// The roots of a token that comes from the one of `claims`: its own, and then itself.
    fn of_descendant(claims: &AccessTokenClaims<'_>) -> Option<Self> {
        let before = claims.roots.iter().flat_map(Self::iter);
        let itself = RootToken {
            jti: claims.jti,
            client: ClientId::clone(&claims.client_id),
            generation: claims.generation,
        };
        let roots: Vec<RootToken> = before.cloned().chain([itself]).collect();
        Self::try_from(roots).ok()
    }

    /// Each of them, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &RootToken> {
        self.0.iter()
    }
}

impl TryFrom<Vec<RootToken>> for Roots {
    type Error = ParseError;

    fn try_from(roots: Vec<RootToken>) -> Result<Self, ParseError> {
        if (1..=MAX_DEPTH).contains(&roots.len()) {
            Ok(Self(roots))
        } else {
            Err(ParseError::new("a token has 1 to 5 roots"))
        }
    }
}

impl ActClaim {
    fn depth(&self) -> usize {
        let actors = std::iter::successors(Some(self), |actor| actor.act.as_deref());
        actors.count()
    }
}

/// Reads a member that is not `null` where it is there.
pub(in crate::jwt) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

pub(in crate::jwt) fn act<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ActClaim>, D::Error> {
    let act = ActClaim::deserialize(deserializer)?;
    if act.depth() > MAX_DEPTH {
        return Err(serde::de::Error::custom("`act` has at most 5 actors"));
    }
    Ok(Some(act))
}
