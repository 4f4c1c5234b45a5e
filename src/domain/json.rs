//! JSON kept as it was sent.

use super::js_json;
use serde::Serialize;
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

/// JSON as a caller sent it: the same keys in the same order, the same numbers. It is kept in its text, because most of it is only
/// passed on; whoever wants to know what is in it takes it apart.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// That value.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Self {
        Self(to_raw_value(value).expect("values and lists of texts serialise"))
    }

    /// What a text says, if it is JSON.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(Self)
    }

    /// A list of values that print as text.
    pub fn list<T: ToString>(values: &[T]) -> Self {
        Self::of(&values.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    /// The text: compact, unless another program has written it.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// The value.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_default() // deeper than anything that is taken in
    }

    /// The texts in a list of texts; anything else is left out.
    pub fn texts(&self) -> Vec<String> {
        let Value::Array(items) = self.value() else { return vec![] };
        items.into_iter().filter_map(|item| if let Value::String(text) = item { Some(text) } else { None }).collect()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text() || self.value() == other.value()
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
