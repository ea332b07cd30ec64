//! Owns how the members of a document may be written where there is more than one way.

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::base::clock::UnixTime;
use crate::config::parse_seconds;
use crate::domain::{ParseError, TokenTtl};

/// Words with spaces between them, or a list of words.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Words(pub(in crate::app) String);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Words;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("words with spaces between them, or a list of words")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
                Ok(Words(text.to_owned()))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Words, E> {
                Ok(Words::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                let mut words: Vec<String> = Vec::new();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(Words(words.join(" ")))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

/// Seconds, or a text such as `15m`.
#[derive(Clone, Debug)]
pub(in crate::app) enum Lifetime {
    Seconds(i64),
    Text(String),
}

impl Lifetime {
    pub(in crate::app) fn parse(&self) -> Result<TokenTtl, ParseError> {
        let seconds = match self {
            Self::Seconds(seconds) => *seconds,
            Self::Text(text) => parse_seconds(text)
                .map_err(|error| ParseError::new(format!("token_ttl: {error}")))?,
        };
        TokenTtl::from_seconds(seconds)
    }
}

/// A time: seconds since 1970, or `2027-01-01T00:00:00Z`.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Moment(pub(in crate::app) UnixTime);

/// A type that is written as a number or as a text.
macro_rules! number_or_text {
    ($name:ident, $expected:literal, $number:expr, $text:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Read;

                impl Visitor<'_> for Read {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<$name, E> {
                        Ok($number(number))
                    }

                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$name, E> {
                        let number = i64::try_from(number);
                        number
                            .map($number)
                            .map_err(|_| E::custom("the number is too large"))
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        $text(text).map_err(E::custom)
                    }
                }

                deserializer.deserialize_any(Read)
            }
        }
    };
}

number_or_text!(
    Lifetime,
    "seconds, or a duration such as `15m`",
    Lifetime::Seconds,
    |text: &str| Ok::<_, ParseError>(Lifetime::Text(text.to_owned()))
);
number_or_text!(
    Moment,
    "seconds since 1970, or a time such as `2027-01-01T00:00:00Z`",
    |number| Moment(UnixTime(number)),
    |text: &str| text.parse().map(Moment)
);
