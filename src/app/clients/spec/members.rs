//! Owns how the members of a document may be written where there is more than one way.

use serde::Deserialize;

use crate::base::clock::UnixTime;
use crate::config::parse_seconds;
use crate::domain::{ParseError, TokenTtl};

/// Words with spaces between them, or a list of words.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected words separated by spaces, or a list of words"
)]
pub(crate) enum SpaceSeparated {
    Text(String),
    List(Vec<String>),
}

impl SpaceSeparated {
    pub(crate) fn join(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::List(list) => list.join(" "),
        }
    }
}

/// Seconds, or a text such as `15m`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected seconds, or a duration such as `15m`")]
pub(crate) enum Lifetime {
    Seconds(i64),
    Text(String),
}

impl Lifetime {
    pub(crate) fn parse(self) -> Result<TokenTtl, ParseError> {
        let seconds = match self {
            Self::Seconds(seconds) => seconds,
            Self::Text(text) => parse_seconds(&text).map_err(ParseError::new)?,
        };
        TokenTtl::from_seconds(seconds)
    }
}

/// A time: seconds since 1970, or `2027-01-01T00:00:00Z`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "NumberOrText")]
pub(crate) struct Timestamp(pub(crate) UnixTime);

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected seconds since 1970, or a time such as `2027-01-01T00:00:00Z`"
)]
enum NumberOrText {
    Number(i64),
    Text(String),
}

/// Takes a number for a time. One behind the year 9999 counts milliseconds, or it is no time.
pub(crate) fn seconds_since_1970(number: i64) -> Result<UnixTime, ParseError> {
    const YEAR_10000: i64 = 253_402_300_800;
    if number < YEAR_10000 {
        Ok(UnixTime(number))
    } else {
        Err(ParseError::new(
            "expected seconds since 1970, not milliseconds",
        ))
    }
}

impl TryFrom<NumberOrText> for Timestamp {
    type Error = ParseError;

    fn try_from(value: NumberOrText) -> Result<Self, ParseError> {
        match value {
            NumberOrText::Number(seconds) => seconds_since_1970(seconds).map(Self),
            NumberOrText::Text(text) => {
                let parsed = text.parse().map(Self);
                parsed.map_err(|error: jiff::Error| ParseError::new(error.to_string()))
            }
        }
    }
}
