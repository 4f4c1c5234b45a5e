//! JSON as JavaScript prints it: receivers verify signatures over what their library prints again (contract 12.5).

use serde_json::{Value, ser::Formatter};
use std::io;

/// The compact text that `JSON.stringify(JSON.parse(text))` gives back unchanged.
pub fn to_string(value: &impl serde::Serialize) -> String {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, JavaScript);
    value.serialize(&mut serializer).expect("our own structures serialise");
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// Compact, with numbers in their shortest JavaScript form.
struct JavaScript;

/// Up to here JavaScript knows every whole number.
const EXACT: u64 = 1 << 53;

impl Formatter for JavaScript {
    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(number(value).as_bytes())
    }

    #[expect(clippy::cast_precision_loss, reason = "JavaScript loses the same digits")]
    fn write_i64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        let text = if value.unsigned_abs() > EXACT { number(value as f64) } else { value.to_string() };
        writer.write_all(text.as_bytes())
    }

    #[expect(clippy::cast_precision_loss, reason = "JavaScript loses the same digits")]
    fn write_u64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        let text = if value > EXACT { number(value as f64) } else { value.to_string() };
        writer.write_all(text.as_bytes())
    }
}

/// ECMAScript's `Number::toString`: the shortest digits, with an exponent from 1e21 on and below 1e-6.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("scientific notation has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    match exponent {
        -6..21 => value.to_string(),
        21.. => format!("{digits}e+{exponent}"),
        _ => format!("{digits}e{exponent}"),
    }
}

/// Whether no object in it has keys that JavaScript would put in another order.
pub fn keeps_its_order(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(keeps_its_order),
        Value::Object(fields) => fields.iter().all(|(name, value)| !is_index(name) && keeps_its_order(value)),
        _ => true,
    }
}

fn is_index(name: &str) -> bool {
    name == "0"
        || (!name.starts_with('0') && name.parse::<u32>().is_ok_and(|index| index < u32::MAX) && !name.starts_with('+'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_those_of_javascript() {
        for (value, text) in [
            (json!(900.0), "900"),
            (json!(-0.0), "0"),
            (json!(0.5), "0.5"),
            (json!(0.00001), "0.00001"),
            (json!(0.000_000_1), "1e-7"),
            (json!(1.25e-9), "1.25e-9"),
            (json!(1e20), "100000000000000000000"),
            (json!(1e21), "1e+21"),
            (json!(1.5e300), "1.5e+300"),
            (json!(9_007_199_254_740_993_u64), "9007199254740992"),
            (json!(i64::MIN), "-9223372036854776000"),
            (json!(u64::MAX), "18446744073709552000"),
        ] {
            assert_eq!(to_string(&value), text);
        }
    }

    #[test]
    fn text_is_raw_but_for_control_characters() {
        let text = to_string(&json!({"b": "é/<&>\u{2028}\u{7f}\u{1}\n\"", "a": []}));
        assert_eq!(text, "{\"b\":\"é/<&>\u{2028}\u{7f}\\u0001\\n\\\"\",\"a\":[]}");
    }

    #[test]
    fn keys_that_look_like_indexes_are_seen() {
        assert!(keeps_its_order(&json!({"a": [{"01": 1, "-1": 2, "1.5": 3}]})));
        assert!(!keeps_its_order(&json!({"a": [{"10": 1}]})));
        assert!(!keeps_its_order(&json!({"0": 1})));
    }
}
