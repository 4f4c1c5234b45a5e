//! The lines of an export in their order: a head, the things, and an end that counts them, so that one that was cut off is
//! noticed. Does not know where the lines come from.

use super::{
    Timestamp,
    exports::{ACCOUNT, END, HEAD, KINDS, Kind, LOOP, MEMBER, PERSON, REQUEST, VERSION},
    records::{Fields, Record},
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};

/// How many things of each kind, by the kind's name.
pub type Counts = BTreeMap<&'static str, u64>;

/// The first line.
pub fn head(program: &str, email: &str, now: Timestamp) -> String {
    json!({"kind": HEAD, "version": VERSION, "account": email, "made_at": now, "made_by": format!("hitl {program}")})
        .to_string()
}

/// The last line.
pub fn end(counts: &Counts) -> String {
    json!({"kind": END, "counts": as_json(counts)}).to_string()
}

/// The counts of all kinds, in their order.
pub fn as_json(counts: &Counts) -> Value {
    let count = |kind: &&Kind| (kind.name.to_owned(), counts.get(kind.name).copied().unwrap_or(0).into());
    Value::Object(KINDS.iter().map(count).collect())
}

/// What was read of a file so far.
#[derive(Debug, Default)]
pub struct Reading {
    begun: bool,
    ended: bool,
    place: usize,
    counts: Counts,
    /// There are few of these two, compared with requests.
    loops: HashSet<String>,
    people: HashSet<String>,
}

impl Reading {
    /// Takes the next line; the thing in it, where it has one. An error says what is wrong with the line.
    pub fn take(&mut self, line: &str) -> Result<Option<Record>, String> {
        let fields: Fields<'_> = serde_json::from_str(line).map_err(|_| "it is not a JSON object".to_owned())?;
        let kind: String = field(&fields, "kind").ok_or("it has no kind")?;
        if self.ended {
            return Err("it comes after the end".into());
        }
        match (kind.as_str(), self.begun) {
            (HEAD, false) => self.begin(&fields).map(|()| None),
            (_, false) => Err(format!("an export begins with a line of the kind {HEAD}")),
            (END, true) => self.end(&fields).map(|()| None),
            (name, true) => {
                let kind = Kind::named(name).ok_or_else(|| format!("there is no kind {name:?}"))?;
                let record = Record::read(kind, &fields)?;
                self.check(&record)?;
                *self.counts.entry(kind.name).or_default() += 1;
                Ok(Some(record))
            }
        }
    }

    /// How many things there were, once all lines were taken. An error says what is missing.
    pub fn finish(self) -> Result<Counts, &'static str> {
        if !self.begun {
            return Err("it is empty");
        }
        let whole = self.ended.then_some(self.counts);
        whole.ok_or("it was cut off: its last line, which counts all others, is missing")
    }

    fn begin(&mut self, fields: &Fields<'_>) -> Result<(), String> {
        self.begun = true;
        match field::<i64>(fields, "version") {
            Some(VERSION) => Ok(()),
            Some(newer) if newer > VERSION => {
                Err(format!("it is of version {newer}, made by a newer hitl: this one reads version {VERSION}"))
            }
            _ => Err("it has no version".into()),
        }
    }

    fn end(&mut self, fields: &Fields<'_>) -> Result<(), String> {
        self.ended = true;
        let said: Map<String, Value> = field(fields, "counts").ok_or("it has no counts")?;
        let count = |kind: &Kind| self.counts.get(kind.name).copied().unwrap_or(0);
        match KINDS.iter().find(|kind| said.get(kind.name).and_then(Value::as_u64) != Some(count(kind))) {
            Some(kind) => Err(format!(
                "lines are missing, or there are too many: {} of the kind {} were counted when it was made, {} are here",
                said.get(kind.name).unwrap_or(&Value::Null),
                kind.name,
                count(kind)
            )),
            None => Ok(()),
        }
    }

    /// Whether a thing may stand here: after those that it refers to.
    fn check(&mut self, record: &Record) -> Result<(), String> {
        let (kind, place) = (record.kind, record.kind.place());
        if place < self.place {
            return Err(format!("a {} cannot come after a {}", kind.name, KINDS[self.place].name));
        }
        if self.counts.is_empty() != (*kind == ACCOUNT) {
            return Err("the account comes first, and once".into());
        }
        self.place = place;
        let text = |name| record.text(name).unwrap_or_default().to_owned();
        let known = |those: &HashSet<String>, name| those.contains(&text(name));
        if *kind == ACCOUNT || *kind == PERSON {
            self.people.insert(text("id"));
        } else if *kind == LOOP {
            self.loops.insert(text("id"));
        } else if [&MEMBER, &REQUEST].contains(&kind) && !known(&self.loops, "loop_id") {
            return Err(format!("the loop of this {} is not in this export", kind.name));
        } else if *kind == MEMBER && !known(&self.people, "account_id") {
            return Err("the person of this member is not in this export".into());
        } else if *kind == REQUEST
            && let Some(name) = ["claimed_by", "response_by"].into_iter().find(|name| {
                let id = record.text(name);
                id.is_some_and(|id| !self.people.contains(id))
            })
        {
            return Err(format!("who is the {name} of this request is not in this export"));
        }
        Ok(())
    }
}

fn field<T: serde::de::DeserializeOwned>(fields: &Fields<'_>, name: &str) -> Option<T> {
    serde_json::from_str(fields.get(name)?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"kind":"hitl.export","version":1}"#;
    const ANN: &str = r#"{"kind":"account","id":"65f1234567890abcdef12345","email":"ann@example.com","name":"Ann","created_at":"2024-03-15T10:30:00Z"}"#;

    fn fault(lines: &[&str]) -> String {
        let mut reading = Reading::default();
        for line in lines {
            if let Err(fault) = reading.take(line) {
                return fault;
            }
        }
        reading.finish().map_or_else(str::to_owned, |_| "none".to_owned())
    }

    #[test]
    fn a_file_has_a_head_an_account_and_an_end() {
        let ended = end(&Counts::from([("account", 1)]));
        assert_eq!(fault(&[HEAD, ANN, &ended]), "none");
        assert_eq!(fault(&[]), "it is empty");
        assert!(fault(&[HEAD, ANN]).starts_with("it was cut off"));
        assert!(fault(&[HEAD, ANN, &end(&Counts::new())]).starts_with("lines are missing"));
        assert!(fault(&[HEAD, &ended]).starts_with("lines are missing"));
        assert_eq!(fault(&[HEAD, ANN, ANN]), "the account comes first, and once");
        assert_eq!(fault(&[HEAD, ANN, &ended, ANN]), "it comes after the end");
        assert_eq!(fault(&[ANN]), "an export begins with a line of the kind hitl.export");
        assert_eq!(fault(&[HEAD, "{\"kind\""]), "it is not a JSON object");
        assert_eq!(fault(&[HEAD, r#"{"kind":"spoon"}"#]), "there is no kind \"spoon\"");
        let newer = fault(&[r#"{"kind":"hitl.export","version":2}"#]);
        assert_eq!(newer, "it is of version 2, made by a newer hitl: this one reads version 1");
    }
}
