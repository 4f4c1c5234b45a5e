//! The inbox: what waits in one's loops, what one has claimed, what one has answered (contract 8.7, 16.1).

use super::{
    page_places::around,
    page_shell::{Section, Shell},
    page_signed_in::SignedIn,
    page_times::Moment,
    pages::{PageError, shown},
};
use crate::{
    app::App,
    domain::{Loop, Priority, Request, Status, Timestamp, request_filters::Query, response::ResponseType, words::Word},
    service::{
        inbox::{self, Counts, Inbox, MOST_COUNTED, Tab},
        notification_settings,
    },
};
use askama::Template;
use axum::{extract::State, response::Response};
use url::form_urlencoded::Serializer;

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxPage {
    shell: Shell,
    tab: Tab,
    parts: Vec<Part>,
    to_do: i64,
    /// Whether the icon of the app shows how many wait.
    badged: bool,
    cards: Vec<Card>,
    loops: Vec<Loop>,
    query: Query,
    earlier: Option<String>,
    later: Option<String>,
}

/// One of the inbox's parts, as a tab.
struct Part {
    label: &'static str,
    count: i64,
    /// Whether there may be more.
    or_more: bool,
    href: String,
    is_shown: bool,
}

/// A request in a list.
pub struct Card {
    pub(super) id: String,
    pub(super) line: String,
    pub(super) loop_name: String,
    pub(super) priority: Priority,
    pub(super) kind: ResponseType,
    pub(super) status: &'static str,
    pub(super) age: Moment,
    pub(super) left: Option<Moment>,
    pub(super) answer: Option<String>,
    pub(super) default: Option<String>,
    pub(super) feedback: Option<String>,
}

impl Card {
    /// As reviewers see it: the age since it was asked or, once answered, since then; the time until it or one's claim ends.
    pub fn new(request: &Request, now: Timestamp) -> Self {
        let ends = request.claim_expires_at.map_or(request.timeout_at, |claim| claim.min(request.timeout_at));
        Self {
            id: request.id.to_string(),
            line: request.first_line(),
            loop_name: request.loop_name.clone(),
            priority: request.content.priority,
            kind: request.content.response_type,
            status: request.status.as_str(),
            age: Moment::age(request.response_at.unwrap_or(request.created_at), now),
            left: (!request.status.is_final()).then(|| Moment::left(ends, now)),
            answer: request.answer_line(),
            default: (request.status == Status::Timeout).then(|| request.default_line()).flatten(),
            feedback: request.feedback_line(),
        }
    }

    /// What kind of answer is wanted, in words.
    pub fn wanted(&self) -> &'static str {
        match self.kind {
            ResponseType::Text => "Text",
            ResponseType::SingleSelect => "One of several",
            ResponseType::MultiSelect => "Any of several",
            ResponseType::Rating => "Rating",
            ResponseType::Number => "Number",
            ResponseType::Boolean => "Yes or no",
        }
    }
}

impl InboxPage {
    fn chosen(&self, name: &str, value: &str) -> bool {
        self.query.value(name) == Some(value)
    }

    /// Whether one's programs ask: then one may make loops.
    fn may_make_loops(&self) -> bool {
        self.shell.who.as_ref().is_some_and(|who| who.asks)
    }

    /// Whether there is anything to be narrowed.
    fn can_filter(&self) -> bool {
        self.loops.len() > 1 || self.is_filtered() || self.parts.iter().any(|part| part.count > 0)
    }

    fn is_filtered(&self) -> bool {
        self.query.value("loop_id").or(self.query.value("priority")).is_some()
    }
}

/// The most urgent first.
fn priorities() -> impl Iterator<Item = &'static Priority> {
    Priority::ALL.iter().rev()
}

/// One part of the inbox.
pub async fn show(who: SignedIn, State(app): State<App>, query: Query) -> Result<Response, PageError> {
    let found = inbox::show(&app, who.id(), &query).await?;
    let (loops, badged) =
        tokio::try_join!(inbox::joined(&app, who.id()), notification_settings::is_badged(&app, who.id()))?;
    let tab = found.tab;
    let (earlier, later) = around(found.page, found.total(), |offset| link(&query, tab, offset));
    Ok(shown(&InboxPage {
        shell: who.shell(Section::Inbox),
        tab,
        parts: parts(&found, &query),
        to_do: found.counts.active,
        badged,
        cards: found.requests.iter().map(|request| Card::new(request, app.now())).collect(),
        loops,
        earlier,
        later,
        query,
    }))
}

fn parts(found: &Inbox, query: &Query) -> Vec<Part> {
    let Counts { active, mine, completed } = found.counts;
    let parts = [(Tab::Active, "To do", active), (Tab::Mine, "Mine", mine), (Tab::Completed, "Done", completed)];
    let part = |(tab, label, count): (Tab, _, i64)| {
        let or_more = tab == Tab::Completed && count >= MOST_COUNTED;
        let count = if or_more { MOST_COUNTED } else { count };
        Part { label, count, or_more, href: link(query, tab, 0), is_shown: tab == found.tab }
    };
    parts.into_iter().map(part).collect()
}

/// A place in a part of the inbox; the filters stay.
fn link(query: &Query, tab: Tab, offset: i64) -> String {
    let mut link = Serializer::new(String::new());
    link.append_pair("tab", tab.as_str());
    for name in ["loop_id", "priority", "limit"] {
        if let Some(value) = query.value(name) {
            link.append_pair(name, value);
        }
    }
    if offset > 0 {
        link.append_pair("offset", &offset.to_string());
    }
    format!("/inbox?{}", link.finish())
}
