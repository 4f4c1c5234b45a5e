//! The options of a select, and which of them a text means (contract 9.5).
//! Does not know how many may be chosen.

use super::{config::Config, text::length};
use serde_json::Value;
use std::collections::HashSet;

/// The longest value, in code points.
const LONGEST_VALUE: usize = 100;
/// The longest label, option string or free text, in code points.
const LONGEST_LABEL: usize = 200;

/// One option. A caller's plain string is value and label at once (19.6).
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What the answer says; unique among the options.
    pub value: String,
    /// What the reviewer reads.
    pub label: String,
    /// A longer explanation.
    pub description: Option<String>,
    /// A colour as the caller wrote it: not checked, so not to be trusted in a page.
    pub color: Option<String>,
}

/// The options a reviewer chooses from.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    /// One to twenty options, in the caller's order.
    pub options: Vec<Choice>,
    /// Whether a text of the reviewer's own, up to 200 code points, is an answer too.
    pub allow_other: bool,
}

/// The ways in which a text can mean an option, the closest first: the order of 9.5, which is also the order of N8N's node.
const WAYS: [fn(&Choice, &str) -> bool; 6] = [
    |choice, given| choice.value == given,
    |choice, given| choice.label == given,
    |choice, given| same_letters(&choice.label, given),
    |choice, given| same_letters(&choice.value, given),
    |choice, given| choice.value == slug(given),
    |choice, given| slug(&choice.label) == slug(given),
];

impl Choices {
    pub(super) fn parse(config: Config) -> Result<Self, String> {
        let options = match config.value("options") {
            Some(Value::Array(options)) if !options.is_empty() => options,
            _ => return Err("options array required for select response type".into()),
        };
        if options.len() > 20 {
            return Err("options must contain between 1 and 20 items".into());
        }
        let options: Vec<_> = options.iter().map(Choice::parse).collect::<Result<_, _>>()?;
        let mut seen = HashSet::new();
        if let Some(twice) = options.iter().find(|choice| !seen.insert(&choice.value)) {
            return Err(format!("duplicate option value: {}", twice.value));
        }
        Ok(Self { options, allow_other: config.flag("allow_other")? })
    }

    /// The canonical value that a text means: that of an option, or the text itself where others are allowed.
    pub(super) fn value(&self, given: &str) -> Option<String> {
        let option = WAYS.iter().find_map(|means| self.options.iter().find(|choice| means(choice, given)));
        match option {
            Some(choice) => Some(choice.value.clone()),
            None => self.allows(given).then(|| given.to_owned()),
        }
    }

    /// The label of a canonical value; a text of the reviewer's own is its own label.
    pub(super) fn label<'a>(&'a self, value: &'a str) -> &'a str {
        let option = self.options.iter().find(|choice| choice.value == value);
        option.map_or(value, |choice| &choice.label)
    }

    fn allows(&self, other: &str) -> bool {
        self.allow_other && (1..=LONGEST_LABEL).contains(&length(other))
    }
}

impl Choice {
    fn parse(option: &Value) -> Result<Self, String> {
        match option {
            Value::String(text) => {
                check("option", text, LONGEST_LABEL)?;
                Ok(Self { value: text.clone(), label: text.clone(), description: None, color: None })
            }
            Value::Object(fields) => Self::parse_object(Config(fields)),
            _ => Err("each option must be a string or an object".into()),
        }
    }

    fn parse_object(option: Config) -> Result<Self, String> {
        let value = field(option, "value", LONGEST_VALUE)?;
        let label = field(option, "label", LONGEST_LABEL)?;
        let (value, label) = match (value, label) {
            (Some(value), Some(label)) => (value.to_owned(), label),
            (Some(value), None) => (value.to_owned(), value),
            (None, Some(label)) => (slug(label), label),
            (None, None) => return Err(NAMELESS.into()),
        };
        Ok(Self {
            value,
            label: label.to_owned(),
            description: option.text(&["description"])?,
            color: option.text(&["color"])?,
        })
    }
}

const NAMELESS: &str = "each option must have a value and a label";

fn field<'a>(option: Config<'a>, name: &str, longest: usize) -> Result<Option<&'a str>, String> {
    let Some(sent) = option.value(name) else {
        return Ok(None);
    };
    let Some(text) = sent.as_str() else {
        return Err(format!("option {name} must be a string"));
    };
    check(&format!("option {name}"), text, longest)?;
    Ok(Some(text))
}

fn check(subject: &str, text: &str, longest: usize) -> Result<(), String> {
    match length(text) {
        0 => Err(NAMELESS.into()),
        length if length > longest => Err(format!("{subject} must be at most {longest} characters")),
        _ => Ok(()),
    }
}

fn same_letters(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// The text in lower case, each run of whitespace as one `_`: `Needs Review` becomes `needs_review` (9.5).
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    let mut after_space = false;
    for letter in text.chars() {
        if !letter.is_whitespace() {
            slug.extend(letter.to_lowercase());
        } else if !after_space {
            slug.push('_');
        }
        after_space = letter.is_whitespace();
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(config: &Value) -> Result<Choices, String> {
        Choices::parse(Config(config.as_object().unwrap()))
    }

    #[test]
    fn strings_and_objects_may_be_mixed_and_a_missing_half_is_filled() {
        let choices = parse(&json!({"options": [
            "Approve It",
            {"value": "no", "label": "Reject", "description": "Not good", "color": "#f00"},
            {"value": "later"},
            {"label": "Needs  Review", "value": null},
        ]}))
        .unwrap();
        let found: Vec<_> = choices.options.iter().map(|c| (&*c.value, &*c.label)).collect();
        let expected =
            [("Approve It", "Approve It"), ("no", "Reject"), ("later", "later"), ("needs_review", "Needs  Review")];
        assert_eq!(found, expected);
        assert_eq!(choices.options[1].description.as_deref(), Some("Not good"));
        assert_eq!(choices.options[1].color.as_deref(), Some("#f00"));
    }

    #[test]
    fn bad_options_are_refused() {
        let required = "options array required for select response type";
        let many: Vec<_> = (0..21).map(|n| n.to_string()).collect();
        for (options, fault) in [
            (json!(null), required),
            (json!(5), required),
            (json!("a"), required),
            (json!([]), required),
            (json!(many), "options must contain between 1 and 20 items"),
            (json!([5]), "each option must be a string or an object"),
            (json!([null]), "each option must be a string or an object"),
            (json!([" "]), NAMELESS),
            (json!([{}]), NAMELESS),
            (json!([{"value": " ", "label": "A"}]), NAMELESS),
            (json!([{"value": "a", "label": ""}]), NAMELESS),
            (json!([{"value": 1, "label": "A"}]), "option value must be a string"),
            (json!([{"value": "a", "label": []}]), "option label must be a string"),
            (json!(["x".repeat(201)]), "option must be at most 200 characters"),
            (json!([{"value": "x".repeat(101)}]), "option value must be at most 100 characters"),
            (json!([{"label": "x".repeat(201)}]), "option label must be at most 200 characters"),
            (json!([{"value": "a", "color": 3}]), "color must be a string"),
            (json!([{"value": "a", "description": 3}]), "description must be a string"),
            (json!(["x", {"value": "x", "label": "X"}]), "duplicate option value: x"),
        ] {
            let config = json!({"options": options});
            assert_eq!(parse(&config), Err(fault.into()), "{config}");
        }
        assert_eq!(parse(&json!({})), Err(required.into()));
        let other = parse(&json!({"options": ["a"], "allow_other": "x"}));
        assert_eq!(other, Err("allow_other must be a boolean".into()));
    }

    #[test]
    fn the_limits_themselves_are_accepted() {
        let twenty: Vec<_> = (0..20).map(|n| n.to_string()).collect();
        for options in [
            json!(twenty),
            json!(["ä".repeat(200)]),
            json!([{"value": "ä".repeat(100), "label": "ä".repeat(200)}]),
            json!(["a", "A"]),
        ] {
            assert!(parse(&json!({"options": options})).is_ok(), "{options}");
        }
    }

    #[test]
    fn the_closest_meaning_wins() {
        let choices = parse(&json!({"options": [
            {"value": "a", "label": "b"},
            {"value": "b", "label": "Yes"},
            {"value": "yes", "label": "C d"},
            {"value": "c_d", "label": "E"},
            {"value": "x", "label": "Needs Review"},
            {"value": "NO", "label": "n"},
        ]}))
        .unwrap();
        for (given, value) in [
            ("b", Some("b")),             // exact value before exact label
            ("Yes", Some("b")),           // exact label before any value in other letters
            ("YES", Some("b")),           // label in other letters before value in other letters
            ("no", Some("NO")),           // value in other letters
            ("C  D", Some("c_d")),        // slug as value before slug of label
            ("needs  review", Some("x")), // slug of label
            ("needs_review", Some("x")),
            ("maybe", None),
            ("", None),
            (" b", None),
        ] {
            assert_eq!(choices.value(given).as_deref(), value, "{given}");
        }
    }

    #[test]
    fn a_text_of_ones_own_needs_leave_and_has_a_limit() {
        let closed = parse(&json!({"options": ["A"]})).unwrap();
        assert_eq!(closed.value("Other thing"), None);
        let open = parse(&json!({"options": ["A"], "allow_other": true})).unwrap();
        assert_eq!(open.value("Other thing").as_deref(), Some("Other thing"));
        assert_eq!(open.value("a").as_deref(), Some("A"));
        assert_eq!(open.value(" "), None);
        assert!(open.value(&"x".repeat(200)).is_some());
        assert_eq!(open.value(&"x".repeat(201)), None);
        assert_eq!(open.label("Other thing"), "Other thing");
    }

    #[test]
    fn slugs_are_lower_case_with_underscores() {
        for (text, expected) in
            [("Needs Review", "needs_review"), ("A \t\n b", "a_b"), (" A ", "_a_"), ("ÄÖ-1", "äö-1"), ("", "")]
        {
            assert_eq!(slug(text), expected);
        }
    }
}
