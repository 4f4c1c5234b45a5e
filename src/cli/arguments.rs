//! How arguments are read that clap does not know. Does not know what they are for.

use crate::domain::{Email, words::Word};
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// One word of an enumeration; the help lists them.
pub(super) fn word<W: Word + Send + Sync>() -> impl TypedValueParser<Value = W> {
    PossibleValuesParser::new(W::all_words()).map(|word| W::named(&word).expect("clap let a listed word through"))
}

/// An e-mail address.
pub(super) fn email(text: &str) -> Result<Email, String> {
    Email::parse(text).map_err(|_| "not an e-mail address".to_owned())
}

/// A span of time, in seconds: `0`, `90s`, `30m`, `24h`, `7d`.
pub(super) fn seconds(text: &str) -> Result<i64, String> {
    let refusal = || "must be a whole number with a unit, such as 90s, 30m, 24h or 7d, or 0".to_owned();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "" if number == "0" => 1,
        _ => return Err(refusal()),
    };
    let number: u32 = number.parse().map_err(|_| refusal())?;
    Ok(i64::from(number) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_units() {
        for (text, span) in [("0", 0), ("0s", 0), ("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(seconds(text), Ok(span), "{text}");
        }
        for text in ["", "h", "24", "-1h", "1.5h", "1h30m", "1w", "24 h", "24H", "99999999999d", "4294967296s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
