//! The body of a request: a JSON object, and how its fields are read (contract 1.2).

use super::{Invalid, words::Word};
use serde_json::{Map, Value};

/// A JSON object that a caller sent. Fields that are `null` count as absent (1.2.5).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(pub Map<String, Value>);

/// A body that was read, or the refusal to give once the caller may know of it: existence and
/// ownership are checked before the body is (4.1).
pub type Sent = Result<Object, Invalid>;

impl Object {
    /// Reads a body: UTF-8 JSON, an object at the top, no NUL in any text (neither engine could keep it).
    pub fn parse(body: &[u8]) -> Sent {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) if !fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)) => {
                Ok(Self(fields))
            }
            _ => Err(Invalid::body()),
        }
    }

    /// The field as it was sent; `None` where absent or `null`.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text field, as sent.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Invalid> {
        self.typed(name, "must be a string", Value::as_str)
    }

    /// A text field without the white space around it; empty counts as absent.
    pub fn trimmed(&self, name: &str) -> Result<Option<&str>, Invalid> {
        Ok(self.text(name)?.map(str::trim).filter(|text| !text.is_empty()))
    }

    /// A whole number, which may be written `60.0`.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Invalid> {
        self.typed(name, "must be an integer", whole)
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<Option<f64>, Invalid> {
        self.typed(name, "must be a number", Value::as_f64)
    }

    /// `true` or `false`.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Invalid> {
        self.typed(name, "must be a boolean", Value::as_bool)
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>, Invalid> {
        self.typed(name, "must be an object", Value::as_object)
    }

    /// One word of an enumeration.
    pub fn word<W: Word>(&self, name: &str) -> Result<Option<W>, Invalid> {
        let named = |word| W::named(word).ok_or_else(|| Invalid::one_of(name, &W::all_words()));
        self.text(name)?.map(named).transpose()
    }

    /// A text of 1 to `most` code points after trimming, which must be there.
    pub fn name(&self, name: &'static str, most: usize) -> Result<&str, Invalid> {
        let text = self.trimmed(name)?.ok_or_else(|| Invalid::required(name))?;
        if longer_than(text, most) {
            return Err(Invalid::failed(format!("{name} must be between 1 and {most} characters")));
        }
        Ok(text)
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        issue: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Invalid> {
        self.value(name).map(|value| read(value).ok_or_else(|| Invalid::field(name, issue))).transpose()
    }
}

/// Whether a text has more code points than that (1.2.8).
pub fn longer_than(text: &str, most: usize) -> bool {
    text.chars().nth(most).is_some()
}

/// One too large for an `i64` is the largest: the field's own bounds refuse it, in their words.
fn whole(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "integral; the cast stops at the ends of i64")]
    value.as_i64().or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64))
}

pub(super) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: &Value) -> Object {
        Object::parse(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn refuses_what_is_not_a_clean_object() {
        let deep = format!("{}1{}", "{\"a\":".repeat(500), "}".repeat(500));
        for body in [
            "",
            "[]",
            "1",
            "null",
            "{",
            "{\"a\":1e999}",
            "{\"a\":NaN}",
            "{\"a\":\"\\u0000\"}",
            "{\"a\":[{\"\\u0000\":1}]}",
            "{\"a\":\"\\ud800\"}",
            &deep,
        ] {
            assert_eq!(Object::parse(body.as_bytes()), Err(Invalid::body()), "{body}");
        }
        assert_eq!(Object::parse(b"{\"a\":\"\xff\"}"), Err(Invalid::body()));
    }

    #[test]
    fn null_is_absent() {
        assert_eq!(object(&json!({"a": null})).text("a"), Ok(None));
    }

    #[test]
    fn wrong_types_name_the_field() {
        let sent = object(&json!({"a": "60", "b": 1.5, "c": 60.0}));
        assert_eq!(sent.integer("a"), Err(Invalid::field("a", "must be an integer")));
        assert_eq!(sent.integer("b"), Err(Invalid::field("b", "must be an integer")));
        assert_eq!(sent.integer("c"), Ok(Some(60)));
    }

    #[test]
    fn whole_numbers_too_large_for_us_are_the_largest() {
        let sent = object(&json!({"a": 1e30, "b": -1e308, "c": u64::MAX, "d": 9_007_199_254_740_993.0}));
        let read = |name| sent.integer(name).unwrap().unwrap();
        assert_eq!(["a", "b", "c"].map(read), [i64::MAX, i64::MIN, i64::MAX]);
        assert_eq!(read("d"), 9_007_199_254_740_992);
    }

    #[test]
    fn names_are_counted_in_code_points_after_trimming() {
        let name = |text: &str| object(&json!({"name": text})).name("name", 3).map(str::to_owned);
        assert_eq!(name("  éèê "), Ok("éèê".to_owned()));
        assert_eq!(name("abcd"), Err(Invalid::failed("name must be between 1 and 3 characters")));
        assert_eq!(name("  "), Err(Invalid::required("name")));
    }
}
