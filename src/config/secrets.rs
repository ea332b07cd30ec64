//! Owns the settings of secrets that the server did not make: how long a chosen one is, and which hashes a file may bring.

use super::reader::Reader;

/// How secrets that the server did not make must be.
#[derive(Clone, Copy, Debug)]
pub struct SecretsConfig {
    /// The fewest characters of a secret that somebody chose.
    pub min_length: usize,
    /// The most work of a hash in a file.
    pub import_work: ImportWork,
}

/// The most work that the verification of a hash may take for a file to bring it. What is stored already is verified up to
/// higher bounds.
#[derive(Clone, Copy, Debug)]
pub struct ImportWork {
    /// The cost of bcrypt.
    pub bcrypt_cost: u32,
    /// The rounds of PBKDF2.
    pub pbkdf2_rounds: u32,
    /// The memory of scrypt and argon2, in bytes.
    pub memory: usize,
    /// The passes of argon2.
    pub argon2_passes: u32,
}

impl SecretsConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        Self {
            min_length: read.within("MIN_SECRET_LENGTH", 8..=256, "16"),
            import_work: ImportWork {
                bcrypt_cost: read.within("IMPORT_MAX_BCRYPT_COST", 4..=16, "14"),
                pbkdf2_rounds: read.within(
                    "IMPORT_MAX_PBKDF2_ROUNDS",
                    1_000..=10_000_000,
                    "2000000",
                ),
                memory: read.size("IMPORT_MAX_HASH_MEMORY", "1MiB"..="1GiB", "64MiB"),
                argon2_passes: read.within("IMPORT_MAX_ARGON2_PASSES", 1..=100, "10"),
            },
        }
    }
}
