//! Makes and checks access tokens (RFC 9068). Owns the claims, the keys and the rules of both;
//! pure functions of their arguments. No database, no HTTP, no clock.

mod claims;
mod issue;
mod keyset;
mod sealing;
mod signing_key;
mod verify;

pub use claims::AccessTokenClaims;
pub use issue::{AccessToken, Grant, IssueError};
pub use keyset::{Jwks, KeySet};
pub use sealing::{OpenError, SealedUnder, Sealing};
pub use signing_key::{KeyError, SigningKey};
pub use verify::{
    LEEWAY, SignedClaims, TokenHeader, VerifyError, claimed_key_id, decode_unverified,
};
