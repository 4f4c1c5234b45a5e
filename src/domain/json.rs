//! JSON kept as it was sent.

use super::js_json;
use serde::Serialize;
use serde_json::Value;

/// JSON as a caller sent it: the same keys in the same order, the same numbers.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Json(pub Value);

impl Json {
    /// A list of values that print as text.
    pub fn list<T: ToString>(values: &[T]) -> Self {
        Self(values.iter().map(|value| Value::String(value.to_string())).collect())
    }

    /// The texts in a list of texts; anything else is left out.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.as_array().into_iter().flatten().filter_map(Value::as_str)
    }
}

/// JSON of ours in its text, as JavaScript prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonText(pub String);

impl JsonText {
    /// The text of a structure of ours.
    pub fn of(structure: &impl Serialize) -> Self {
        Self(js_json::to_string(structure))
    }
}
