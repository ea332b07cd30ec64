//! The settings of `DPoP` (RFC 9449).

use crate::config::reader::Reader;

/// How proofs of possession are judged.
#[derive(Clone, Debug)]
pub struct DpopConfig {
    /// For how many seconds after its `iat` a proof is good.
    pub max_age: i64,
    /// What becomes of nonces.
    pub nonce: DpopNonceUse,
}

/// What becomes of nonces (RFC 9449 §8 and §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DpopNonceUse {
    /// None is given out, and one in a proof is not looked at.
    Off,
    /// Every answer to a proof has one; a proof may be without, but not have a wrong one.
    Offered,
    /// A proof without one is refused.
    Required,
}

impl DpopConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        Self {
            max_age: read.seconds("DPOP_MAX_AGE", "5s"..="10m", "60s"),
            nonce: read.choice(
                "DPOP_NONCE",
                &[
                    ("off", DpopNonceUse::Off),
                    ("offered", DpopNonceUse::Offered),
                    ("required", DpopNonceUse::Required),
                ],
                "offered",
            ),
        }
    }
}
