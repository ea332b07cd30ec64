//! Makes and checks access tokens (RFC 9068), and checks the JWTs of clients (RFC 7523, RFC 9449). Owns the claims, the keys and the rules of both;
//! pure functions of their arguments. No database, no HTTP, no clock.

mod authentication;
mod base64url;
mod claims;
mod delegation;
mod keys;
mod public_key;
mod tokens;

pub use crate::base::crypto::sealer::{SealedUnder, Sealer};
pub use crate::base::crypto::session_ticket::SessionTickets;
pub use authentication::client_assertion::{
    ASSERTION_LEEWAY, AssertionError, AssertionRules, ClientAssertion, SignatureVerdict,
};
pub use authentication::dpop_nonce::DpopNonces;
pub use authentication::dpop_proof::{DPOP_LEEWAY, DpopError, DpopProof, DpopRules};
pub use authentication::judged_rule::{JudgedRule, JudgedRules};
pub use authentication::platform_token::PlatformToken;
pub use claims::{AccessTokenClaims, Confirmation};
pub use delegation::{ActClaim, Delegation, RootToken, Roots};
pub use keys::key_sealer::{OpenError, Sealing};
pub use keys::key_set::{Jwks, KeySet, PublicKeys};
pub use keys::signing_key::{KeyError, Signing, SigningKey, UnsignedJwt};
pub use public_key::assertion_algorithms;
pub use tokens::issue::{AccessToken, Grant, IntrospectionClaims, IssueError, IssuedToken};
pub use tokens::verify::{
    LEEWAY, MAX_TOKEN_BYTES, SignedClaims, TokenHeader, VerifyError, claimed_key_id,
    decode_unverified,
};
