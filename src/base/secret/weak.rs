//! Owns which values of `SECRET` can be guessed. A random one never is weak: the tests draw thousands.

/// Bits below which a value is weak. 128 random bits in hexadecimal, the least that people draw, are estimated at 80 or more.
const LEAST_BITS: f64 = 64.0;

/// What people write who mean to replace it later, and what tutorials have, without case and punctuation.
const PLACEHOLDERS: [&str; 12] = [
    "changeme",
    "changethis",
    "replaceme",
    "yoursecret",
    "mysecret",
    "supersecret",
    "secretkey",
    "jwtsecret",
    "bitsecret",
    "stringsecretatleast",
    "password",
    "qwertyuiop",
];

/// Why a secret can be guessed, if it can; without the secret.
pub(crate) fn weakness(secret: &str) -> Option<&'static str> {
    let plain: String = secret
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if PLACEHOLDERS.iter().any(|word| plain.contains(word)) {
        Some("is a placeholder, or comes from a tutorial")
    } else if is_periodic(secret.as_bytes()) {
        Some("repeats itself and can be guessed")
    } else if estimated_bits(secret.as_bytes()) < LEAST_BITS {
        Some("has too few different characters and can be guessed")
    } else {
        None
    }
}

/// Whether a text is another one at least twice, the last time perhaps cut off.
fn is_periodic(text: &[u8]) -> bool {
    (1..=text.len() / 2).any(|period| text[period..] == text[..text.len() - period])
}

/// Shannon's entropy of the bytes, for those of them that do not just go on as the two before: `aaaa`, `abcd`, `4321`.
#[expect(clippy::cast_precision_loss, reason = "a secret is short")]
fn estimated_bits(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let length = text.len() as f64;
    let bits_each: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum();
    let step = |pair: &[u8]| i16::from(pair[1]) - i16::from(pair[0]);
    let goes_on =
        |three: &&[u8]| step(three) == step(&three[1..]) && (-1..=1).contains(&step(three));
    let predictable = text.windows(3).filter(goes_on).count();
    bits_each * (text.len() - predictable) as f64
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_can_be_guessed_is_weak() {
        for secret in [
            &"a".repeat(32),
            &"ab".repeat(16),
            &"abc".repeat(11),
            &"0123456789".repeat(4),
            "0123456789abcdef0123456789abcdef",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "zyxwvutsrqponmlkjihgfedcba9876543210",
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb",
            "00000000000000000000000000000000000000000000000000000000000000001",
            "change-me-change-me-before-production!",
            "a-string-secret-at-least-256-bits-long",
            "your-very-long-Secret-Key-for-the-tokens",
            "MyPassword1234567890!MyPassword",
        ] {
            assert!(weakness(secret).is_some(), "{secret}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn what_was_drawn_at_random_is_not_weak(bytes in any::<[u8; 48]>()) {
            let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().concat();
            let uuids = [&bytes[..16], &bytes[16..32]]
                .map(|it| uuid::Uuid::from_slice(it).unwrap().to_string());
            for secret in [
                STANDARD.encode(bytes),
                STANDARD.encode(&bytes[..32]),
                hex(&bytes[..32]),
                hex(&bytes[..16]),
                uuids.join("-"),
            ] {
                prop_assert_eq!(weakness(&secret), None, "{}", secret);
            }
        }
    }
}
