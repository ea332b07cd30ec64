//! Owns what the lifespan of another server's tokens is here. What is beyond our bounds is a remark: a client must not be
//! lost for it.

use crate::domain::TokenTtl;

const NANOS: i128 = 1_000_000_000;

/// Takes a lifespan in seconds. One that is too short becomes the shortest, not the longer `TOKEN_TTL`.
pub(super) fn of_seconds(seconds: i64, name: &str, remarks: &mut Vec<String>) -> Option<TokenTtl> {
    if let Ok(ttl) = TokenTtl::from_seconds(seconds) {
        return Some(ttl);
    }
    let beyond = format!("{name} is {seconds} s, not within 60 to 86400: its tokens live ");
    if seconds < TokenTtl::MIN.seconds() {
        remarks.push(beyond + "60 s, which is longer");
        return Some(TokenTtl::MIN);
    }
    remarks.push(beyond + "for TOKEN_TTL");
    None
}

/// Takes a lifespan in nanoseconds, as Go counts.
pub(super) fn of_nanos(nanos: i128, name: &str, remarks: &mut Vec<String>) -> Option<TokenTtl> {
    let seconds = i64::try_from(nanos.div_euclid(NANOS)).unwrap_or(i64::MAX);
    if nanos.rem_euclid(NANOS) != 0 {
        remarks.push(format!(
            "{name} is not a whole number of seconds: its tokens live {seconds} s"
        ));
    }
    of_seconds(seconds, name, remarks)
}

/// Nanoseconds: a whole number, or a duration as Go writes it (`1h30m0s`, `1.5h`, `90s500ms`).
pub(super) fn go_nanos(text: &str) -> Option<i128> {
    if let Ok(nanos) = text.parse::<u64>() {
        return Some(nanos.into());
    }
    let (mut nanos, mut rest) = (0_i128, text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at(end);
        let length = unit
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(unit.len());
        nanos = nanos.checked_add(scaled(number, unit_nanos(&unit[..length])?)?)?;
        rest = &unit[length..];
    }
    (!text.is_empty()).then_some(nanos)
}

fn unit_nanos(unit: &str) -> Option<i128> {
    Some(match unit {
        "h" => 3_600 * NANOS,
        "m" => 60 * NANOS,
        "s" => NANOS,
        "ms" => NANOS / 1_000,
        "us" | "\u{b5}s" | "\u{3bc}s" => NANOS / 1_000_000,
        "ns" => 1,
        _ => return None,
    })
}

/// A decimal number of units; what is less than a nanosecond is cut off.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() > 12 || fraction.len() > 12 || whole.len() + fraction.len() == 0 {
        return None;
    }
    let parse = |digits: &str| match digits {
        "" => Some(0),
        _ => digits.parse::<i128>().ok(),
    };
    let parts = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    Some(parse(whole)? * unit + parse(fraction)? * unit / parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifespan_is_read_as_go_writes_it() {
        for (text, seconds) in [
            ("1h30m5s", 5_405),
            ("15m", 900),
            ("1.5h", 5_400),
            ("48h0m0s", 172_800),
            ("900000000000", 900),
        ] {
            assert_eq!(go_nanos(text), Some(seconds * NANOS), "{text}");
        }
        assert_eq!(go_nanos("90s500ms"), Some(90_500_000_000));
        for text in [
            "", "1h30", "h", "1x", "1.2.3s", "-5s", "s5", "\u{fc}", "1..s",
        ] {
            assert_eq!(go_nanos(text), None, "{text}");
        }
    }

    #[test]
    fn a_lifespan_beyond_the_bounds_is_a_remark_and_never_longer_than_it_has_to_be() {
        let take = |seconds: i64| {
            let mut remarks = Vec::new();
            let ttl = of_nanos(i128::from(seconds) * NANOS, "lifespan", &mut remarks);
            (ttl.map(TokenTtl::seconds), remarks.concat())
        };
        assert_eq!(take(900), (Some(900), String::new()));
        let (short, said) = take(30);
        assert!(
            short == Some(60) && said.contains("lifespan is 30 s"),
            "{said}"
        );
        let (long, said) = take(172_800);
        assert!(long.is_none() && said.contains("TOKEN_TTL"), "{said}");
        let mut remarks = Vec::new();
        let ttl = of_nanos(90_500_000_000, "lifespan", &mut remarks);
        assert_eq!(ttl.map(TokenTtl::seconds), Some(90));
        assert!(remarks[0].contains("not a whole number of seconds"));
    }
}
