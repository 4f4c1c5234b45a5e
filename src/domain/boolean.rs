//! Yes or no as an answer (contract 9.8).

use super::{config::Config, text::length};
use serde_json::{Value, json};

/// How yes or no is asked for. There is no third answer, and none is chosen beforehand: silence is not consent.
#[derive(Clone, Debug, PartialEq)]
pub struct Boolean {
    /// The question shown with the control.
    pub prompt: Option<String>,
    /// The button for `true`; `Yes` unless configured; up to 100 code points.
    pub true_label: String,
    /// The button for `false`; `No` unless configured; up to 100 code points.
    pub false_label: String,
    /// The colour of `true` as the caller wrote it: not checked, so not to be trusted in a page.
    pub true_color: String,
    /// The colour of `false`, likewise.
    pub false_color: String,
}

impl Boolean {
    pub(super) fn parse(config: Config) -> Result<Self, String> {
        Ok(Self {
            prompt: config.prompt()?,
            true_label: label(config, "true_label", "Yes")?,
            false_label: label(config, "false_label", "No")?,
            true_color: config.text(&["true_color"])?.unwrap_or("#16a34a".into()),
            false_color: config.text(&["false_color"])?.unwrap_or("#dc2626".into()),
        })
    }

    /// The label of a decision.
    pub fn label(&self, decision: bool) -> &str {
        if decision { &self.true_label } else { &self.false_label }
    }

    /// In a default the labels do not stand for anything, but the numbers 1 and 0 do (9.9.2).
    pub(super) fn check_default(default: &Value) -> Result<(), String> {
        let meant = match default.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => decision(default, &["true", "yes", "1"], &["false", "no", "0"]),
        };
        meant.map(drop).ok_or("default_response must be a boolean".into())
    }

    pub(super) fn answer(&self, given: &Value) -> Result<Value, String> {
        let yes = ["true", "yes", "1", &self.true_label];
        let no = ["false", "no", "0", &self.false_label];
        Ok(decision(given, &yes, &no).ok_or("response must be a boolean")?.into())
    }

    pub(super) fn details(&self, answer: &Value) -> Value {
        let label = answer.as_bool().map(|decision| self.label(decision));
        json!({"boolean": answer, "boolean_label": label})
    }
}

/// What a value decides, in any letters. A word that the caller's labels give both meanings decides nothing: never guess.
fn decision(given: &Value, yes: &[&str], no: &[&str]) -> Option<bool> {
    if let Value::Bool(decision) = given {
        return Some(*decision);
    }
    let given = given.as_str()?.trim().to_lowercase();
    let among = |words: &[&str]| words.iter().any(|word| word.trim().to_lowercase() == given);
    match (among(yes), among(no)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

fn label(config: Config, name: &str, default: &str) -> Result<String, String> {
    let label = config.text(&[name])?.unwrap_or(default.into());
    if length(&label) > 100 {
        return Err(format!("{name} must be at most 100 characters"));
    }
    Ok(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(config: &Value) -> Result<Boolean, String> {
        Boolean::parse(Config(config.as_object().unwrap()))
    }

    #[test]
    fn an_empty_config_has_the_defaults() {
        let expected = Boolean {
            prompt: None,
            true_label: "Yes".into(),
            false_label: "No".into(),
            true_color: "#16a34a".into(),
            false_color: "#dc2626".into(),
        };
        assert_eq!(parse(&json!({})), Ok(expected.clone()));
        assert_eq!(parse(&json!({"prompt": "", "true_label": " "})), Ok(expected));
    }

    #[test]
    fn bad_configs_are_refused() {
        let long = "x".repeat(101);
        for (config, fault) in [
            (json!({"true_label": 3}), "true_label must be a string"),
            (json!({"true_label": long}), "true_label must be at most 100 characters"),
            (json!({"false_label": long}), "false_label must be at most 100 characters"),
            (json!({"true_color": []}), "true_color must be a string"),
            (json!({"false_color": {}}), "false_color must be a string"),
            (json!({"prompt": false}), "prompt must be a string"),
        ] {
            assert_eq!(parse(&config), Err(fault.into()), "{config}");
        }
        assert!(parse(&json!({"true_label": "ä".repeat(100)})).is_ok());
    }

    #[test]
    fn words_and_labels_in_any_letters_decide() {
        let boolean = parse(&json!({"true_label": "Ship It", "false_label": "Wait"})).unwrap();
        for given in [json!(true), json!("TRUE"), json!("Yes"), json!("1"), json!("ship it")] {
            assert_eq!(boolean.answer(&given), Ok(json!(true)), "{given}");
        }
        for given in [json!(false), json!("False"), json!("NO"), json!("0"), json!(" WAIT ")] {
            assert_eq!(boolean.answer(&given), Ok(json!(false)), "{given}");
        }
        for given in [json!(null), json!("banana"), json!(""), json!(1), json!(0), json!([true]), json!({})] {
            let fault = Err("response must be a boolean".into());
            assert_eq!(boolean.answer(&given), fault, "{given}");
        }
    }

    #[test]
    fn a_word_with_two_meanings_decides_nothing() {
        let crossed = parse(&json!({"true_label": "No", "false_label": "Keep"})).unwrap();
        assert!(crossed.answer(&json!("no")).is_err());
        assert_eq!(crossed.answer(&json!("keep")), Ok(json!(false)));
        let same = parse(&json!({"true_label": "OK", "false_label": "ok"})).unwrap();
        assert!(same.answer(&json!("OK")).is_err());
        assert_eq!(same.answer(&json!(false)), Ok(json!(false)));
    }

    #[test]
    fn a_default_decides_by_word_or_number() {
        for default in [json!(true), json!(false), json!("yes"), json!("NO"), json!("1"), json!(1), json!(0.0)] {
            assert_eq!(Boolean::check_default(&default), Ok(()), "{default}");
        }
        for default in [json!(2), json!(-1), json!("maybe"), json!(""), json!([]), json!({})] {
            let fault = Err("default_response must be a boolean".into());
            assert_eq!(Boolean::check_default(&default), fault, "{default}");
        }
    }

    #[test]
    fn the_details_hold_the_label() {
        let boolean = parse(&json!({"true_label": "Ship It"})).unwrap();
        let yes = json!({"boolean": true, "boolean_label": "Ship It"});
        assert_eq!(boolean.details(&json!(true)), yes);
        let no = json!({"boolean": false, "boolean_label": "No"});
        assert_eq!(boolean.details(&json!(false)), no);
    }
}
