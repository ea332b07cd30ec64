//! Base64url without padding (RFC 7515 §2), with the vector instructions of the processor: each login encodes a token, and each
//! verification of an unseen token decodes one.

use std::sync::LazyLock;

use base64::engine::general_purpose::NO_PAD;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(in crate::jwt) static BASE64URL: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(in crate::jwt) static BASE64URL: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD));

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::BASE64URL;

    #[test]
    fn bytes_have_one_spelling_at_every_length() {
        for length in 0..200 {
            let bytes: Vec<u8> = (0..length).map(|n: u8| n.wrapping_mul(167)).collect();
            let text = BASE64URL.encode(&bytes);
            assert_eq!(BASE64URL.decode(&text).as_deref(), Ok(&bytes[..]));
            assert!(BASE64URL.decode(format!("{text}=")).is_err(), "padding");
            for place in 0..text.len() {
                for wrong in ["+", "/", " ", "\n", "="] {
                    let mut other = text.clone();
                    other.replace_range(place..=place, wrong);
                    assert!(BASE64URL.decode(other).is_err(), "{wrong:?} at {place}");
                }
            }
            // The last character has bits that are no part of a byte.
            if length % 3 != 0 {
                let last = text.as_bytes()[text.len() - 1] + 1;
                let other = format!("{}{}", &text[..text.len() - 1], char::from(last));
                assert!(BASE64URL.decode(other).is_err(), "stray bits");
            }
        }
    }
}
