//! Whether what was printed is what a page shows. Ids and times stand for others, the same id always for the same one.

use serde_json::Value;

/// Stands for anything: in text, as a value, and as a key for further ones.
const ANYTHING: &str = "…";
/// What differs each time.
const MEASURED: [&str; 4] = ["response_time_seconds", "avg_response_time_seconds", "response_time_ms", "remaining"];

/// The ids of a page, and those that they turned out to stand for.
#[derive(Clone, Default)]
pub(crate) struct Ids(Vec<(String, String)>);

impl Ids {
    fn same(&mut self, shown: &str, printed: &str) -> bool {
        let known = self.0.iter().find(|(one, other)| one == shown || other == printed);
        match known {
            Some((one, other)) => one == shown && other == printed,
            None => {
                self.0.push((shown.to_owned(), printed.to_owned()));
                true
            }
        }
    }
}

/// Compares whole outputs; says where they differ.
pub(crate) fn compare(ids: &mut Ids, shown: &str, printed: &str, is_json: bool) -> Result<(), String> {
    if !is_json {
        let alike = text_alike(ids, shown.trim(), printed.trim());
        return if alike { Ok(()) } else { Err("the text differs".to_owned()) };
    }
    let read = |text: &str| {
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
        values.map_err(|error| error.to_string())
    };
    value_alike(ids, "", &Value::Array(read(shown)?), &Value::Array(read(printed)?))
}

fn value_alike(ids: &mut Ids, key: &str, shown: &Value, printed: &Value) -> Result<(), String> {
    let alike = match (shown, printed) {
        (Value::String(shown), _) if shown == ANYTHING => true,
        (Value::Object(shown), Value::Object(printed)) => {
            for (name, value) in shown.iter().filter(|(name, _)| *name != ANYTHING) {
                let printed = printed.get(name).ok_or_else(|| format!("{key}.{name} was not printed"))?;
                value_alike(ids, &format!("{key}.{name}"), value, printed)?;
            }
            let more = printed.keys().find(|name| !shown.contains_key(*name) && !shown.contains_key(ANYTHING));
            return more.map_or(Ok(()), |name| Err(format!("{key}.{name} is not shown")));
        }
        (Value::Array(shown), Value::Array(printed)) => {
            let open = shown.last().is_some_and(|it| it == ANYTHING);
            let all = if open { &shown[..shown.len() - 1] } else { &shown[..] };
            if printed.len() < all.len() || (printed.len() > all.len() && !open) {
                return Err(format!("{key} has {} values", printed.len()));
            }
            for (index, (shown, printed)) in all.iter().zip(printed).enumerate() {
                value_alike(ids, &format!("{key}[{index}]"), shown, printed)?;
            }
            true
        }
        (Value::String(shown), Value::String(printed)) => text_alike(ids, shown, printed),
        (Value::Number(_), Value::Number(_)) if MEASURED.iter().any(|it| key.ends_with(&format!(".{it}"))) => true,
        _ => shown == printed,
    };
    if alike { Ok(()) } else { Err(format!("{key} is {printed}, not {shown}")) }
}

fn text_alike(ids: &mut Ids, mut shown: &str, mut printed: &str) -> bool {
    loop {
        if let Some(rest) = shown.strip_prefix(ANYTHING) {
            return rest.is_empty() || (0..=printed.len()).any(|at| alike_from(ids, rest, printed, at));
        }
        if let (Some((one, after_one)), Some((other, after_other))) = (id(shown), id(printed)) {
            if !ids.same(one, other) {
                return false;
            }
            (shown, printed) = (after_one, after_other);
        } else if let (Some(one), Some(other)) = (after_time(shown), after_time(printed)) {
            (shown, printed) = (one, other);
        } else {
            let (mut one, mut other) = (shown.chars(), printed.chars());
            let (next, other_next) = (one.next(), other.next());
            if next.is_none() || next != other_next {
                return next == other_next;
            }
            (shown, printed) = (one.as_str(), other.as_str());
        }
    }
}

/// Whether the rest is like what was printed from there on; learns ids only where it is.
fn alike_from(ids: &mut Ids, rest: &str, printed: &str, at: usize) -> bool {
    let mut tried = ids.clone();
    let alike = printed.get(at..).is_some_and(|printed| text_alike(&mut tried, rest, printed));
    if alike {
        *ids = tried;
    }
    alike
}

/// An id that a text begins with, and the rest.
fn id(text: &str) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    (length == 24).then(|| text.split_at(length))
}

/// What follows a time that a text begins with.
fn after_time(text: &str) -> Option<&str> {
    let (time, rest) = text.split_at_checked("2024-03-15T10:30:00Z".len())?;
    let form: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    (form == "0000-00-00T00:00:00Z").then_some(rest)
}

#[test]
fn outputs_are_alike_when_only_ids_and_times_differ() {
    let (one, other) = ("a".repeat(24), "b".repeat(24));
    let alike = |shown: &str, printed: &str| compare(&mut Ids::default(), shown, printed, true);
    alike(
        &format!(r#"{{"a": "{one}", "b": "x/{one}", "c": "key_…"}}"#),
        &format!(r#"{{"a": "{other}", "b": "x/{other}", "c": "key_1"}}"#),
    )
    .unwrap();
    alike(r#"{"a": 1, "…": "…"}"#, r#"{"a": 1, "b": 2}"#).unwrap();
    alike(
        r#"{"at": "2024-03-15T10:30:00Z", "list": [1, "…"]}"#,
        r#"{"at": "2030-01-01T00:00:00Z", "list": [1, 2, 3]}"#,
    )
    .unwrap();
    for (shown, printed) in [
        (r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#),
        (r#"{"a": 1, "b": 2}"#, r#"{"a": 1}"#),
        (r#"{"a": 1}"#, r#"{"a": 2}"#),
        ("[1]", "[1, 2]"),
        (r#"{"a": "x…"}"#, r#"{"a": "y"}"#),
        (r#"{"a": "2024-03-15T10:30:00Z"}"#, r#"{"a": null}"#),
    ] {
        alike(shown, printed).unwrap_err();
    }
    alike(&format!(r#"["{one}", "{one}"]"#), &format!(r#"["{one}", "{other}"]"#)).unwrap_err();
    alike(&format!(r#"["{one}", "{other}"]"#), &format!(r#"["{one}", "{one}"]"#)).unwrap_err();
}
