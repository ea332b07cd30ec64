//! Owns the settings of the signing keys.

use super::reader::{Reader, inside};
use super::spare_cores;
use crate::base::units::parse_seconds;
use crate::domain::{JWKS_MAX_AGE, SigningAlg};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// What tokens are signed with, and how the keys change. Times are in seconds.
#[derive(Clone, Debug)]
pub struct KeysConfig {
    /// The algorithm.
    pub signing_alg: SigningAlg,
    /// After how long a key pair is replaced; `None`: only by hand.
    pub rotation: Option<i64>,
    /// For how long a key is published before a scheduled rotation makes it sign.
    pub publish_ahead: i64,
    /// Threads that make RSA signatures.
    pub signing_threads: usize,
    /// RSA signatures that may wait for a thread.
    pub signing_queue: usize,
}

impl KeysConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        let algorithms = "`HS256`, `ES256`, `EdDSA`, `RS256` or `PS256`";
        // Each rotation leaves a retired key in the JWKS for a day, so it cannot be very frequent; and who was told
        // to keep our keys for so long must have asked again before a new one signs.
        let config = Self {
            signing_alg: read.parsed("SIGNING_ALG", algorithms, "HS256"),
            rotation: read.checked(
                "KEY_ROTATION",
                "`never`, or 1 hour to 10 years",
                "90d",
                |text| match text {
                    "never" => Ok(None),
                    text => inside(&(HOUR..=3_650 * DAY), parse_seconds(text)?).map(Some),
                },
            ),
            publish_ahead: read.checked(
                "KEY_PUBLISH_AHEAD",
                "10 minutes to 30 days",
                "1d",
                |text| inside(&(2 * JWKS_MAX_AGE..=30 * DAY), parse_seconds(text)?),
            ),
            signing_threads: read.within("SIGNING_THREADS", 1..=1_024, &spare_cores()),
            signing_queue: read.within("SIGNING_QUEUE", 1..=100_000, "1024"),
        };
        if config
            .rotation
            .is_some_and(|rotation| rotation < config.publish_ahead)
        {
            read.refuse(
                "KEY_PUBLISH_AHEAD",
                "is longer than KEY_ROTATION: the server cannot publish a key for longer than that before the key \
                    signs",
            );
        }
        config
    }
}
