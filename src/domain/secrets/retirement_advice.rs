//! Owns what is said of a secret that may have to go: whether anything would break without it. Knows nothing of how uses
//! are counted.

use serde::Serialize;

use crate::base::clock::UnixTime;
use crate::domain::{ClientRecord, ClientSecret, ClientUses};

/// A secret that was not used for so long is taken for one that nothing uses. A job of every weekend is noticed; one of
/// every month is not, and who has such jobs knows them.
pub const UNUSED_AFTER: i64 = 3 * DAY;

const DAY: i64 = 86_400;

/// What would come of removing a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretAdvice {
    /// Whether it looks as if nothing would break.
    pub is_safe: bool,
    /// A plain sentence about it.
    pub sentence: String,
}

impl SecretAdvice {
    /// What to say of `secret`, one of those of the client.
    pub fn new(secret: &ClientSecret, of: &ClientRecord, uses: &ClientUses, now: UnixTime) -> Self {
        let live = of.secrets.iter().filter(|it| it.is_live(now));
        let others = live.count().saturating_sub(1);
        let last = uses.of_secret(&secret.secret_id);
        let age = now.since(last.map_or(secret.created_at, |it| it.last.used_at));
        let span = span_in_words(age);
        let unused = match last {
            Some(_) => format!("Not used for {span}"),
            None => format!("Never used since its creation {span} ago"),
        };
        let (is_safe, sentence) = match last {
            _ if !secret.is_live(now) => (true, "It has expired: safe to remove.".to_owned()),
            Some(it) if age < UNUSED_AFTER => {
                let last = it.last.in_words(now);
                let often = match it.uses_24h {
                    0 => format!("Last used {last}"),
                    1 => format!("In use: once in 24 hours, last {last}"),
                    times => format!("In use: {times} times in 24 hours, last {last}"),
                };
                (false, format!("{often}. Logins with it would fail."))
            }
            // An identity at a trusted issuer takes its place.
            _ if others == 0 && of.client.authentication.identities.is_empty() => (
                false,
                format!(
                    "{unused}, but it is the client's only secret: without it the client cannot log in with a secret."
                ),
            ),
            None if age < UNUSED_AFTER => (
                false,
                format!(
                    "Not used yet, {span} after its creation: it may not be in place everywhere."
                ),
            ),
            _ => (true, format!("{unused}: safe to remove.")),
        };
        Self { is_safe, sentence }
    }
}

/// A span of time in its largest unit.
pub(crate) fn span_in_words(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..60 => return "less than a minute".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..DAY => (seconds / 3_600, "hour"),
        DAY.. => (seconds / DAY, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Client, ClientId, Identities, LastUsed, SecretId, SecretOrigin, SecretUses,
    };

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn secret(age: i64, expires_at: Option<i64>) -> ClientSecret {
        ClientSecret {
            secret_id: SecretId::random(),
            origin: SecretOrigin::Generated,
            secret_hash: String::new(),
            hint: String::new(),
            created_at: NOW.plus(-age),
            expires_at: expires_at.map(|seconds| NOW.plus(seconds)),
            unused_for: None,
            vouched: false,
        }
    }

    fn used(secret: &ClientSecret, ago: i64, uses_24h: u64) -> ClientUses {
        let last = LastUsed {
            used_at: NOW.plus(-ago),
            source: "192.0.2.7".parse().unwrap(),
        };
        ClientUses {
            last: Some(last),
            secrets: vec![SecretUses {
                secret_id: secret.secret_id.clone(),
                last,
                uses_24h,
            }],
            ..ClientUses::default()
        }
    }

    fn say(secret: &ClientSecret, others: &[ClientSecret], uses: &ClientUses) -> (bool, String) {
        say_beside(secret, others, uses, Identities::default())
    }

    fn say_beside(
        secret: &ClientSecret,
        others: &[ClientSecret],
        uses: &ClientUses,
        identities: Identities,
    ) -> (bool, String) {
        let mut client = Client::new(ClientId::parse("a").unwrap(), NOW);
        client.authentication.identities = identities;
        let secrets = [std::slice::from_ref(secret), others].concat();
        let record = ClientRecord { client, secrets };
        let advice = SecretAdvice::new(secret, &record, uses, NOW);
        (advice.is_safe, advice.sentence)
    }

    #[test]
    fn the_only_secret_is_safe_to_remove_beside_an_identity_once_nothing_uses_it() {
        let identity = serde_json::json!({"issuer": "k8s", "subject": "a"});
        let identities = Identities::from_values(&[identity]).unwrap();
        let only = secret(30 * DAY, None);
        let say = |uses: &ClientUses| say_beside(&only, &[], uses, identities.clone());

        assert!(say(&used(&only, UNUSED_AFTER, 0)).0);
        assert!(say(&ClientUses::default()).0);
        let (is_safe, sentence) = say(&used(&only, 300, 42));
        assert!(!is_safe && sentence.contains("In use: 42 times"));
    }

    #[test]
    fn what_is_used_would_break() {
        let (old, new) = (secret(30 * DAY, None), [secret(60, None)]);

        let (is_safe, sentence) = say(&old, &new, &used(&old, 300, 42));
        assert!(!is_safe);
        assert_eq!(
            sentence,
            "In use: 42 times in 24 hours, last 5 minutes ago from 192.0.2.7. Logins with it would fail."
        );
        let (is_safe, sentence) = say(&old, &new, &used(&old, 2 * DAY, 0));
        assert!(!is_safe && sentence.starts_with("Last used 2 days ago"));
    }

    #[test]
    fn what_nothing_uses_is_safe_unless_it_is_the_only_one() {
        let (old, new) = (secret(30 * DAY, None), [secret(60, None)]);
        let unused = used(&old, UNUSED_AFTER, 0);
        let never = ClientUses::default();

        assert_eq!(
            say(&old, &new, &unused),
            (true, "Not used for 3 days: safe to remove.".to_owned())
        );
        let (is_safe, sentence) = say(&old, &new, &never);
        assert!(is_safe && sentence.starts_with("Never used since its creation 30 days ago"));
        let (is_safe, sentence) = say(&old, &[secret(9, Some(0))], &unused);
        assert!(!is_safe && sentence.contains("only secret"));
        assert!(!say(&new[0], &[old], &never).0);
    }

    #[test]
    fn what_has_ended_is_safe() {
        let ended = secret(DAY, Some(0));

        assert!(say(&ended, &[], &used(&ended, 10, 5)).0);
    }
}
