//! The settings of `DPoP` (RFC 9449).

use std::str::FromStr;

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

impl FromStr for DpopNonceUse {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "offered" => Ok(Self::Offered),
            "required" => Ok(Self::Required),
            _ => Err("it is none of them".to_owned()),
        }
    }
}

impl DpopConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        Self {
            max_age: read.seconds("DPOP_MAX_AGE", "5s"..="10m", "60s"),
            nonce: read.parsed("DPOP_NONCE", "`off`, `offered` or `required`", "offered"),
        }
    }
}
