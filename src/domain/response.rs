//! The six response types behind one face: reading a `response_config`, checking a default, taking an answer, showing it
//! (contract 9). Answers come in several dialects and are stored in one, the bare form of 9.2.
//! Does not know requests or reviewers, nor what a refusal looks like on the wire: an `Err` here is the `data` text beside
//! the message of V18, V19 or 16.4.

use super::{
    boolean::Boolean,
    config::Config,
    number::Number,
    rating::Rating,
    select::{MultiSelect, SingleSelect},
    text::Text,
    words::{Word, words},
};
use serde_json::{Map, Value};

words! {
    /// What kind of answer a request asks for: `response_type`.
    pub enum ResponseType {
        /// Free text.
        Text = "text",
        /// One of several options.
        SingleSelect = "single_select",
        /// Any number of several options.
        MultiSelect = "multi_select",
        /// A point on a scale.
        Rating = "rating",
        /// A number.
        Number = "number",
        /// Yes or no.
        Boolean = "boolean",
    }
}

impl ResponseType {
    /// The key under which the object dialect holds the bare answer (9.2).
    pub(super) fn answer_key(self) -> &'static str {
        match self {
            Self::SingleSelect => "selected_value",
            Self::MultiSelect => "selected_values",
            Self::Text | Self::Rating | Self::Number | Self::Boolean => self.as_str(),
        }
    }

    /// The bare answer inside either dialect.
    pub(super) fn bare(self, given: &Value) -> &Value {
        given.get(self.answer_key()).unwrap_or(given)
    }
}

/// What exactly a request asks for: its `response_type` with its `response_config`, read and found good.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// Free text.
    Text(Text),
    /// One of several options.
    SingleSelect(SingleSelect),
    /// Any number of several options.
    MultiSelect(MultiSelect),
    /// A point on a scale.
    Rating(Rating),
    /// A number.
    Number(Number),
    /// Yes or no.
    Boolean(Boolean),
}

impl Spec {
    /// Reads a `response_config` in any dialect of 9.1. An error is the detail of V18.
    pub fn parse(kind: ResponseType, config: &Map<String, Value>) -> Result<Self, String> {
        let config = Config(config);
        config.flag("required")?;
        Ok(match kind {
            ResponseType::Text => Self::Text(Text::parse(config)?),
            ResponseType::SingleSelect => Self::SingleSelect(SingleSelect::parse(config)?),
            ResponseType::MultiSelect => Self::MultiSelect(MultiSelect::parse(config)?),
            ResponseType::Rating => Self::Rating(Rating::parse(config)?),
            ResponseType::Number => Self::Number(Number::parse(config)?),
            ResponseType::Boolean => Self::Boolean(Boolean::parse(config)?),
        })
    }

    /// The type this is a configuration of.
    pub const fn response_type(&self) -> ResponseType {
        match self {
            Self::Text(_) => ResponseType::Text,
            Self::SingleSelect(_) => ResponseType::SingleSelect,
            Self::MultiSelect(_) => ResponseType::MultiSelect,
            Self::Rating(_) => ResponseType::Rating,
            Self::Number(_) => ResponseType::Number,
            Self::Boolean(_) => ResponseType::Boolean,
        }
    }

    /// The question shown with the control.
    pub fn prompt(&self) -> Option<&str> {
        let prompt = match self {
            Self::Text(text) => &text.prompt,
            Self::SingleSelect(select) => &select.prompt,
            Self::MultiSelect(select) => &select.prompt,
            Self::Rating(rating) => &rating.prompt,
            Self::Number(number) => &number.prompt,
            Self::Boolean(boolean) => &boolean.prompt,
        };
        prompt.as_deref()
    }

    /// Whether a `default_response` in either dialect may stand in for an answer (9.9). Null is not a default: do not
    /// pass it. An error is the detail of V19.
    pub fn check_default(&self, default: &Value) -> Result<(), String> {
        let default = self.response_type().bare(default);
        match self {
            Self::Text(_) => Text::check_default(default),
            Self::SingleSelect(select) => select.check_default(default),
            Self::MultiSelect(select) => select.check_default(default),
            Self::Rating(rating) => rating.check_default(default),
            Self::Number(number) => number.check_default(default),
            Self::Boolean(_) => Boolean::check_default(default),
        }
    }

    /// Takes a reviewer's answer in either dialect and returns it as it is stored and sent: `response_data`, bare (9.2.1).
    /// An error is the detail of "Invalid response" (16.4).
    pub fn answer(&self, given: &Value) -> Result<Value, String> {
        let given = self.response_type().bare(given);
        match self {
            Self::Text(text) => text.answer(given),
            Self::SingleSelect(select) => select.answer(given),
            Self::MultiSelect(select) => select.answer(given),
            Self::Rating(rating) => rating.answer(given),
            Self::Number(number) => number.answer(given),
            Self::Boolean(boolean) => boolean.answer(given),
        }
    }

    /// `response_details`: the object dialect of an answer that [`Spec::answer`] returned (9.2.3).
    pub fn details(&self, answer: &Value) -> Value {
        match self {
            Self::Text(_) => Text::details(answer),
            Self::SingleSelect(select) => select.details(answer),
            Self::MultiSelect(select) => select.details(answer),
            Self::Rating(rating) => rating.details(answer),
            Self::Number(number) => number.details(answer),
            Self::Boolean(boolean) => boolean.details(answer),
        }
    }
}

/// The answer for clients that take it only when JavaScript calls it true: the details instead of `false`, `0` and `""` (9.3).
pub fn mirror(answer: &Value, details: &Value) -> Value {
    let falsy = match answer {
        Value::Bool(decision) => !decision,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    if falsy { details.clone() } else { answer.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_have_the_names_of_the_contract() {
        let names = ResponseType::all_words();
        let contract = ["text", "single_select", "multi_select", "rating", "number", "boolean"];
        assert_eq!(names, contract);
    }

    /// A config of each type that everything in 9.2's table fits, in the table's order.
    fn table() -> [(ResponseType, Value, Value, Value); 6] {
        let options = json!([{"value": "approve", "label": "Approve"}, "b"]);
        [
            (ResponseType::Text, json!({}), json!("No issues"), json!({"text": "No issues"})),
            (
                ResponseType::SingleSelect,
                json!({"options": options}),
                json!("approve"),
                json!({"selected_value": "approve", "selected_label": "Approve", "selected_slug": "approve"}),
            ),
            (
                ResponseType::MultiSelect,
                json!({"options": options}),
                json!(["b", "approve"]),
                json!({
                    "selected_values": ["b", "approve"],
                    "selected_labels": ["b", "Approve"],
                    "selected_slugs": ["b", "approve"],
                }),
            ),
            (
                ResponseType::Rating,
                json!({"max": 10, "step": 0.5, "labels": {"7.5": "Good Quality"}}),
                json!(7.5),
                json!({"rating": 7.5, "rating_label": "Good Quality"}),
            ),
            (
                ResponseType::Number,
                json!({"prefix": "$", "suffix": " USD"}),
                json!(299.99),
                json!({"number": 299.99, "formatted_value": "$299.99 USD"}),
            ),
            (ResponseType::Boolean, json!({}), json!(true), json!({"boolean": true, "boolean_label": "Yes"})),
        ]
    }

    fn parse(kind: ResponseType, config: &Value) -> Result<Spec, String> {
        Spec::parse(kind, config.as_object().unwrap())
    }

    #[test]
    fn both_dialects_of_an_answer_are_read_and_written() {
        for (kind, config, bare, object) in table() {
            let spec = parse(kind, &config).unwrap();
            assert_eq!(spec.response_type(), kind);
            assert_eq!(spec.answer(&bare).as_ref(), Ok(&bare));
            assert_eq!(spec.answer(&object).as_ref(), Ok(&bare));
            assert_eq!(spec.check_default(&bare), Ok(()));
            assert_eq!(spec.check_default(&object), Ok(()));
            assert_eq!(spec.details(&bare), object);
        }
    }

    #[test]
    fn a_label_that_contradicts_its_value_is_ignored() {
        let [_, (kind, config, ..), ..] = table();
        let given = json!({"selected_value": "approve", "selected_label": "b"});
        let answer = parse(kind, &config).unwrap().answer(&given);
        assert_eq!(answer, Ok(json!("approve")));
    }

    #[test]
    fn another_types_object_and_an_object_within_an_object_are_refused() {
        for (kind, config, _, object) in table() {
            let spec = parse(kind, &config).unwrap();
            let nested = json!({kind.answer_key(): object});
            assert!(spec.answer(&nested).is_err(), "{nested}");
            for (other, _, _, object) in table() {
                assert_eq!(spec.answer(&object).is_ok(), kind == other, "{object} as {kind}");
            }
        }
    }

    #[test]
    fn every_type_has_a_prompt_and_may_be_required() {
        for (kind, mut config, ..) in table() {
            config["prompt"] = json!("Well?");
            config["required"] = json!(true);
            assert_eq!(parse(kind, &config).unwrap().prompt(), Some("Well?"));
            config["required"] = json!("true");
            let fault = Err("required must be a boolean".into());
            assert_eq!(parse(kind, &config), fault, "{kind}");
        }
    }

    #[test]
    fn the_mirror_replaces_what_javascript_calls_false() {
        let details = json!({"details": true});
        for falsy in [json!(false), json!(0), json!(0.0), json!(-0.0), json!("")] {
            assert_eq!(mirror(&falsy, &details), details, "{falsy}");
        }
        for answer in [json!(true), json!(0.1), json!(-1), json!(" "), json!("0"), json!([]), json!(null)] {
            assert_eq!(mirror(&answer, &details), answer);
        }
    }
}
