//! Seals and opens TLS session tickets (RFC 5077, RFC 8446 §4.6.1) under keys that follow from `SECRET` and the time, so that a
//! session goes on at every replica. Knows nothing of what is in one.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::Prk;

use super::{CryptoError, extract, open};
use crate::base::clock::UnixTime;
use crate::base::secret::{Secret, random_bytes};

/// Seconds for which tickets are made under one span's keys. They open for as long again after that.
const SPAN: i64 = 6 * 60 * 60;

/// Each ticket has a key of its own, made of this many random bytes; so however many there are, no key is used twice.
const SALT_LEN: usize = 32;

/// A ticket is the number of its span, its salt, and what is sealed.
const SPAN_LEN: usize = 8;

/// The secrets that the keys of tickets follow from.
pub struct SessionTickets {
    current: Prk,
    previous: Option<Prk>,
}

impl SessionTickets {
    /// Seconds for which a ticket is good at least; it may be for twice as long.
    pub const LIFETIME: u32 = 6 * 60 * 60;

    /// Tickets under `SECRET`; those under `SECRET_PREVIOUS` open too.
    pub fn new(secret: &Secret<String>, previous: Option<&Secret<String>>) -> Self {
        Self {
            current: extract(secret),
            previous: previous.map(extract),
        }
    }

    /// A ticket with `state` in it.
    pub fn seal(&self, state: &[u8], now: UnixTime) -> Option<Vec<u8>> {
        let span = span(now).to_be_bytes();
        let salt = random_bytes::<SALT_LEN>();
        let mut sealed = state.to_vec();
        let key = derive(&self.current, span, &salt).ok()?;
        key.seal_in_place_append_tag(nonce(), Aad::from(span), &mut sealed)
            .ok()?;
        Some([&span[..], &salt, &sealed].concat())
    }

    /// What is in a ticket of this span, of the one before, or of the next, in which a replica whose clock is ahead may be.
    pub fn open(&self, ticket: &[u8], now: UnixTime) -> Option<Vec<u8>> {
        let (span_bytes, rest) = ticket.split_first_chunk::<SPAN_LEN>()?;
        let (salt, sealed) = rest.split_first_chunk::<SALT_LEN>()?;
        let now = span(now);
        if !(now - 1..=now + 1).contains(&i64::from_be_bytes(*span_bytes)) {
            return None;
        }
        let secrets = [Some(&self.current), self.previous.as_ref()];
        secrets.into_iter().flatten().find_map(|secret| {
            let key = derive(secret, *span_bytes, salt).ok()?;
            open(&key, nonce(), span_bytes, sealed)
        })
    }
}

fn span(now: UnixTime) -> i64 {
    now.0.div_euclid(SPAN)
}

/// Each key seals once, so the nonce need not differ.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// The key of one ticket.
fn derive(
    secret: &Prk,
    span: [u8; SPAN_LEN],
    salt: &[u8; SALT_LEN],
) -> Result<LessSafeKey, CryptoError> {
    let label: &[u8] = b"TLS session tickets, AES-256-GCM, v1";
    let key: UnboundKey = secret.expand(&[label, &span, salt], &AES_256_GCM)?.into();
    Ok(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The begin of a span.
    const NOW: UnixTime = UnixTime(1_800_000_000 / SPAN * SPAN);

    fn tickets(secret: &str, previous: Option<&str>) -> SessionTickets {
        let previous = previous.map(Secret::from);
        SessionTickets::new(&Secret::from(secret), previous.as_ref())
    }

    #[test]
    fn a_ticket_opens_in_its_span_and_in_the_next() {
        let tickets = tickets("a", None);
        let ticket = tickets.seal(b"state", NOW).unwrap();
        let opens = |now| tickets.open(&ticket, now).is_some();

        assert_eq!(tickets.open(&ticket, NOW).unwrap(), b"state");
        assert!(opens(NOW.plus(2 * SPAN - 1)) && opens(NOW.plus(-1)));
        assert!(!opens(NOW.plus(2 * SPAN)) && !opens(NOW.plus(-SPAN - 1)));
        assert_eq!(i64::from(SessionTickets::LIFETIME), SPAN);
    }

    #[test]
    fn replicas_with_one_secret_open_each_others_tickets_and_no_others() {
        let ticket = tickets("a", None).seal(b"state", NOW).unwrap();

        assert!(tickets("a", None).open(&ticket, NOW).is_some());
        assert!(tickets("b", Some("a")).open(&ticket, NOW).is_some());
        assert!(tickets("b", None).open(&ticket, NOW).is_none());
    }

    #[test]
    fn two_tickets_of_one_state_have_nothing_but_the_span_in_common() {
        let tickets = tickets("a", None);
        let [one, other] = [(); 2].map(|()| tickets.seal(&[0; 64], NOW).unwrap());

        assert_eq!(one[..SPAN_LEN], other[..SPAN_LEN]);
        assert_ne!(one[SPAN_LEN..], other[SPAN_LEN..]);
        assert_ne!(one[SPAN_LEN + SALT_LEN..], other[SPAN_LEN + SALT_LEN..]);
    }

    proptest! {
        #[test]
        fn a_ticket_that_was_touched_does_not_open(
            state in prop::collection::vec(any::<u8>(), 0..100),
            at in any::<prop::sample::Index>(),
            flip in 1..=u8::MAX,
        ) {
            let tickets = tickets("a", None);
            let mut ticket = tickets.seal(&state, NOW).unwrap();
            let at = at.index(ticket.len());
            ticket[at] ^= flip;
            prop_assert_eq!(tickets.open(&ticket, NOW), None);
        }

        #[test]
        fn nothing_makes_it_panic(ticket in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(tickets("a", None).open(&ticket, NOW), None);
        }
    }
}
