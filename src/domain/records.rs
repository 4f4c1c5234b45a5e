//! One thing of an export, and the line that it is written as. Does not know files.

use super::{
    Email, Id, Priority, Timestamp,
    exports::{Field, Kind, REQUEST, Shape},
    new_requests::is_url,
    object::has_nul,
    words::Word,
};
use serde_json::{Value, value::RawValue};
use std::{collections::BTreeMap, fmt::Write};

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text, an identifier or a word.
    Text(Option<String>),
    /// A number.
    Number(Option<i64>),
    /// Yes or no.
    Flag(Option<bool>),
    /// An instant.
    Time(Option<Timestamp>),
    /// The text of JSON.
    Json(Option<String>),
}

/// One thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Of which kind.
    pub kind: &'static Kind,
    /// What each of its fields holds.
    pub cells: Vec<Cell>,
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The fields of a line, as they are written.
pub(super) type Fields<'a> = BTreeMap<String, &'a RawValue>;

impl Record {
    /// Reads the fields of a line of that kind: all of them, and no others. An error says what is wrong.
    pub(super) fn read(kind: &'static Kind, fields: &Fields<'_>) -> Result<Self, String> {
        let known = |name: &str| name == "kind" || kind.fields.iter().any(|field| field.name == name);
        if let Some(unknown) = fields.keys().find(|name| !known(name)) {
            return Err(format!("a {} has no field {unknown:?}", kind.name));
        }
        let read = |field: &Field| {
            let raw = fields.get(field.name).ok_or_else(|| format!("this {} has no {}", kind.name, field.name))?;
            cell(field, raw.get()).map_err(|fault| format!("{} of this {} {fault}", field.name, kind.name))
        };
        let record = Self { kind, cells: kind.fields.iter().map(read).collect::<Result<_, String>>()? };
        record.stands().map(|()| record).map_err(str::to_owned)
    }

    /// Whether a request has what goes with where it stands: otherwise it would never move again, or have ended at no time.
    fn stands(&self) -> Result<(), &'static str> {
        let lacks = |name| self.text(name).is_none() && self.time(name).is_none();
        match (*self.kind == REQUEST).then(|| self.text("status")).flatten() {
            Some("claimed") if lacks("claimed_by") || lacks("claim_expires_at") => {
                Err("nobody has claimed this request")
            }
            Some("completed") if lacks("response_at") => Err("nobody has answered this request"),
            _ => Ok(()),
        }
    }

    /// The same of a JSON object.
    pub fn of(kind: &'static Kind, object: &Value) -> Result<Self, String> {
        let text = object.to_string();
        Self::read(kind, &serde_json::from_str(&text).map_err(|error| error.to_string())?)
    }

    /// Its line, without a line break.
    pub fn line(&self) -> String {
        let mut line = format!("{{\"kind\":\"{}\"", self.kind.name);
        for (field, cell) in self.kind.fields.iter().zip(&self.cells) {
            let _ = write!(line, ",\"{}\":{}", field.name, written(field.shape, cell));
        }
        line.push('}');
        line
    }

    /// The text in a field.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.cell(name)? {
            Cell::Text(text) => text.as_deref(),
            _ => None,
        }
    }

    /// The instant in a field.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        match self.cell(name)? {
            Cell::Time(time) => *time,
            _ => None,
        }
    }

    /// The identifier in a field.
    pub fn id<K>(&self, name: &str) -> Option<Id<K>> {
        self.text(name)?.parse().ok()
    }

    /// Puts another text into a field.
    pub fn set(&mut self, name: &str, text: &str) {
        if let Some(place) = self.kind.fields.iter().position(|field| field.name == name) {
            self.cells[place] = Cell::Text(Some(text.to_owned()));
        }
    }

    fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.get(self.kind.fields.iter().position(|field| field.name == name)?)
    }
}

/// The most that a number says: limits and times have smaller ones of their own.
const MOST: i64 = 1_000_000_000;

/// Reads what stands in a field.
fn cell(field: &Field, raw: &str) -> Result<Cell, &'static str> {
    let nothing = raw == "null";
    if nothing && !field.optional {
        return Err("is null");
    }
    let text = || if nothing { Ok(None) } else { text(raw).map(Some) };
    let of = |fits: &dyn Fn(&str) -> bool, fault| match text()? {
        Some(text) if !fits(&text) => Err(fault),
        text => Ok(Cell::Text(text)),
    };
    match field.shape {
        Shape::Text => Ok(Cell::Text(text()?)),
        Shape::Id | Shape::Person => {
            of(&|text| text.parse::<Id<()>>().is_ok_and(|id| id.to_string() == text), "is no id")
        }
        Shape::Email => {
            of(&|text| Email::parse(text).is_ok_and(|email| email.as_str() == text), "is no e-mail address")
        }
        Shape::Url => of(&is_url, "is no address"),
        Shape::Word(fits) => of(&fits, "is not a word that it may be"),
        Shape::Priority => match text()? {
            Some(word) => Priority::named(&word).map(|it| Cell::Number(Some(it as i64))).ok_or("is no priority"),
            None => Ok(Cell::Number(None)),
        },
        Shape::Number => match parsed(raw, "is not a whole number")? {
            Some(number) if !(0..=MOST).contains(&number) => Err("is not between 0 and 1,000,000,000"),
            number => Ok(Cell::Number(number)),
        },
        Shape::Flag => parsed(raw, "is neither true nor false").map(Cell::Flag),
        Shape::Time => {
            let read = |text: String| text.parse().map_err(|_| "is not an RFC 3339 time");
            Ok(Cell::Time(text()?.map(read).transpose()?))
        }
        Shape::Words(_) | Shape::Json if nothing => Ok(Cell::Json(None)),
        Shape::Words(fits) => {
            let words: Vec<String> = parsed(raw, "is not a list of texts")?;
            let list = words.iter().all(|word| fits(word)).then(|| Value::from(words).to_string());
            list.map(|list| Cell::Json(Some(list))).ok_or("lists something that it may not")
        }
        Shape::Json => json(raw).map(|text| Cell::Json(Some(text))),
    }
}

fn parsed<'a, T: serde::Deserialize<'a>>(raw: &'a str, fault: &'static str) -> Result<T, &'static str> {
    serde_json::from_str(raw).map_err(|_| fault)
}

fn text(raw: &str) -> Result<String, &'static str> {
    let text: String = parsed(raw, "is not text")?;
    if text.contains('\0') { Err("has a NUL in it") } else { Ok(text) }
}

/// What was skimmed over may still be nothing that can be read: half a character, a number beyond all bounds, ten thousand brackets.
fn json(raw: &str) -> Result<String, &'static str> {
    if has_nul(&parsed(raw, "is no JSON that can be kept")?) {
        return Err("has a NUL in it"); // neither engine could keep it
    }
    Ok(raw.to_owned())
}

/// What stands in a field, as JSON.
fn written(shape: Shape, cell: &Cell) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let written = match cell {
        Cell::Text(text) => text.as_deref().map(quoted),
        Cell::Number(rank) if matches!(shape, Shape::Priority) => rank.map(|rank| quoted(&priority(rank))),
        Cell::Number(number) => number.map(|number| number.to_string()),
        Cell::Flag(flag) => flag.map(|flag| flag.to_string()),
        Cell::Time(time) => time.map(|time| quoted(&time.precise())),
        Cell::Json(text) => text.as_deref().map(on_one_line),
    };
    written.unwrap_or_else(|| "null".to_owned())
}

/// What is no priority is written as it is, and refused by whoever reads it.
fn priority(rank: i64) -> String {
    let known = usize::try_from(rank).ok().and_then(|rank| Priority::ALL.get(rank));
    known.map_or_else(|| rank.to_string(), ToString::to_string)
}

fn on_one_line(text: &str) -> String {
    if text.contains(['\n', '\r']) {
        return serde_json::from_str::<Value>(text).map_or_else(|_| "null".to_owned(), |value| value.to_string());
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exports::{EVENT, FEEDBACK, KEY, MEMBER};
    use serde_json::json;

    const ID: &str = "65f1234567890abcdef12345";

    #[test]
    fn a_line_is_read_as_it_was_written_json_to_the_letter() {
        let line = format!(
            r#"{{"kind":"feedback","id":"{ID}","request_id":"{ID}","account_id":"{ID}","body":{{"b": 1.00,"a":1e21}},"submitted_at":"2024-03-15T10:30:00.000001Z"}}"#
        );
        let fields: Fields<'_> = serde_json::from_str(&line).unwrap();
        assert_eq!(Record::read(&FEEDBACK, &fields).unwrap().line(), line);
    }

    #[test]
    fn what_is_wrong_with_a_field_is_said() {
        let good = json!({"loop_id": ID, "account_id": ID, "role": "admin", "status": "active",
            "invited_at": "2024-03-15T10:30:00Z", "joined_at": null, "last_active": null, "notified": true});
        assert!(Record::of(&MEMBER, &good).is_ok());
        for (field, value, fault) in [
            ("loop_id", json!("65F1234567890abcdef12345"), "loop_id of this member is no id"),
            ("role", json!("king"), "role of this member is not a word that it may be"),
            ("status", json!(null), "status of this member is null"),
            ("invited_at", json!("yesterday"), "invited_at of this member is not an RFC 3339 time"),
            ("notified", json!(1), "notified of this member is neither true nor false"),
            ("colour", json!(1), "a member has no field \"colour\""),
        ] {
            let mut wrong = good.clone();
            wrong[field] = value;
            assert_eq!(Record::of(&MEMBER, &wrong), Err(fault.to_owned()));
        }
        let mut short = good;
        short.as_object_mut().unwrap().remove("notified");
        assert_eq!(Record::of(&MEMBER, &short), Err("this member has no notified".to_owned()));
    }

    #[test]
    fn neither_engine_is_given_a_nul() {
        let event = json!({"id": ID, "at": "2024-03-15T10:30:00Z", "name": "loop.created", "actor_kind": "clock", "actor_id": null,
            "loop_id": null, "request_id": null, "from_status": null, "to_status": null, "data": {"a": "\\u0000"}});
        assert!(Record::of(&EVENT, &event).is_ok());
        let mut wrong = event;
        wrong["data"] = json!(["\0"]);
        assert_eq!(Record::of(&EVENT, &wrong), Err("data of this event has a NUL in it".to_owned()));
    }

    #[test]
    fn what_could_never_be_read_again_is_not_taken() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        for wrong in [r#""\ud800""#, "1e999", r#"{"a":["\udc00"]}"#, &deep] {
            let line = format!(
                r#"{{"kind":"feedback","id":"{ID}","request_id":"{ID}","account_id":"{ID}","body":{wrong},"submitted_at":"2024-03-15T10:30:00Z"}}"#
            );
            let fields: Fields<'_> = serde_json::from_str(&line).unwrap();
            let fault = Record::read(&FEEDBACK, &fields).unwrap_err();
            assert_eq!(fault, "body of this feedback is no JSON that can be kept", "{wrong}");
        }
    }

    #[test]
    fn addresses_and_numbers_are_judged_as_those_of_calls() {
        assert_eq!(cell(&URL, "\"http://example.com/a\""), Ok(Cell::Text(Some("http://example.com/a".into()))));
        for wrong in ["\"ftp://example.com\"", "\"https://user:secret@example.com\"", "\"javascript:alert(1)\"", "\"\""]
        {
            assert_eq!(cell(&URL, wrong), Err("is no address"), "{wrong}");
        }
        assert!(cell(&NUMBER, "1000000000").is_ok() && cell(&NUMBER, "0").is_ok());
        assert!(cell(&NUMBER, "-1").is_err() && cell(&NUMBER, "9223372036854775807").is_err());
    }

    const URL: Field = Field { name: "url", shape: Shape::Url, optional: false };
    const NUMBER: Field = Field { name: "limit", shape: Shape::Number, optional: false };

    #[test]
    fn lists_hold_only_what_they_may() {
        let key = |scopes: Value| {
            Record::of(
                &KEY,
                &json!({"id": ID, "name": "n8n", "prefix": "hitl_live_abcd", "last_four": "abcd", "scopes": scopes,
                "loops": [ID], "status": "active", "hourly_limit": 7, "expires_at": null, "last_used_at": null, "created_at": "2024-03-15T10:30:00Z"}),
            )
        };
        assert!(key(json!(["loops:read"])).is_ok());
        assert!(key(json!(["loops:sing"])).is_err() && key(json!("*")).is_err() && key(json!([1])).is_err());
    }
}
