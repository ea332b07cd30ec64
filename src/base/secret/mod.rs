//! Owns plain secrets while they are in memory, and the operating system's randomness.
//! Knows nothing of ours.

pub(crate) mod weak;

use std::path::Path;
use std::{fmt, io};

use rand::distr::{Alphanumeric, SampleString};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use rand::{Rng, TryRng};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A value that may not be seen: `Debug` hides it, `==` takes constant time, and its memory is
/// wiped when it goes. It has no `Display` and no `Serialize` on purpose.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes a value into custody.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself. The long name is there to be seen in review.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_ref().ct_eq(other.expose().as_ref()).into()
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

impl Secret<String> {
    /// The text of a file, without the line break at its end.
    pub(crate) fn read_file(path: &Path) -> io::Result<Self> {
        let mut text = std::fs::read_to_string(path)?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        Ok(Self::new(text))
    }

    /// Without white space at its ends.
    pub(crate) fn trimmed(&self) -> Self {
        Self::from(self.0.trim())
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self::new(value.to_owned())
    }
}

/// `N` random bytes. A machine without randomness cannot keep any promise of this service, so
/// it stops here instead of going on.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    bytes
}

/// `length` random characters of `0-9A-Za-z`, each equally likely.
pub fn random_base62(length: usize) -> String {
    Alphanumeric.sample_string(&mut UnwrapErr(SysRng), length)
}

/// Whether the operating system gives randomness; asked once at start so that the functions
/// above cannot be the ones to find out.
pub fn randomness_works() -> bool {
    SysRng.try_next_u32().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_value() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "[secret]");
    }

    #[test]
    fn equal_only_when_every_byte_is() {
        assert_eq!(Secret::from("abc"), Secret::from("abc"));
        assert_ne!(Secret::from("abc"), Secret::from("abd"));
        assert_ne!(Secret::from("abc"), Secret::from("abcd"));
    }

    #[test]
    fn random_text_is_base62_and_never_twice_the_same() {
        let one = random_base62(43);

        assert_eq!(one.len(), 43);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(one, random_base62(43));
    }
}
