//! Makes and checks access tokens (RFC 9068), and checks the JWTs of clients (RFC 7523, RFC 9449). Owns the claims, the keys and the rules of both;
//! pure functions of their arguments. No database, no HTTP, no clock.

mod assertion;
mod claims;
mod confirmation;
mod dpop_nonce;
mod dpop_proof;
mod issue;
mod keyset;
mod public_key;
mod sealing;
mod sign;
mod signing_key;
#[cfg(test)]
mod vectors;
mod verify;

pub use crate::base::crypto::sealer::{SealedUnder, Sealer};
pub use crate::base::crypto::session_ticket::SessionTickets;
pub use assertion::{
    ASSERTION_LEEWAY, AssertionError, AssertionRules, ClientAssertion, SignatureVerdict,
};
pub use claims::AccessTokenClaims;
pub use confirmation::Confirmation;
pub use dpop_nonce::DpopNonces;
pub use dpop_proof::{DPOP_LEEWAY, DpopError, DpopProof, DpopRules};
pub use issue::{AccessToken, Grant, IssueError};
pub use keyset::{Jwks, KeySet};
pub use public_key::assertion_algorithms;
pub use sealing::{OpenError, Sealing};
pub use sign::IntrospectionClaims;
pub use signing_key::{KeyError, SigningKey};
pub use verify::{
    LEEWAY, SignedClaims, TokenHeader, VerifyError, claimed_key_id, decode_unverified,
};
