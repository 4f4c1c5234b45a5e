//! Numbers as people and programs write them, for ratings and numbers (contract 9.7, 9.8).
//! Does not know which bounds apply to what.

use serde_json::Value;

/// What is allowed between a written decimal and the nearest double (9.7, 9.8).
pub(super) const TOLERANCE: f64 = 1e-9;

/// A JSON number, or the plain decimal text that a form sends instead (9.9.3): no exponent, no `inf`, no `0x`. Always finite.
pub(super) fn parse(given: &Value) -> Option<f64> {
    match given {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => parse_text(text.trim()),
        _ => None,
    }
}

fn parse_text(text: &str) -> Option<f64> {
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let number = text.bytes().all(plain).then(|| text.parse().ok())??;
    f64::is_finite(number).then_some(number)
}

/// The number for the wire: a whole one without `.0` (1.3.4), and with the digits JavaScript would print, because
/// receivers check signatures over what their JSON library prints again (12.5).
pub fn json(value: f64) -> Value {
    let whole: Option<i64> = value.to_string().parse().ok();
    whole.map_or_else(|| value.into(), Value::from)
}

/// Refuses a value outside its bounds, both of which belong to the range; `subject` names the field in the sentence.
pub(super) fn within(subject: &str, value: f64, min: Option<f64>, max: Option<f64>) -> Result<(), String> {
    if min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max) {
        return Ok(());
    }
    Err(match (min, max) {
        (Some(min), Some(max)) => format!("{subject} must be between {min} and {max}"),
        (Some(min), None) => format!("{subject} must be at least {min}"),
        (None, Some(max)) => format!("{subject} must be at most {max}"),
        (None, None) => return Ok(()),
    })
}

/// Whether a value has at most so many decimals.
pub(super) fn has_places(value: f64, places: usize) -> bool {
    // By way of text: `value * 10^places` overflows for huge values and rounds away from the whole for large ones.
    let rounded = format!("{value:.places$}");
    let nearest: f64 = rounded.parse().expect("a formatted number is a number");
    let unit: f64 = format!("1e-{places}").parse().expect("a power of ten");
    (value - nearest).abs() <= TOLERANCE * unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    #[test]
    fn numbers_and_plain_decimals_are_read() {
        for (given, number) in [
            (value!(7), 7.0),
            (value!(-7.5), -7.5),
            (value!(u64::MAX), 18_446_744_073_709_551_615.0),
            (value!("7"), 7.0),
            (value!(" -7.50 "), -7.5),
            (value!(".5"), 0.5),
            (value!("007"), 7.0),
        ] {
            assert_eq!(parse(&given), Some(number), "{given}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for given in [
            "", " ", "-", ".", "inf", "-inf", "nan", "NaN", "infinity", "0x10", " 1 2", "1e3", "1,5", "1_000", "+1",
            "--1", "1-", "1.2.3", "٣", "１",
        ] {
            assert_eq!(parse(&value!(given)), None, "{given}");
        }
        assert_eq!(parse(&value!("9".repeat(400))), None, "beyond a double");
        for given in [value!(null), value!(true), value!([7]), value!({"rating": 7})] {
            assert_eq!(parse(&given), None, "{given}");
        }
    }

    #[test]
    fn whole_numbers_are_written_without_a_fraction() {
        for (number, text) in [
            (7.0, "7"),
            (-7.0, "-7"),
            (-0.0, "0"),
            (7.5, "7.5"),
            (299.99, "299.99"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (1e18, "1000000000000000000"),
            (1_152_921_504_606_846_976.0, "1152921504606847000"),
            (1e-7, "1e-7"),
        ] {
            assert_eq!(json(number).to_string(), text);
            assert_eq!(parse(&json(number)), Some(number), "{text} is read back");
        }
        assert_eq!(parse(&json(1e308)), Some(1e308));
    }

    #[test]
    fn bounds_belong_to_the_range_and_a_missing_one_is_not_mentioned() {
        let fault = |value, min, max| within("it", value, min, max).unwrap_err();
        assert_eq!(within("it", 1.0, Some(1.0), Some(2.0)), Ok(()));
        assert_eq!(within("it", 2.0, Some(1.0), Some(2.0)), Ok(()));
        assert_eq!(within("it", -1e308, None, None), Ok(()));
        assert_eq!(fault(0.5, Some(1.0), Some(2.5)), "it must be between 1 and 2.5");
        assert_eq!(fault(0.5, Some(1.0), None), "it must be at least 1");
        assert_eq!(fault(3.0, None, Some(2.5)), "it must be at most 2.5");
    }

    #[test]
    fn decimals_are_counted_as_written() {
        for (number, places) in [(7.0, 0), (1.15, 2), (1e300, 10), (4_194_304.07, 2), (0.1 + 0.2, 1), (1e-10, 10)] {
            assert!(has_places(number, places), "{number} in {places}");
        }
        for (number, places) in [(7.5, 0), (1.155, 2), (0.000_000_1, 6), (4_194_304.071, 2)] {
            assert!(!has_places(number, places), "{number} in {places}");
        }
    }

    #[test]
    fn every_amount_of_cents_has_two_decimals() {
        for cents in (1..2_000_000_000_000_u64).step_by(1_000_003_077) {
            let text = format!("{}.{:02}", cents / 100, cents % 100);
            assert!(has_places(text.parse().unwrap(), 2), "{text}");
        }
    }
}
