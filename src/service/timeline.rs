//! Reading the record of what happened: a request's story, an account's stream, the server's audit log.

use super::{Caller, Error, Result, requests};
use crate::{
    app::App,
    domain::{Account, EventName, Id, Invalid, Loop, Request, Role, Timestamp, request_filters::Query, words::Word},
    store::{
        accounts, events,
        events::{Line, Wanted},
    },
};
use std::collections::BTreeMap;

/// Lines read at a time.
const BATCH: i64 = 200;
/// Writers number their lines before they commit: a line may appear behind one that is numbered later, for as long as a
/// transaction takes. So far back a reader looks again, in microseconds.
const OVERLAP: i64 = 5_000_000;

/// A request's story, for whoever may see the request.
pub async fn of_request(app: &App, caller: &Caller, id: Id<Request>) -> Result<Vec<Line>> {
    requests::show(app, caller, id).await?;
    let wanted = Wanted { request_id: Some(id), ..Wanted::default() };
    Ok(events::list(&app.store, &wanted, BATCH).await?)
}

/// The number of the last line.
pub async fn last_seq(app: &App) -> Result<i64> {
    Ok(events::last_seq(&app.store).await?)
}

/// Reads on from a line, each line once, in order as far as it was committed.
pub struct Reader {
    wanted: Wanted,
    confined: Option<Vec<Id<Loop>>>,
    floor: i64,
    seen: BTreeMap<i64, Timestamp>,
}

impl Reader {
    /// From after that line on; `confined` to the events of these loops.
    pub fn new(wanted: Wanted, after: i64, confined: Option<Vec<Id<Loop>>>) -> Self {
        Self { wanted, confined, floor: after, seen: BTreeMap::new() }
    }

    /// The lines that have come since; none where none has.
    pub async fn next(&mut self, app: &App) -> Result<Vec<Line>> {
        loop {
            let wanted = Wanted { after: Some(self.floor), ..self.wanted.clone() };
            let limit = BATCH + i64::try_from(self.seen.len()).unwrap_or(0);
            let mut lines = events::list(&app.store, &wanted, limit).await?;
            lines.retain(|line| !self.seen.contains_key(&line.seq));
            if lines.is_empty() {
                return Ok(lines);
            }
            self.seen.extend(lines.iter().map(|line| (line.seq, line.at)));
            self.settle(app.now());
            lines.retain(|line| line.name.is_public() || self.wanted.request_id.is_some());
            if let Some(loops) = &self.confined {
                lines.retain(|line| line.loop_id.is_some_and(|id| loops.contains(&id)));
            }
            if !lines.is_empty() {
                return Ok(lines);
            }
        }
    }

    /// Nothing can appear any more behind lines that are old enough.
    fn settle(&mut self, now: Timestamp) {
        while let Some((seq, at)) = self.seen.first_key_value().map(|(seq, at)| (*seq, *at)) {
            if now.micros_since(at) < OVERLAP {
                return;
            }
            self.floor = seq;
            self.seen.remove(&seq);
        }
    }
}

/// A page of the audit log, for the server's owner; for others it is not there.
pub async fn audit(app: &App, who: Id<Account>, query: &Query) -> Result<Vec<Line>> {
    let account = accounts::find(&app.store, who).await?;
    if account.is_none_or(|account| account.role != Role::Owner) {
        return Err(Error::Missing("Not found"));
    }
    let (wanted, limit) = parse(query)?;
    Ok(events::list(&app.store, &wanted, limit).await?)
}

/// A page of the audit log, for the operator.
pub async fn all(app: &App, wanted: &Wanted, limit: i64) -> Result<Vec<Line>> {
    Ok(events::list(&app.store, wanted, limit).await?)
}

/// The filters of the audit log.
fn parse(query: &Query) -> Result<(Wanted, i64)> {
    const LIMIT: &str = "limit must be between 1 and 1000";
    let limit = query.value("limit").map_or(Ok(100), |text| text.parse().map_err(|_| Invalid::failed(LIMIT)))?;
    if !(1..=1000).contains(&limit) {
        return Err(Invalid::failed(LIMIT).into());
    }
    let name = |text: &str| EventName::named(text).ok_or_else(|| Invalid::failed("event is unknown"));
    let wanted = Wanted {
        account_id: id(query, "account_id")?,
        request_id: id(query, "request_id")?,
        loop_id: id(query, "loop_id")?,
        name: query.value("event").map(name).transpose()?,
        after: query
            .value("after")
            .map(|text| text.parse().map_err(|_| Invalid::failed("after must be a number")))
            .transpose()?,
        since: time(query, "since")?,
        until: time(query, "until")?,
    };
    Ok((wanted, limit))
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
