//! Makes and knows `DPoP` nonces (RFC 9449 §8) without keeping any: each is the MAC of a span of time under a key
//! derived from `SECRET`, so that every replica knows those of the others.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::clock::UnixTime;
use crate::base::crypto::{CryptoError, derive_key};
use crate::base::secret::Secret;

/// Seconds for which one nonce is given out. It is good for as long again after that.
const SPAN: i64 = 300;

/// The keys of nonces.
pub struct DpopNonces {
    current: hmac::Key,
    previous: Option<hmac::Key>,
}

impl DpopNonces {
    /// Derives the keys from `SECRET` and `SECRET_PREVIOUS`.
    pub fn new(
        secret: &Secret<String>,
        previous: Option<&Secret<String>>,
    ) -> Result<Self, CryptoError> {
        let derive = |secret| derive_key(secret, "DPoP nonces, HMAC-SHA256, v1", hmac::HMAC_SHA256);
        Ok(Self {
            current: derive(secret)?,
            previous: previous.map(derive).transpose()?,
        })
    }

    /// The nonce to use now.
    pub fn current(&self, now: UnixTime) -> String {
        URL_SAFE_NO_PAD.encode(mac(&self.current, span(now)))
    }

    /// Whether `nonce` is one of now: of this span, of the one before, or of the next, which a replica whose clock
    /// is ahead gives out already.
    pub fn knows(&self, nonce: &str, now: UnixTime) -> bool {
        let Ok(theirs) = URL_SAFE_NO_PAD.decode(nonce) else {
            return false;
        };
        let keys = [Some(&self.current), self.previous.as_ref()];
        keys.into_iter().flatten().any(|key| {
            let now = span(now);
            (now - 1..=now + 1).any(|span| hmac::verify(key, &span.to_be_bytes(), &theirs).is_ok())
        })
    }
}

fn span(now: UnixTime) -> i64 {
    now.0.div_euclid(SPAN)
}

fn mac(key: &hmac::Key, span: i64) -> hmac::Tag {
    hmac::sign(key, &span.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn nonces(secret: &str, previous: Option<&str>) -> DpopNonces {
        let previous = previous.map(Secret::from);
        DpopNonces::new(&Secret::from(secret), previous.as_ref()).unwrap()
    }

    #[test]
    fn a_nonce_is_known_in_its_span_and_in_the_next() {
        let nonces = nonces("a", None);
        let nonce = nonces.current(NOW);

        assert_eq!(nonces.current(NOW.plus(SPAN - 1)), nonce);
        assert_ne!(nonces.current(NOW.plus(SPAN)), nonce);
        assert!(nonces.knows(&nonce, NOW.plus(2 * SPAN - 1)));
        assert!(!nonces.knows(&nonce, NOW.plus(2 * SPAN)));
        assert!(nonces.knows(&nonce, NOW.plus(-1)));
        assert!(!nonces.knows("", NOW));
        assert!(!nonces.knows("AAAA", NOW));
    }

    #[test]
    fn replicas_with_one_secret_know_each_others_nonces_and_no_others() {
        let nonce = nonces("a", None).current(NOW);

        assert!(nonces("a", None).knows(&nonce, NOW));
        assert!(nonces("b", Some("a")).knows(&nonce, NOW));
        assert!(!nonces("b", None).knows(&nonce, NOW));
    }
}
