//! Taking in what an account has on another server, through that server's public API: loops with members, then requests, the
//! oldest first. Whoever was interrupted begins again, and what is here already is not read again.

use super::{
    Error,
    importing::{Imported, Importer},
    omissions::Omissions,
    pulled_pages::{self, Page, loops, requests},
};
use crate::{
    app::App,
    domain::{
        Account, Id, Timestamp,
        exports::{Kind, LOOP, MEMBER, REQUEST},
        loops::invite_code,
        pulled,
        records::Record,
    },
    source::{Failure, Source},
    store::imports,
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Why nothing more could be taken in. What was is kept.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It could not be read there.
    #[error(transparent)]
    There(#[from] Failure),
    /// It could not be kept here.
    #[error(transparent)]
    Here(#[from] Error),
    /// The key may not read there what is wanted.
    #[error("the key there may not do {0}")]
    Denied(&'static str),
    /// What is shown there makes no sense.
    #[error("{0}")]
    Unfit(String),
}

/// How far it is.
pub enum Step {
    /// The key is good: whose it is there.
    Known(String),
    /// So many loops are here.
    Loops(usize),
    /// So many requests were here from the last time.
    GoesOn(i64),
    /// That many of the list of requests were read, of so many.
    Requests(i64, Option<i64>),
    /// The source gives the same requests wherever it is asked to begin.
    AllAtOnce,
    /// This is not kept here, and why.
    LeftOut(String),
}

/// What came of it.
pub struct Pulled {
    /// What was taken in.
    pub imported: Imported,
    /// How much does not fit in here, over all runs.
    pub left_out: u64,
    /// How much of that this run found.
    pub left_out_now: u64,
}

/// Takes in all loops and requests of the key's account for an account here.
pub async fn pull(
    app: &App,
    account: Account,
    source: &Source,
    tell: &mut (dyn FnMut(Step) + Send),
) -> Result<Pulled, Failed> {
    let asker = asker(source, tell).await?;
    let mut importer = Importer::new(app, Some(account.clone()));
    importer.people().is_here(asker, account.id);
    let (loops, people) = (HashSet::new(), HashSet::from([asker]));
    let omissions = Omissions::so_far(app, account.id, asker).await?;
    let mut pull = Pull { app, account, source, asker, importer, loops, people, tell, omissions, left_out_now: 0 };
    pull.loops().await?;
    pull.requests().await?;
    let (left_out, left_out_now) = (pull.omissions.count(), pull.left_out_now);
    Ok(Pulled { imported: pull.importer.finish().await?, left_out, left_out_now })
}

/// Whose the key is there. It must be able to read what is wanted.
async fn asker(source: &Source, tell: &mut (dyn FnMut(Step) + Send)) -> Result<Id<Account>, Failed> {
    let test = source.get("/v1/test", &[]).await?;
    let unfit = || Failed::There(Failure::Strange(source.base().clone()));
    let asker = pulled::person(&test).ok_or_else(unfit)?;
    if let Some(held) = test["permissions"].as_array() {
        let may = |scope: &str| held.iter().any(|it| it == scope || it == "*");
        if let Some(missing) = ["loops:read", "requests:read"].into_iter().find(|scope| !may(scope)) {
            return Err(Failed::Denied(missing));
        }
    }
    tell(Step::Known(test["email"].as_str().unwrap_or("somebody").to_owned()));
    Ok(asker)
}

/// How often it is gone back from the same place.
const MOST_TEARS: u32 = 3;

/// How often pages did not join there, with this time.
fn tears(torn: &mut HashMap<i64, u32>, start: i64) -> u32 {
    let tears = torn.entry(start).or_default();
    *tears += 1;
    *tears
}

/// By what an entry is known again: its identifier, or all of it where it has none.
fn identity(shown: &Value) -> String {
    shown["id"].as_str().map_or_else(|| shown.to_string(), str::to_owned)
}

/// Where a record is to be looked for if it cannot be taken in.
fn place_of(record: &Record) -> String {
    format!("{} {}", record.kind.name, record.text("id").or(record.text("loop_id")).unwrap_or_default())
}

struct Pull<'a> {
    app: &'a App,
    account: Account,
    source: &'a Source,
    /// Who asks, there.
    asker: Id<Account>,
    importer: Importer<'a>,
    /// Those that are here.
    loops: HashSet<String>,
    people: HashSet<Id<Account>>,
    tell: &'a mut (dyn FnMut(Step) + Send),
    omissions: Omissions<'a>,
    left_out_now: u64,
}

impl Pull<'_> {
    async fn loops(&mut self) -> Result<(), Failed> {
        let (mut offset, mut read) = (0, HashSet::new());
        loop {
            let page = loops(self.source, offset).await?;
            let before = read.len();
            offset += page.len();
            for shown in &page.entries {
                if !read.insert(identity(shown)) {
                    continue;
                }
                let what = format!("the loop {}", shown["id"].as_str().unwrap_or("without an id"));
                let came = self.one_loop(shown).await?;
                self.settle(&LOOP, &identity(shown), &what, came).await?;
            }
            if !page.goes_on(offset) {
                break;
            }
            if read.len() == before {
                // A server that knows no pages gives all at once, and again.
                if page.may_be_all() {
                    break;
                }
                return Err(Failed::Unfit("the source gives the same page of loops again and again".into()));
            }
        }
        self.importer.flush().await?;
        (self.tell)(Step::Loops(self.loops.len()));
        Ok(())
    }

    /// A loop and who is in it, or why it cannot be here. Names are shown elsewhere, which takes another call: it is made once.
    async fn one_loop(&mut self, shown: &Value) -> Result<Result<(), String>, Failed> {
        let record = match pulled::of_loop(shown, &invite_code(self.app.random())) {
            Ok(record) => record,
            Err(why) => return Ok(Err(why)),
        };
        let id = record.text("id").unwrap_or_default().to_owned();
        let known = imports::known(&self.app.store, &LOOP, std::slice::from_ref(&id)).await.map_err(Error::from)?;
        // A loop comes together with who is in it: one that is here is not asked for its members again.
        let members = if known.is_empty() {
            match self.source.get(&format!("/v1/api/loops/{id}/members"), &[]).await {
                Ok(mut answer) => answer["members"].take(),
                Err(gone @ Failure::Refused { status: 404, .. }) => return Ok(Err(gone.to_string())),
                Err(failure) => return Err(failure.into()),
            }
        } else {
            shown["members"].clone()
        };
        let (since, mut records) = (self.app.now(), Vec::new());
        for member in members.as_array().into_iter().flatten() {
            let known = self.person(member, since).await?;
            let came = known.and_then(|()| pulled::of_member(member, shown, since)).map(|record| records.push(record));
            let who = member["user_id"].as_str().map_or_else(|| identity(member), str::to_owned);
            self.settle(&MEMBER, &format!("{id} {who}"), &format!("a member of the loop {id}"), came).await?;
        }
        self.importer.take_whole(&place_of(&record), &record, &records).await?;
        self.loops.insert(id);
        Ok(Ok(()))
    }

    /// Page after page. The last request of one is the first of the next: should it not be, some that were read have gone there
    /// and what came after them has moved up, so it goes back. Where that leads to the same place again and again, it goes on all the same.
    async fn requests(&mut self) -> Result<(), Failed> {
        let (mut start, mut page) = self.begin().await?;
        let (mut read, mut torn) = (HashSet::new(), HashMap::new());
        let (mut overlaps, mut furthest) = (false, 0);
        loop {
            let follows = !overlaps || page.entries.first().is_some_and(|first| read.contains(&identity(first)));
            if !follows && tears(&mut torn, start) <= MOST_TEARS {
                start = (start - pulled_pages::LONGEST).max(0);
                overlaps = start > 0;
            } else {
                let (end, before) = (start + page.len(), read.len());
                self.one_page(&page, &mut read).await?;
                if page.len() > 0 && end > furthest && read.len() == before {
                    return self.same_again(&page);
                }
                furthest = furthest.max(end);
                (self.tell)(Step::Requests(furthest, page.total));
                if !page.goes_on(end) {
                    return Ok(());
                }
                overlaps = page.len() > 1;
                start = if overlaps { end - 1 } else { end };
            }
            page = requests(self.source, start, pulled_pages::LONGEST).await?;
        }
    }

    /// A page further on brings nothing new: the source does not know where to begin. What it gave is all, or nobody can tell.
    fn same_again(&mut self, page: &Page) -> Result<(), Failed> {
        if !page.may_be_all() {
            return Err(Failed::Unfit("the source gives the same page of requests again and again".into()));
        }
        (self.tell)(Step::AllAtOnce);
        Ok(())
    }

    /// Where to begin, and the page there.
    async fn begin(&mut self) -> Result<(i64, Page), Failed> {
        let first = requests(self.source, 0, pulled_pages::LONGEST).await?;
        let Some(place) = first.last_here(self.app).await? else { return Ok((0, first)) };
        let kept = pulled_pages::kept(self.app, self.account.id, self.source, &first, place).await?;
        (self.tell)(Step::GoesOn(kept));
        // The last page may have come without all that belongs to it.
        let start = (kept - pulled_pages::LONGEST).max(0);
        if start == 0 {
            return Ok((0, first));
        }
        Ok((start, requests(self.source, start, pulled_pages::LONGEST).await?))
    }

    /// Those of a page that were not read yet.
    async fn one_page(&mut self, page: &Page, read: &mut HashSet<String>) -> Result<(), Failed> {
        let mut feedback = Vec::new();
        for shown in &page.entries {
            if read.insert(identity(shown)) {
                feedback.extend(self.one_request(shown).await?);
            }
        }
        for record in feedback {
            self.take(record).await?;
        }
        Ok(self.importer.flush().await?) // from here on it is not read again
    }

    /// A request; the feedback on it, which comes after it.
    async fn one_request(&mut self, listed: &Value) -> Result<Option<Record>, Failed> {
        let what = format!("the request {}", listed["id"].as_str().unwrap_or_default());
        let (came, feedback) = match self.whole_request(listed).await? {
            Ok((record, feedback)) => (Ok(self.take(record).await?), feedback),
            Err(why) => (Err(why), None),
        };
        self.settle(&REQUEST, &identity(listed), &what, came).await?;
        Ok(feedback)
    }

    /// A request with the feedback on it, after who answered; or why it cannot be here.
    async fn whole_request(&mut self, listed: &Value) -> Result<Result<(Record, Option<Record>), String>, Failed> {
        let mut whole = Value::Null;
        if listed["response_config"].is_null() || listed["request_text"].is_null() {
            // Lists may be short.
            let id = listed["id"].as_str().unwrap_or_default();
            whole = match self.source.get(&format!("/v1/api/requests/{id}"), &[]).await {
                Ok(mut answer) => answer["request"].take(),
                Err(gone @ Failure::Refused { status: 404, .. }) => return Ok(Err(gone.to_string())),
                Err(failure) => return Err(failure.into()),
            };
        }
        let shown = if whole.is_object() { &whole } else { listed };
        let now = self.app.now();
        let record = pulled::of_request(shown, self.asker, now).and_then(|record| {
            let its_loop = record.text("loop_id").is_some_and(|id| self.loops.contains(id));
            if its_loop { Ok(record) } else { Err("its loop is not here".to_owned()) }
        });
        if record.is_ok() {
            // Nobody may be shown, or nobody who can be known here.
            let _ = self.person(&shown["response_by_user"], now).await?;
        }
        Ok(record.map(|record| (record, pulled::of_feedback(shown, self.asker).and_then(Result::ok))))
    }

    /// Whoever is shown there, once; or why they cannot be known here.
    async fn person(&mut self, shown: &Value, since: Timestamp) -> Result<Result<(), String>, Failed> {
        let Some(id) = pulled::person(shown) else { return Ok(Err("nobody is named".to_owned())) };
        if self.people.contains(&id) {
            return Ok(Ok(()));
        }
        match pulled::of_person(shown, since) {
            Ok(record) => self.take(record).await?,
            Err(why) => return Ok(Err(why)),
        }
        self.people.insert(id);
        Ok(Ok(()))
    }

    async fn take(&mut self, record: Record) -> Result<(), Failed> {
        Ok(self.importer.take(place_of(&record), record).await?)
    }

    /// It came, or is left out, which is told.
    async fn settle(
        &mut self,
        kind: &Kind,
        identity: &str,
        what: &str,
        came: Result<(), String>,
    ) -> Result<(), Failed> {
        let Err(why) = came else { return Ok(self.omissions.came(kind, identity).await?) };
        self.left_out_now += 1;
        (self.tell)(Step::LeftOut(format!("{what} is left out: {why}")));
        Ok(self.omissions.note(kind, identity).await?)
    }
}
