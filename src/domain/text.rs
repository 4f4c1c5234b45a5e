//! Free text as an answer (contract 9.4).

use super::config::Config;
use serde_json::{Value, json};

/// The longest `max_length` a caller may ask for, and the longest default.
const LONGEST: usize = 5000;

/// How a text is asked for. Lengths are in code points of the trimmed text (1.2.8).
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The question shown with the control.
    pub prompt: Option<String>,
    /// Shown in the empty control.
    pub placeholder: Option<String>,
    /// The shortest answer that is not empty; 0 unless configured.
    pub min_length: usize,
    /// The longest answer: 1 to 5000; 1000 unless configured.
    pub max_length: usize,
    /// Whether the empty answer is refused.
    pub required: bool,
}

impl Text {
    pub(super) fn parse(config: Config) -> Result<Self, String> {
        let min_length = config.count("min_length", 0..=usize::MAX)?.unwrap_or(0);
        let max_length = config.count("max_length", 1..=LONGEST)?.unwrap_or(1000);
        if max_length < min_length {
            return Err("max_length must be greater than or equal to min_length".into());
        }
        Ok(Self {
            prompt: config.prompt()?,
            placeholder: config.text(&["placeholder"])?,
            min_length,
            max_length,
            required: config.flag("required")?,
        })
    }

    /// Only type and length are checked (9.9.2): the default may be empty, and a `max_length` below 5000 does not bind it.
    pub(super) fn check_default(default: &Value) -> Result<(), String> {
        let text = default.as_str().ok_or("default_response must be a string")?;
        if length(text) > LONGEST {
            return Err("default_response exceeds max_length".into());
        }
        Ok(())
    }

    /// The answer stays as typed; only the checks trim it.
    pub(super) fn answer(&self, given: &Value) -> Result<Value, String> {
        let text = given.as_str().ok_or("response must be a string")?;
        let Self { min_length, max_length, .. } = *self;
        match length(text) {
            0 if self.required => Err("response is required".into()),
            0 => Ok(text.into()),
            length if (min_length..=max_length).contains(&length) => Ok(text.into()),
            _ if min_length == 0 => Err(format!("response must be at most {max_length} characters")),
            _ => Err(format!("response must be between {min_length} and {max_length} characters")),
        }
    }

    pub(super) fn details(answer: &Value) -> Value {
        json!({"text": answer})
    }
}

/// The length of a trimmed text in code points (1.2.8).
pub(super) fn length(text: &str) -> usize {
    text.trim().chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(config: &Value) -> Result<Text, String> {
        Text::parse(Config(config.as_object().unwrap()))
    }

    #[test]
    fn an_empty_config_has_the_defaults() {
        let expected = Text { prompt: None, placeholder: None, min_length: 0, max_length: 1000, required: false };
        assert_eq!(parse(&json!({})), Ok(expected));
    }

    #[test]
    fn prompt_and_placeholder_are_kept() {
        let text = parse(&json!({"guidelines": "Why?", "placeholder": "Because"})).unwrap();
        assert_eq!(text.prompt.as_deref(), Some("Why?"));
        assert_eq!(text.placeholder.as_deref(), Some("Because"));
        let both = parse(&json!({"guidelines": "Why?", "prompt": "How?"})).unwrap();
        assert_eq!(both.prompt.as_deref(), Some("How?"));
    }

    #[test]
    fn bad_configs_are_refused() {
        for (config, fault) in [
            (json!({"min_length": -1}), "min_length must be 0 or greater"),
            (json!({"min_length": "x"}), "min_length must be an integer"),
            (json!({"max_length": 0}), "max_length must be between 1 and 5000"),
            (json!({"max_length": 5001}), "max_length must be between 1 and 5000"),
            (json!({"max_length": true}), "max_length must be an integer"),
            (json!({"min_length": 9, "max_length": 8}), "max_length must be greater than or equal to min_length"),
            (json!({"min_length": 1001}), "max_length must be greater than or equal to min_length"),
            (json!({"placeholder": 5}), "placeholder must be a string"),
            (json!({"prompt": []}), "prompt must be a string"),
            (json!({"required": 1}), "required must be a boolean"),
        ] {
            assert_eq!(parse(&config), Err(fault.into()), "{config}");
        }
    }

    #[test]
    fn answers_are_measured_trimmed_and_kept_as_typed() {
        let text = parse(&json!({"min_length": 2, "max_length": 3})).unwrap();
        for answer in ["", "  ", "ab", " ab ", "äöü", "👍👍👍", "\tabc\n"] {
            assert_eq!(text.answer(&json!(answer)), Ok(json!(answer)));
        }
        let length = Err("response must be between 2 and 3 characters".to_owned());
        for answer in ["a", " a ", "abcd"] {
            assert_eq!(text.answer(&json!(answer)), length);
        }
        for answer in [json!(5), json!(null), json!(["a"]), json!({"txt": "a"})] {
            assert_eq!(text.answer(&answer), Err("response must be a string".into()));
        }
    }

    #[test]
    fn a_required_answer_is_not_blank() {
        let text = parse(&json!({"required": true, "max_length": 3})).unwrap();
        assert_eq!(text.answer(&json!("a")), Ok(json!("a")));
        assert_eq!(text.answer(&json!(" ")), Err("response is required".into()));
        let long = Err("response must be at most 3 characters".into());
        assert_eq!(text.answer(&json!("abcd")), long);
    }

    #[test]
    fn a_default_is_any_text_up_to_the_longest() {
        assert_eq!(Text::check_default(&json!("")), Ok(()));
        assert_eq!(Text::check_default(&json!("x".repeat(5000))), Ok(()));
        let long = Text::check_default(&json!("x".repeat(5001)));
        assert_eq!(long, Err("default_response exceeds max_length".into()));
        let number = Text::check_default(&json!(5));
        assert_eq!(number, Err("default_response must be a string".into()));
    }

    #[test]
    fn the_details_hold_the_text() {
        assert_eq!(Text::details(&json!("")), json!({"text": ""}));
    }
}
