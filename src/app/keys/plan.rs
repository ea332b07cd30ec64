//! Decides what has to happen to the keys of an algorithm. Pure: records and a time in, a step out.

use crate::base::clock::UnixTime;
use crate::config::KeysConfig;
use crate::domain::{JWKS_MAX_AGE, KeyId, KeyRecord, KeyState, SigningAlg};

/// One step: all of it happens, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// The active key that signs no more.
    pub(super) retire: Option<KeyId>,
    /// The next key that signs from now on.
    pub(super) activate: Option<KeyId>,
    pub(super) make_active: bool,
    pub(super) make_next: bool,
}

/// The keys of one algorithm that are in use.
#[derive(Clone, Copy)]
struct InUse<'a> {
    active: Option<(&'a KeyRecord, UnixTime)>,
    next: Option<&'a KeyRecord>,
}

impl<'a> InUse<'a> {
    fn of(records: &'a [KeyRecord], alg: SigningAlg) -> Self {
        let ours = || records.iter().filter(move |record| record.alg == alg);
        Self {
            active: ours().find_map(|record| match record.state {
                KeyState::Active { activated_at } => Some((record, activated_at)),
                KeyState::Next | KeyState::Retired { .. } => None,
            }),
            next: ours().find(|record| record.state == KeyState::Next),
        }
    }

    /// The next key, or one made at once, takes the place of the active one, if there is one.
    fn replace(self) -> Step {
        Step {
            retire: self.active.map(|(record, _)| record.kid.clone()),
            activate: self.next.map(|record| record.kid.clone()),
            make_active: self.next.is_none(),
            make_next: true,
        }
    }
}

/// What has to happen by itself, if anything. There is always one key that signs, and one that is published ahead.
/// Without a trusted time nothing is replaced and nothing published ahead: only a key that signs is made, if there is none.
pub(super) fn due(
    records: &[KeyRecord],
    config: &KeysConfig,
    now: Option<UnixTime>,
) -> Option<Step> {
    let in_use = InUse::of(records, config.signing_alg);
    match (in_use.active, in_use.next) {
        (None, _) => Some(in_use.replace()),
        (Some(_), None) => now.map(|_| Step {
            make_next: true,
            ..Step::default()
        }),
        (Some((_, activated_at)), Some(next)) => {
            let now = now?;
            let age = now.since(activated_at);
            let old = config.rotation.is_some_and(|rotation| age >= rotation);
            let published = now.since(next.created_at) >= config.publish_ahead;
            (old && published).then(|| in_use.replace())
        }
    }
}

/// When the next key takes the place of the active one by schedule; `None` without the two.
pub(super) fn due_at(
    records: &[KeyRecord],
    alg: SigningAlg,
    rotation: i64,
    publish_ahead: i64,
) -> Option<UnixTime> {
    let in_use = InUse::of(records, alg);
    let (_, activated_at) = in_use.active?;
    let published_at = in_use.next?.created_at;
    let known_at = published_at.plus(publish_ahead);
    Some(activated_at.plus(rotation).max(known_at))
}

/// The step of a rotation by hand, or in how many seconds it may be taken: not before everybody has had the time to
/// learn of the next key, unless it is forced.
pub(super) fn by_hand(
    records: &[KeyRecord],
    alg: SigningAlg,
    forced: bool,
    now: UnixTime,
) -> Result<Step, i64> {
    let in_use = InUse::of(records, alg);
    let published = in_use.next.map_or(0, |next| now.since(next.created_at));
    if forced || in_use.active.is_none() || published >= JWKS_MAX_AGE {
        Ok(in_use.replace())
    } else {
        Err(JWKS_MAX_AGE - published)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: KeysConfig = KeysConfig {
        signing_alg: SigningAlg::ES256,
        rotation: Some(10_000),
        publish_ahead: 1_000,
        signing_threads: 1,
        signing_queue: 1,
    };

    fn id(text: &str) -> Option<KeyId> {
        KeyId::parse(text).ok()
    }

    fn key(kid: &str, alg: SigningAlg, state: KeyState, created_at: i64) -> KeyRecord {
        KeyRecord {
            kid: KeyId::parse(kid).unwrap(),
            alg,
            state,
            created_at: UnixTime(created_at),
            sealed: String::new(),
        }
    }

    fn active(activated_at: i64) -> KeyRecord {
        let activated_at = UnixTime(activated_at);
        key("a", SigningAlg::ES256, KeyState::Active { activated_at }, 0)
    }

    fn next(created_at: i64) -> KeyRecord {
        key("n", SigningAlg::ES256, KeyState::Next, created_at)
    }

    /// A step that publishes a key ahead, as all do.
    fn step(retire: Option<KeyId>, activate: Option<KeyId>, make_active: bool) -> Step {
        Step {
            retire,
            activate,
            make_active,
            make_next: true,
        }
    }

    #[test]
    fn with_nothing_a_key_that_signs_and_one_ahead_are_made() {
        let retired_at = UnixTime(0);
        let others = [
            key("r", SigningAlg::ES256, KeyState::Retired { retired_at }, 0),
            key("o", SigningAlg::EdDSA, KeyState::Next, 0),
        ];
        for records in [&[][..], &others] {
            for now in [None, Some(UnixTime(5))] {
                let expected = step(None, None, true);
                assert_eq!(due(records, &CONFIG, now), Some(expected));
            }
        }
    }

    #[test]
    fn a_key_published_ahead_is_the_first_to_sign() {
        let expected = step(None, id("n"), false);
        assert_eq!(due(&[next(0)], &CONFIG, Some(UnixTime(0))), Some(expected));
    }

    #[test]
    fn a_missing_next_key_is_made() {
        let expected = step(None, None, false);
        let at = |now| due(&[active(0)], &CONFIG, now);
        assert_eq!(at(Some(UnixTime(99_999))), Some(expected));
        assert_eq!(at(None), None);
    }

    #[test]
    fn a_rotation_is_due_at_its_second_and_not_before_the_next_key_was_published_long_enough() {
        let rotation = step(id("a"), id("n"), false);
        let at = |now, next| due(&[active(0), next], &CONFIG, Some(UnixTime(now)));

        assert_eq!(at(9_999, next(0)), None);
        assert_eq!(at(10_000, next(0)), Some(rotation.clone()));
        assert_eq!(at(10_000, next(9_001)), None);
        assert_eq!(at(10_001, next(9_001)), Some(rotation));
    }

    #[test]
    fn never_is_never() {
        let config = KeysConfig {
            rotation: None,
            ..CONFIG
        };
        let never = due(&[active(0), next(0)], &config, Some(UnixTime(i64::MAX)));
        assert_eq!(never, None);
    }

    #[test]
    fn by_hand_a_young_next_key_waits_unless_forced() {
        let records = [active(0), next(0)];
        let at = |forced, now| by_hand(&records, SigningAlg::ES256, forced, UnixTime(now));

        assert_eq!(at(false, 100), Err(JWKS_MAX_AGE - 100));
        assert!(at(false, JWKS_MAX_AGE).is_ok_and(|step| step.activate == id("n")));
        assert!(at(true, 0).is_ok_and(|step| step.activate == id("n")));
        let without_next = by_hand(&[active(0)], SigningAlg::ES256, false, UnixTime(9));
        assert_eq!(without_next, Err(JWKS_MAX_AGE));
    }

    #[test]
    fn forced_without_a_next_key_one_is_made_that_signs_at_once() {
        let forced = by_hand(&[active(0)], SigningAlg::ES256, true, UnixTime(9));
        assert_eq!(forced, Ok(step(id("a"), None, true)));
    }
}
