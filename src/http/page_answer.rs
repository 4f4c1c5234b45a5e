//! The six controls: a form read as the answer that the API takes, and an answer put back into the form (contract 9).
//! What is a good answer is for the domain to say.

use super::{extract::Form, page_forms::Filled};
use crate::domain::{
    choice::Choices,
    number::Number,
    rating::Rating,
    request_filters::Query,
    response::{ResponseType, Spec},
    select::MultiSelect,
    text::Text,
};
use serde_json::Value;

/// The field of every control.
pub const FIELD: &str = "response";
/// The field for a text of one's own beside given options; its option is the blank one.
pub const OTHER: &str = "other";

/// What was filled in, as the API takes it; null where nothing was.
pub fn typed(kind: ResponseType, form: &Form) -> Value {
    let text = |name: &str| form.text(name).replace('\0', "");
    match kind {
        // Browsers send line ends of their own.
        ResponseType::Text => form.exact(FIELD).replace("\r\n", "\n").replace('\0', "").into(),
        // Without scripts both may stand there; what was typed is what would be missed.
        ResponseType::SingleSelect => [text(OTHER), text(FIELD)].into_iter().find(|it| !it.is_empty()).into(),
        ResponseType::MultiSelect => {
            let chosen = form.all(FIELD).chain([form.text(OTHER)]).map(|it| it.replace('\0', ""));
            chosen.filter(|it| !it.trim().is_empty()).collect()
        }
        ResponseType::Rating | ResponseType::Number | ResponseType::Boolean => {
            Some(text(FIELD)).filter(|it| !it.is_empty()).into()
        }
    }
}

/// Whether one of several was chosen and something of one's own typed as well: only one of them can be meant.
pub fn is_torn(kind: ResponseType, form: &Form) -> bool {
    kind == ResponseType::SingleSelect && !form.text(FIELD).is_empty() && !form.text(OTHER).is_empty()
}

/// The form with that in it: a draft, or what was typed, in any dialect.
pub fn filled(spec: &Spec, typed: &Value) -> Filled {
    let bare = spec.answer(typed).unwrap_or_else(|_| typed.clone());
    let choices = match spec {
        Spec::SingleSelect(select) => Some(&select.choices),
        Spec::MultiSelect(select) => Some(&select.choices),
        _ => None,
    };
    let items = bare.as_array().cloned().unwrap_or_else(|| vec![bare]);
    let fields = items.iter().filter(|item| !item.is_null()).flat_map(|item| fields(choices, text(item)));
    Filled::sent(Form(Query(fields.collect())))
}

fn text(item: &Value) -> String {
    item.as_str().map_or_else(|| item.to_string(), str::to_owned)
}

fn fields(choices: Option<&Choices>, item: String) -> Vec<(String, String)> {
    let is_own = choices.is_some_and(|choices| !choices.options.iter().any(|choice| choice.value == item));
    if is_own { vec![(OTHER.to_owned(), item)] } else { vec![(FIELD.to_owned(), item)] }
}

/// The most points of a scale that are shown one beside the other.
const MOST_POINTS: u8 = 11;

/// The points of a scale as they are written, each with its label; `None` where there are too many to show.
pub fn points(rating: &Rating) -> Option<Vec<(String, Option<&str>)>> {
    let steps = ((rating.max - rating.min) / rating.step + 1e-9).floor();
    if steps >= f64::from(MOST_POINTS) {
        return None;
    }
    // 0.1 + 0.2 is to be written as it was meant.
    let places = [rating.min, rating.step].map(places).into_iter().max().unwrap_or(0);
    let point = |step: u8| {
        let value = format!("{:.places$}", rating.min + f64::from(step) * rating.step);
        let value: f64 = value.parse().unwrap_or(rating.min);
        (value.to_string(), rating.label(value))
    };
    Some((0..MOST_POINTS).take_while(|step| f64::from(*step) <= steps).map(point).collect())
}

fn places(number: f64) -> usize {
    number.to_string().split_once('.').map_or(0, |(_, decimals)| decimals.len())
}

/// A colour that is one and nothing else: `#16a34a` or a name such as `green`.
pub fn colour(sent: &str) -> Option<&str> {
    let sent = sent.trim();
    let is_name = (3..=20).contains(&sent.len()) && sent.bytes().all(|byte| byte.is_ascii_alphabetic());
    let digits = sent.strip_prefix('#').unwrap_or_default();
    let is_hex = [3, 4, 6, 8].contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_name || is_hex).then_some(sent)
}

/// How long a text may be, in words.
pub fn length(text: &Text) -> String {
    match text.min_length {
        0 => format!("At most {} characters", text.max_length),
        least => format!("{least} to {} characters", text.max_length),
    }
}

/// How many may be chosen, in words.
pub fn count(select: &MultiSelect) -> String {
    match (select.min_selections, select.max_selections) {
        (min, max) if min == max => format!("Choose exactly {min}"),
        (0, max) if max == select.choices.options.len() => "Choose any number, or none".to_owned(),
        (0, max) => format!("Choose up to {max}, or none"),
        (min, max) if max == select.choices.options.len() => format!("Choose at least {min}"),
        (min, max) => format!("Choose {min} to {max}"),
    }
}

/// Where on a long scale a rating may be, in words.
pub fn scale(rating: &Rating) -> String {
    format!("From {} to {}, in steps of {}", rating.min, rating.max, rating.step)
}

/// Whether a number has no minus.
pub fn unsigned(number: &Number) -> bool {
    number.min.is_some_and(|min| min >= 0.0)
}

/// The id of what the caller says of a number that does not fit; empty where that is nothing.
pub fn words(number: &Number) -> &'static str {
    if number.validation_message.is_some() { "response-words" } else { "" }
}

/// What a number may be, in words.
pub fn amount(number: &Number) -> String {
    let bounds = match (number.min, number.max) {
        (Some(min), Some(max)) => format!("Between {min} and {max}, "),
        (Some(min), None) => format!("{min} or more, "),
        (None, Some(max)) => format!("{max} or less, "),
        (None, None) => String::new(),
    };
    let decimals = match number.decimal_places {
        0 => "without decimals".to_owned(),
        1 => "with at most 1 decimal".to_owned(),
        most => format!("with at most {most} decimals"),
    };
    let mut words = (bounds + &decimals).chars().collect::<Vec<_>>();
    words[0] = words[0].to_ascii_uppercase();
    words.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(kind: ResponseType, config: &Value) -> Spec {
        Spec::parse(kind, config.as_object().unwrap()).unwrap()
    }

    fn form(text: &str) -> Form {
        Form(Query::parse(text))
    }

    #[test]
    fn forms_are_read_as_answers() {
        for (kind, sent, answer) in [
            (ResponseType::Text, "response=+a%0D%0Ab+", json!(" a\nb ")),
            (ResponseType::Text, "", json!("")),
            (ResponseType::SingleSelect, "response=a&other=", json!("a")),
            (ResponseType::SingleSelect, "response=&other=mine", json!("mine")),
            (ResponseType::SingleSelect, "response=a&other=mine", json!("mine")),
            (ResponseType::SingleSelect, "other=", json!(null)),
            (ResponseType::MultiSelect, "response=a&response=b&other=+", json!(["a", "b"])),
            (ResponseType::MultiSelect, "response=&other=mine", json!(["mine"])),
            (ResponseType::MultiSelect, "", json!([])),
            (ResponseType::Number, "response=+12.5+", json!("12.5")),
            (ResponseType::Rating, "", json!(null)),
            (ResponseType::Boolean, "response=false", json!("false")),
            (ResponseType::Text, "response=a%00b", json!("ab")),
        ] {
            assert_eq!(typed(kind, &form(sent)), answer, "{kind} {sent}");
        }
    }

    #[test]
    fn what_was_typed_stands_in_the_form_again() {
        let options = json!({"options": [{"value": "a", "label": "Label A"}, "b"], "allow_other": true});
        let single = spec(ResponseType::SingleSelect, &options);
        assert_eq!(filled(&single, &json!("Label A")).value(FIELD), "a");
        assert_eq!(filled(&single, &json!("mine")).value(OTHER), "mine");
        let multi = filled(&spec(ResponseType::MultiSelect, &options), &json!(["a", "b", "mine"]));
        assert!(multi.has(FIELD, "a") && multi.has(FIELD, "b") && multi.value(OTHER) == "mine");
        let number = spec(ResponseType::Number, &json!({"max": 5}));
        assert_eq!(
            (filled(&number, &json!("99,")).value(FIELD), filled(&number, &json!(3)).value(FIELD)),
            ("99,", "3")
        );
        assert_eq!(filled(&number, &Value::Null).value(FIELD), "");
        assert_eq!(filled(&spec(ResponseType::Boolean, &json!({})), &json!("yes")).value(FIELD), "true");
    }

    #[test]
    fn short_scales_have_points_and_long_ones_none() {
        let scale = |config: Value| match spec(ResponseType::Rating, &config) {
            Spec::Rating(rating) => {
                points(&rating).map(|points| points.into_iter().map(|(value, _)| value).collect::<Vec<_>>().join(" "))
            }
            _ => unreachable!(),
        };
        assert_eq!(scale(json!({"max": 5})).as_deref(), Some("1 2 3 4 5"));
        assert_eq!(scale(json!({"min": -1, "max": 1, "step": 0.5})).as_deref(), Some("-1 -0.5 0 0.5 1"));
        assert_eq!(scale(json!({"min": 0, "max": 0.3, "step": 0.1})).as_deref(), Some("0 0.1 0.2 0.3"));
        assert_eq!(scale(json!({"max": 10, "step": 2})).as_deref(), Some("1 3 5 7 9"));
        assert_eq!(scale(json!({"min": 0, "max": 10})).map(|it| it.len()), Some("0 1 2 3 4 5 6 7 8 9 10".len()));
        for long in [json!({"max": 100}), json!({"max": 1e308}), json!({"max": 10, "step": 1e-300})] {
            assert_eq!(scale(long), None);
        }
    }

    #[test]
    fn a_colour_is_nothing_else() {
        for fine in ["#16a34a", "#abc", "green", " Crimson "] {
            assert_eq!(colour(fine), Some(fine.trim()));
        }
        for other in ["", "#12345", "url(//evil.test)", "red;x", "\"><script>", "rgb(1,2,3)", "#xyzxyz"] {
            assert_eq!(colour(other), None, "{other}");
        }
    }
}
