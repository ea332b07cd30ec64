//! Owns the estimate of how hard a secret is to guess, for secrets of other servers of which an operator says that they were
//! generated. It doubts what looks like words or a pattern; of a secret that passes, the operator's word counts.

/// The fewest characters.
pub const MIN_STRONG_LENGTH: usize = 22;

/// The fewest bits of the estimate.
pub const MIN_STRONG_BITS: f64 = 100.0;

/// Letters of one case in a row, from so many on, count as words do.
const WORD_LENGTH: usize = 5;

/// Bits of a letter in a word.
const WORD_BITS: f64 = 1.5;

/// A text that came before in the secret counts nothing, from so many characters on.
const REPEAT_LENGTH: usize = 4;

/// Whether a secret is long and irregular enough to have been generated.
pub fn is_strong(secret: &str) -> bool {
    secret.chars().count() >= MIN_STRONG_LENGTH && estimated_bits(secret) >= MIN_STRONG_BITS
}

/// The estimate: each character counts as one of those that its kinds have, less in what may be a word, and nothing where it
/// goes on as the characters before do.
fn estimated_bits(secret: &str) -> f64 {
    let chars: Vec<char> = secret.chars().collect();
    let is_hex = is_hex(&chars);
    let full = alphabet_size(&chars, is_hex).log2();
    let in_word = words(&chars);
    let bits = chars.iter().enumerate().map(|(place, _)| {
        if is_predictable(&chars, place) {
            0.0
        } else if in_word[place] && !is_hex {
            WORD_BITS
        } else {
            full
        }
    });
    bits.sum()
}

/// Whether it is hex in one case, maybe with other signs between: no words can be written in it.
fn is_hex(chars: &[char]) -> bool {
    let letters = || chars.iter().filter(|c| c.is_ascii_alphabetic());
    let is_one_case =
        letters().all(char::is_ascii_lowercase) || letters().all(char::is_ascii_uppercase);
    chars.iter().any(char::is_ascii_digit) && is_one_case && letters().all(char::is_ascii_hexdigit)
}

/// How many characters there are of the kinds that the secret has. Hex has 16, and of other signs those that occur.
fn alphabet_size(chars: &[char], is_hex: bool) -> f64 {
    let has = |is: fn(&char) -> bool| chars.iter().any(is);
    let letters = match (has(char::is_ascii_lowercase), has(char::is_ascii_uppercase)) {
        (true, true) => 52,
        (true, false) | (false, true) => 26,
        (false, false) => 0,
    };
    let letters = if is_hex { letters.min(6) } else { letters };
    let digits = if has(char::is_ascii_digit) { 10 } else { 0 };
    let mut others: Vec<&char> = chars
        .iter()
        .filter(|c| !c.is_ascii_alphanumeric())
        .collect();
    others.sort_unstable();
    others.dedup();
    // At most 62 and the 1,024 characters of a secret.
    u32::try_from(letters + digits + others.len())
        .map_or(1.0, f64::from)
        .max(1.0)
}

/// Which characters are in a long run of letters of one case. `-`, `_`, `.` and a space end no run: words are joined so.
fn words(chars: &[char]) -> Vec<bool> {
    let is_joint = |c: char| matches!(c, '-' | '_' | '.' | ' ');
    let case = |c: char| c.is_alphabetic().then(|| c.is_uppercase());
    let mut in_word = vec![false; chars.len()];
    let mut start = 0;
    while start < chars.len() {
        let of = case(chars[start]);
        let run = chars[start..].iter();
        let length = match of {
            Some(_) => run.take_while(|c| is_joint(**c) || case(**c) == of).count(),
            None => 1,
        };
        let run = start..start + length;
        let letters = chars[run.clone()].iter().filter(|c| !is_joint(**c));
        if of.is_some() && letters.count() >= WORD_LENGTH {
            in_word[run].fill(true);
        }
        start += length;
    }
    in_word
}

/// Whether the character goes on as those before it: it is the one before (`aaa`), it is the next one in a sequence (`abc`,
/// `321`), or it ends a text that came before.
fn is_predictable(chars: &[char], place: usize) -> bool {
    let step = |at: usize| i64::from(u32::from(chars[at])) - i64::from(u32::from(chars[at - 1]));
    if place >= 1 && step(place) == 0 {
        return true;
    }
    if place >= 2 && step(place) == step(place - 1) && step(place).abs() == 1 {
        return true;
    }
    let Some(start) = (place + 1).checked_sub(REPEAT_LENGTH) else {
        return false;
    };
    let tail = &chars[start..=place];
    chars[..place]
        .windows(REPEAT_LENGTH)
        .any(|before| before == tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::random_base62;

    #[test]
    fn secrets_as_other_servers_generate_them_are_strong() {
        for secret in [
            // Keycloak, Ory Hydra, Entra ID, Auth0, a UUID, AWS Cognito, 16 random bytes in hex, 32 in base64url.
            "JWSSaqXk2vCm0kYwVnI9N1tqvQm7dC3B",
            "F7STPC-QnIBQl264CY29qdH66k",
            "Xyz8Q~kT3.bQ9sVw0aHcJmRfLpNdEuGiYoZx1b2C",
            "q9-ZkT3bQ9sVw0aHcJmRfLpNdEuGiYo_",
            "5f3c2a10-8d1e-4b7a-9c55-0d6e1f2a3b4c",
            "1gq7mmkv8r0t5n2b6c4d9e3f1a5s7j8k0l2h4g6p9q1w3e5r7t9",
            "9e7cf5d23a0123baffae99f47a6f30a0",
            "pQ0uEzv3oN8Wb1YtqXc5rKd7mJ2hL4gF6sA9iV-B_xk",
        ] {
            assert!(is_strong(secret), "{secret}: {}", estimated_bits(secret));
        }
    }

    #[test]
    fn what_people_choose_and_what_is_short_is_not() {
        for secret in [
            "",
            "kc-basic-secret",
            // 21 characters.
            "JWSSaqXk2vCm0kYwVnI9N",
            // 88 bits.
            "9e7cf5d23a0123baffae99",
            "correct horse battery staple",
            "correct-horse-battery-staple-2024",
            "CorrectHorseBatteryStaple",
            "the_secret_of_the_billing_service_in_production",
            "my-old-cat-sat-on-the-mat",
            "Tr0ub4dor&3Tr0ub4dor&3Tr0ub4dor&3",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "0123456789012345678901234567890123456789",
            "qwertyuiopasdfghjklzxcvbnm",
        ] {
            assert!(!is_strong(secret), "{secret}: {}", estimated_bits(secret));
        }
    }

    #[test]
    fn a_secret_like_ours_is_strong_whatever_chance_made_it() {
        for _ in 0..1_000 {
            let secret = random_base62(43);
            assert!(is_strong(&secret), "{secret}: {}", estimated_bits(&secret));
        }
    }
}
