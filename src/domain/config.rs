//! Reading a `response_config`: one concept under the several spellings that callers send (contract 9.1).
//! Knows JSON types and how to name a fault; does not know what a key means, but for the prompt that every type has.

use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// A caller's configuration. Null counts as absent (1.2.5), keys that nobody asks for are ignored (9.1).
#[derive(Clone, Copy)]
pub(super) struct Config<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Config<'a> {
    /// What was sent under `name`, of whatever type.
    pub(super) fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The question shown with the control.
    pub(super) fn prompt(self) -> Result<Option<String>, String> {
        self.text(&["prompt", "guidelines"])
    }

    /// A text. A blank one means none: form tools send `"prompt": ""` for a prompt left empty.
    pub(super) fn text(self, spellings: &[&str]) -> Result<Option<String>, String> {
        let text = self.read(spellings, "a string", |value| value.as_str().map(str::to_owned))?;
        Ok(text.filter(|text| !text.trim().is_empty()))
    }

    /// A switch, off when absent.
    pub(super) fn flag(self, name: &str) -> Result<bool, String> {
        let flag = self.read(&[name], "a boolean", Value::as_bool)?;
        Ok(flag.unwrap_or(false))
    }

    /// A number; always finite.
    pub(super) fn number(self, spellings: &[&str]) -> Result<Option<f64>, String> {
        self.read(spellings, "a number", Value::as_f64)
    }

    /// A whole number within `range`, whose end may be `usize::MAX` for "any".
    pub(super) fn count(self, name: &str, range: RangeInclusive<usize>) -> Result<Option<usize>, String> {
        let whole = |value: &Value| value.as_f64().filter(|number| number.fract() == 0.0);
        let Some(number) = self.read(&[name], "an integer", whole)? else {
            return Ok(None);
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole already; the cast stops at the ends of usize, and a negative is refused below"
        )]
        let count = number as usize;
        if number >= 0.0 && range.contains(&count) {
            return Ok(Some(count));
        }
        Err(match (range.start(), range.end()) {
            (start, &usize::MAX) => format!("{name} must be {start} or greater"),
            (start, end) => format!("{name} must be between {start} and {end}"),
        })
    }

    /// An object of strings, in the order it was sent.
    pub(super) fn texts(self, name: &str) -> Result<Vec<(String, String)>, String> {
        let entry = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.into()));
        let texts =
            self.read(&[name], "an object of strings", |value| value.as_object()?.iter().map(entry).collect())?;
        Ok(texts.unwrap_or_default())
    }

    /// The first spelling that was sent decides, so callers list them in the order of precedence (9.1).
    fn read<T>(
        self,
        spellings: &[&str],
        expected: &str,
        convert: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let sent = |name: &&str| Some((name.to_string(), self.value(name)?));
        let Some((name, value)) = spellings.iter().find_map(sent) else {
            return Ok(None);
        };
        convert(value).map(Some).ok_or_else(|| format!("{name} must be {expected}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T>(config: &Value, read: impl FnOnce(Config) -> T) -> T {
        read(Config(config.as_object().unwrap()))
    }

    #[test]
    fn the_first_spelling_sent_decides_and_null_is_not_sent() {
        let config = json!({"scale_max": null, "max": 5, "max_value": 7});
        let max = read(&config, |c| c.number(&["scale_max", "max", "max_value"]));
        assert_eq!(max, Ok(Some(5.0)));
        assert_eq!(read(&config, |c| c.number(&["scale_max"])), Ok(None));
    }

    #[test]
    fn a_wrong_type_is_named_by_the_spelling_that_was_sent() {
        let config = json!({"max": "5", "prompt": 1, "required": "yes", "labels": {"1": 2}, "n": []});
        let fault = |text: &str| Some(text.to_owned());
        let max = read(&config, |c| c.number(&["scale_max", "max"]).err());
        assert_eq!(max, fault("max must be a number"));
        let prompt = read(&config, |c| c.text(&["prompt"]).err());
        assert_eq!(prompt, fault("prompt must be a string"));
        let required = read(&config, |c| c.flag("required").err());
        assert_eq!(required, fault("required must be a boolean"));
        let labels = read(&config, |c| c.texts("labels").err());
        assert_eq!(labels, fault("labels must be an object of strings"));
        let count = read(&config, |c| c.count("n", 0..=9).err());
        assert_eq!(count, fault("n must be an integer"));
    }

    #[test]
    fn a_blank_text_is_none_and_any_other_stays_as_sent() {
        let config = json!({"prompt": " ", "suffix": " USD"});
        assert_eq!(read(&config, |c| c.text(&["prompt"])), Ok(None));
        let suffix = read(&config, |c| c.text(&["suffix"]));
        assert_eq!(suffix, Ok(Some(" USD".into())));
    }

    #[test]
    fn counts_are_whole_and_within_their_range() {
        let count = |value: Value, range| read(&json!({"n": value}), |c| c.count("n", range));
        assert_eq!(count(json!(3), 0..=9), Ok(Some(3)));
        assert_eq!(count(json!(3.0), 0..=9), Ok(Some(3)));
        assert_eq!(count(json!(-0.0), 0..=9), Ok(Some(0)));
        assert_eq!(count(json!(null), 0..=9), Ok(None));
        assert_eq!(count(json!(1e300), 0..=usize::MAX), Ok(Some(usize::MAX)));
        let between = Err("n must be between 0 and 9".to_owned());
        for value in [json!(-1), json!(10), json!(u64::MAX), json!(1e300)] {
            assert_eq!(count(value, 0..=9), between);
        }
        let below = count(json!(0), 1..=usize::MAX);
        assert_eq!(below, Err("n must be 1 or greater".into()));
        let fraction = count(json!(1.5), 0..=9);
        assert_eq!(fraction, Err("n must be an integer".into()));
    }
}
