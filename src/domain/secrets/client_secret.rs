//! Owns the shape of client secrets: the ones we make, and what is kept of any of them.
//! Knows nothing of hashing.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::base::secret::{Secret, random_base62};
use crate::domain::{ClientId, IdleExpiry, ParseError, base62_id, ensure, is_strong, word_enum};

/// A rotation overlaps two; five leave room for a fleet in the middle of one.
pub const MAX_LIVE_SECRETS: usize = 5;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const PREFIX: &str = "tks_";
const ID_LENGTH: usize = 8;
const RANDOM_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;
const BODY_LENGTH: usize = PREFIX.len() + ID_LENGTH + RANDOM_LENGTH;

/// The name of a secret: 8 base62 characters. A generated secret carries its own, so that its row
/// is found without trying each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretId(String);

impl SecretId {
    /// The one that a file's secret has which says no other: always the same for the same hash of the same client, also
    /// when the hash was renewed since.
    pub fn derived(client_id: &ClientId, secret_hash: &str) -> Self {
        // No id holds a line break.
        let digest = digest(&SHA256, format!("{client_id}\n{secret_hash}").as_bytes());
        // Hardly uneven: 256 is four times 62 and a little.
        let digits = digest.as_ref().iter().take(ID_LENGTH);
        Self(
            digits
                .map(|byte| char::from(DIGITS[usize::from(byte % 62)]))
                .collect(),
        )
    }
}

base62_id!(
    SecretId,
    ID_LENGTH,
    "a secret id must be 8 letters and digits"
);

word_enum! {
    /// The origin of a secret. It determines the work of its hash.
    pub enum SecretOrigin, "an origin" {
        /// This server: 256 random bits.
        Generated = "generated",
        /// A person, or an import.
        Chosen = "chosen",
    }
}

/// A secret, without its value and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClientSecret {
    /// Its name.
    pub secret_id: SecretId,
    /// Its origin.
    pub origin: SecretOrigin,
    /// Its hash as a PHC or modular-crypt string. Never serialized: nobody needs to read it.
    #[serde(skip)]
    pub secret_hash: String,
    /// The last 4 characters of a generated secret, to tell one from another; empty for a chosen one,
    /// of which they would give away too much.
    pub hint: String,
    /// When it was added.
    pub created_at: UnixTime,
    /// When it expires; null: never.
    pub expires_at: Option<UnixTime>,
    /// Idle expiry: the seconds after its last use until it expires; null: no idle expiry.
    #[serde(rename = "ends_unused_for", skip_serializing_if = "Option::is_none")]
    pub unused_for: Option<IdleExpiry>,
    /// Whether an operator has vouched that another server generated it (`--secrets generated`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub vouched: bool,
}

impl ClientSecret {
    /// The origin whose work the hash of this secret takes; `plain` is the secret. One that was generated elsewhere counts as
    /// generated if somebody vouched for it, and it is strong enough to be believed.
    pub fn work_origin(&self, plain: &str) -> SecretOrigin {
        if self.vouched && is_strong(plain) {
            SecretOrigin::Generated
        } else {
            self.origin
        }
    }

    /// Whether it is good at `now`, as far as time goes.
    pub fn is_live(&self, now: UnixTime) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

/// A secret that expires soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndingSecret {
    /// The client.
    pub client_id: ClientId,
    /// Its name.
    pub secret_id: SecretId,
    /// The last characters of a generated one.
    pub hint: String,
    /// When it expires.
    pub expires_at: UnixTime,
    /// Whether its client has no other secret that is valid for longer.
    pub is_last: bool,
}

/// A secret we made: `tks_`, its id, 43 base62 characters (256 random bits) and a CRC32 in base62,
/// so that leak scanners find it and a mistyped one is refused without hashing.
#[derive(Debug)]
pub struct GeneratedSecret {
    /// Its name.
    pub secret_id: SecretId,
    /// All of it, to be shown once.
    pub plain: Secret<String>,
}

impl GeneratedSecret {
    /// Makes one.
    pub fn random() -> Self {
        let secret_id = SecretId::random();
        let body = format!("{PREFIX}{secret_id}{}", random_base62(RANDOM_LENGTH));
        let plain = body.clone()
            + &checksum(&body)
                .map(char::from)
                .into_iter()
                .collect::<String>();
        Self {
            secret_id,
            plain: Secret::new(plain),
        }
    }

    /// The last characters, which people compare.
    pub fn hint(&self) -> String {
        self.plain.expose()[BODY_LENGTH + CHECKSUM_LENGTH - 4..].to_owned()
    }

    /// Whether `plain` claims to be a secret we made.
    pub fn has_prefix(plain: &str) -> bool {
        plain.starts_with(PREFIX)
    }

    /// The id inside a secret we made, when its form and its checksum are right.
    pub fn find_id(plain: &str) -> Option<SecretId> {
        let form = plain.len() == BODY_LENGTH + CHECKSUM_LENGTH
            && plain
                .strip_prefix(PREFIX)?
                .bytes()
                .all(|b| b.is_ascii_alphanumeric());
        if !form || plain.as_bytes()[BODY_LENGTH..] != checksum(&plain[..BODY_LENGTH]) {
            return None;
        }
        SecretId::parse(&plain[PREFIX.len()..PREFIX.len() + ID_LENGTH]).ok()
    }
}

/// Checks a secret that a human chose or that was imported.
pub fn chosen_secret(plain: &str) -> Result<(), ParseError> {
    ensure!(
        (1..=1_024).contains(&plain.len()),
        "a client_secret must have 1 to 1024 bytes"
    );
    ensure!(
        !plain.chars().any(char::is_control),
        "a client_secret cannot contain control characters"
    );
    ensure!(
        !GeneratedSecret::has_prefix(plain),
        "a chosen client_secret cannot begin with `tks_`, the prefix of generated ones"
    );
    Ok(())
}

/// CRC32 (ISO-HDLC, as in zip) of the text before it, as 6 base62 digits, most significant first.
fn checksum(body: &str) -> [u8; CHECKSUM_LENGTH] {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut digits = [0; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_generated_secret_names_its_row_and_needs_no_escaping() {
        let secret = GeneratedSecret::random();
        let plain = secret.plain.expose();

        assert_eq!(plain.len(), 61);
        assert_eq!(
            GeneratedSecret::find_id(plain),
            Some(secret.secret_id.clone())
        );
        assert!(plain.ends_with(&secret.hint()));
        assert!(
            plain
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        );
        assert!(chosen_secret(plain).is_err());
    }

    #[test]
    fn the_checksum_is_crc32_in_base62() {
        // CRC32("123456789") is the check value 0xCBF43926 of the algorithm's catalogue.
        assert_eq!(checksum("123456789"), *b"3jZRME");
    }

    #[test]
    fn a_chosen_secret_has_some_text_and_no_control_characters() {
        assert!(chosen_secret("correct horse: %+ü").is_ok());
        for plain in ["", "a\nb", "a\0", &"x".repeat(1_025)] {
            assert!(chosen_secret(plain).is_err(), "{plain:?}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(place in 0_usize..61, character in "[0-9A-Za-z]") {
            let secret = GeneratedSecret::random();
            let mut mistyped = secret.plain.expose().clone();
            mistyped.replace_range(place..=place, &character);
            prop_assume!(mistyped != *secret.plain.expose());
            prop_assert_eq!(GeneratedSecret::find_id(&mistyped), None);
        }

        #[test]
        fn looking_for_an_id_never_panics(plain in any::<String>()) {
            prop_assert_eq!(GeneratedSecret::find_id(&plain), None);
        }
    }
}
