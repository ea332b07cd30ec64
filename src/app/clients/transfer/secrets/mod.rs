//! Owns the judgment of a secret text in a file, whatever the format and whatever the field is called: a plain secret, a hash
//! that can be verified, or neither. A plain secret is only what cannot be anything else: if a hash passed for one, whoever
//! has the old table could log in with what stands in it. No error here repeats the text.

mod damage;
mod foreign;
mod names;

use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};

use crate::app::clients::transfer::formats::imported_client::ImportedSecret;
use crate::app::secrets::crud::ChosenSecret;
use crate::app::secrets::{hash, hash_formats};
use crate::base::clock::UnixTime;
use crate::base::secret::Secret;
use crate::config::{Argon2Work, Bytes, Config, ImportWork, SecretsConfig};
use crate::domain::ParseError;
use foreign::Form;
use hash::SecretHash;
use hash_formats::HashWork;

/// What the operator vouches for about the secrets of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSecrets {
    /// A text that has the length of a digest is a plain secret.
    pub plain: bool,
    /// The other server generated them: those that are strong take as little work as secrets made here.
    pub generated: bool,
}

impl FileSecrets {
    /// Nothing.
    pub const NONE: Self = Self {
        plain: false,
        generated: false,
    };
}

impl FromStr for FileSecrets {
    type Err = ParseError;

    /// Parses `plain`, `generated`, or both with a comma between them.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut vouched = Self::NONE;
        for word in text.split(',') {
            match word.trim() {
                "plain" => vouched.plain = true,
                "generated" => vouched.generated = true,
                _ => {
                    let why = "`secrets` must be `plain`, `generated` or `plain,generated`";
                    return Err(ParseError::new(why));
                }
            }
        }
        Ok(vouched)
    }
}

impl<'de> Deserialize<'de> for FileSecrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// How the secrets of a file are judged.
#[derive(Clone, Copy, Debug)]
pub struct SecretRules {
    config: SecretsConfig,
    /// A hash with no more work than the server's own is always taken.
    own_work: [Argon2Work; 2],
    vouched: FileSecrets,
}

impl SecretRules {
    /// The rules of this configuration. `vouched` is what the operator says of the file; without it everything doubtful is
    /// refused.
    pub fn new(config: &Config, vouched: FileSecrets) -> Self {
        let own = &config.authentication;
        Self {
            config: config.secrets,
            own_work: [own.argon2_chosen, own.argon2_generated],
            vouched,
        }
    }

    /// Judges the text of a field that may have a plain secret or a hash.
    pub(in crate::app) fn read(
        &self,
        text: String,
        expires_at: Option<UnixTime>,
    ) -> Result<ImportedSecret, ParseError> {
        damage::check(&text)?;
        match foreign::recognise(&text) {
            Some(Form::Hash(hash)) => Ok(ImportedSecret::Hash(self.check(hash)?, expires_at)),
            Some(Form::Unusable(why)) => Err(ParseError::new(why)),
            Some(Form::Doubtful(what)) if !self.vouched.plain => Err(ParseError::new(format!(
                "it {what}; if the file has plain secrets of this form, use `--secrets plain` (`secrets=plain`)"
            ))),
            Some(Form::Doubtful(_)) | None => {
                let plain = ChosenSecret::new(Secret::new(text), &self.config)?;
                Ok(ImportedSecret::Plain(plain, expires_at))
            }
        }
    }

    /// Judges the text of a field that has a hash and nothing else; the hash as it is stored.
    pub(in crate::app) fn read_hash(&self, text: &str) -> Result<String, ParseError> {
        damage::check(text)?;
        match foreign::recognise(text) {
            Some(Form::Hash(hash)) => self.check(hash),
            Some(Form::Unusable(why)) => Err(ParseError::new(why)),
            Some(Form::Doubtful(what)) => Err(ParseError::new(format!(
                "it {what} and does not name its algorithm, so the server cannot verify it"
            ))),
            None => Err(ParseError::new(
                "it is not a hash of a kind that this server knows",
            )),
        }
    }

    /// Whether a file with this hash would be taken.
    pub(in crate::app) fn allow(&self, hash: &str) -> bool {
        self.check(hash.to_owned()).is_ok()
    }

    /// Refuses a hash that cannot be verified, or takes more work than a file may bring.
    fn check(&self, hash: String) -> Result<String, ParseError> {
        let work = SecretHash::parse(&hash)?.work();
        let is_own = matches!(work, HashWork::Argon2(work)
            if self.own_work.iter().any(|own| work.is_within(*own)));
        match excess(work, &self.config.import_work) {
            Some(why) if !is_own => Err(ParseError::new(why)),
            Some(_) | None => Ok(hash),
        }
    }
}

/// What of a hash's work is more than a file may bring.
fn excess(work: HashWork, most: &ImportWork) -> Option<String> {
    const MEMORY: &str = "IMPORT_MAX_HASH_MEMORY";
    let above = |found: String, name: &str, most: String| {
        Some(format!("{found} takes more work than {name} ({most})"))
    };
    let memory = most.memory as u64;
    let most_memory = || Bytes::from(most.memory).to_string();
    match work {
        HashWork::Bcrypt { cost } if cost > most.bcrypt_cost => {
            let (found, most) = (format!("bcrypt with cost {cost}"), most.bcrypt_cost);
            above(found, "IMPORT_MAX_BCRYPT_COST", most.to_string())
        }
        HashWork::Pbkdf2 { rounds } if rounds > most.pbkdf2_rounds => {
            let (found, most) = (format!("PBKDF2 with {rounds} rounds"), most.pbkdf2_rounds);
            above(found, "IMPORT_MAX_PBKDF2_ROUNDS", most.to_string())
        }
        HashWork::Argon2(work) if u64::from(work.m) << 10 > memory => {
            above(format!("argon2 with {work}"), MEMORY, most_memory())
        }
        HashWork::Argon2(work) if work.t > most.argon2_passes => {
            let most = most.argon2_passes.to_string();
            above(
                format!("argon2 with {work}"),
                "IMPORT_MAX_ARGON2_PASSES",
                most,
            )
        }
        HashWork::Scrypt { ln, r, p } => {
            let found = format!("scrypt with ln={ln},r={r},p={p}");
            let used = hash_formats::scrypt_memory(ln, r).unwrap_or(u64::MAX);
            if used > memory {
                above(found, MEMORY, most_memory())
            } else if used.saturating_mul(u64::from(p)) > memory.saturating_mul(4) {
                above(found, MEMORY, format!("{}, 4 times over", most_memory()))
            } else if u64::from(r) * u64::from(p) > 256 {
                above(found, "r times p", "256".to_owned())
            } else {
                None
            }
        }
        HashWork::Argon2(_) | HashWork::Bcrypt { .. } | HashWork::Pbkdf2 { .. } => None,
    }
}
