//! The audit log, for the server's owners: what anybody did, narrowed, one line with all of it, and all lines as a file.

use super::{
    audit::exported,
    extract::{Captured, Form},
    page_audit_words::{Known, Part, Sentence, group},
    page_context::Tree,
    page_forms::Filled,
    page_places::link,
    page_shell::{Section, Shell},
    page_signed_in::{Owner, SignedIn},
    page_times::{Moment, start_of_day},
    pages::{PageError, again, shown},
};
use crate::{
    app::App,
    domain::{EventName, Invalid, Loop, Timestamp, request_filters::Query, words::Word},
    service::{Error, Result, audit as audit_log, audit::Log, loops},
    store::events::Line,
};
use askama::Template;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

type Page = std::result::Result<Response, PageError>;

/// A line in the list.
struct Row {
    seq: i64,
    name: &'static str,
    at: String,
    age: Moment,
    told: Sentence,
}

impl Row {
    fn new(line: &Line, known: &Known, now: Timestamp) -> Self {
        Self {
            seq: line.seq,
            name: line.name.as_str(),
            at: exact(line.at),
            age: Moment::age(line.at, now),
            told: known.sentence(line),
        }
    }
}

/// `2024-03-15 10:30:00 UTC`.
fn exact(at: Timestamp) -> String {
    at.to_string().replace('T', " ").replace('Z', " UTC")
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    form: Filled,
    rows: Vec<Row>,
    loops: Vec<Loop>,
    is_filtered: bool,
    export: String,
    newer: Option<String>,
    older: Option<String>,
}

impl AuditPage {
    /// The kinds of events, each with its names.
    fn groups() -> Vec<(&'static str, &'static str, Vec<EventName>)> {
        let of = |kind: &str| EventName::ALL.iter().copied().filter(|name| group(*name) == kind).collect();
        let kinds = [
            ("request", "Requests"),
            ("loop", "Loops"),
            ("api_key", "Keys"),
            ("webhook", "Webhooks"),
            ("account", "Accounts"),
        ];
        kinds.into_iter().map(|(kind, label)| (kind, label, of(kind))).collect()
    }
}

impl AuditPage {
    /// Whether that is the id of a loop which is not there to choose, such as one that was deleted.
    fn is_gone(&self, id: &str) -> bool {
        !id.is_empty() && self.loops.iter().all(|it| it.id.to_string() != id)
    }
}

/// What the log can be narrowed by.
const FILTERS: [&str; 7] = ["event", "who", "loop_id", "request_id", "account_id", "from", "to"];

/// A page of it, the newest first.
pub async fn list(Owner(who): Owner, State(app): State<App>, query: Query) -> Page {
    let found = match wanted(&app, &query).await {
        Ok(wanted) => audit_log::page(&app, who.id(), &wanted).await,
        Err(error) => Err(error),
    };
    let mut form = Form(query.clone());
    form.0.0.retain(|(name, _)| FILTERS.contains(&name.as_str())); // what is wrong elsewhere stands above the form
    Ok(match found {
        Ok(log) => shown(&audit_page(&app, &who, &query, Filled::sent(form), log).await?),
        Err(error @ Error::Invalid(_)) => {
            let form = Filled::refused(form, &error);
            again(&error, &audit_page(&app, &who, &query, form, Log::default()).await?)
        }
        Err(error) => return Err(error.into()),
    })
}

async fn audit_page(app: &App, who: &SignedIn, query: &Query, form: Filled, log: Log) -> Result<AuditPage> {
    let known = known(app, who, &log.lines).await?;
    let edge = |line: Option<&Line>| line.map(|line| line.seq.to_string()).unwrap_or_default();
    let (first, last) = (edge(log.lines.first()), edge(log.lines.last()));
    let kept = [&FILTERS[..], &["limit"]].concat();
    Ok(AuditPage {
        shell: who.shell(Section::Audit),
        form,
        rows: log.lines.iter().map(|line| Row::new(line, &known, app.now())).collect(),
        loops: loops::list_all(app).await?,
        is_filtered: FILTERS.iter().any(|name| query.value(name).is_some()),
        export: link("/audit/export", query, &kept, None),
        newer: log.has_newer.then(|| link("/audit", query, &kept, Some(("after", &first)))),
        older: log.has_older.then(|| link("/audit", query, &kept, Some(("before", &last)))),
    })
}

/// The filters of the page as those of the log itself: days become instants, and whoever is meant an id.
async fn wanted(app: &App, query: &Query) -> Result<Query> {
    let mut wanted = Vec::new();
    for name in ["event", "loop_id", "request_id", "account_id", "before", "after", "limit"] {
        wanted.extend(query.value(name).map(|value| (name, value.to_owned())));
    }
    if let Some(who) = query.value("who") {
        wanted.push(("actor_id", audit_log::actor(app, who).await?));
    }
    for (field, name, days_later) in [("from", "since", 0), ("to", "until", 1)] {
        if let Some(text) = query.value(field) {
            let wrong = || Invalid::failed(format!("{field} must be a date such as 2030-01-31"));
            let start = start_of_day(text, days_later).ok_or_else(wrong)?;
            wanted.push((name, start.to_string()));
        }
    }
    Ok(Query(wanted.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

async fn known(app: &App, who: &SignedIn, lines: &[Line]) -> Result<Known> {
    let (people, keys) = audit_log::names(app, lines).await?;
    let own = loops::list(app, &who.who, false).await?.into_iter().map(|it| it.it.id).collect();
    Ok(Known { reader: who.id(), people, keys, own })
}

#[derive(Template)]
#[template(path = "audit_event.html")]
struct EventPage {
    shell: Shell,
    line: Line,
    row: Row,
    about: Vec<(&'static str, Part)>,
}

/// One line with all of it.
pub async fn show(Owner(who): Owner, State(app): State<App>, Captured(seq): Captured) -> Page {
    let seq = seq.parse().map_err(|_| Error::Missing("There is no such page, or it is not for you."))?;
    let line = audit_log::line(&app, who.id(), seq).await?;
    let known = known(&app, &who, std::slice::from_ref(&line)).await?;
    let row = Row::new(&line, &known, app.now());
    Ok(shown(&EventPage { shell: who.shell(Section::Audit), about: about(&line), row, line }))
}

/// What a line is about, with all there is of it in the log.
fn about(line: &Line) -> Vec<(&'static str, Part)> {
    let part = |field: &str, id: String| Part { href: format!("/audit?{field}={id}"), text: id };
    let mut about = vec![("Account", part("account_id", line.account_id.to_string()))];
    about.extend(line.loop_id.map(|id| ("Loop", part("loop_id", id.to_string()))));
    about.extend(line.request_id.map(|id| ("Request", part("request_id", id.to_string()))));
    about.extend(line.actor_id.clone().map(|id| ("Who", part("who", id))));
    about
}

/// All lines that are wanted, one JSON object a line, in the order in which they happened.
pub async fn export(Owner(who): Owner, State(app): State<App>, query: Query) -> Page {
    let mut wanted = wanted(&app, &query).await?;
    wanted.0.retain(|(name, _)| !["before", "after", "limit"].contains(&name.as_str()));
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, exported(app, who.who, wanted).await?).into_response())
}
