//! Makes and checks access tokens (RFC 9068). Owns the claims, the keys and the rules of both;
//! pure functions of their arguments. No database, no HTTP, no clock.

mod claims;
mod issue;
mod keyset;
mod verify;

pub use claims::AccessTokenClaims;
pub use issue::{AccessToken, Grant};
pub use keyset::KeySet;
pub use verify::{LEEWAY, SignedClaims, TokenHeader, VerifyError, decode_unverified};
