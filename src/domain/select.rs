//! One or several of given options as an answer (contract 9.5, 9.6).
//! Does not know how a text is matched to an option: `choice` does.

use super::{
    choice::{Choices, slug},
    config::Config,
};
use serde_json::{Value, json};
use std::collections::HashSet;

/// How one of the options is asked for. Whether `required` or not, the answer is one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct SingleSelect {
    /// The question shown with the control.
    pub prompt: Option<String>,
    /// What can be chosen.
    pub choices: Choices,
}

/// How any number of the options is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiSelect {
    /// The question shown with the control.
    pub prompt: Option<String>,
    /// What can be chosen.
    pub choices: Choices,
    /// The fewest that may be chosen; at least 1 when an answer is required.
    pub min_selections: usize,
    /// The most that may be chosen; at most the number of options.
    pub max_selections: usize,
}

const UNMATCHED: &str = "response must match one of the configured options";
const UNMATCHED_DEFAULT: &str = "default_response must match one of the configured options";

impl SingleSelect {
    pub(super) fn parse(config: Config) -> Result<Self, String> {
        Ok(Self { choices: Choices::parse(config)?, prompt: config.prompt()? })
    }

    pub(super) fn check_default(&self, default: &Value) -> Result<(), String> {
        self.value(default).map(drop).ok_or(UNMATCHED_DEFAULT.into())
    }

    pub(super) fn answer(&self, given: &Value) -> Result<Value, String> {
        Ok(self.value(given).ok_or(UNMATCHED)?.into())
    }

    pub(super) fn details(&self, answer: &Value) -> Value {
        let value = answer.as_str();
        json!({
            "selected_value": answer,
            "selected_label": value.map(|value| self.choices.label(value)),
            "selected_slug": value.map(slug),
        })
    }

    fn value(&self, given: &Value) -> Option<String> {
        self.choices.value(given.as_str()?)
    }
}

/// The most items of a list that are looked at: far above any count of options, so that matching stays cheap.
const MOST_ITEMS: usize = 200;

impl MultiSelect {
    pub(super) fn parse(config: Config) -> Result<Self, String> {
        let choices = Choices::parse(config)?;
        let count = choices.options.len();
        let min = config.count("min_selections", 0..=usize::MAX)?.unwrap_or(0);
        let max = config.count("max_selections", 1..=usize::MAX)?;
        if max.is_some_and(|max| max < min) {
            return Err("max_selections must be greater than or equal to min_selections".into());
        }
        if min > count {
            return Err("min_selections cannot exceed the number of options".into());
        }
        Ok(Self {
            prompt: config.prompt()?,
            choices,
            min_selections: min.max(config.flag("required")?.into()),
            max_selections: max.map_or(count, |max| max.min(count)),
        })
    }

    /// How many are selected, and whether one is twice, does not matter in a default (9.9.2); `""` selects none.
    pub(super) fn check_default(&self, default: &Value) -> Result<(), String> {
        if default.as_str() == Some("") {
            return Ok(());
        }
        self.values(default).map(drop).ok_or(UNMATCHED_DEFAULT.into())
    }

    pub(super) fn answer(&self, given: &Value) -> Result<Value, String> {
        let values = self.values(given).ok_or(UNMATCHED)?;
        let mut seen = HashSet::new();
        if !values.iter().all(|value| seen.insert(value)) {
            return Err("response must not select an option twice".into());
        }
        let (min, max) = (self.min_selections, self.max_selections);
        if !(min..=max).contains(&values.len()) {
            return Err(format!("response must select between {min} and {max} options"));
        }
        Ok(values.into())
    }

    pub(super) fn details(&self, answer: &Value) -> Value {
        let values = || answer.as_array().into_iter().flatten().filter_map(Value::as_str);
        json!({
            "selected_values": answer,
            "selected_labels": values().map(|value| self.choices.label(value)).collect::<Vec<_>>(),
            "selected_slugs": values().map(slug).collect::<Vec<_>>(),
        })
    }

    /// What is meant, in the order given; none when one item means no option. A single text is a list of one.
    fn values(&self, given: &Value) -> Option<Vec<String>> {
        let value = |item: &Value| self.choices.value(item.as_str()?);
        match given {
            Value::Array(items) if items.len() > MOST_ITEMS => None,
            Value::Array(items) => items.iter().map(value).collect(),
            item => Some(vec![value(item)?]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single(config: &Value) -> SingleSelect {
        SingleSelect::parse(Config(config.as_object().unwrap())).unwrap()
    }

    fn multi(config: &Value) -> Result<MultiSelect, String> {
        MultiSelect::parse(Config(config.as_object().unwrap()))
    }

    fn three(limits: &Value) -> Value {
        let mut config = json!({"options": ["Fast", {"value": "ok", "label": "All Good"}, "Cheap"]});
        let limits = limits.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(limits);
        config
    }

    #[test]
    fn one_option_is_stored_as_its_value() {
        let select = single(&three(&json!({"prompt": "Which?"})));
        assert_eq!(select.prompt.as_deref(), Some("Which?"));
        for given in ["ok", "All Good", "ALL GOOD", "OK", "all_good"] {
            assert_eq!(select.answer(&json!(given)), Ok(json!("ok")), "{given}");
            assert_eq!(select.check_default(&json!(given)), Ok(()), "{given}");
        }
        for given in [json!("Slow"), json!(""), json!(5), json!(null), json!(["ok"]), json!({})] {
            assert_eq!(select.answer(&given), Err(UNMATCHED.into()), "{given}");
            let default = select.check_default(&given);
            assert_eq!(default, Err(UNMATCHED_DEFAULT.into()), "{given}");
        }
    }

    #[test]
    fn details_of_one_option() {
        let select = single(&three(&json!({})));
        let fast = json!({"selected_value": "Fast", "selected_label": "Fast", "selected_slug": "fast"});
        assert_eq!(select.details(&json!("Fast")), fast);
        let ok = json!({"selected_value": "ok", "selected_label": "All Good", "selected_slug": "ok"});
        assert_eq!(select.details(&json!("ok")), ok);
    }

    #[test]
    fn a_list_beyond_reason_is_refused_unread() {
        let select = multi(&three(&json!({}))).unwrap();
        assert_eq!(select.check_default(&vec!["Fast"; MOST_ITEMS].into()), Ok(()));
        assert_eq!(select.check_default(&vec!["Fast"; MOST_ITEMS + 1].into()), Err(UNMATCHED_DEFAULT.into()));
    }

    #[test]
    fn limits_of_a_selection() {
        for (limits, min, max) in [
            (json!({}), 0, 3),
            (json!({"required": true}), 1, 3),
            (json!({"required": true, "min_selections": 2}), 2, 3),
            (json!({"min_selections": 1, "max_selections": 1}), 1, 1),
            (json!({"max_selections": 99}), 0, 3),
        ] {
            let select = multi(&three(&limits)).unwrap();
            assert_eq!((select.min_selections, select.max_selections), (min, max), "{limits}");
        }
    }

    #[test]
    fn bad_limits_are_refused() {
        for (limits, fault) in [
            (json!({"min_selections": -1}), "min_selections must be 0 or greater"),
            (json!({"min_selections": "1"}), "min_selections must be an integer"),
            (json!({"max_selections": 0}), "max_selections must be 1 or greater"),
            (json!({"max_selections": 1.5}), "max_selections must be an integer"),
            (
                json!({"min_selections": 5, "max_selections": 4}),
                "max_selections must be greater than or equal to min_selections",
            ),
            (json!({"min_selections": 4, "max_selections": 5}), "min_selections cannot exceed the number of options"),
            (json!({"min_selections": 4}), "min_selections cannot exceed the number of options"),
            (json!({"required": "yes"}), "required must be a boolean"),
        ] {
            assert_eq!(multi(&three(&limits)), Err(fault.into()), "{limits}");
        }
        let none = "options array required for select response type";
        assert_eq!(multi(&json!({})), Err(none.into()));
    }

    #[test]
    fn several_options_keep_the_order_given() {
        let select = multi(&three(&json!({}))).unwrap();
        for (given, stored) in [
            (json!(["Cheap", "all good", "fast"]), json!(["Cheap", "ok", "Fast"])),
            (json!([]), json!([])),
            (json!("fast"), json!(["Fast"])),
        ] {
            assert_eq!(select.answer(&given), Ok(stored), "{given}");
        }
    }

    #[test]
    fn bad_selections_are_refused() {
        let select = multi(&three(&json!({"min_selections": 1, "max_selections": 2}))).unwrap();
        let count = "response must select between 1 and 2 options";
        for (given, fault) in [
            (json!([]), count),
            (json!(["Fast", "ok", "Cheap"]), count),
            (json!(["ok", "All Good"]), "response must not select an option twice"),
            (json!(["Fast", "Slow"]), UNMATCHED),
            (json!(["Fast", 5]), UNMATCHED),
            (json!([["Fast"]]), UNMATCHED),
            (json!(""), UNMATCHED),
            (json!(true), UNMATCHED),
            (json!(null), UNMATCHED),
        ] {
            assert_eq!(select.answer(&given), Err(fault.into()), "{given}");
        }
    }

    #[test]
    fn a_default_selection_is_free_in_its_count() {
        let select = multi(&three(&json!({"min_selections": 2, "max_selections": 2}))).unwrap();
        for default in [json!([]), json!(""), json!("fast"), json!(["ok", "ok"]), json!(["Fast", "ok", "Cheap"])] {
            assert_eq!(select.check_default(&default), Ok(()), "{default}");
        }
        for default in [json!("none"), json!(["Slow"]), json!([1]), json!(5), json!({})] {
            let checked = select.check_default(&default);
            assert_eq!(checked, Err(UNMATCHED_DEFAULT.into()), "{default}");
        }
    }

    #[test]
    fn details_of_several_options() {
        let select = multi(&three(&json!({}))).unwrap();
        let details = json!({
            "selected_values": ["ok", "Fast"],
            "selected_labels": ["All Good", "Fast"],
            "selected_slugs": ["ok", "fast"],
        });
        assert_eq!(select.details(&json!(["ok", "Fast"])), details);
        let none = json!({"selected_values": [], "selected_labels": [], "selected_slugs": []});
        assert_eq!(select.details(&json!([])), none);
    }
}
