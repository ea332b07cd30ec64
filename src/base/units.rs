//! Owns how durations, sizes and the like are written in a setting.

use std::str::FromStr;
use std::time::Duration;

/// 100 years. Such a time can be added to any clock; much longer ones overflow some.
const LONGEST: u64 = 36_525 * 86_400;

/// `90` or `90s`, `5m`, `1h`, `2d`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seconds(pub(crate) Duration);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split_unit(text);
        let seconds = match unit {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err("the units are s, m, h and d".to_owned()),
        };
        match multiply(number, seconds)? {
            0 => Err("it cannot be zero".to_owned()),
            total if total > LONGEST => Err("it is longer than 100 years".to_owned()),
            total => Ok(Self(Duration::from_secs(total))),
        }
    }
}

/// A duration as settings write it, in seconds.
pub fn parse_seconds(text: &str) -> Result<i64, String> {
    let seconds = text.parse::<Seconds>()?.0.as_secs();
    i64::try_from(seconds).map_err(|_| "it is too large".to_owned())
}

/// `65536` or `64KiB`, `32MiB`, `1GiB`.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub(crate) u64);

impl Bytes {
    pub(crate) fn in_memory(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl From<usize> for Bytes {
    fn from(bytes: usize) -> Self {
        Self(bytes as u64)
    }
}

/// In the largest unit of which it is a whole number.
impl std::fmt::Display for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        let fitting = units
            .into_iter()
            .find(|(unit, _)| self.0 > 0 && self.0.is_multiple_of(*unit));
        let (unit, name) = fitting.unwrap_or((1, "bytes"));
        write!(f, "{} {name}", self.0 / unit)
    }
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split_unit(text);
        let bytes = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err("the units are KiB, MiB and GiB".to_owned()),
        };
        multiply(number, bytes).map(Self)
    }
}

/// `25%`: a share that is not nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Percent(u8);

impl Percent {
    /// The share of `whole`, rounded up, so that it is not 0.
    pub(crate) fn of(self, whole: usize) -> usize {
        let share = (whole as u128 * u128::from(self.0)).div_ceil(100);
        usize::try_from(share).unwrap_or(whole)
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match split_unit(text) {
            (number, "%") => match multiply(number, 1)? {
                percent @ 1..=100 => Ok(Self(u8::try_from(percent).unwrap_or(100))),
                _ => Err("it is not within 1% and 100%".to_owned()),
            },
            _ => Err("there is no `%` after a number".to_owned()),
        }
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

fn multiply(number: &str, unit: u64) -> Result<u64, String> {
    let number: u64 = number
        .parse()
        .map_err(|_| "there is no number".to_owned())?;
    number
        .checked_mul(unit)
        .ok_or_else(|| "it is too large".to_owned())
}

/// How much work a hash takes, as a PHC string writes it: memory in KiB, passes, lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Work {
    /// Memory in KiB.
    pub m: u32,
    /// Passes over it.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl Argon2Work {
    /// Whether this is no more work than `other` in anything.
    pub fn is_within(self, other: Self) -> bool {
        self.m <= other.m && self.t <= other.t && self.p <= other.p
    }

    /// Whether a hash of this work ends in seconds, not minutes, and does not take all memory.
    pub fn is_bearable(self) -> bool {
        (8..=1 << 20).contains(&self.m)
            && (1..=100).contains(&self.t)
            && (1..=16).contains(&self.p)
            && self.m >= 8 * self.p
            && u64::from(self.m) * u64::from(self.t) <= 4 << 20
    }
}

impl std::fmt::Display for Argon2Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "m={},t={},p={}", self.m, self.t, self.p)
    }
}

impl FromStr for Argon2Work {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut work = Self { m: 0, t: 0, p: 0 };
        for part in text.split(',') {
            let (name, value) = part
                .split_once('=')
                .ok_or("expected m=NUMBER,t=NUMBER,p=NUMBER")?;
            let value = value
                .trim()
                .parse()
                .map_err(|_| format!("{name} is not a number"))?;
            match name.trim() {
                "m" => work.m = value,
                "t" => work.t = value,
                "p" => work.p = value,
                other => return Err(format!("there is no parameter `{other}`")),
            }
        }
        if work.is_bearable() {
            Ok(work)
        } else {
            Err(
                "m is 8 to 1048576 and at least 8 per lane, t is 1 to 100, p is 1 to 16, and \
                 m times t is at most 4194304"
                    .into(),
            )
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("there is no such format".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_and_sizes_have_units() {
        let seconds = |text: &str| text.parse::<Seconds>().map(|s| s.0.as_secs());
        let bytes = |text: &str| text.parse::<Bytes>().map(|b| b.0);

        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("2h"), Ok(7_200));
        assert_eq!(bytes("64 KiB"), Ok(65_536));
        for bad in [
            "",
            "h",
            "-1s",
            "1y",
            "1.5h",
            "99999999999999999999",
            "36526d",
        ] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert!(seconds("0").is_err());
        assert!(bytes("64KB").is_err());
        for (size, text) in [
            (8 << 20, "8 MiB"),
            (96 << 10, "96 KiB"),
            (1_025, "1025 bytes"),
            (0, "0 bytes"),
        ] {
            assert_eq!(Bytes(size).to_string(), text);
        }
    }

    #[test]
    fn a_share_is_rounded_up() {
        let share = |text: &str, whole| text.parse::<Percent>().map(|it| it.of(whole));

        assert_eq!(share("25%", 20_000), Ok(5_000));
        assert_eq!(share("25 %", 3), Ok(1));
        assert_eq!(share("100%", usize::MAX), Ok(usize::MAX));
        for bad in ["", "25", "%", "0%", "101%", "-1%", "1.5%", "25%%"] {
            assert!(bad.parse::<Percent>().is_err(), "{bad}");
        }
    }

    #[test]
    fn argon2_work_is_written_as_in_a_phc_string() {
        assert_eq!(
            "m=19456,t=2,p=1".parse(),
            Ok(Argon2Work {
                m: 19_456,
                t: 2,
                p: 1
            })
        );
        for bad in [
            "",
            "m=1,t=1,p=1",
            "m=1024,t=0,p=1",
            "m=1024,t=1",
            "m=x,t=1,p=1",
            "m=1048576,t=5,p=1",
            "k=1",
        ] {
            assert!(bad.parse::<Argon2Work>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = text.parse::<Seconds>();
            let _ = text.parse::<Bytes>();
            let _ = text.parse::<Percent>();
            let _ = text.parse::<Argon2Work>();
        }
    }
}
