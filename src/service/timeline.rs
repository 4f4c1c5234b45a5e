//! Reading the record of what happened: a request's story, an account's stream, the server's audit log.

use super::{Acting, Caller, Error, Result, admission, requests, sessions as session_service};
use crate::{
    app::App,
    domain::{
        Account, EventName, Id, Invalid, Loop, Request, Role, Scope, Timestamp, request_filters::Query, words::Word,
    },
    store::{
        accounts, events,
        events::{Line, Wanted},
        loops,
        sessions::SignedIn,
    },
};
use std::collections::{BTreeMap, HashSet};

/// Lines read at a time.
const BATCH: i64 = 200;
/// Writers number their lines before they commit: a line may appear behind one that is numbered later, for as long as a
/// transaction takes. So far back a reader looks again, in microseconds.
const OVERLAP: i64 = 5_000_000;

/// A request's story, for whoever may see the request.
pub async fn of_request(app: &App, acting: impl Into<Acting<'_>>, id: Id<Request>) -> Result<Vec<Line>> {
    requests::show(app, acting, id).await?;
    let mut wanted = Wanted { request_id: Some(id), ..Wanted::default() };
    let mut story = Vec::new();
    loop {
        let lines = events::list(&app.store, &wanted, BATCH).await?;
        wanted.after = lines.last().map(|line| line.seq);
        let more = i64::try_from(lines.len()).is_ok_and(|read| read == BATCH);
        story.extend(lines);
        if !more {
            return Ok(story);
        }
    }
}

/// Whose reading it is, and of what.
enum Reading {
    Request(Caller, Id<Request>),
    Account(Caller),
    Person(SignedIn, Reach),
    Operator,
}

/// The loops that a person is in, and those they were in when last looked at.
#[derive(Default)]
struct Reach {
    now: HashSet<Id<Loop>>,
    before: HashSet<Id<Loop>>,
}

/// Reads on from a line, each line once, in order as far as it was committed.
pub struct Reader {
    reading: Reading,
    wanted: Wanted,
    floor: i64,
    seen: BTreeMap<i64, Timestamp>,
}

impl Reader {
    /// A request's story, from after that line on. Each step of a request locks it, so its lines are numbered as they are committed.
    pub fn of_request(caller: Caller, id: Id<Request>, after: i64) -> Self {
        let wanted = Wanted { request_id: Some(id), ..Wanted::default() };
        Self { reading: Reading::Request(caller, id), wanted, floor: after, seen: BTreeMap::new() }
    }

    /// What happens to all of an account: from now on, or from after that line on. Where lines may appear late, those shortly
    /// before it are read again.
    pub async fn of_account(app: &App, caller: Caller, after: Option<i64>) -> Result<Self> {
        let wanted = Wanted { account_id: Some(caller.account_id()), ..Wanted::default() };
        Self::starting(app, Reading::Account(caller), wanted, after).await
    }

    /// What happens in the loops that a person is in: from now on, or from after that line on.
    pub async fn of_person(app: &App, who: SignedIn, after: Option<i64>) -> Result<Self> {
        let mut reader = Self::starting(app, Reading::Person(who, Reach::default()), Wanted::default(), after).await?;
        reader.check(app).await?;
        Ok(reader)
    }

    /// What happens to anybody from now on, for the operator.
    pub async fn of_all(app: &App, wanted: Wanted) -> Result<Self> {
        Self::starting(app, Reading::Operator, wanted, None).await
    }

    async fn starting(app: &App, reading: Reading, wanted: Wanted, after: Option<i64>) -> Result<Self> {
        let last = events::last_seq(&app.store).await?;
        let from = after.map_or(last, |after| after.min(last));
        let floor = if app.store.numbers_in_order() {
            from
        } else {
            let at = if after.is_some() { events::time_of(&app.store, from).await? } else { None };
            let settled = Timestamp::from_micros(at.unwrap_or_else(|| app.now()).micros() - OVERLAP);
            events::settled(&app.store, from, settled).await?
        };
        let mut reader = Self { reading, wanted, floor, seen: BTreeMap::new() };
        while after.is_none() && !reader.unseen(app).await?.is_empty() {}
        Ok(reader)
    }

    /// The lines that have come since; none where none has. Refuses once whoever reads may no longer.
    pub async fn next(&mut self, app: &App) -> Result<Vec<Line>> {
        loop {
            let mut lines = self.unseen(app).await?;
            if lines.is_empty() {
                return Ok(lines);
            }
            self.check(app).await?;
            lines.retain(|line| self.reading.concerns(line));
            if !lines.is_empty() {
                return Ok(lines);
            }
        }
    }

    /// Whether whoever reads still may.
    pub async fn check(&mut self, app: &App) -> Result<()> {
        match &mut self.reading {
            Reading::Request(caller, id) => {
                let caller = admission::readmit(app, caller, Scope::RequestsRead).await?;
                match requests::show(app, &caller, *id).await {
                    Err(Error::Missing(_)) => Ok(()), // it went with its loop, and its end is still to be told
                    shown => shown.map(drop),
                }
            }
            Reading::Account(caller) => admission::readmit(app, caller, Scope::RequestsRead).await.map(drop),
            Reading::Person(who, reach) => {
                session_service::check(app, who).await?;
                let joined = loops::joined_by(&app.store, who.account_id).await?;
                reach.before = std::mem::replace(&mut reach.now, joined.into_iter().map(|it| it.id).collect());
                Ok(())
            }
            Reading::Operator => Ok(()),
        }
    }

    async fn unseen(&mut self, app: &App) -> Result<Vec<Line>> {
        let wanted = Wanted { after: Some(self.floor), ..self.wanted.clone() };
        let limit = BATCH + i64::try_from(self.seen.len()).unwrap_or(0);
        let mut lines = events::list(&app.store, &wanted, limit).await?;
        lines.retain(|line| !self.seen.contains_key(&line.seq));
        self.seen.extend(lines.iter().map(|line| (line.seq, line.at)));
        let overlap = if app.store.numbers_in_order() { 0 } else { OVERLAP };
        self.settle(app.now(), overlap);
        Ok(lines)
    }

    /// Nothing can appear any more behind lines that are old enough.
    fn settle(&mut self, now: Timestamp, overlap: i64) {
        while let Some((seq, at)) = self.seen.first_key_value().map(|(seq, at)| (*seq, *at)) {
            if now.micros_since(at) < overlap {
                return;
            }
            self.floor = seq;
            self.seen.remove(&seq);
        }
    }
}

impl Reading {
    /// An account's stream speaks of what webhooks speak of, and no more than its key may see.
    fn concerns(&self, line: &Line) -> bool {
        match self {
            Self::Request(..) | Self::Operator => true,
            Self::Account(caller) => {
                let reaches = |loops: &[Id<Loop>]| line.loop_id.is_some_and(|id| loops.contains(&id));
                line.name.is_public() && caller.confined_to().is_none_or(reaches)
            }
            Self::Person(_, reach) => line.loop_id.is_some_and(|id| reach.concerns(id, line.request_id.is_some())),
        }
    }
}

impl Reach {
    /// Who has left a loop hears that, and nothing of its requests any more (contract 16.7).
    fn concerns(&self, id: Id<Loop>, a_request: bool) -> bool {
        self.now.contains(&id) || (!a_request && self.before.contains(&id))
    }
}

/// A page of the audit log, for the server's owner; for others it is not there.
pub async fn audit(app: &App, who: Id<Account>, query: &Query) -> Result<Vec<Line>> {
    check_owner(app, who).await?;
    let (wanted, limit) = parse(query)?;
    Ok(events::list(&app.store, &wanted, limit).await?)
}

/// Refuses who does not own the server.
pub(super) async fn check_owner(app: &App, who: Id<Account>) -> Result<()> {
    let account = accounts::find(&app.store, who).await?;
    if account.is_none_or(|account| account.role != Role::Owner) { Err(Error::Missing("Not found")) } else { Ok(()) }
}

/// The end of the audit log, for the operator.
pub async fn last(app: &App, wanted: &Wanted, most: i64) -> Result<Vec<Line>> {
    Ok(events::last(&app.store, wanted, most).await?)
}

/// The filters of the audit log, and how many lines at most.
pub(super) fn parse(query: &Query) -> Result<(Wanted, i64)> {
    const LIMIT: &str = "limit must be between 1 and 1000";
    let limit = query.value("limit").map_or(Ok(100), |text| text.parse().map_err(|_| Invalid::failed(LIMIT)))?;
    if !(1..=1000).contains(&limit) {
        return Err(Invalid::failed(LIMIT).into());
    }
    let wanted = Wanted {
        account_id: id(query, "account_id")?,
        request_id: id(query, "request_id")?,
        loop_id: id(query, "loop_id")?,
        names: query.value("event").map_or(Ok(vec![]), names)?,
        actor_id: id::<Account>(query, "actor_id")?.map(|id| id.to_string()),
        after: place(query, "after")?,
        before: place(query, "before")?,
        since: time(query, "since")?,
        until: time(query, "until")?,
    };
    Ok((wanted, limit))
}

/// The events of that name, or of that kind: `request` is all that happens to requests.
fn names(text: &str) -> std::result::Result<Vec<EventName>, Invalid> {
    let is_meant = |name: &EventName| {
        let rest = name.as_str().strip_prefix(text);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let names: Vec<_> = EventName::ALL.iter().copied().filter(is_meant).collect();
    if names.is_empty() { Err(Invalid::failed("event is unknown")) } else { Ok(names) }
}

fn place(query: &Query, name: &str) -> std::result::Result<Option<i64>, Invalid> {
    let parse = |text: &str| text.parse().map_err(|_| Invalid::failed(format!("{name} must be a number")));
    query.value(name).map(parse).transpose()
}

fn id<K>(query: &Query, name: &str) -> std::result::Result<Option<Id<K>>, Invalid> {
    let parse = |text: &str| text.parse().map_err(|_| Invalid::failed(format!("{name} must be 24 hex digits")));
    query.value(name).map(parse).transpose()
}

fn time(query: &Query, name: &str) -> std::result::Result<Option<Timestamp>, Invalid> {
    let parse = |text: &str| {
        text.replace(' ', "+").parse().map_err(|_| Invalid::failed(format!("{name} must be an RFC 3339 timestamp")))
    };
    query.value(name).map(parse).transpose()
}
