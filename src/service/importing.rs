//! Taking in what an account has elsewhere. What is here already stays as it is, so whoever was interrupted begins again.
//! Does not know where it comes from.

use super::{Error, Result, importing_people::People};
use crate::{
    app::App,
    domain::{
        Account, Email, Invalid,
        exports::{ACCOUNT, EVENT, FEEDBACK, KEY, Kind, LOOP, MEMBER, PERSON, REQUEST, Shape, WEBHOOK},
        records::{Cell, Record},
        signatures::new_secret,
    },
    store::{
        self, Tx,
        imports::{self, Beside},
    },
};
use std::collections::BTreeMap;

/// How much is taken in at once.
const BATCH: usize = 100;

/// How much of a kind was there, and how much of that was not here yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// That was there.
    pub read: u64,
    /// That is here now, and was not before.
    pub new: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Imported {
    /// Whose it is now.
    pub account: Account,
    /// By the kind's name.
    pub taken: BTreeMap<&'static str, Taken>,
    /// Who was not known here.
    pub invited: Vec<Email>,
    /// Requests that are open.
    pub open: u64,
}

/// Takes in one thing after another.
pub struct Importer<'a> {
    app: &'a App,
    people: People<'a>,
    /// With where it comes from.
    waiting: Vec<(String, Record)>,
    taken: BTreeMap<&'static str, Taken>,
    open: u64,
}

impl<'a> Importer<'a> {
    /// Takes in for that account; without one, for the one whose it is, made if nobody here has its address.
    pub fn new(app: &'a App, to: Option<Account>) -> Self {
        Self { app, people: People::new(app, to), waiting: Vec::new(), taken: BTreeMap::new(), open: 0 }
    }

    /// Whom what comes from elsewhere is about.
    pub const fn people(&mut self) -> &mut People<'a> {
        &mut self.people
    }

    /// Takes in a thing; the place is where it is to be looked for if it cannot be. It may wait for others.
    pub async fn take(&mut self, place: String, record: Record) -> Result<()> {
        if *record.kind == ACCOUNT || *record.kind == PERSON {
            let new = self.people.take(&record).await.map_err(|error| at(&place, error))?;
            self.count(record.kind, 1, new.into());
            return Ok(());
        }
        let begins = self.waiting.first().is_some_and(|(_, first)| first.kind != record.kind);
        if begins || self.waiting.len() == BATCH {
            self.flush().await?;
        }
        self.waiting.push((place, record));
        Ok(())
    }

    /// Takes in what waits.
    pub async fn flush(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let Some((first, record)) = waiting.first() else { return Ok(()) };
        let kind = record.kind;
        let open = waiting.iter().filter(|(_, it)| *it.kind == REQUEST && is_open(it)).count();
        let new = match self.put(&waiting).await {
            Err(Error::Conflict(_)) if waiting.len() > 1 => self.put_each(&waiting).await?,
            other => other.map_err(|error| at(first, error))?,
        };
        self.open += open as u64;
        self.count(kind, waiting.len() as u64, new);
        Ok(())
    }

    /// What came of it, once everything was taken.
    pub async fn finish(mut self) -> Result<Imported> {
        self.flush().await?;
        let (account, invited) = self.people.known()?;
        Ok(Imported { account, taken: self.taken, invited, open: self.open })
    }

    /// One after the other, so that it is known which of them cannot be taken in.
    async fn put_each(&self, waiting: &[(String, Record)]) -> Result<u64> {
        let mut new = 0;
        for one in waiting {
            new += self.put(std::slice::from_ref(one)).await.map_err(|error| at(&one.0, error))?;
        }
        Ok(new)
    }

    /// Takes in a thing together with what belongs to it: all of it or nothing, so that where the one is the others are too.
    pub async fn take_whole(&mut self, place: &str, whole: &Record, parts: &[Record]) -> Result<()> {
        self.flush().await?;
        let mut tx = self.app.store.begin();
        for records in std::iter::once(std::slice::from_ref(whole)).chain(parts.chunks(BATCH)) {
            let all: Vec<_> = records.iter().collect();
            let new = self.add(&mut tx, &all).await.map_err(|error| at(place, error))?;
            self.count(records[0].kind, records.len() as u64, new);
        }
        tx.commit().await.map_err(conflict)
    }

    /// All of them, or none.
    async fn put(&self, waiting: &[(String, Record)]) -> Result<u64> {
        let records: Vec<_> = waiting.iter().map(|(_, record)| record).collect();
        let mut tx = self.app.store.begin();
        let new = self.add(&mut tx, &records).await?;
        tx.commit().await.map_err(conflict)?;
        Ok(new)
    }

    /// Adds those of one kind that are not here yet; says how many.
    async fn add(&self, tx: &mut Tx, records: &[&Record]) -> Result<u64> {
        let Some(first) = records.first() else { return Ok(0) };
        let owner = self.people.owner()?;
        let rows: Vec<_> = records.iter().map(|record| self.row(owner, record)).collect();
        let new = imports::add(&mut *tx, &rows).await.map_err(conflict)?;
        for (kind, field) in owned(first.kind) {
            let mut ids: Vec<String> =
                records.iter().filter_map(|record| record.text(field).map(str::to_owned)).collect();
            ids.sort_unstable();
            ids.dedup();
            if imports::of_others(&mut *tx, owner.id, kind, &ids).await? > 0 {
                return Err(Error::Conflict("it is here already, and is somebody else's"));
            }
        }
        Ok(new)
    }

    /// A record as it is kept here.
    fn row(&self, owner: &Account, record: &Record) -> (Record, Beside) {
        let mut record = record.clone();
        for (field, cell) in record.kind.fields.iter().zip(&mut record.cells) {
            if let (Shape::Person, Cell::Text(Some(id))) = (field.shape, cell) {
                self.people.rename(id);
            }
        }
        if *record.kind == MEMBER && record.id("account_id") == Some(owner.id) {
            record.set("role", "admin");
        }
        let beside = self.beside(owner, &record);
        (record, beside)
    }

    fn beside(&self, owner: &Account, record: &Record) -> Beside {
        let text = |text: String| Cell::Text(Some(text));
        let id = owner.id.to_string();
        match record.kind {
            it if *it == LOOP || *it == REQUEST => vec![("creator_id", text(id))],
            it if *it == EVENT => vec![("account_id", text(id))],
            // No token has this hash: until it is replaced, no program can use it.
            it if *it == KEY => {
                vec![
                    ("account_id", text(id)),
                    ("token_hash", text(format!("imported {}", record.text("id").unwrap_or_default()))),
                ]
            }
            it if *it == WEBHOOK => vec![
                ("account_id", text(id)),
                ("secret", text(new_secret(self.app.random()).0)),
                ("failure_count", Cell::Number(Some(0))),
            ],
            _ => vec![],
        }
    }

    fn count(&mut self, kind: &Kind, read: u64, new: u64) {
        let taken = self.taken.entry(kind.name).or_default();
        taken.read += read;
        taken.new += new;
    }
}

/// What must be the account's own for a thing of that kind to be taken in, and the fields that name it.
fn owned(kind: &'static Kind) -> Vec<(&'static Kind, &'static str)> {
    match kind {
        it if *it == FEEDBACK => vec![(&REQUEST, "request_id")],
        it if *it == EVENT => vec![(&REQUEST, "request_id"), (&LOOP, "loop_id")],
        it => vec![(it, "id")],
    }
}

fn is_open(record: &Record) -> bool {
    matches!(record.text("status"), Some("pending" | "claimed"))
}

fn conflict(error: store::Error) -> Error {
    match error {
        store::Error::Conflict => Error::Conflict("something else here has its id or its invite code already"),
        store::Error::Orphan => Error::Conflict("what it belongs to is not here"),
        other => other.into(),
    }
}

/// A refusal with what it is about.
fn at(place: &str, error: Error) -> Error {
    match error {
        Error::Conflict(what) => refused(place, what),
        other => other,
    }
}

/// What is said of something that cannot be taken in.
pub fn refused(place: &str, what: &str) -> Error {
    Invalid::with("This cannot be imported", format!("{place}: {what}")).into()
}
